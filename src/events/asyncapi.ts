import { CLUSTER_EVENTS, EVENT_CATALOGUE, isStored } from './catalogue.js';

/** A JSON Schema as in its file. */
export type SchemaDocument = Readonly<Record<string, unknown>>;

/**
 * Generates the AsyncAPI 3 document of everything on NATS: one channel for each event, and MI as request-reply.
 * `schemas`: the schemas of the events in the catalogue by file name. Throws when one is missing.
 */
export function asyncApiDocument(
  schemas: ReadonlyMap<string, SchemaDocument>,
  options: { readonly version: string; readonly prefix?: string },
): Record<string, unknown> {
  const prefix = options.prefix ?? 'opensips';
  const channels: Record<string, unknown> = {};
  const operations: Record<string, unknown> = {};
  const messages: Record<string, unknown> = {};
  for (const { name, summary, schema } of [...EVENT_CATALOGUE, ...CLUSTER_EVENTS]) {
    const payload = schemas.get(schema);
    if (payload === undefined) throw new Error(`there is no schema ${schema} for the event ${name}`);
    channels[name] = {
      address: `${prefix}.${name}.${isStored(name) ? '{partition}.{group}' : '{cluster}.{name}'}`,
      description: 'Characters other than letters, digits, "-" and "_" are written "=XX", their bytes in hexadecimal.',
      messages: { [name]: ref('messages', name) },
      parameters: isStored(name)
        ? {
            partition: { description: 'Partition of the destination.' },
            group: { description: 'Set of the destination.' },
          }
        : { cluster: { description: 'Name of the cluster.' }, name: { description: 'The node, or the sharing tag.' } },
    };
    operations[`raise_${name}`] = {
      action: 'send',
      channel: { $ref: `#/channels/${name}` },
      summary,
      messages: [{ $ref: `#/channels/${name}/messages/${name}` }],
    };
    messages[name] = {
      name,
      summary,
      contentType: 'application/json',
      headers: {
        type: 'object',
        properties: {
          'Nats-Msg-Id': { type: 'string', description: 'The id of the event; the same on a repetition.' },
        },
      },
      payload: inlined(payload),
    };
  }
  channels['mi'] = {
    address: `${prefix}.mi`,
    description: `Management interface; "${prefix}.mi.<node>" reaches one node. Registered as the NATS service "switchyard".`,
    messages: { miRequest: ref('messages', 'miRequest') },
  };
  // null, since the address of an answer comes with its request.
  channels['miReply'] = { address: null, messages: { miAnswer: ref('messages', 'miAnswer') } };
  operations['answer_mi'] = {
    action: 'receive',
    channel: { $ref: '#/channels/mi' },
    summary: 'runs an MI command',
    messages: [{ $ref: '#/channels/mi/messages/miRequest' }],
    reply: {
      address: { location: '$message.header#/reply', description: 'The reply subject of the NATS request.' },
      channel: { $ref: '#/channels/miReply' },
      messages: [{ $ref: '#/channels/miReply/messages/miAnswer' }],
    },
  };
  messages['miRequest'] = {
    contentType: 'application/json',
    payload: {
      type: 'object',
      required: ['jsonrpc', 'method'],
      properties: {
        jsonrpc: { const: '2.0' },
        method: { type: 'string' },
        params: { type: ['object', 'array'] },
        id: { type: ['string', 'integer', 'null'] },
      },
    },
  };
  messages['miAnswer'] = {
    contentType: 'application/json',
    payload: {
      type: 'object',
      required: ['jsonrpc', 'id'],
      properties: {
        jsonrpc: { const: '2.0' },
        result: {},
        error: { type: 'object', properties: { code: { type: 'integer' }, message: { type: 'string' } } },
        id: { type: ['string', 'integer', 'null'] },
      },
    },
  };
  const record = schemas.get('call-record.schema.json');
  if (record === undefined) throw new Error('there is no schema of call records');
  channels['calls'] = {
    address: `${prefix}.calls.{partition}`,
    description: 'Call records; published where calls.nats is true.',
    messages: { callRecord: ref('messages', 'callRecord') },
    parameters: { partition: { description: 'Partition that was asked; "=" for none.' } },
  };
  operations['publish_call'] = {
    action: 'send',
    channel: { $ref: '#/channels/calls' },
    summary: 'a call, or another request that was dispatched, has ended',
    messages: [{ $ref: '#/channels/calls/messages/callRecord' }],
  };
  messages['callRecord'] = { contentType: 'application/json', payload: inlined(record) };
  channels['weight'] = {
    address: `${prefix}.weight`,
    description: 'Weights of destinations at run time; listened to where events.nats.weights is true.',
    messages: { weight: ref('messages', 'weight') },
  };
  operations['take_weight'] = {
    action: 'receive',
    channel: { $ref: '#/channels/weight' },
    summary: 'sets the weight of a destination until the next message or an edit of its row',
    messages: [{ $ref: '#/channels/weight/messages/weight' }],
  };
  messages['weight'] = { contentType: 'application/json', payload: WEIGHT_PAYLOAD };
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'switchyard',
      version: options.version,
      description: 'What a SIP dispatcher publishes and answers over NATS.',
    },
    servers: { nats: { host: '127.0.0.1:4222', protocol: 'nats' } },
    defaultContentType: 'application/json',
    channels,
    operations,
    components: { messages },
  };
}

/** A weight, or a load from which it is computed. */
const WEIGHT_PAYLOAD = {
  type: 'object',
  required: ['set', 'address'],
  properties: {
    partition: { type: 'string', description: 'Default: the default partition.' },
    set: { type: 'integer' },
    address: { type: 'string', description: 'SIP URI as in the table.' },
    weight: {
      type: ['integer', 'null'],
      minimum: 0,
      maximum: 2147483647,
      description: 'null: the weight of the row applies again.',
    },
    sessions: { type: 'number', minimum: 0 },
    max_sessions: { type: 'number', exclusiveMinimum: 0 },
    idle_cpu: { type: 'number', minimum: 0, description: 'Percent.' },
  },
  anyOf: [{ required: ['weight'] }, { required: ['sessions', 'max_sessions', 'idle_cpu'] }],
};

/** A schema file as the payload of a message. */
function inlined({ $schema: _dialect, $id: _id, ...schema }: SchemaDocument): object {
  return { schemaFormat: 'application/schema+json;version=draft-2020-12', schema };
}

function ref(kind: string, name: string): { $ref: string } {
  return { $ref: `#/components/${kind}/${name}` };
}
