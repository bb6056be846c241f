import { hash32 } from '../core/mix.js';
import { addrSpecOf } from '../core/name-addr.js';
import { ownText } from '../core/own-text.js';
import { parseMessage } from '../sip/parse-message.js';
import { isOneIn } from './call-id.js';
import type { TracedMessage } from './traced-message.js';

/** Which calls to trace: all given conditions must hold. At least one must be given. */
export interface TraceFilter {
  readonly callId?: string | undefined;
  /** Text that the URI of From contains. */
  readonly from?: string | undefined;
  /** Text that the URI of To or the request-URI contains. */
  readonly to?: string | undefined;
  /** Address that sent the first request. */
  readonly source?: string | undefined;
  /** Partition to which the first request is dispatched. */
  readonly partition?: string | undefined;
  /** Trace one call in this many, chosen by the Call-ID. */
  readonly oneIn?: number | undefined;
}

/** Bounds of one trace. The one reached first ends it. */
export interface TraceBounds {
  readonly seconds: number;
  readonly calls: number;
  readonly messages: number;
  readonly bytes: number;
}

/** Bounds of a trace, where its request does not set them. */
export const DEFAULT_TRACE_BOUNDS: TraceBounds = {
  seconds: 300,
  calls: 1000,
  messages: 10_000,
  bytes: 16 * 1024 * 1024,
};

/** Why a trace has ended. */
export type TraceEnd = 'stopped' | 'time' | 'calls' | 'messages' | 'bytes';

/** A message that passed, before any trace has kept it. */
export type SeenMessage = Omit<TracedMessage, 'n'>;

/** One trace: keeps the messages of the calls that its filter accepts, bounded in time, number and bytes. */
export class TraceSession {
  readonly messages: TracedMessage[] = [];
  ended: TraceEnd | undefined;
  private readonly calls = new Set<string>();
  private bytes = 0;
  private numbers = 0;
  /** Whether the filter needs the first request of each call. */
  private readonly looks: boolean;

  constructor(
    readonly id: number,
    readonly filter: TraceFilter,
    readonly bounds: TraceBounds,
    /** Whether bodies are kept. */
    readonly bodies: boolean,
    /** Clock.monotonic() at which the trace ends. */
    readonly until: number,
  ) {
    const { from, to, source } = filter;
    this.looks = from !== undefined || to !== undefined || source !== undefined;
    // A filter with a partition decides later, when the call is dispatched.
    if (filter.callId !== undefined && filter.partition === undefined) this.calls.add(filter.callId);
  }

  /** Number of calls in the trace. */
  get callCount(): number {
    return this.calls.size;
  }

  /**
   * A first test by the Call-ID alone, which stands between `start` and `end` and has this hash32. When the filter asks
   * for one call or one in many, this rejects nearly all messages.
   */
  mayWant(text: string, start: number, end: number, hash: number): boolean {
    const { callId, oneIn } = this.filter;
    if (callId !== undefined) return callId.length === end - start && text.startsWith(callId, start);
    return oneIn === undefined || isOneIn(hash, oneIn);
  }

  /** Whether the trace keeps a message. When a first request matches the filter, its call is added. */
  wants(callId: string, text: string, direction: 'in' | 'out', peer: string): boolean {
    if (this.ended !== undefined) return false;
    return this.calls.has(callId) || this.begins(callId, text, direction, peer);
  }

  /** Whether a request, now that its partition is known, begins a call to trace. */
  wantsDispatched(partition: string | undefined, callId: string, text: string, peer: string): boolean {
    const wanted = this.filter.partition;
    if (wanted === undefined || partition !== wanted || this.calls.has(callId)) return false;
    return this.ended === undefined && this.isWanted(callId, text, peer) && this.take(callId);
  }

  /** Adds a message to the trace. */
  keep(message: SeenMessage): void {
    const { messages, bytes } = this.bounds;
    const text = this.bodies ? message.text : withoutBody(message.text);
    if (this.messages.length >= messages) this.ended = 'messages';
    else if (this.bytes + text.length > bytes) this.ended = 'bytes';
    else {
      this.bytes += text.length;
      this.messages.push({ n: ++this.numbers, ...message, text });
    }
  }

  /** The messages with a number above `after`, up to a number of bytes. */
  read(after: number, maxBytes: number): readonly TracedMessage[] {
    const found: TracedMessage[] = [];
    let bytes = 0;
    for (const message of this.messages) {
      if (message.n <= after) continue;
      bytes += message.text.length + 200;
      if (bytes > maxBytes && found.length > 0) break;
      found.push(message);
    }
    return found;
  }

  private begins(callId: string, text: string, direction: 'in' | 'out', peer: string): boolean {
    const { filter } = this;
    // The partition is not known yet; and a wanted Call-ID is already in the set.
    if (filter.partition !== undefined || filter.callId !== undefined) return false;
    if (direction !== 'in' || text.startsWith('SIP/2.0 ')) return false;
    return this.isWanted(callId, text, peer) && this.take(callId);
  }

  private isWanted(callId: string, text: string, peer: string): boolean {
    const { from, to, source, oneIn, callId: asked } = this.filter;
    if (asked !== undefined && asked !== callId) return false;
    if (oneIn !== undefined && !isOneIn(hash32(callId, 0), oneIn)) return false;
    if (!this.looks) return true;
    if (source !== undefined && peer !== source) return false;
    if (from === undefined && to === undefined) return true;
    const request = parseMessage(text);
    if (request === undefined) return false;
    if (from !== undefined && !addrSpecOf(request.from).includes(from)) return false;
    return to === undefined || addrSpecOf(request.to).includes(to) || request.requestUri.includes(to);
  }

  private take(callId: string): boolean {
    if (this.calls.size >= this.bounds.calls) {
      // No further call is added; those in the trace go on until another bound is reached.
      return false;
    }
    this.calls.add(ownText(callId));
    return true;
  }
}

function withoutBody(text: string): string {
  const end = text.indexOf('\r\n\r\n');
  return end < 0 ? text : text.slice(0, end + 4);
}
