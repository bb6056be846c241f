import { randomInt } from 'node:crypto';
import type { Clock } from '../core/clock.js';
import { Emitter } from '../core/emitter.js';
import { Mixer } from '../core/mix.js';
import { TextStore } from '../core/text-store.js';
import type { Destination } from '../engine/destination.js';
import type { NextHop, RelayPlan, RouteOrigin } from '../proxy/decision.js';
import type { ProxyObserver, RelayWatch } from '../proxy/observer.js';
import type { SipMessage } from '../sip/message.js';
import type { ResolvedTarget } from '../sip/target.js';
import type { Source } from '../sip/transport/transport.js';
import type { HungUp } from './call-entry-types.js';
import { CallRecord, type RecordedRequest, type RecordKeeper } from './call-record.js';
import { type DestinationFigures, FiguresTable } from './destination-figures.js';

/** Bounds of what is remembered. */
export interface CallBounds {
  /** Records kept of requests that were dispatched; default 10,000. 0: none. */
  readonly ring: number;
  /** Most answered calls that are followed to their end; default 50,000. The oldest beyond that are forgotten. */
  readonly dialogs: number;
}

/** Bounds of call records unless the settings say otherwise: records kept, and dialogs followed at once. */
export const DEFAULT_CALL_BOUNDS: CallBounds = { ring: 10_000, dialogs: 50_000 };

/** Bytes of requests kept in the ring at most. */
const MOST_BYTES = 32 * 1024 * 1024;
/** Requests refused before anything was selected have a ring of their own, so that a flood of them evicts no call. */
const REFUSED_RING = 1000;
/** Answered calls after which the oldest are checked for having been followed too long. */
const LOOK_EVERY = 4096;
/** Requests forwarded without state that are remembered, to recognise retransmissions: 250 a second for 32 s. */
const RETRANSMISSIONS = 8192;
/** The seeds of the keys of Call-IDs are below it. */
const SEEDS = 2 ** 32;
/** Milliseconds an answered call is followed: after that its BYE counts as lost. */
const LONGEST_CALL = 24 * 3_600_000;

/**
 * The call records of this process: one for each request that a rule or script dispatched, in a bounded ring. Whoever wants
 * each record when its call has ended registers with `onEnd`.
 */
