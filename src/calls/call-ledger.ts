import type { Clock } from '../core/clock.js';
import { Generations } from '../core/generations.js';
import { ownText } from '../core/own-text.js';
import type { Destination } from '../engine/destination.js';
import type { NextHop, RelayPlan, RouteOrigin } from '../proxy/decision.js';
import type { ProxyObserver, RelayWatch } from '../proxy/observer.js';
import { hashCallId } from '../sip/call-id-hash.js';
import type { SipMessage } from '../sip/message.js';
import type { ResolvedTarget } from '../sip/target.js';
import type { Source } from '../sip/transport/transport.js';
import { Bye, type ByeKeeper, type RequestInDialog } from './bye.js';
import { CallDialogs } from './call-dialogs.js';
import type { HungUp } from './call-entry-types.js';
import type { CallRecord } from './call-record.js';
import { CallWatch, type RecordedRequest, type RecordKeeper } from './call-watch.js';
import { type DestinationFigures, FiguresTable } from './destination-figures.js';
import { RecordListeners } from './record-listeners.js';
import { RecordStore } from './record-store.js';
import { SlotRing } from './slot-ring.js';
import { tagKey } from './tag-key.js';

/** Bounds of what is remembered. */
export interface CallBounds {
  /** Records kept of requests that were dispatched; default 10,000. 0: none. */
  readonly ring: number;
  /** Most answered calls that are followed to their end; default 50,000. The oldest beyond that are forgotten. */
  readonly dialogs: number;
}

/** Bounds of call records unless the settings say otherwise: records kept, and dialogs followed at once. */
export const DEFAULT_CALL_BOUNDS: CallBounds = { ring: 10_000, dialogs: 50_000 };

/** Who takes records as their requests have their final reply. */
export interface FinalRecords {
  /** Whether the record of a request with this Call-ID is wanted. */
  isWanted(callId: string): boolean;
  record(record: CallRecord): void;
}

/** What waits to be written down. */
interface Ended {
  writeDown(): void;
}

/** A record as it was when it was looked for: it may have left since. */
export interface RecordHandle {
  readonly slot: number;
  readonly serial: number;
  readonly changed: number;
}

/**
 * What has ended is written down once there is so much of it, or somebody asks: the code and the tables that this takes are then in the
 * processor's caches for all but the first. The bytes are those of the requests that stay in memory meanwhile.
 */
const MOST_WAITING = 16;
const MOST_WAITING_BYTES = 64 * 1024;
/** Milliseconds by which two times that are the same may differ: times are noted in microseconds. */
const SAME_TIME = 0.001;
/** Characters of the reason of a refusal that are kept: a script may have put any part of the request into it. */
const MOST_OF_REASON = 256;
/** Bytes of requests kept in the ring at most. */
const MOST_BYTES = 32 * 1024 * 1024;
/** Requests refused before anything was selected have a ring of their own, so that a flood of them evicts no call. */
const REFUSED_RING = 1000;
/** Answered calls after which the oldest are checked for having been followed too long. */
const LOOK_EVERY = 4096;
/** Requests forwarded without state that are remembered, to recognise retransmissions: 250 a second for 32 s. */
const RETRANSMISSIONS = 8192;
/** Milliseconds an answered call is followed: after that its BYE counts as lost. */
const LONGEST_CALL = 24 * 3_600_000;

/**
 * The call records of this process: one for each request that a rule or script dispatched, in a bounded ring. Whoever wants
 * each record when its call has ended registers with `onEnd`.
 */
