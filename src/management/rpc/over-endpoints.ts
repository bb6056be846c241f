import type { Caller } from '../../access/caller.js';
import type { HttpAnswers } from '../endpoints/http.js';
import type { DatagramProtocol, FifoProtocol, StreamProtocol } from '../endpoints/protocol.js';
import { parseFirstJson } from '../mi/json-scanner.js';
import { readPacket } from './binrpc-decode.js';
import { encodeFault } from './binrpc-encode.js';
import { JsonStream, type StreamItem } from './json-stream.js';
import { renderJsonError } from './json-text.js';
import type { RpcService } from './service.js';

/** Allowed names of reply FIFOs: only those in the reply folder. */
const REPLY_NAME = /^[^/.\x00-\x20\x7f][^/\x00-\x20\x7f]{0,127}$/;

/** A parsed request of the JSON FIFO. */
type JsonItem =
  | { readonly kind: 'request'; readonly value: Readonly<Record<string, unknown>>; readonly reply: string }
  | { readonly kind: 'refused'; readonly reason: string; readonly message: string };

/**
 * Kamailio's JSON-RPC over a FIFO, which kamctl uses: JSON objects with a member "reply_name", the FIFO in the reply
 * folder that the client has created. Without it the request runs but is not answered (recorded).
 */
export function rpcOverFifo(service: RpcService, partition: string | undefined): FifoProtocol<JsonItem> {
  return {
    framing() {
      const stream = new JsonStream();
      return {
        get waiting() {
          return stream.waiting;
        },
        push: (chunk) => stream.push(chunk).map(parsed),
        expire: () => stream.expire().map(parsed),
      };
    },
    sender: (item) => (item.kind === 'request' ? item.reply : ''),
    refuse: (reason, message) => service.refuse('jsonrpc-fifo', reason, message),
    async answer(item, caller) {
      if (item.kind === 'request') {
        const pieces = await service.answerJsonValue(item.value, { partition, caller });
        return { reply: item.reply, pieces };
      }
      service.refuse('jsonrpc-fifo', item.reason, item.message);
      return { reply: '', pieces: undefined };
    },
  };
}

function parsed(item: StreamItem): JsonItem {
  if (item.kind === 'refused') return item;
  const value = parseFirstJson(item.text)?.value as Readonly<Record<string, unknown>> | undefined;
  if (value === undefined) {
    const message = `a request is not JSON: ${JSON.stringify(item.text.slice(0, 80))}`;
    return { kind: 'refused', reason: 'malformed', message };
  }
  const reply = value['reply_name'];
  if (reply === undefined || reply === null || reply === '') return { kind: 'request', value, reply: '' };
  if (typeof reply === 'string' && REPLY_NAME.test(reply)) return { kind: 'request', value, reply };
  const shown = JSON.stringify(reply)?.slice(0, 80);
  const message = `the reply FIFO ${shown} is not a plain name; the request is not run`;
  return { kind: 'refused', reason: 'reply-name', message };
}

/** Kamailio's JSON-RPC over datagrams. */
export function rpcOverDatagrams(service: RpcService, partition: string | undefined): DatagramProtocol {
  const refuse = (reason: string, message: string) => service.refuse('jsonrpc-datagram', reason, message);
  return {
    what: 'JSON-RPC socket',
    refuse,
    async answer(bytes, caller, limit) {
      const pieces = await service.answerJson(bytes.toString(), { partition, caller });
      if (pieces === undefined) return undefined;
      const answer = Buffer.from(pieces.join(''), 'utf8');
      if (answer.length <= limit) return answer;
      return Buffer.from(renderJsonError(500, tooLong(refuse, answer.length), undefined));
    },
  };
}

/** BINRPC over datagrams, for ctl sockets of kind "unixd" and "udp". */
export function binrpcOverDatagrams(service: RpcService, partition: string | undefined): DatagramProtocol {
  const refuse = (reason: string, message: string) => service.refuse('ctl', reason, message);
  return {
    what: 'ctl socket',
    refuse,
    async answer(bytes, caller, limit) {
      const read = readPacket(bytes);
      const packet = read.kind === 'more' ? ({ kind: 'bad', reason: 'it is not whole', cookie: 0 } as const) : read;
      const answer = (await service.answerPacket(packet, { partition, caller })).bytes;
      return answer.length <= limit ? answer : encodeFault(packet.cookie, 500, tooLong(refuse, answer.length));
    },
  };
}

/** BINRPC over a stream, for kamcmd. */
export function binrpcOverStreams(service: RpcService, partition: string | undefined): StreamProtocol {
  return {
    what: 'ctl socket',
    refuse: (reason, message) => service.refuse('ctl', reason, message),
    answer(held, caller: Caller) {
      const packet = readPacket(held);
      if (packet.kind === 'more') return undefined;
      const used = packet.kind === 'packet' ? packet.size : held.length;
      return service.answerPacket(packet, { partition, caller }).then((answer) => ({ ...answer, used }));
    },
  };
}

/** Kamailio's JSON-RPC over HTTP. */
export function rpcOverHttp(service: RpcService, partition: string | undefined): HttpAnswers {
  return {
    answer: async (body, caller) => {
      const text = typeof body === 'string' ? body : Buffer.from(body).toString();
      return (await service.answerJson(text, { partition, caller })) ?? [PARSE_ERROR];
    },
    refuse: (_endpoint, reason, message) => service.refuse('jsonrpc-http', reason, message),
  };
}

const PARSE_ERROR = '{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}';

function tooLong(refuse: (reason: string, message: string) => void, length: number): string {
  refuse('answer-too-long', `the answer of ${length} bytes does not fit into a datagram`);
  return `The answer of ${length} bytes does not fit into a datagram: ask over a stream`;
}
