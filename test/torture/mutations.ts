import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { parseUri } from '../../src/core/uri.js';
import { replyUpstream } from '../../src/proxy/forward.js';
import { parseMessage } from '../../src/sip/parse-message.js';
import { buildReply, viaEdit } from '../../src/sip/reply.js';
import { removeFirst, routeValues } from '../../src/sip/route-set.js';
import { StreamFraming } from '../../src/sip/transport/stream-framing.js';
import type { SipSocket } from '../../src/sip/transport/transport.js';
import { parseVia } from '../../src/sip/via.js';

const DATA = fileURLToPath(new URL('./data/', import.meta.url));

/** The torture messages, as latin1 text. */
export const CORPUS: readonly string[] = readdirSync(DATA)
  .filter((name) => !name.endsWith('.md'))
  .sort()
  .map((name) => {
    const text = readFileSync(`${DATA}${name}`, 'latin1');
    return name.endsWith('.rfc5118') ? text.replace(/\n/g, '\r\n') : text;
  });

/** Texts that parsers may handle wrongly. */
const PIECES = [
  ...[
    '\r\n',
    '\r\n\r\n',
    '\r',
    '\n',
    ' ',
    '\t',
    '\r\n ',
    ':',
    ';',
    ',',
    '=',
    '"',
    '\\',
    '<',
    '>',
    '@',
    '[',
    ']',
    '%',
    '\0',
    '\xff',
  ],
  ...[
    'SIP/2.0',
    'SIP/2.0/UDP ',
    'Via: ',
    'v:',
    'Content-Length: ',
    'l: 99999999999',
    'Route: <',
    'tag=',
    ';rport',
    ';received=',
  ],
  ...['Max-Forwards: ', 'CSeq: ', '-1', '4294967296', 'sip:', 'z9hG4bK', 'ACK ', 'INVITE ', 'To: ', 'From: ', 'i: '],
];

type Mutation = readonly [kind: number, at: number, length: number, piece: number];

/** A torture message with some of its octets removed, duplicated, replaced or moved. */
export const mutated: fc.Arbitrary<string> = fc
  .tuple(
    fc.nat(CORPUS.length - 1),
    fc.array(fc.tuple(fc.nat(4), fc.nat(4000), fc.nat(40), fc.nat(PIECES.length - 1)), { maxLength: 12 }),
  )
  .map(([file, mutations]) => mutations.reduce(mutate, CORPUS[file] as string));

function mutate(text: string, [kind, position, length, piece]: Mutation): string {
  const at = text.length === 0 ? 0 : position % text.length;
  const end = Math.min(text.length, at + length);
  switch (kind) {
    case 0:
      return text.slice(0, at) + text.slice(end);
    case 1:
      return text.slice(0, end) + text.slice(at);
    case 2:
      return text.slice(0, at) + PIECES[piece] + text.slice(at);
    case 3:
      return text.slice(0, at) + PIECES[piece] + text.slice(end);
    default:
      return text.slice(end) + text.slice(0, at);
  }
}

/**
 * Everything the daemon does with octets before it knows whether they are valid. Throws when a parser does, or when its
 * result is impossible.
 */
export function exercise(text: string): void {
  const message = parseMessage(text);
  if (message !== undefined) {
    const spans: (readonly [number, number])[] = [
      [message.headersStart, message.headersEnd],
      [message.headersEnd, message.bodyStart],
      [message.bodyStart, message.bodyEnd],
      [message.bodyEnd, text.length],
    ];
    for (const [start, end] of spans) {
      if (!(start >= 0 && start <= end && end <= text.length))
        throw new Error(`span ${start}-${end} of ${text.length}`);
    }
    for (const name of ['via', 'route', 'contact', 'x-none', undefined] as const) {
      for (const field of message.fields(name)) {
        if (!(field.line < field.nameEnd && field.nameEnd < field.value && field.value <= field.end)) {
          throw new Error(`field at ${field.line}`);
        }
      }
    }
    const source = { socket: {} as SipSocket, address: '192.0.2.1', port: 5060, flow: undefined };
    const tags = message.fromTag + message.toTag + message.callId + message.reason + message.maxForwards;
    if (tags.length > 2 * text.length + 20) throw new Error('tags longer than the message');
    if (message.isRequest) {
      const reply = buildReply(message, source, 400, 'Bad Request', 'tag');
      const edit = viaEdit(message, source);
      if (edit !== undefined && edit.start > edit.end) throw new Error('an edit that ends before it starts');
      const read = parseMessage(reply);
      if (message.defect === undefined && read?.defect !== undefined) throw new Error(`our reply: ${read.defect}`);
    } else if (message.defect === undefined && message.via !== undefined) replyUpstream(message);
    const routes = routeValues(message, 'route');
    for (let count = 0; count <= routes.length; count++) removeFirst(routes, count);
    parseUri(message.requestUri);
  }
  parseVia(text, 0, text.length);
  parseUri(text.slice(0, 200));
  new StreamFraming().push(text);
}
