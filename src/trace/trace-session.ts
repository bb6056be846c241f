import { hash32 } from '../core/mix.js';
import { addrSpecOf } from '../core/name-addr.js';
import { ownText } from '../core/own-text.js';
import { parseMessage } from '../sip/message.js';
import { isOneIn } from './call-id.js';
import type { TracedMessage } from './traced-message.js';

/** Which calls a trace takes; what is left out does not matter. At least one must be given. */
export interface TraceFilter {
  readonly callId?: string | undefined;
  /** Part of the URI of From. */
  readonly from?: string | undefined;
  /** Part of the URI of To, or of the request-URI. */
  readonly to?: string | undefined;
  /** Address the request comes from. */
  readonly source?: string | undefined;
  /** Partition that a request is dispatched to. */
  readonly partition?: string | undefined;
  /** One call in this many, chosen by its Call-ID. */
  readonly oneIn?: number | undefined;
}

/** Bounds of one trace. What is reached first ends it. */
export interface TraceBounds {
  readonly seconds: number;
  readonly calls: number;
  readonly messages: number;
  readonly bytes: number;
}

/** Bounds of a trace unless its request says otherwise. */
export const DEFAULT_TRACE_BOUNDS: TraceBounds = {
  seconds: 300,
  calls: 1000,
  messages: 10_000,
  bytes: 16 * 1024 * 1024,
};

/** Why a trace takes nothing any more. */
export type TraceEnd = 'stopped' | 'time' | 'calls' | 'messages' | 'bytes';

/** What one message is, before anybody has asked for it to be kept. */
export type SeenMessage = Omit<TracedMessage, 'n'>;

/** One trace: the messages of the calls it takes, bounded in time, number and bytes. */
export class TraceSession {
  readonly messages: TracedMessage[] = [];
  ended: TraceEnd | undefined;
  private readonly calls = new Set<string>();
  private bytes = 0;
  private numbers = 0;
  /** Whether each first request has to be looked at to know whether it is taken. */
  private readonly looks: boolean;

  constructor(
    readonly id: number,
    readonly filter: TraceFilter,
    readonly bounds: TraceBounds,
    /** Whether bodies are kept. */
    readonly bodies: boolean,
    /** Clock.monotonic() at which it ends. */
    readonly until: number,
  ) {
    const { from, to, source } = filter;
    this.looks = from !== undefined || to !== undefined || source !== undefined;
    // With a partition too, the call is taken when it is dispatched there.
    if (filter.callId !== undefined && filter.partition === undefined) this.calls.add(filter.callId);
  }

  /** Calls it has taken. */
  get callCount(): number {
    return this.calls.size;
  }

  /**
   * Whether a message may be wanted, by its Call-ID alone, which stands between `start` and `end` and has this hash (hash32): false for all
   * but few where one call or one in many was asked for.
   */
  mayWant(text: string, start: number, end: number, hash: number): boolean {
    const { callId, oneIn } = this.filter;
    if (callId !== undefined) return callId.length === end - start && text.startsWith(callId, start);
    return oneIn === undefined || isOneIn(hash, oneIn);
  }

  /** Whether a message belongs to a call that is taken; a first request that matches has its call taken. */
  wants(callId: string, text: string, direction: 'in' | 'out', peer: string): boolean {
    if (this.ended !== undefined) return false;
    return this.calls.has(callId) || this.begins(callId, text, direction, peer);
  }

  /** Whether a request that is dispatched to a partition begins a call that is taken only now that this is known. */
  wantsDispatched(partition: string | undefined, callId: string, text: string, peer: string): boolean {
    const wanted = this.filter.partition;
    if (wanted === undefined || partition !== wanted || this.calls.has(callId)) return false;
    return this.ended === undefined && this.isWanted(callId, text, peer) && this.take(callId);
  }

  /** Keeps a message that is wanted. */
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

  /** Messages numbered after `after`, within a bound of bytes. */
  read(after: number, mostBytes: number): readonly TracedMessage[] {
    const found: TracedMessage[] = [];
    let bytes = 0;
    for (const message of this.messages) {
      if (message.n <= after) continue;
      bytes += message.text.length + 200;
      if (bytes > mostBytes && found.length > 0) break;
      found.push(message);
    }
    return found;
  }

  private begins(callId: string, text: string, direction: 'in' | 'out', peer: string): boolean {
    const { filter } = this;
    // Which partition it goes to is not known yet; a Call-ID that was asked for is in the set already.
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
      // Those that were taken go on until they end by another bound.
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
