// Sends each text of the arguments by OTLP, one level higher each time. Arguments: URL, form, trace id, texts.
const pino = require('pino')
const [url, form, trace, ...texts] = process.argv.slice(2)

const protocol = form === 'json' ? 'http' : 'http/protobuf'
const options = form === 'json' ? 'httpExporterOptions' : 'protobufExporterOptions'
const transport = pino.transport({
  target: 'pino-opentelemetry-transport',
  options: {
    loggerName: 'shop.node',
    resourceAttributes: { 'service.name': 'checkout', 'host.name': 'h1' },
    logRecordProcessorOptions: {
      recordProcessorType: 'batch',
      exporterOptions: { protocol, [options]: { url: `${url}/v1/logs`, compression: 'gzip' } }
    }
  }
})
const logger = pino({ level: 'debug' }, transport)
const levels = ['debug', 'info', 'warn', 'error']
texts.forEach((text, place) =>
  logger[levels[place]]({ trace_id: trace, span_id: '00f067aa0ba902b7', trace_flags: '01' }, text))
transport.on('close', () => process.exit(0))
transport.end()
