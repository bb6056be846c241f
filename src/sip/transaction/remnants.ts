import { type TextChunk, TextStore } from '../../core/text-store.js';
import { COARSE_MS, type TimerWheel, WheelTimer } from '../timers.js';
import type { Source } from '../transport/transport.js';

/**
 * Integers of one record: key A, key B, next record of its bucket plus one, expiry, ports, kind, check, position of its
 * text, and length of the text.
 */
const FIELDS = 9;
const NEXT = 2;
const DUE = 3;
const PORTS = 4;
const KIND = 5;
const CHECK = 6;
const TEXT = 7;
const LENGTH = 8;
/** A longer text is kept as a string of its own, since it could leave most of a chunk unused. */
const MAX_STORED = 4096;
/**
 * Small at first, so that the ring grows during the warm-up calls. V8 discards compiled code when it comes to a new
 * code path, so growing must happen before.
 */
const MIN_CAPACITY = 64;

/** What a record does with further messages. */
export const Kind = {
  /** INVITE server transaction with a 2xx, or without a final reply: absorbs retransmissions; an ACK is for the 2xx. */
  accepted: 1,
  /** INVITE server transaction whose failure was acknowledged: absorbs retransmissions and further ACKs. */
  confirmed: 2,
  /** Other server transaction: sends its reply, if there was one, for each retransmission. */
  answered: 3,
  /** INVITE client transaction with a 2xx: forwards further 2xx to the same caller. */
  taken: 4,
  /** Other client transaction: absorbs further replies. */
  settled: 5,
} as const;
/** One of these kinds. */
export type Kind = (typeof Kind)[keyof typeof Kind];

/**
 * Records of ended transactions, for the time in which messages may be retransmitted (timers I, J, K, L and M of RFC
 * 3261 and RFC 6026). Keys and kind are numbers in a ring buffer. There are about fifty times as many records as active
 * transactions; as objects, the garbage collector would move each twice and scan it in each full collection. All
 * records are kept for the same time, so they expire in order of insertion and one timer serves all.
 */
export class Remnants extends WheelTimer {
  private capacity = MIN_CAPACITY;
  private records = new Int32Array(MIN_CAPACITY * FIELDS);
  /** First record of each bucket: its index plus one, 0 for none. */
  private buckets = new Int32Array(MIN_CAPACITY);
  /** Source of the requests; for `taken`, source of the call's INVITE. */
  private sources: (Source | undefined)[] = new Array<Source | undefined>(MIN_CAPACITY).fill(undefined);
  /** The chunk that holds the last reply; the text itself if it is long; undefined without a reply. */
  private texts: (TextChunk | string | undefined)[] = new Array<undefined>(MIN_CAPACITY).fill(undefined);
  private store = new TextStore();
  private first = 0;
  private count = 0;
  private readonly origin: number;

  constructor(
    private readonly timers: TimerWheel,
    /** Monotonic milliseconds. */
    private readonly now: () => number,
    /** Milliseconds each record is kept, or up to COARSE_MS longer. */
    private readonly stayMs: number,
    /** Called for each removed record that has a source, with the length of its last reply. */
    private readonly dropped?: (source: Source, length: number) => void,
  ) {
    super();
    this.origin = now();
  }

  /** Number of records. */
  get size(): number {
    return this.count;
  }

  /** Adds the record of an ended transaction. */
  add(
    keyA: number,
    keyB: number,
    kind: Kind,
    source: Source | undefined,
    replyPort: number,
    sentByPort: number,
    text: string,
    /** See `checkAt`. */
    check = 0,
  ): void {
    if (this.count === this.capacity) this.resize(this.capacity * 2);
    const at = (this.first + this.count) & (this.capacity - 1);
    const { records } = this;
    const field = at * FIELDS;
    records[field] = keyA;
    records[field + 1] = keyB;
    records[field + DUE] = Math.ceil((this.now() - this.origin + this.stayMs) / COARSE_MS);
    records[field + PORTS] = (replyPort << 16) | sentByPort;
    records[field + KIND] = kind;
    records[field + CHECK] = check;
    this.sources[at] = source;
    this.keep(at, text);
    this.link(at);
    if (++this.count === 1) this.timers.armLoosely(this, this.stayMs);
  }

  /** Position of the newest record with these keys; -1 when there is none. Valid until the next `add`. */
  find(keyA: number, keyB: number): number {
    if (this.count === 0) return -1;
    const { records } = this;
    let at = (this.buckets[keyA & (this.capacity - 1)] as number) - 1;
    while (at >= 0 && (records[at * FIELDS] !== (keyA | 0) || records[at * FIELDS + 1] !== (keyB | 0))) {
      at = (records[at * FIELDS + NEXT] as number) - 1;
    }
    return at;
  }

