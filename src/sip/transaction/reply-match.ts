import { digitsIn } from '../../core/characters.js';
import { defaultPort } from '../../core/uri.js';
import type { SipMessage } from '../message.js';
import type { ResolvedTarget } from '../target.js';
import type { Flow, SipSocket, Source } from '../transport/transport.js';
import { type BranchId, isBranch } from './branch.js';

/** What a reply is compared with: the request as it was sent. */
export interface SentRequest {
  readonly branch: BranchId;
  readonly target: ResolvedTarget;
  /** Its method, or '' once that no longer matters. */
  readonly method: string;
  /** The connection it went by; undefined over UDP. */
  readonly connection: Flow | undefined;
}

/**
 * Why a reply does not match this request although it has its branch's number; undefined for a reply that does. RFC
 * 3261 section 17.1.3 compares branch and CSeq method, section 18.1.2 the sent-by. An attacker who saw the request
 * knows all of these, so the transport, the connection and the Call-ID must match too. `digits`: where the random digits of the
 * reply's branch begin (`Branches.digitsIn`); `callId` is the reply's in 32 bits.
 */
export function misfit(
  sent: SentRequest,
  reply: SipMessage,
  digits: number,
  callId: number,
  source: Source,
): string | undefined {
  const { branch, target, method } = sent;
  const via = reply.via;
  if (via === undefined || !isBranch(branch, reply.text, digits, via.branch.length)) return 'branch';
  if (method !== '' && reply.method !== method) return 'CSeq method';
  if (callId !== branch.callId) return 'Call-ID';
  if (
    !isSentBy(
      target.sentBy === undefined ? target.socket : { sentBy: target.sentBy, transport: target.socket.transport },
      via.host,
      via.port,
    )
  )
    return 'sent-by';
  if (source.socket.transport !== target.socket.transport) return 'transport';
  return isItsConnection(sent, source) ? undefined : 'connection';
}

/** Whether a Via's host and port are those our socket writes. */
export function isSentBy(
  { sentBy, transport }: Pick<SipSocket, 'sentBy' | 'transport'>,
  host: string,
  port: number,
): boolean {
  const end = host.length;
  if (sentBy.charCodeAt(end) !== 58) return false;
  if (!sentBy.startsWith(host) && sentBy.slice(0, end).toLowerCase() !== host.toLowerCase()) return false;
  return digitsIn(sentBy, end + 1, sentBy.length, 5) === (port || defaultPort(transport));
}

/**
 * Whether a reply came by the connection its request went by, or, that being closed, by another one of the same address
 * (RFC 3261 section 18.2.2).
 */
function isItsConnection({ connection, target }: SentRequest, source: Source): boolean {
  if (source.flow === undefined || connection === source.flow) return true;
  return connection?.open !== true && source.address === target.address;
}
