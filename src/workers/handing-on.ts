import type { SipMessage } from '../sip/message.js';
import type { Tally } from '../sip/transaction/counters.js';
import { socketOfMarker, socketOfReply } from '../sip/transport/native/steering.js';
import type { Source } from '../sip/transport/transport.js';
import type { AddressSet } from '../sip/trusted-sources.js';
import { HandingBound } from './handing-bound.js';
import type { HandedToBrain } from './protocol.js';
import type { RequestOwners } from './request-owners.js';
import type { SipCounters } from './tallies.js';
import type { ToBrain } from './to-brain.js';

/** Passes on messages that came to this worker but belong to another process, which then counts them. */
export class HandingOn {
  private readonly bound: HandingBound;

  constructor(
    private readonly worker: number,
    private readonly workers: number,
    private readonly brain: Pick<ToBrain, 'hand' | 'described'>,
    private readonly counters: SipCounters,
    /** Monotonic milliseconds. */
    now: () => number,
    trusted: AddressSet,
    private readonly owners: RequestOwners,
  ) {
    this.bound = new HandingBound(now, trusted);
  }

  /** Passes on a request that the kernel gave to the wrong process; false: it belongs here. */
  request(request: SipMessage, source: Source): boolean {
    const owner = this.owners.owner(request);
    if (owner === this.worker) return false;
    if (owner === 0) {
      this.requestToBrain(request, source);
      return true;
    }
    this.misdirected(
      ['to', owner, ...this.brain.described(source, request.text)],
      source,
      this.counters.layer.requestsReceived,
    );
    return true;
  }

  /** Passes a reply of another worker to it. */
  reply(reply: SipMessage, source: Source): boolean {
    const owner = socketOfReply(reply.via?.branch ?? '');
    if (owner === this.worker || owner > this.workers) return false;
    const came = this.brain.described(source, reply.text);
    this.misdirected(
      owner === 0 ? ['pass', ...came] : ['to', owner, ...came],
      source,
      this.counters.layer.repliesReceived,
    );
    return true;
  }

  /** Passes on an ICMP error for a message of another process, named by the marker in its branch. */
  undelivered(marker: string, text: string, address: string, port: number): void {
    const owner = socketOfMarker(marker);
    if (owner === this.worker || owner > this.workers) return;
    // If there is no room the error is lost, and the request ends by its timer.
    this.brain.hand(['undelivered', owner, address, port, text]);
  }

  /** Passes a request to the brain, without waiting for an answer. */
  requestToBrain(request: SipMessage, source: Source): void {
    this.hand(['pass', ...this.brain.described(source, request.text)], source, this.counters.layer.requestsReceived);
  }

  /** Passes a reply that belongs to no transaction here to the brain. */
  replyToBrain(reply: SipMessage, source: Source): void {
    this.hand(['pass', ...this.brain.described(source, reply.text)], source, this.counters.layer.repliesReceived);
  }

  private misdirected(item: HandedToBrain, source: Source, received: Tally): void {
    const { misdirected } = this.counters;
    (this.hand(item, source, received) ? misdirected.passed : misdirected.dropped).value++;
  }

  /** The process that gets a message counts it; without room it is dropped here. Returns whether it was passed on. */
  private hand(item: HandedToBrain, source: Source, received: Tally): boolean {
    const text = item[item.length - 1] as string;
    const passed = this.bound.take(source.address, text.length) && this.brain.hand(item);
    if (passed) received.value--;
    else this.counters.layer.dropped.value++;
    return passed;
  }
}
