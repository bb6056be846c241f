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
import { Bye, type ByeListener, type RequestInDialog } from './bye.js';
import { CallDialogs } from './call-dialogs.js';
import type { HungUp } from './call-entry-types.js';
import type { CallRecord } from './call-record.js';
import { CallWatch, type RecordedRequest, type RecordKeeper } from './call-watch.js';
import { type DestinationFigures, FiguresTable } from './destination-figures.js';
import { RecordListeners } from './record-listeners.js';
import { RecordStore } from './record-store.js';
import { SlotRing } from './slot-ring.js';
import { tagKey } from './tag-key.js';

/** How many records and calls are kept. */
export interface CallBounds {
  /** Records of dispatched requests that are kept; default 10,000. 0: none. */
  readonly ring: number;
  /** Answered calls that are followed until they end; default 50,000. Beyond that the oldest are dropped. */
  readonly dialogs: number;
}

/** The bounds where the settings say nothing. */
const DEFAULT_CALL_BOUNDS: CallBounds = { ring: 10_000, dialogs: 50_000 };

/** Receives a record when its request gets the final reply. */
export interface FinalRecords {
  /** Whether the record of a request with this Call-ID is wanted. */
  isWanted(callId: string): boolean;
  record(record: CallRecord): void;
}

/** A request or BYE that has ended and is not recorded yet. */
interface Ended {
  /** Bytes that it keeps in memory until it is recorded. */
  readonly bytes: number;
  writeRecord(): void;
}

/** Refers to a record in a ring. The record may have been removed since. */
export interface RecordHandle {
  readonly slot: number;
  readonly serial: number;
  readonly changed: number;
}

/**
 * Ended requests are recorded in groups of this size, or earlier when somebody reads the records. The first of a group
 * takes several times as long as each further one, which finds the code in the processor's caches. Until then the
 * requests stay in memory.
 */
const MAX_WAITING = 128;
const MAX_WAITING_BYTES = 256 * 1024;
/** Times are kept in whole microseconds, so two equal times may differ by this many milliseconds. */
const SAME_TIME = 0.001;
/** Characters kept of the reason of a refusal: a script may put any part of the request into it. */
const MAX_OF_REASON = 256;
/** Bytes of request texts that the ring keeps. */
const MAX_BYTES = 32 * 1024 * 1024;
/**
 * Requests refused before a selection have a ring of their own, so that a flood of them removes no record of a call.
 */
const REFUSED_RING = 1000;
/** After this many answered calls, the oldest are checked for LONGEST_CALL. */
const LOOK_EVERY = 4096;
/** Stateless requests remembered to recognise retransmissions: enough for 250 a second during 32 s. */
const RETRANSMISSIONS = 8192;
/** Milliseconds an answered call is followed; after that its BYE counts as lost. */
const LONGEST_CALL = 24 * 3_600_000;

/**
 * The call records of this process, in bounded rings: one for each request that a rule or script dispatched. With
 * `onEnd`, a listener receives each record when its call has ended.
 */
