import { ipFamily } from '../../core/ip-address.js';
import type { Logger } from '../../core/logger.js';
import { hash32, text32 } from '../../core/mix.js';
import type { Random } from '../../core/random.js';
import { bareHost } from '../../core/uri.js';
import type { SipMessage } from '../message.js';
import { LONG_REQUEST_LINE, OTHER_VERSION, parseMessage } from '../parse-message.js';
import { buildReply, isForced, reasonPhrase, type ViaMarking } from '../reply.js';
import type { Source } from '../transport/transport.js';
import type { LayerCounters } from './counters.js';
import { replyPort } from './server.js';

/** Characters of a Call-ID that a log line shows. */
export const SHOWN_OF_CALL_ID = 128;

/** Answers without a transaction: under overload, and for requests that cannot be processed. */
export class StatelessReplies {
  private readonly tagPrefix: string;

  constructor(
    random: Random,
    private readonly counters: LayerCounters,
    private readonly log: Logger,
  ) {
    this.tagPrefix = random.token(4);
  }

  /** The To tag of our own replies to a request; retransmissions get the same one. */
  tag(request: SipMessage): string {
    return this.tagPrefix + text32(hash32(request.via?.branch ?? '', hash32(request.callId, 0)));
  }

  /** Whether a To tag is that of one of our own replies. */
  isOurTag(tag: string): boolean {
    return tag.startsWith(this.tagPrefix);
  }

  /** Replies to a request; does nothing for an ACK. */
  reply(
    request: SipMessage,
    source: Source,
    code: number,
    reason: string,
    headers: string,
    body: string,
    marking: ViaMarking,
  ): void {
    if (request.method === 'ACK') return;
    this.counters.repliesSent.value++;
    const text = buildReply(request, source, code, reason, this.tag(request), headers, body, marking);
    const port = isForced(marking) ? source.port : replyPort(request, source);
    source.socket.send(text, source.address, port, undefined, source.flow);
  }

  /** Answers 400, or a more specific code, if a reply can be built; otherwise drops and counts the request. */
  refuse(request: SipMessage, source: Source, code = 400): void {
    const answerable = request.viaLine >= 0 && request.method !== 'ACK';
    if (this.log.isLevelEnabled('debug')) {
      this.log.debug(
        {
          from: `${source.address}:${source.port}`,
          callId: request.callId.slice(0, SHOWN_OF_CALL_ID),
          defect: request.defect,
          answered: answerable,
        },
        'bad request',
      );
    }
    if (!answerable) {
      this.counters.dropped.value++;
      return;
    }
    this.counters.badRequests.value++;
    if (request.defect === OTHER_VERSION) this.reply(request, source, 505, reasonPhrase(505), '', '', 'asked');
    else if (request.defect === LONG_REQUEST_LINE) this.reply(request, source, 414, reasonPhrase(414), '', '', 'asked');
    else this.reply(request, source, code, `${reasonPhrase(code)} (${request.defect})`, '', '', 'asked');
  }

  /**
   * Sends a reply to the sender of a request, also after its transaction has ended, as a late 2xx requires (RFC 3261
   * section 16.7).
   */
  sendBack(text: string, source: Source, replyTo: number, sentByPort: number): void {
    this.counters.repliesSent.value++;
    const { socket, address, flow } = source;
    if (flow === undefined || flow.open) {
      socket.send(text, address, replyTo, undefined, flow);
      return;
    }
    // When the connection is closed, the socket opens one to the sent-by of the Via (RFC 3261 section 18.2.2). With TLS
    // the peer must have a certificate for that name.
    const host = parseMessage(text)?.via?.host ?? '';
    socket.send(text, address, sentByPort, undefined, flow, ipFamily(bareHost(host)) === 0 ? host : undefined);
  }
}
