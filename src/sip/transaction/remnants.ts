import { type TextChunk, TextStore } from '../../core/text-store.js';
import { COARSE_MS, type TimerWheel, WheelTimer } from '../timers.js';
import type { Source } from '../transport/transport.js';

/** Integers of one record: key A, key B, next of its bucket plus one, due, ports, kind, check, where its text begins, and its length. */
const FIELDS = 9;
const NEXT = 2;
const DUE = 3;
const PORTS = 4;
const KIND = 5;
const CHECK = 6;
const TEXT = 7;
const LENGTH = 8;
/** A longer text stays in the heap: it would waste the rest of the memory before it. */
const MOST_STORED = 4096;
/** Few at first, so that a ring grows during the calls that warm a daemon up: V8 discards compiled code when it comes to a path for the first time. */
const LEAST = 64;

/** Kind of the ended transaction that a remnant records. */
export const Kind = {
  /** INVITE server with a 2xx, or without a final reply: copies are absorbed, an ACK belongs to the 2xx. */
  accepted: 1,
  /** INVITE server whose failure was acknowledged: copies and further ACKs are absorbed. */
  confirmed: 2,
  /** Other server: a copy gets the same reply, if there was one. */
  answered: 3,
  /** INVITE client whose 2xx was passed on: another 2xx is passed on to the same caller. */
  taken: 4,
  /** Other client: further replies are absorbed. */
  settled: 5,
} as const;
/** One of these kinds. */
export type Kind = (typeof Kind)[keyof typeof Kind];

/**
 * Records of ended transactions for the time in which a message may be retransmitted (timers I, J, K, L and M of RFC
 * 3261 and RFC 6026): their keys and their kind, as numbers in a ring buffer. They are some fifty times as many as the
 * active transactions; as objects each would be moved twice by the garbage collector and then scanned in each full
 * collection. All are kept equally long, so that they expire in the order of their insertion and one timer serves all.
 */
export class Remnants extends WheelTimer {
  private capacity = LEAST;
  private records = new Int32Array(LEAST * FIELDS);
  /** Heads of the hash chains: index of a record plus one, 0 for none. */
  private buckets = new Int32Array(LEAST);
  /** Source of its requests; for `taken`, source of the call's requests. */
  private sources: (Source | undefined)[] = new Array<Source | undefined>(LEAST).fill(undefined);
  /** Where the last reply is; itself where it is long, undefined where there is none. */
  private texts: (TextChunk | string | undefined)[] = new Array<undefined>(LEAST).fill(undefined);
  private store = new TextStore();
  private first = 0;
  private count = 0;
  private readonly origin: number;

  constructor(
    private readonly timers: TimerWheel,
    /** Monotonic milliseconds. */
    private readonly now: () => number,
    /** How long each stays, in milliseconds; up to COARSE_MS longer. */
    private readonly stayMs: number,
    /** Called for each dropped record that has a source, with the length of its last reply. */
    private readonly dropped?: (source: Source, length: number) => void,
  ) {
    super();
    this.origin = now();
  }

  /** Ended transactions that are remembered. */
  get size(): number {
    return this.count;
  }

  /** Keeps the record of a transaction that has ended; the oldest one is the first to be dropped. */
  add(
    keyA: number,
    keyB: number,
    kind: Kind,
    source: Source | undefined,
    replyPort: number,
    sentByPort: number,
    text: string,
    /** What a message must show besides the keys; see `checkAt`. */
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

  /** The position of the latest record with these keys; -1 when there is none. Valid until the next `add`. */
  find(keyA: number, keyB: number): number {
    if (this.count === 0) return -1;
    const { records } = this;
    let at = (this.buckets[keyA & (this.capacity - 1)] as number) - 1;
    while (at >= 0 && (records[at * FIELDS] !== (keyA | 0) || records[at * FIELDS + 1] !== (keyB | 0))) {
      at = (records[at * FIELDS + NEXT] as number) - 1;
    }
    return at;
  }

  /** What becomes of further messages of the record at this position. */
  kindAt(slot: number): Kind {
    return this.records[slot * FIELDS + KIND] as Kind;
  }

  /** What a message must show besides the keys. */
  checkAt(slot: number): number {
    return this.records[slot * FIELDS + CHECK] as number;
  }

  /** Where the request came from; undefined where nothing is sent back. */
  sourceAt(slot: number): Source | undefined {
    return this.sources[slot];
  }

  /** Port that replies go to. */
  replyPortAt(slot: number): number {
    return (this.records[slot * FIELDS + PORTS] as number) >>> 16;
  }

  /** Port of the sent-by of the top Via: for a new connection. */
  sentByPortAt(slot: number): number {
    return (this.records[slot * FIELDS + PORTS] as number) & 0xffff;
  }

  /** The last reply, '' when there was none. */
  textAt(slot: number): string {
    const kept = this.texts[slot];
    if (typeof kept !== 'object') return kept ?? '';
    const from = this.records[slot * FIELDS + TEXT] as number;
    return kept.bytes.toString('latin1', from, from + (this.records[slot * FIELDS + LENGTH] as number));
  }

  /** Drops all records. */
  clear(): void {
    this.count = 0;
    this.store = new TextStore();
    this.resize(LEAST);
  }

  /** Drops the expired records. */
  onTimer(): void {
    const elapsed = this.now() - this.origin;
    const { records } = this;
    while (this.count > 0 && (records[this.first * FIELDS + DUE] as number) * COARSE_MS <= elapsed) this.dropFirst();
    if (this.capacity > LEAST && this.count < this.capacity >> 3) this.resize(this.capacity >> 2);
    if (this.count === 0) return;
    const due = this.records[this.first * FIELDS + DUE] as number;
    this.timers.armLoosely(this, due * COARSE_MS - elapsed);
  }

  /** Drops the oldest record before it expires, if it is at least `ageMs` old. */
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
    if (length > MOST_STORED) {
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

  /** Copies everything, in its order, into a ring of another size. Some 10 ns a record. */
  private resize(capacity: number): void {
    const { records, sources, texts, first, count } = this;
    const mask = this.capacity - 1;
    this.capacity = Math.max(LEAST, capacity);
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
