import { trimmed, trimStart } from '../core/characters.js';
import { parseAddress } from '../core/name-addr.js';
import { parseUri } from '../core/uri.js';
import type { MessageRun } from '../script/call.js';
import { nextHopOfOwn } from '../script/next-hop.js';
import { nameAddr, oneLine } from '../script/own-requests.js';
import { runLocal } from '../script/service-routes.js';
import type { Address } from '../sip/resolve.js';
import type { ClientUser } from '../sip/transaction/client.js';
import { type FunctionSpec, OPENSIPS, optional, param, textOf } from './define.js';

/** Replies to requests that a script sends are ignored. */
const NOBODY: ClientUser = { onReply: () => undefined, onFailure: () => undefined };

/** A From or To value. */
const header = (text: string): string => nameAddr(trimmed(oneLine(text)));

interface NewRequest {
  readonly method: string;
  readonly uri: string;
  readonly from: string;
  readonly to: string;
  /** "type/subtype body"; '' for no body. */
  readonly body: string;
}

/** Sends a new request, after the local route has handled it. */
function sendNew(run: MessageRun, { method, uri, from, to, body }: NewRequest): number {
  const { env } = run;
  // INVITE is refused, since its final reply would need an ACK.
  if (!/^[A-Z]{1,32}$/.test(method) || /^(?:INVITE|ACK|CANCEL)$/.test(method)) return -1;
  if (parseUri(uri) === undefined || parseUri(parseAddress(header(to)).uri) === undefined) return -1;
  const blank = body.search(/[ \t\r\n]/);
  const type = blank > 0 && body.slice(0, blank).includes('/') ? body.slice(0, blank) : '';
  const content = type === '' ? '' : trimStart(body.slice(blank));
  const callId = `${env.random.token(8)}@${run.source.socket.address}`;
  const lines = [
    `To: ${header(to)}`,
    `From: ${header(from)};tag=${env.random.token(8)}`,
    `CSeq: 10 ${method}`,
    `Call-ID: ${callId}`,
    'Max-Forwards: 70',
    ...(type === '' ? [] : [`Content-Type: ${type}`]),
    `Content-Length: ${content.length}`,
    env.userAgentLine,
  ];
  const draft = `${method} ${trimmed(oneLine(uri))} SIP/2.0\r\n${lines.join('\r\n')}\r\n\r\n${content}`;
  const { text, destination } = runLocal(env, draft, run.pvars);
  const target = parseUri(nextHopOfOwn(env, trimmed(oneLine(uri)), destination ?? uri));
  if (target === undefined) return -1;
  const send = (address: Address): void => {
    const socket = env.sockets.choose(address, run.call.sendSocket ?? run.source.socket);
    if (socket === undefined) return;
    const branch = env.layer.branches.make('n', callId);
    const at = text.indexOf('\r\n') + 2;
    const via = `Via: SIP/2.0/${socket.transport.toUpperCase()} ${socket.sentBy};branch=${branch.text}\r\n`;
    const hop = { socket, address: address.address, port: address.port, serverName: address.name };
    const whole = text.slice(0, at) + via + text.slice(at);
    env.layer.request(whole, false, branch, hop, NOBODY, undefined, env.tm.frTimeout);
  };
  const literal = env.resolver.literal(target);
  if (literal !== undefined) send(literal);
  else
    env.resolver.resolve(
      target,
      (result) => {
        const first = result instanceof Error ? undefined : result[0];
        if (first !== undefined) send(first);
      },
      run.source.address,
    );
  return 1;
}

/** Functions of tm that send a new request. */
export const newRequestFunctions: FunctionSpec[] = [
  {
    name: 't_new_request',
    dialects: OPENSIPS,
    parameters: [
      param('method', 'string'),
      param('request-URI', 'string'),
      param('from', 'string'),
      param('to', 'string'),
      optional('body', 'string'),
      optional('context', 'string'),
    ],
    summary: 'sends a new request; the body argument begins with its type',
    compile:
      ([method, uri, from, to, body]) =>
      (run) =>
        sendNew(run, {
          method: textOf(method, run).toUpperCase(),
          uri: textOf(uri, run),
          from: textOf(from, run),
          to: textOf(to, run),
          body: textOf(body, run),
        }),
  },
];