export class CallLedger implements ProxyObserver, RecordKeeper, ByeListener {
  /**
   * `unmatched`: requests that no rule matched; `refused`: requests answered without being dispatched;
   * `dialogsForgotten`: answered calls that were dropped before their end.
   */
  readonly counters = { unmatched: 0, refused: 0, dialogsForgotten: 0 };
  /** Called for each request outside a dialog when it is dispatched; undefined: nobody listens. */
  onDispatch: ((message: RecordedRequest, source: Source, origin: RouteOrigin | undefined) => void) | undefined =
    undefined;
  /** Receives records when their requests get the final reply; undefined: nobody does. */
  finals: FinalRecords | undefined = undefined;
  private readonly figuresTable = new FiguresTable();
  private readonly listeners: RecordListeners;
  private readonly store = new RecordStore();
  private ring: SlotRing;
  private readonly refusals = new SlotRing(this.store, REFUSED_RING, MAX_BYTES);
  /** Answered calls by the hash of their Call-ID. */
  private readonly dialogs = new CallDialogs();
  /** Recent requests that were forwarded without state, so that a retransmission gets no second record. */
  private readonly stateless = new Generations<string, true>(RETRANSMISSIONS);
  /** While an event of another process is recorded: its monotonic time; otherwise undefined, which means now. */
  reportedAt: number | undefined = undefined;
  /** Ended requests that are not recorded yet, oldest first, and the bytes of their texts. */
  private waiting: Ended[] = [];
  private waitingBytes = 0;
  /** Whether a listener wanted records when it was last asked (`askListeners`). */
  private isWanted = false;
  private changes = 0;
  private begun = 0;
  /**
   * The difference between the time since the epoch and the monotonic clock, in milliseconds, and when to read it
   * again.
   */
  private ahead = 0;
  private aheadUntil = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly clock: Clock,
    private bounds: CallBounds = DEFAULT_CALL_BOUNDS,
    onListenerError?: (error: unknown) => void,
  ) {
    this.listeners = new RecordListeners(this.store, onListenerError);
    this.ring = new SlotRing(this.store, bounds.ring, MAX_BYTES);
  }

  /** Changes the bounds; records that still fit are kept. */
  configure(bounds: CallBounds): void {
    this.writeEnded();
    if (bounds.ring !== this.bounds.ring) {
      const kept = [...this.ring.items()];
      this.ring = new SlotRing(this.store, bounds.ring, MAX_BYTES);
      for (const slot of kept) this.ring.add(slot);
    }
    this.bounds = bounds;
    this.askListeners();
    this.forgetOldDialogs();
  }

  /**
   * Calls `listen` with each record for which `isWanted` is true, when its request, or the call it began, has ended.
   * The returned function removes the listener.
   */
  onEnd(listen: (record: CallRecord) => void, isWanted: () => boolean = always): () => void {
    const remove = this.listeners.on(listen, isWanted);
    this.askListeners();
    return remove;
  }

  /** Asks each listener whether it wants records. To be called when one may have begun to want them. */
  askListeners(): void {
    this.isWanted = this.listeners.isWanted;
  }

  /** The figures of each destination, up to date. */
  get table(): FiguresTable {
    this.writeEnded();
    return this.figuresTable;
  }

  monotonic(): number {
    return this.reportedAt ?? this.clock.monotonic();
  }

  figuresOf(destination: Destination): DestinationFigures {
    return this.figuresTable.of(destination);
  }

  /** Counts the round trip of an answered probe. */
  probed(destination: Destination, ms: number): void {
    this.figuresTable.of(destination).probes.observe(ms);
  }

  relayed(message: SipMessage, source: Source, plan: RelayPlan): RelayWatch | undefined {
    if (message.toTag !== '') {
      // A request inside a dialog is not dispatched. A BYE ends its call.
      return message.method === 'BYE' ? this.bye(message) : undefined;
    }
    return this.relayedElsewhere(message, message.method === 'INVITE', source, plan.origin, plan.recordRoute);
  }

  /** Another process may relay this request; it is recorded here. */
  relayedElsewhere(
    request: RecordedRequest,
    invite: boolean,
    source: Source,
    origin: RouteOrigin | undefined,
    recordRoute: boolean,
  ): CallWatch {
    this.onDispatch?.(request, source, origin);
    return new CallWatch(this, request, invite, source, this.monotonic(), origin, recordRoute);
  }

  /**
   * Before records are filed: asks whether a listener wants them, and compares the clocks. The system clock is slower
   * to read than the monotonic one, so it is read once a second only.
   */
  private prepare(): void {
    this.askListeners();
    const now = this.clock.monotonic();
    if (now < this.aheadUntil) return;
    this.ahead = this.clock.now() - now;
    this.aheadUntil = now + 1000;
  }

  forwarded(message: SipMessage, source: Source, hop: NextHop, target: ResolvedTarget, origin?: RouteOrigin): void {
    if (message.toTag !== '') {
      // Without state the reply is not seen: the BYE is taken as accepted, since a challenge would go unnoticed.
      if (message.method === 'BYE') this.bye(message)?.ended(200);
      return;
    }
    // A retransmission is forwarded again, but is not another call.
    const key = `${message.via?.branch} ${message.callId}`;
    if (this.stateless.has(key)) return;
    this.stateless.set(ownText(key), true);
    this.onDispatch?.(message, source, origin);
    const invite = message.method === 'INVITE';
    const watch = new CallWatch(this, message, invite, source, this.clock.monotonic(), origin, false);
    watch.forwarded(hop, target);
    this.prepare();
    this.file(watch, '', this.ring);
  }

  refused(message: SipMessage, source: Source, code: number, reason: string, origin: RouteOrigin | undefined): void {
    // Redirections by a rule and our answers to OPTIONS are no refusals. A request inside a dialog is not dispatched.
    if (code < 300 || message.toTag !== '') return;
    this.counters.refused++;
    if (origin?.rule === '') this.counters.unmatched++;
    const now = this.clock.monotonic();
    const watch = new CallWatch(this, message, message.method === 'INVITE', source, now, origin, false);
    watch.code = code;
    watch.end = 0;
    this.prepare();
    this.file(watch, ownText(reason.slice(0, MAX_OF_REASON)), this.refusals);
  }

  keep(ended: Ended): void {
    this.waitingBytes += ended.bytes;
    const isFull = this.waiting.push(ended) >= MAX_WAITING || this.waitingBytes > MAX_WAITING_BYTES;
    if (isFull || this.isWanted || this.finals !== undefined) this.writeEnded();
  }

  write(watch: CallWatch): void {
    this.file(watch, '', this.ring);
  }

  /** Another process relayed a BYE, which got this final reply; `fromTag`: the From tag of the BYE. */
  byeEnded(callId: string, fromTag: string, code: number): void {
    const { a, b } = hashCallId(callId);
    this.bye({ callIdA: a, callIdB: b, fromTag })?.ended(code);
  }

  /** The number of calls that were answered, are recorded in the route and have not ended. */
  get inDialog(): number {
    this.writeEnded();
    return this.dialogs.size;
  }

  /** The number of the newest change of any record. */
  get newest(): number {
    this.writeEnded();
    return this.changes;
  }

  /** All records, in the order in which their requests ended. */
  *records(): Generator<CallRecord> {
    this.writeEnded();
    for (const slot of this.listed()) yield this.store.read(slot);
  }

  /**
   * References to all records, in the order in which their requests ended; with `after`, only to those changed after
   * that number.
   */
  handles(after = 0): RecordHandle[] {
    this.writeEnded();
    const { store } = this;
    const found: RecordHandle[] = [];
    for (const slot of this.listed()) {
      const changed = store.changed(slot);
      if (changed > after) found.push({ slot, serial: store.serial(slot), changed });
    }
    return found;
  }

  /** Reads the record of a reference; undefined when it has left its ring. */
  read({ slot, serial }: RecordHandle): CallRecord | undefined {
    this.writeEnded();
    return this.store.isListed(slot) && this.store.serial(slot) === serial ? this.store.read(slot) : undefined;
  }

  /** At a stop: calls in progress will not be seen to end, so their records are reported as they are. */
  stop(): void {
    this.writeEnded();
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

  /** Starts to follow a BYE; undefined when no followed call has its Call-ID. */
  private bye(request: RequestInDialog): Bye | undefined {
    if (this.dialogs.size === 0 && this.waiting.length === 0) return undefined;
    return new Bye(this, request, this.monotonic());
  }

  /** Records all ended requests. */
  private writeEnded(): void {
    const { waiting } = this;
    if (waiting.length === 0) return;
    this.waiting = [];
    this.waitingBytes = 0;
    this.prepare();
    for (let i = 0; i < waiting.length; i++) (waiting[i] as Ended).writeRecord();
  }

  hungUp(bye: RequestInDialog, at: number): void {
    const { dialogs, store } = this;
    const slot = dialogs.find(bye.callIdA, bye.callIdB);
    // Another call with this Call-ID may have been answered since the BYE came.
    if (slot < 0 || store.answeredAt(slot) - at > SAME_TIME) return;
    this.hangUp(slot, tagKey(bye) === dialogs.own(slot) ? 'caller' : 'callee', at);
  }

  private hangUp(slot: number, by: HungUp, at: number): void {
    const { store } = this;
    this.dialogs.remove(slot);
    store.hangUp(slot, by, at, ++this.changes);
    if (this.isWanted) this.listeners.ended(slot);
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

  /** Records a request that has ended. */
  private file(watch: CallWatch, reason: string, ring: SlotRing): void {
    const { store } = this;
    const slot = store.write(watch, Math.round(watch.began + this.ahead), reason, ++this.changes);
    const { code, request } = watch;
    const goesOn = watch.invite && watch.recordRoute && code >= 200 && code < 300 && request !== undefined;
    if (goesOn) this.follow(slot, watch, request);
    watch.request = undefined;
    if (this.finals?.isWanted(request?.callId ?? '') === true) this.finals.record(store.read(slot));
    if (!goesOn && this.isWanted) this.listeners.ended(slot);
    ring.add(slot);
    // Checking the oldest calls takes time, so it is not done for each call.
    if (goesOn && (this.dialogs.size > this.bounds.dialogs || ++this.begun % LOOK_EVERY === 0)) this.forgetOldDialogs();
  }

  /** Follows an answered call that is recorded in the route, until its BYE. */
  private follow(slot: number, watch: CallWatch, request: RecordedRequest): void {
    const { dialogs } = this;
    const { callIdA: a, callIdB: b } = request;
    // A call that was forked before it came here has the same Call-ID several times: only the latest is followed.
    const former = dialogs.find(a, b);
    if (former >= 0) this.hangUp(former, 'unknown', 0);
    this.store.follow(slot, watch.winner?.figures);
    dialogs.add(slot, a, b, tagKey(request));
  }
}

const always = (): boolean => true;
