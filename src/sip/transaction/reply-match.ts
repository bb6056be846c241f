import { digitsIn } from '../../core/characters.js';
import { defaultPort } from '../../core/uri.js';
import type { SipMessage } from '../message.js';
import type { ResolvedTarget } from '../target.js';
import type { Flow, SipSocket, Source } from '../transport/transport.js';
import { type BranchId, isBranch } from './branch.js';

/** The parts of a sent request that a reply is compared with. */
export interface SentRequest {
  readonly branch: BranchId;
  readonly target: ResolvedTarget;
  /** The request's method; '' when it is not to be compared. */
  readonly method: string;
  /** The connection the request was sent over; undefined for UDP. */
  readonly connection: Flow | undefined;
}

/**
 * Why a reply does not match this request, although it has the number of its branch; undefined when it matches. RFC
 * 3261 section 17.1.3 compares branch and CSeq method, section 18.1.2 the sent-by. Someone who saw the request knows
 * all of these, so transport, connection and Call-ID must match too. `digits`: where the random digits of the reply's
 * branch begin (`Branches.digitsIn`); `callId`: the 32-bit hash of the reply's Call-ID.
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
function isSentBy({ sentBy, transport }: Pick<SipSocket, 'sentBy' | 'transport'>, host: string, port: number): boolean {
  const end = host.length;
  if (sentBy.charCodeAt(end) !== 58) return false;
  if (!sentBy.startsWith(host) && sentBy.slice(0, end).toLowerCase() !== host.toLowerCase()) return false;
  return digitsIn(sentBy, end + 1, sentBy.length, 5) === (port || defaultPort(transport));
}

/**
 * Whether a reply came over the request's connection or, when that is closed, over another one to the same address (RFC
 * 3261 section 18.2.2).
 */
function isItsConnection({ connection, target }: SentRequest, source: Source): boolean {
  if (source.flow === undefined || connection === source.flow) return true;
  return connection?.open !== true && source.address === target.address;
}
