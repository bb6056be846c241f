import { trimmed } from '../../core/characters.js';
import { addrSpecOf, parseAddress } from '../../core/name-addr.js';
import { parseUri } from '../../core/uri.js';
import type { ScriptEnvironment } from '../../script/environment.js';
import { runLocal } from '../../script/service-routes.js';
import { viaMark } from '../../script/via-mark.js';
import type { Address, Resolution } from '../../sip/resolve.js';
import { type ClientUser, NOBODY } from '../../sip/transaction/client.js';
import { type Dialog, otherSide, type Side } from './dialog.js';

/** A request that this proxy sends inside a dialog. */
export interface RequestWithin {
  readonly method: string;
  /** Additional header lines, each with its line break. */
  readonly lines?: string;
  readonly body?: string;
  /** CSeq number; for an ACK that of its INVITE. Absent: the next number. */
  readonly number?: number;
  /** Called with the reason when nothing is sent: the side's Contact or Route has no usable address. */
  readonly unsent?: (reason: string) => void;
}

/**
 * Sends BYE to one side of a dialog or to both, as if the other side had hung up. `lines` are additional header lines.
 */
export function sendByes(dialog: Dialog, side: Side | 'both', lines: string): void {
  for (const each of ['caller', 'callee'] as const)
    if (side === 'both' || side === each) sendWithin(dialog, each, { method: 'BYE', lines }, NOBODY);
}

/** From or To of the side `of` as `side` knows it: uac may have replaced its URI for the callee. */
function knownAs(dialog: Dialog, of: Side, side: Side): string {
  const { address, tag } = dialog.leg(of);
  const pair = dialog.call.env.dialect === 'kamailio' ? undefined : dialog.replaced[of];
  if (pair === undefined) return address;
  const [other, known] = side === 'callee' ? [pair.before, pair.after] : [pair.after, pair.before];
  // Without a display name, since the original one may be hidden from that side.
  return parseAddress(address).uri === other.uri ? `<${known.uri}>;tag=${tag}` : address;
}

/** Sends a request inside the dialog to one side, as if the other side had sent it. */
export function sendWithin(dialog: Dialog, side: Side, request: RequestWithin, user: ClientUser): void {
  const { env } = dialog.call;
  const { method, lines = '', body = '' } = request;
  const to = dialog.leg(side);
  const from = dialog.leg(otherSide(side));
  const [next] = to.route;
  const loose = next === undefined || /;[ \t\r\n]*lr\b/i.test(next);
  // To a strict router the request is sent with the router's URI, and Contact is the last Route (RFC 3261 section
  // 12.2.1.1).
  const uri = loose ? to.contact : addrSpecOf(next);
  const routes = loose ? to.route : [...to.route.slice(1), `<${to.contact}>`];
  const nextHop = next === undefined ? uri : addrSpecOf(next);
  const hop = parseUri(nextHop);
  if (uri === '' || hop === undefined) {
    env.peerLog.warn(
      { callId: dialog.callId, side, method, uri },
      'script: no request can be sent inside a dialog, its Contact is not a SIP URI',
    );
    request.unsent?.('its Contact is not a SIP URI');
    return;
  }
  const send = (address: Address | undefined): void => {
    if (address === undefined) {
      request.unsent?.(hop.host === '' ? 'its Contact is not a SIP URI' : `${hop.host} does not resolve`);
      return;
    }
    const socket = env.sockets.choose(address, to.socket);
    if (socket === undefined) {
      request.unsent?.('no socket has its transport');
      return;
    }
    if (request.number === undefined) from.numbers.shift++;
    const number = request.number ?? from.cseq + from.numbers.shift;
    const callId = dialog.callIdOf(side);
    const id = env.layer.branches.make('d', callId);
    // With topoh the callee may have a hidden Call-ID; the mark causes the replacement.
    const mark = env.masks && side === 'callee' ? viaMark({ reply: false, direction: 'd', own: 0, before: 0 }) : '';
    const own = method === 'ACK' ? '' : extraLines(env);
    const via = `Via: SIP/2.0/${socket.transport.toUpperCase()} ${socket.sentBy};branch=${id.text}${mark}`;
    const fromValue = knownAs(dialog, otherSide(side), side);
    const toValue = knownAs(dialog, side, side);
    const routeLines = routes.map((each) => `Route: ${each}`);
    const text = (
      env.dialect === 'kamailio' && method !== 'ACK'
        ? // As recorded, Kamailio's order, without display names.
          [
            `${method} ${uri} SIP/2.0`,
            via,
            `To: ${withoutName(toValue)}`,
            `From: ${withoutName(fromValue)}`,
            `CSeq: ${number} ${method}`,
            `Call-ID: ${callId}`,
            ...routeLines,
            `Content-Length: ${body.length}`,
            ...(env.serverLine === '' ? [] : [env.userAgentLine]),
            `Max-Forwards: 70\r\n${lines}${own}`,
            body,
          ]
        : [
            `${method} ${uri} SIP/2.0`,
            via,
            'Max-Forwards: 70',
            ...routeLines,
            `From: ${fromValue}`,
            `To: ${toValue}`,
            `Call-ID: ${callId}`,
            `CSeq: ${number} ${method}`,
            `${lines}${own}${env.userAgentLine}`,
            `Content-Length: ${body.length}`,
            '',
            body,
          ]
    ).join('\r\n');
    if (method === 'ACK') {
      socket.send(text, address.address, address.port, undefined, undefined, address.name);
      return;
    }
    const target = { socket, address: address.address, port: address.port, serverName: address.name };
    env.layer.request(runLocal(env, text, undefined, nextHop).text, method === 'INVITE', id, target, user);
  };
  resolved(env, hop, send, dialog.call.source.address);
}

/** An address without a display name: "<uri>;tag=...". */
function withoutName(address: string): string {
  const start = address.indexOf('<');
  return start > 0 ? address.slice(start) : address;
}

/** Lines of dlg_extra_hdrs, which are in all requests that this proxy sends inside dialogs. */
function extraLines(env: ScriptEnvironment): string {
  const text = trimmed(env.modules.module('dialog').text('dlg_extra_hdrs', ''));
  return text === '' ? '' : `${text.split(/\r?\n/).join('\r\n')}\r\n`;
}

function resolved(
  env: ScriptEnvironment,
  uri: NonNullable<ReturnType<typeof parseUri>>,
  /** Gets undefined when the host does not resolve. */
  use: (to: Address | undefined) => void,
  /** The source of the dialog's INVITE. */
  asker: string,
): void {
  const literal = env.resolver.literal(uri);
  if (literal !== undefined) {
    use(literal);
    return;
  }
  const done = (result: Resolution): void => use(result instanceof Error ? undefined : result[0]);
  env.resolver.resolve(uri, done, asker);
}
