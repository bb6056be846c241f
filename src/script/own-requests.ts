import { parseUri } from '../core/uri.js';
import type { SipMessage } from '../sip/message.js';
import type { Address } from '../sip/resolve.js';
import type { ClientTransaction, ClientUser } from '../sip/transaction/client.js';
import type { CfgScope } from './call.js';
import type { ScriptEnvironment } from './environment.js';
import { nextHopOfOwn } from './next-hop.js';
import { runLocal } from './service-routes.js';

/** A request that a script sends by itself. */
export interface ScriptRequest {
  readonly method: string;
  readonly uri: string;
  /** URI it is sent to; undefined: the request-URI. */
  readonly nextHop: string | undefined;
  readonly from: string;
  readonly to: string;
  readonly callId: string;
  readonly cseq: number;
  /** Header lines, each with its line break. */
  readonly lines: string;
  readonly body: string;
  /** Description of the socket to send from; undefined: chosen. */
  readonly socket: string | undefined;
}

/** The text on one line: a line break in a value would begin another header field. */
export function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ');
}

/** A URI in angle brackets, unless the text has some already. */
export function nameAddr(text: string): string {
  return text.includes('<') ? text : `<${text}>`;
}

/**
 * Sends a request of a script in the form of Kamailio's own requests: To, From, CSeq, Call-ID, Max-Forwards,
 * Content-Length. False when it cannot be sent. `done` gets the final status: 408 when no reply came, 478 when the name
 * cannot be resolved. `sender`: see runLocal().
 */
export function sendOwn(
  env: ScriptEnvironment,
  request: ScriptRequest,
  done: (code: number, reply: SipMessage | undefined) => void,
  sender?: CfgScope,
): boolean {
  const uri = parseUri(nextHopOfOwn(env, oneLine(request.uri), request.nextHop ?? request.uri));
  if (uri === undefined) return false;
  const literal = env.resolver.literal(uri);
  if (literal !== undefined) return sendTo(env, request, literal, done, sender);
  env.resolver.resolve(uri, (result) => {
    const first = result instanceof Error ? undefined : result[0];
    // 478 is what tm answers when it cannot send.
    if (first === undefined || !sendTo(env, request, first, done, sender)) done(478, undefined);
  });
  return true;
}

function sendTo(
  env: ScriptEnvironment,
  request: ScriptRequest,
  address: Address,
  done: (code: number, reply: SipMessage | undefined) => void,
  sender: CfgScope | undefined,
): boolean {
  const socket = env.sockets.choose(address, request.socket === undefined ? undefined : env.socket(request.socket));
  if (socket === undefined) return false;
  const branch = env.layer.branches.make('u', request.callId);
  const lines = request.lines === '' || request.lines.endsWith('\r\n') ? request.lines : `${request.lines}\r\n`;
  const text = [
    `${oneLine(request.method)} ${oneLine(request.uri)} SIP/2.0\r\n`,
    `Via: SIP/2.0/${socket.transport.toUpperCase()} ${socket.sentBy};branch=${branch.text}\r\n`,
    `To: ${nameAddr(oneLine(request.to))}\r\n`,
    `From: ${tagged(nameAddr(oneLine(request.from)), env)}\r\n`,
    `CSeq: ${request.cseq} ${oneLine(request.method)}\r\n`,
    `Call-ID: ${oneLine(request.callId)}\r\n`,
    'Max-Forwards: 70\r\n',
    env.serverLine === '' ? '' : `${env.userAgentLine}\r\n`,
    `Content-Length: ${request.body.length}\r\n`,
    lines,
    '\r\n',
    request.body,
  ].join('');
  const local = runLocal(env, text, sender, request.nextHop ?? request.uri);
  // As recorded, after drop in the route for local requests the request is not sent and nobody gets a reply.
  if (local.dropped) return true;
  const edited = local.text;
  const user: ClientUser = {
    onReply(_client: ClientTransaction, reply: SipMessage) {
      local.replied(reply);
      if (reply.status >= 200) done(reply.status, reply);
    },
    onFailure() {
      done(408, undefined);
    },
  } as ClientUser;
  const target = { socket, address: address.address, port: address.port, serverName: address.name };
  env.layer.request(edited, request.method === 'INVITE', branch, target, user, undefined, env.tm.frTimeout, {
    ms: env.tm.frInvTimeout,
    left: env.tm.frInvTimeout,
    restarts: env.tm.restartOnProvisional,
  });
  return true;
}

/** A From value with its own tag, or with a new one. */
function tagged(from: string, env: ScriptEnvironment): string {
  const parameters = from.slice(from.lastIndexOf('>') + 1);
  return /;[ \t\r\n]*tag[ \t\r\n]*=/i.test(parameters) ? from : `${from};tag=${env.random.token(12)}`;
}

/**
 * A request of this proxy in the form that Kamailio gives its own: its order of header fields, no rport, User-Agent
 * only with server_signature.
 */
export function kamailioForm(env: ScriptEnvironment, text: string): string {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return text;
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const rest: string[] = [];
  const known = new Map<string, string>();
  for (const line of lines) {
    const name = line.slice(0, line.indexOf(':')).toLowerCase();
    if (ORDER.includes(name) && !known.has(name)) known.set(name, line);
    else if (name !== 'user-agent') rest.push(line);
  }
  const via = known.get('via');
  if (via !== undefined) known.set('via', via.replace(/;rport(?=;|$)/, ''));
  if (env.serverLine === '') known.delete('user-agent');
  else known.set('user-agent', env.userAgentLine);
  const head = ORDER.map((name) => known.get(name)).filter((line) => line !== undefined);
  return [first, ...head, ...rest].join('\r\n') + text.slice(end);
}

const ORDER = ['via', 'to', 'from', 'cseq', 'call-id', 'max-forwards', 'user-agent', 'content-length'];