  /** The kind of a record: what to do with further messages. */
  kindAt(slot: number): Kind {
    return this.records[slot * FIELDS + KIND] as Kind;
  }

  /** A number that a message must match, besides the keys. */
  checkAt(slot: number): number {
    return this.records[slot * FIELDS + CHECK] as number;
  }

  /** Source of the request; undefined where nothing is sent back. */
  sourceAt(slot: number): Source | undefined {
    return this.sources[slot];
  }

  /** Port for replies. */
  replyPortAt(slot: number): number {
    return (this.records[slot * FIELDS + PORTS] as number) >>> 16;
  }

  /** Port in the sent-by of the top Via, for a new connection. */
  sentByPortAt(slot: number): number {
    return (this.records[slot * FIELDS + PORTS] as number) & 0xffff;
  }

  /** The last reply; '' when there was none. */
  textAt(slot: number): string {
    const kept = this.texts[slot];
    if (typeof kept !== 'object') return kept ?? '';
    const from = this.records[slot * FIELDS + TEXT] as number;
    return kept.bytes.toString('latin1', from, from + (this.records[slot * FIELDS + LENGTH] as number));
  }

  /** Removes all records. */
  clear(): void {
    this.count = 0;
    this.store = new TextStore();
    this.resize(MIN_CAPACITY);
  }

  /** Removes the expired records. */
  onTimer(): void {
    const elapsed = this.now() - this.origin;
    const { records } = this;
    while (this.count > 0 && (records[this.first * FIELDS + DUE] as number) * COARSE_MS <= elapsed) this.dropFirst();
    if (this.capacity > MIN_CAPACITY && this.count < this.capacity >> 3) this.resize(this.capacity >> 2);
    if (this.count === 0) return;
    const due = this.records[this.first * FIELDS + DUE] as number;
    this.timers.armLoosely(this, due * COARSE_MS - elapsed);
  }

  /** Removes the oldest record early, if it is at least `ageMs` old. */
  dropEarly(ageMs: number): void {
    if (this.count === 0) return;
    const due = this.records[this.first * FIELDS + DUE] as number;
    if (due * COARSE_MS - this.stayMs + ageMs <= this.now() - this.origin) this.dropFirst();
  }

  private dropFirst(): void {
    const { first, records, buckets } = this;
    const field = first * FIELDS;
    const bucket = (records[field] as number) & (this.capacity - 1);
    const next = records[field + NEXT] as number;
    if (buckets[bucket] === first + 1) buckets[bucket] = next;
    else {
      let at = (buckets[bucket] as number) - 1;
      while (records[at * FIELDS + NEXT] !== first + 1) at = (records[at * FIELDS + NEXT] as number) - 1;
      records[at * FIELDS + NEXT] = next;
    }
    const source = this.sources[first];
    if (source !== undefined) this.dropped?.(source, records[field + LENGTH] as number);
    this.sources[first] = undefined;
    const kept = this.texts[first];
    if (typeof kept === 'object') this.store.release(kept);
    this.texts[first] = undefined;
    this.first = (first + 1) & (this.capacity - 1);
    this.count--;
  }

  private keep(at: number, text: string): void {
    const { length } = text;
    this.records[at * FIELDS + LENGTH] = length;
    if (length === 0) return;
    if (length > MAX_STORED) {
      this.texts[at] = text;
      return;
    }
    const chunk = this.store.put(text);
    this.texts[at] = chunk;
    this.records[at * FIELDS + TEXT] = chunk.used - length;
  }

  private link(at: number): void {
    const bucket = (this.records[at * FIELDS] as number) & (this.capacity - 1);
    this.records[at * FIELDS + NEXT] = this.buckets[bucket] as number;
    this.buckets[bucket] = at + 1;
  }

  /** Copies all records, in order, into a ring of another size; about 10 ns each. */
  private resize(capacity: number): void {
    const { records, sources, texts, first, count } = this;
    const mask = this.capacity - 1;
    this.capacity = Math.max(MIN_CAPACITY, capacity);
    this.records = new Int32Array(this.capacity * FIELDS);
    this.buckets = new Int32Array(this.capacity);
    this.sources = new Array<Source | undefined>(this.capacity).fill(undefined);
    this.texts = new Array<undefined>(this.capacity).fill(undefined);
    this.first = 0;
    for (let i = 0; i < count; i++) {
      const from = (first + i) & mask;
      for (let field = 0; field < FIELDS; field++) {
        this.records[i * FIELDS + field] = records[from * FIELDS + field] as number;
      }
      this.sources[i] = sources[from];
      this.texts[i] = texts[from];
      this.link(i);
    }
  }
}
