// Sends each text of the arguments by Loki push. Arguments: URL, form (protobuf or json), trace id, texts.
const winston = require('winston')
const LokiTransport = require('winston-loki')
const [url, form, trace, ...texts] = process.argv.slice(2)

const transport = new LokiTransport({
  host: url,
  json: form === 'json',
  interval: 1,
  labels: { app: 'checkout' },
  format: winston.format.printf((info) => info.message),
  onConnectionError: (error) => console.error(error)
})
const logger = winston.createLogger({ level: 'debug', transports: [transport] })
const levels = ['debug', 'info', 'warn', 'error']
texts.forEach((text, place) =>
  logger.log({ level: levels[place], message: text, labels: { trace_id: trace } }))
setImmediate(() => transport.flush().then(() => process.exit(0)))
