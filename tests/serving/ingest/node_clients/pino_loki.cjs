// Sends each text of the arguments by Loki push in JSON. Arguments: URL, form, trace id, texts.
const pino = require('pino')
const [url, , trace, ...texts] = process.argv.slice(2)

const transport = pino.transport({
  target: 'pino-loki',
  options: {
    host: url,
    labels: { service_name: 'checkout' },
    propsToLabels: ['trace_id'],
    batching: { interval: 1 },
    basicAuth: { username: 'any', password: 'key' }
  }
})
const logger = pino({ level: 'debug' }, transport)
const levels = ['debug', 'info', 'warn', 'error']
texts.forEach((text, place) => logger[levels[place]]({ trace_id: trace }, text))
transport.on('close', () => process.exit(0))
transport.end()
