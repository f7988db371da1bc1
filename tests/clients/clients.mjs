// What existing gRPC-Web clients do with the gateway, as they come from npm: for each client what it got. In Node by
// node.mjs, and in a browser.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { StringValueSchema } from '@bufbuild/protobuf/wkt'
import { ConnectError, Code } from '@connectrpc/connect'
import { createGrpcWebTransport } from '@connectrpc/connect-web'
import improbable from '@improbable-eng/grpc-web'
import grpcWeb from 'grpc-web'
import { createChannel, createClient, FetchTransport, WebsocketTransport, Metadata, ClientError } from 'nice-grpc-web'

let address = ''
const SERVICE = 'test.v1.EchoService'
const encode = (text) => toBinary(StringValueSchema, create(StringValueSchema, { value: text }))
const decode = (bytes) => fromBinary(StringValueSchema, bytes).value

// -- grpc-web, the official one, in both modes ---------------------------------------------------------------------

async function official(format) {
  const client = new grpcWeb.GrpcWebClientBase({ format })
  const method = (name, type) =>
    new grpcWeb.MethodDescriptor(`/${SERVICE}/${name}`, type, String, String, encode, decode)
  const call = (name, text, metadata = {}) =>
    client.unaryCall(`${address}/${SERVICE}/${name}`, text, metadata, method(name, 'unary'))
  const failed = await call('Fail', '').catch((error) => error)
  const got = {
    unary: await call('Echo', 'hällo', { 'x-one': '1' }),
    error: [failed.code, failed.message],
    deadline: await call('Never', '', { deadline: String(Date.now() + 300) }).then(() => 0, (error) => error.code),
    missing: await call('Nothing', '').then(() => 0, (error) => error.code),
  }
  // In binary mode it does not stream: the official client wants text for that.
  if (format === 'text') got.stream = await collect(client, method('Strings', 'server_streaming'))
  return got
}

function collect(client, method) {
  return new Promise((resolve, reject) => {
    const texts = []
    const stream = client.serverStreaming(`${address}/${SERVICE}/Strings`, '40', {}, method)
    stream.on('data', (text) => texts.push(text))
    stream.on('error', reject)
    stream.on('end', () => resolve(texts.join(' ')))
  })
}

// -- connect-web ---------------------------------------------------------------------------------------------------

function rpc(name, methodKind) {
  const parent = { kind: 'service', typeName: SERVICE, name: 'EchoService' }
  return { kind: 'rpc', name, localName: name, methodKind, parent, input: StringValueSchema, output: StringValueSchema,
    idempotency: 0, deprecated: false }
}

async function* one(text) {
  yield create(StringValueSchema, { value: text })
}

async function connect(transport) {
  const unary = async (name, text, timeout) => {
    const answer = await transport.unary(rpc(name, 'unary'), undefined, timeout, { 'x-one': '1' }, { value: text })
    return [answer.message.value, answer.header.get('x-first'), answer.trailer.get('x-last')]
  }
  const failed = await unary('Fail', '').catch((error) => error)
  const late = await unary('Never', '', 300).catch((error) => error)
  const stream = await transport.stream(rpc('Strings', 'server_streaming'), undefined, undefined, undefined, one('40'))
  const texts = []
  for await (const message of stream.message) texts.push(message.value)
  return {
    unary: await unary('Echo', 'hällo'),
    error: [failed.code, failed.rawMessage, failed instanceof ConnectError],
    deadline: late.code,
    missing: (await unary('Nothing', '').catch((error) => error)).code === Code.Unimplemented,
    stream: texts.join(' '),
  }
}

// -- nice-grpc-web -------------------------------------------------------------------------------------------------

async function nice() {
  const boxed = (message) => encode(message.value)
  const unboxed = (bytes) => ({ value: decode(bytes) })
  const method = (name, requestStream, responseStream) => ({
    path: `/${SERVICE}/${name}`, requestStream, responseStream, requestSerialize: boxed, requestDeserialize: unboxed,
    responseSerialize: boxed, responseDeserialize: unboxed, options: {},
  })
  const definition = {
    echo: method('Echo', false, false), fail: method('Fail', false, false), strings: method('Strings', false, true),
    both: method('Mirror', true, true),
  }
  const client = createClient(definition, createChannel(address, FetchTransport()))
  const sockets = createClient(definition, createChannel(address, WebsocketTransport()))
  let first = ''
  const metadata = Metadata({ 'x-one': '1' })
  const unary = await client.echo({ value: 'hällo' }, { metadata, onHeader: (header) => (first = header.get('x-first')) })
  const failed = await client.fail({ value: '' }).catch((error) => error)
  const texts = []
  for await (const text of client.strings({ value: '40' })) texts.push(text.value)
  const echoed = []
  async function* words() {
    yield { value: 'one' }
    yield { value: 'two' }
  }
  for await (const text of sockets.both(words())) echoed.push(text.value)
  return { unary: unary.value, first, error: [failed.code, failed.details, failed instanceof ClientError], stream: texts.join(' '),
    both: echoed }
}

// -- @improbable-eng/grpc-web, on a WebSocket ----------------------------------------------------------------------

function improbableSocket() {
  const { grpc } = improbable
  const method = {
    methodName: 'Mirror', requestStream: true, responseStream: true, service: { serviceName: SERVICE },
    requestType: Object, responseType: { deserializeBinary: decode },
  }
  return new Promise((resolve) => {
    const echoed = []
    const client = grpc.client(method, { host: address, transport: grpc.WebsocketTransport() })
    client.onMessage((text) => echoed.push(text))
    client.onEnd((code, message) => resolve({ code, message, both: echoed }))
    client.start(new grpc.Metadata({ 'x-one': '1' }))
    for (const word of ['one', 'two']) client.send({ serializeBinary: () => encode(word) })
    client.finishSend()
  })
}

/** What each client got at this address. */
export async function everything(at) {
  address = at
  return {
    official_binary: await official('binary'),
    official_text: await official('text'),
    connect_binary: await connect(createGrpcWebTransport({ baseUrl: address })),
    nice: await nice(),
    improbable: await improbableSocket(),
  }
}
