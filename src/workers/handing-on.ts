import type { SipMessage } from '../sip/message.js';
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
    this.counters.layer.requestsReceived.value--;
    this.brain.add(['to', owner, ...this.brain.cameAs(source, request.text)]);
    return true;
  }

  /** The same of a reply. */
  reply(reply: SipMessage, source: Source): boolean {
    const owner = socketOfReply(reply.via?.branch ?? '');
    if (owner === this.worker || owner > this.workers) return false;
    this.counters.layer.repliesReceived.value--;
    const came = this.brain.cameAs(source, reply.text);
    this.brain.add(owner === 0 ? ['pass', ...came] : ['to', owner, ...came]);
    return true;
  }

  /** An ICMP error came for what another process sent, as the marker in its branch says. */
  undelivered(marker: string, text: string, address: string, port: number): void {
    const owner = socketOfMarker(marker);
    if (owner === this.worker || owner > this.workers) return;
    this.brain.add(['undelivered', owner, text, address, port]);
  }

  /** Leaves a request to the brain, for good. */
  requestToBrain(request: SipMessage, source: Source): void {
    this.counters.layer.requestsReceived.value--;
    this.brain.add(['pass', ...this.brain.cameAs(source, request.text)]);
  }

  /** Leaves a reply that nobody here waits for to the brain. */
  replyToBrain(reply: SipMessage, source: Source): void {
    this.counters.layer.repliesReceived.value--;
    this.brain.add(['pass', ...this.brain.cameAs(source, reply.text)]);
  }
}