export class CallLedger implements ProxyObserver, RecordKeeper {
  /** Figures by destination. */
  readonly table = new FiguresTable();
  /** Requests that no rule matched, and all that were answered without being dispatched. */
  readonly counters = { unmatched: 0, refused: 0, dialogsForgotten: 0 };
  /** Called for each request outside a dialog as it is dispatched; undefined: no listener. */
  onDispatch: ((message: RecordedRequest, source: Source, origin: RouteOrigin | undefined) => void) | undefined;
  /** Called with each record as its request has its final reply; undefined: no listener. */
  onFinal: ((record: CallRecord) => void) | undefined;
  private readonly ended: Emitter<CallRecord>;
  private ring: Ring;
  private readonly refusals = new Ring(REFUSED_RING, MOST_BYTES);
  /** Answered calls by the key of their Call-ID, oldest first: the Call-ID itself would hold on to the whole request. */
  private readonly dialogs = new Map<number, CallRecord>();
  private readonly mixer = new Mixer(randomInt(SEEDS), randomInt(SEEDS));
  /** Requests forwarded without state lately, so that a retransmission makes no second record. */
  private readonly stateless = new RecentKeys(RETRANSMISSIONS);
  /** Monotonic time of an event that another process reports, while it is recorded; undefined: now. */
  reportedAt: number | undefined = undefined;
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
    this.ended = new Emitter(onListenerError);
    this.ring = new Ring(bounds.ring, MOST_BYTES);
  }

  /** Takes other bounds; the records that fit stay. */
  configure(bounds: CallBounds): void {
    if (bounds.ring !== this.bounds.ring) {
      const kept = [...this.ring.items()];
      this.ring.clear();
      this.ring = new Ring(bounds.ring, MOST_BYTES);
      for (const record of kept) this.ring.add(record);
    }
    this.bounds = bounds;
    this.forgetOldDialogs();
  }

  /** Calls `listen` with each record when its request, or the call it began, has ended. The returned function removes it. */
  onEnd(listen: (record: CallRecord) => void): () => void {
    return this.ended.on(listen);
  }

  monotonic(): number {
    return this.reportedAt ?? this.clock.monotonic();
  }

  figures(hop: NextHop): DestinationFigures | undefined {
    return hop.destination === undefined ? undefined : this.table.of(hop.destination);
  }

  /** A probe of a destination was answered after `ms` milliseconds. */
  probed(destination: Destination, ms: number): void {
    this.table.of(destination).probes.observe(ms);
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
  ): CallRecord {
    this.onDispatch?.(request, source, origin);
    const { transport } = source.socket;
    const began = this.monotonic();
    return new CallRecord(this, request, invite, source, transport, this.timeAt(began), began, origin, recordRoute);
  }

  /** Milliseconds since the epoch at a monotonic time: the system's clock costs more to read, and is read once a second. */
  private timeAt(monotonic: number): number {
    if (monotonic >= this.aheadUntil) {
      this.ahead = this.clock.now() - monotonic;
      this.aheadUntil = monotonic + 1000;
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
    if (this.stateless.seen(`${message.via?.branch} ${message.callId}`)) return;
    this.onDispatch?.(message, source, origin);
    const { transport } = source.socket;
    const invite = message.method === 'INVITE';
    const began = this.clock.monotonic();
    const time = this.timeAt(began);
    const record = new CallRecord(this, message, invite, source, transport, time, began, origin, false);
    record.forwarded(hop, target);
    this.file(record, this.ring);
    this.ended.emit(record);
  }

  refused(message: SipMessage, source: Source, code: number, reason: string, origin: RouteOrigin | undefined): void {
    // A redirection by a rule, or our answer to an OPTIONS, is no refusal; inside a dialog nothing is dispatched.
    if (code < 300 || message.toTag !== '') return;
    this.counters.refused++;
    if (origin?.rule === '') this.counters.unmatched++;
    const invite = message.method === 'INVITE';
    const { transport } = source.socket;
    const now = this.clock.monotonic();
    const time = this.timeAt(now);
    const record = new CallRecord(undefined, message, invite, source, transport, time, now, origin, false);
    record.reason = reason;
    record.ended(code, undefined);
    this.file(record, this.refusals);
    this.ended.emit(record);
  }

  recordEnded(record: CallRecord): void {
    const { message } = record;
    const answered = record.code >= 200 && record.code < 300;
    if (record.invite && record.recordRoute && answered && message !== undefined) {
      record.inDialog = true;
      record.callerKey = this.mixer.key(message.fromTag);
      const key = this.mixer.key(message.callId);
      record.dialogKey = key;
      // A fork of the same call upstream has the same Call-ID: the later one is followed.
      const former = this.dialogs.get(key);
      if (former !== undefined) this.hangUp(former, 'unknown');
      this.dialogs.set(key, record);
      // The oldest are behind all those that were taken out: finding them costs more the more calls have ended.
      if (this.dialogs.size > this.bounds.dialogs || ++this.begun % LOOK_EVERY === 0) this.forgetOldDialogs();
    }
    this.file(record, this.ring);
    if (!record.inDialog) this.ended.emit(record);
  }

  /** Calls that were answered, stay in the path and have not ended. */
  get inDialog(): number {
    return this.dialogs.size;
  }

  /** Number of the newest change; records changed later have a greater one. */
  get newest(): number {
    return this.changes;
  }

  /** All records, in the order their requests ended. */
  *records(): Generator<CallRecord> {
    const refused = this.refusals.items();
    let next = refused.next();
    for (const record of this.ring.items()) {
      while (!next.done && next.value.time + next.value.end <= record.time + record.end) {
        yield next.value;
        next = refused.next();
      }
      yield record;
    }
    for (; !next.done; next = refused.next()) yield next.value;
  }

  /** The ends of the calls still under way will not be seen: their records are handed on as they are. */
  stop(): void {
    for (const record of this.dialogs.values()) this.hangUp(record, 'unknown');
  }

  private bye(message: Pick<SipMessage, 'callId' | 'fromTag'>): Bye | undefined {
    if (this.dialogs.size === 0) return undefined;
    const record = this.dialogs.get(this.mixer.key(message.callId));
    if (record === undefined) return undefined;
    const by = this.mixer.key(message.fromTag) === record.callerKey ? 'caller' : 'callee';
    return new Bye(this, record, by, this.monotonic());
  }

  /** A BYE that another process relayed has this final reply; `fromTag` is that of its sender. */
  byeEnded(callId: string, fromTag: string, code: number): void {
    this.bye({ callId, fromTag })?.ended(code);
  }

  /** A BYE has ended the call it was for. */
  hungUp(record: CallRecord, by: HungUp, at: number): void {
    // Only the entry of this call: another call with the same Call-ID may have replaced it.
    if (record.inDialog) this.hangUp(record, by, at);
  }

  private hangUp(record: CallRecord, by: HungUp, at?: number): void {
    this.dialogs.delete(record.dialogKey);
    record.hangUp(by, at);
    record.changed = ++this.changes;
    this.ended.emit(record);
  }

  private forgetOldDialogs(): void {
    const now = this.clock.monotonic();
    for (const record of this.dialogs.values()) {
      if (this.dialogs.size <= this.bounds.dialogs && now - record.began < LONGEST_CALL) return;
      this.counters.dialogsForgotten++;
      this.hangUp(record, 'unknown');
    }
  }

  private file(record: CallRecord, ring: Ring): void {
    record.settle();
    this.onFinal?.(record);
    record.changed = ++this.changes;
    ring.add(record);
  }
}

