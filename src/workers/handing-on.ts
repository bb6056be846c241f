import type { SipMessage } from '../sip/message.js';
import type { Tally } from '../sip/transaction/counters.js';
import { socketOfMarker, socketOfReply, socketOfRequest } from '../sip/transport/native/steering.js';
import type { Source } from '../sip/transport/transport.js';
import type { SipCounters } from './tallies.js';
import type { ToBrain } from './to-brain.js';

/** Hands on what came to a worker and belongs to another process, which counts it. */
export class HandingOn {
  constructor(
    private readonly worker: number,
    private readonly workers: number,
    private readonly brain: ToBrain,
    private readonly counters: SipCounters,
  ) {}

  /** Hands on a request that the kernel gave to the wrong process; false: it belongs here, or to nobody. */
  request(request: SipMessage, source: Source): boolean {
    const owner = socketOfRequest(request.callId, this.workers);
    if (owner === this.worker || owner === 0) return false;
    this.hand(['to', owner, ...this.brain.cameAs(source, request.text)], this.counters.layer.requestsReceived);
    return true;
  }

  /** The same of a reply. */
  reply(reply: SipMessage, source: Source): boolean {
    const owner = socketOfReply(reply.via?.branch ?? '');
    if (owner === this.worker || owner > this.workers) return false;
    const came = this.brain.cameAs(source, reply.text);
    this.hand(owner === 0 ? ['pass', ...came] : ['to', owner, ...came], this.counters.layer.repliesReceived);
    return true;
  }

  /** An ICMP error came for what another process sent, as the marker in its branch says. */
  undelivered(marker: string, text: string, address: string, port: number): void {
    const owner = socketOfMarker(marker);
    if (owner === this.worker || owner > this.workers) return;
    // One that there is no room for is lost: its request ends by its timer.
    this.brain.hand(['undelivered', owner, address, port, text]);
  }

  /** Leaves a request to the brain, for good. */
  requestToBrain(request: SipMessage, source: Source): void {
    this.hand(['pass', ...this.brain.cameAs(source, request.text)], this.counters.layer.requestsReceived);
  }

  /** Leaves a reply that nobody here waits for to the brain. */
  replyToBrain(reply: SipMessage, source: Source): void {
    this.hand(['pass', ...this.brain.cameAs(source, reply.text)], this.counters.layer.repliesReceived);
  }

  /** The process that gets a message counts it; one that there is no room for is dropped here. */
  private hand(item: Parameters<ToBrain['hand']>[0], received: Tally): void {
    if (this.brain.hand(item)) received.value--;
    else this.counters.layer.dropped.value++;
  }
}