export class CallLedger implements ProxyObserver, RecordKeeper, ByeKeeper {
  /** Requests that no rule matched, and all that were answered without being dispatched. */
  readonly counters = { unmatched: 0, refused: 0, dialogsForgotten: 0 };
  /** Called for each request outside a dialog as it is dispatched; undefined: no listener. */
  onDispatch: ((message: RecordedRequest, source: Source, origin: RouteOrigin | undefined) => void) | undefined =
    undefined;
  /** Takes the records it wants as their requests have their final reply; undefined: nobody does. */
  finals: FinalRecords | undefined = undefined;
  private readonly figuresTable = new FiguresTable();
  private readonly listeners: RecordListeners;
  private readonly store = new RecordStore();
  private ring: SlotRing;
  private readonly refusals = new SlotRing(this.store, REFUSED_RING, MOST_BYTES);
  /** Answered calls by the key of their Call-ID. */
  private readonly dialogs = new CallDialogs();
  /** Requests forwarded without state lately, so that a retransmission makes no second record. */
  private readonly stateless = new Generations<string, true>(RETRANSMISSIONS);
  /** Monotonic time of an event that another process reports, while it is recorded; undefined: now. */
  reportedAt: number | undefined = undefined;
  /** What has ended and is not written down, in that order, and the bytes of its requests. */
  private waiting: Ended[] = [];
  private waitingBytes = 0;
  private changes = 0;
  private begun = 0;
  /** Milliseconds from the monotonic clock to the time since the epoch, and when that difference is read again. */
  private ahead = 0;
  private aheadUntil = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly clock: Clock,
    private bounds: CallBounds = DEFAULT_CALL_BOUNDS,
    onListenerError?: (error: unknown) => void,
  ) {
    this.listeners = new RecordListeners(this.store, onListenerError);
    this.ring = new SlotRing(this.store, bounds.ring, MOST_BYTES);
  }

  /** Takes other bounds; the records that fit stay. */
  configure(bounds: CallBounds): void {
    this.writeDown();
    if (bounds.ring !== this.bounds.ring) {
      const kept = [...this.ring.items()];
      this.ring = new SlotRing(this.store, bounds.ring, MOST_BYTES);
      for (const slot of kept) this.ring.add(slot);
    }
    this.bounds = bounds;
    this.forgetOldDialogs();
  }

  /**
   * Calls `listen` with each record when its request, or the call it began, has ended, while `isWanted` says so. The returned
   * function removes it.
   */
  onEnd(listen: (record: CallRecord) => void, isWanted: () => boolean = always): () => void {
    return this.listeners.on(listen, isWanted);
  }

  /** Figures by destination, as they are now. */
  get table(): FiguresTable {
    this.writeDown();
    return this.figuresTable;
  }

  monotonic(): number {
    return this.reportedAt ?? this.clock.monotonic();
  }

  figures(hop: NextHop): DestinationFigures | undefined {
    return hop.destination === undefined ? undefined : this.figuresTable.of(hop.destination);
  }

  /** A probe of a destination was answered after `ms` milliseconds. */
  probed(destination: Destination, ms: number): void {
    this.figuresTable.of(destination).probes.observe(ms);
  }

  relayed(message: SipMessage, source: Source, plan: RelayPlan): RelayWatch | undefined {
    if (message.toTag !== '') {
      // Inside a dialog nothing is dispatched. A BYE ends the call it belongs to.
      return message.method === 'BYE' ? this.bye(message) : undefined;
    }
    return this.relayedElsewhere(message, message.method === 'INVITE', source, plan.origin, plan.recordRoute);
  }

  /** A request outside dialogs is relayed, maybe by another process. */
  relayedElsewhere(
    request: RecordedRequest,
    invite: boolean,
    source: Source,
    origin: RouteOrigin | undefined,
    recordRoute: boolean,
  ): CallWatch {
    this.onDispatch?.(request, source, origin);
    const began = this.monotonic();
    return new CallWatch(this, request, invite, source, began, origin, recordRoute);
  }

  /** Milliseconds since the epoch at a monotonic time: the system's clock costs more to read, and is read once a second. */
  private timeAt(monotonic: number): number {
    const now = this.monotonic();
    if (now >= this.aheadUntil) {
      this.ahead = this.clock.now() - this.clock.monotonic();
      this.aheadUntil = now + 1000;
    }
    return Math.round(monotonic + this.ahead);
  }

  forwarded(message: SipMessage, source: Source, hop: NextHop, target: ResolvedTarget, origin?: RouteOrigin): void {
    if (message.toTag !== '') {
      // Without state the reply is not seen, so neither is a challenge.
      if (message.method === 'BYE') this.bye(message)?.ended(200);
      return;
    }
    // A retransmission is forwarded again; it is no further call.
    const key = `${message.via?.branch} ${message.callId}`;
    if (this.stateless.has(key)) return;
    this.stateless.set(ownText(key), true);
    this.onDispatch?.(message, source, origin);
    const invite = message.method === 'INVITE';
    const began = this.clock.monotonic();
    const watch = new CallWatch(this, message, invite, source, began, origin, false);
    watch.forwarded(hop, target);
    this.file(watch, '', this.ring);
  }

  refused(message: SipMessage, source: Source, code: number, reason: string, origin: RouteOrigin | undefined): void {
    // A redirection by a rule, or our answer to an OPTIONS, is no refusal; inside a dialog nothing is dispatched.
    if (code < 300 || message.toTag !== '') return;
    this.counters.refused++;
    if (origin?.rule === '') this.counters.unmatched++;
    const now = this.clock.monotonic();
    const watch = new CallWatch(this, message, message.method === 'INVITE', source, now, origin, false);
    watch.code = code;
    watch.end = 0;
    this.file(watch, ownText(reason.slice(0, MOST_OF_REASON)), this.refusals);
  }

  recordEnded(watch: CallWatch): void {
    this.waitingBytes += watch.request?.text.length ?? 0;
    this.keep(watch);
  }

  write(watch: CallWatch): void {
    this.file(watch, '', this.ring);
  }

  /** A BYE that another process relayed has this final reply; `fromTag` is that of its sender. */
  byeEnded(callId: string, fromTag: string, code: number): void {
    const { a, b } = hashCallId(callId);
    this.bye({ callIdA: a, callIdB: b, fromTag })?.ended(code);
  }

  callEnded(bye: Bye): void {
    this.keep(bye);
  }

  /** Calls that were answered, stay in the path and have not ended. */
  get inDialog(): number {
    this.writeDown();
    return this.dialogs.size;
  }

  /** Number of the newest change; records changed later have a greater one. */
  get newest(): number {
    this.writeDown();
    return this.changes;
  }

  /** All records, in the order their requests ended. */
  *records(): Generator<CallRecord> {
    this.writeDown();
    for (const slot of this.listed()) yield this.store.read(slot);
  }

  /** All records as they are now, in the order their requests ended; with `after` those changed later. */
  handles(after = 0): RecordHandle[] {
    this.writeDown();
    const { store } = this;
    const found: RecordHandle[] = [];
    for (const slot of this.listed()) {
      const changed = store.changed(slot);
      if (changed > after) found.push({ slot, serial: store.serial(slot), changed });
    }
    return found;
  }

  /** The record that was found earlier; undefined when it has left its ring. */
  read({ slot, serial }: RecordHandle): CallRecord | undefined {
    return this.store.isListed(slot) && this.store.serial(slot) === serial ? this.store.read(slot) : undefined;
  }

  /** The ends of the calls still under way will not be seen: their records are handed on as they are. */
  stop(): void {
    this.writeDown();
    while (this.dialogs.size > 0) this.hangUp(this.dialogs.oldest, 'unknown', 0);
  }

  private *listed(): Generator<number> {
    const { store } = this;
    const refused = this.refusals.items();
    let next = refused.next();
    for (const slot of this.ring.items()) {
      while (!next.done && store.endedAt(next.value) <= store.endedAt(slot)) {
        yield next.value;
        next = refused.next();
      }
      yield slot;
    }
    for (; !next.done; next = refused.next()) yield next.value;
  }

  /** Follows a BYE; undefined where no call is followed that it could end. */
  private bye(request: RequestInDialog): Bye | undefined {
    if (this.dialogs.size === 0 && this.waiting.length === 0) return undefined;
    return new Bye(this, request, this.monotonic());
  }

  /** Keeps what has ended until it is written down. */
  private keep(ended: Ended): void {
    this.waiting.push(ended);
    const isFull = this.waiting.length >= MOST_WAITING || this.waitingBytes > MOST_WAITING_BYTES;
    if (isFull || this.finals !== undefined || this.listeners.isHeard) this.writeDown();
  }

  /** Writes down what has ended. */
  private writeDown(): void {
    const { waiting } = this;
    if (waiting.length === 0) return;
    this.waiting = [];
    this.waitingBytes = 0;
    for (let i = 0; i < waiting.length; i++) (waiting[i] as Ended).writeDown();
  }

  hungUp({ callIdA, callIdB, tag, at }: Bye): void {
    const { dialogs, store } = this;
    const slot = dialogs.find(callIdA, callIdB);
    // Another call with the same Call-ID may have been answered since the BYE came.
    if (slot < 0 || store.answeredAt(slot) - at > SAME_TIME) return;
    this.hangUp(slot, tag === dialogs.own(slot) ? 'caller' : 'callee', at);
  }

  private hangUp(slot: number, by: HungUp, at: number): void {
    const { store } = this;
    this.dialogs.remove(slot);
    store.hangUp(slot, by, at, ++this.changes);
    this.listeners.ended(slot);
    store.settle(slot);
  }

  private forgetOldDialogs(): void {
    const { dialogs, store, bounds } = this;
    const now = this.clock.monotonic();
    for (let oldest = dialogs.oldest; oldest >= 0; oldest = dialogs.oldest) {
      if (dialogs.size <= bounds.dialogs && now - store.began(oldest) < LONGEST_CALL) return;
      this.counters.dialogsForgotten++;
      this.hangUp(oldest, 'unknown', now);
    }
  }

  /** Writes down what became of a request. */
  private file(watch: CallWatch, reason: string, ring: SlotRing): void {
    const { store } = this;
    const slot = store.write(watch, this.timeAt(watch.began), reason, ++this.changes);
    const { code, request } = watch;
    const goesOn = watch.invite && watch.recordRoute && code >= 200 && code < 300 && request !== undefined;
    if (goesOn) this.follow(slot, watch, request);
    watch.request = undefined;
    const { finals } = this;
    if (finals?.isWanted(request?.callId ?? '') === true) finals.record(store.read(slot));
    if (!goesOn) this.listeners.ended(slot);
    ring.add(slot);
    // The oldest are looked at now and then only: each look costs.
    if (goesOn && (this.dialogs.size > this.bounds.dialogs || ++this.begun % LOOK_EVERY === 0)) this.forgetOldDialogs();
  }

  /** An answered call stays in the path: its end will be seen. */
  private follow(slot: number, watch: CallWatch, request: RecordedRequest): void {
    const { dialogs } = this;
    const { callIdA: a, callIdB: b } = request;
    // A fork of the same call upstream has the same Call-ID: the later one is followed.
    const former = dialogs.find(a, b);
    if (former >= 0) this.hangUp(former, 'unknown', 0);
    this.store.follow(slot, watch.winner?.figures);
    dialogs.add(slot, a, b, tagKey(request));
  }
}

const always = (): boolean => true;