/**
 * A BYE under way. A call that is asked to authenticate its BYE goes on until it is sent again with credentials; any
 * other final reply, and none, ends it (RFC 3261 section 15.1.1).
 */
class Bye implements RelayWatch {
  constructor(
    private readonly ledger: Pick<CallLedger, 'hungUp'>,
    private readonly record: CallRecord,
    private readonly by: HungUp,
    /** When it came, monotonic milliseconds. */
    private readonly at: number,
  ) {}

  ended(code: number): void {
    if (code === 401 || code === 407) return;
    this.ledger.hungUp(this.record, this.by, this.at);
  }

  sent(): void {}
  provisional(): void {}
  failed(): void {}
  passedOver(): void {}
  cancelled(): void {}
}

/** The newest keys of at least `size` and at most twice as many. */
class RecentKeys {
  private newer = new Set<string>();
  private older = new Set<string>();

  constructor(private readonly size: number) {}

  /** Whether a key was seen before; it is from now on. */
  seen(key: string): boolean {
    if (this.newer.has(key) || this.older.has(key)) return true;
    this.newer.add(key);
    if (this.newer.size >= this.size) {
      this.older = this.newer;
      this.newer = new Set();
    }
    return false;
  }
}

/** The newest records, bounded in number and in the bytes of their requests. */
class Ring {
  private readonly slots: (CallRecord | undefined)[];
  /** Where the next one goes, where the oldest is, and how many there are. */
  private next = 0;
  private first = 0;
  private size = 0;
  private bytes = 0;
  private readonly texts = new TextStore();

  constructor(
    private readonly limit: number,
    private readonly mostBytes: number,
  ) {
    this.slots = new Array<CallRecord | undefined>(limit).fill(undefined);
  }

  add(record: CallRecord): void {
    if (this.limit === 0) return;
    if (this.size === this.limit) this.drop();
    this.slots[this.next] = record;
    this.next = this.next + 1 === this.limit ? 0 : this.next + 1;
    this.size++;
    this.bytes += record.textLength;
    record.keepIn(this.texts);
    while (this.bytes > this.mostBytes && this.size > 1) this.drop();
  }

  /** All leave, and take their texts with them. */
  clear(): void {
    for (const record of this.items()) record.leave(this.texts, true);
  }

  /** Oldest first. */
  *items(): Generator<CallRecord> {
    const { first, size, limit } = this;
    for (let i = 0; i < size; i++) {
      const record = this.slots[(first + i) % limit];
      if (record !== undefined) yield record;
    }
  }

  private drop(): void {
    const record = this.slots[this.first];
    this.bytes -= record?.textLength ?? 0;
    record?.leave(this.texts, record.inDialog);
    this.slots[this.first] = undefined;
    this.first = this.first + 1 === this.limit ? 0 : this.first + 1;
    this.size--;
  }
}
