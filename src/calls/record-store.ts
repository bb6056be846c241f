import { ownText } from '../core/own-text.js';
import type { Destination } from '../engine/destination.js';
import type { NextHop, RouteOrigin } from '../proxy/decision.js';
import type { ResolvedTarget } from '../sip/target.js';
import type { SipSocket } from '../sip/transport/transport.js';
import type { HungUp } from './call-entry-types.js';
import type { CallRecord, RecordedTry } from './call-record.js';
import type { CallTry, CallWatch, RecordedRequest } from './call-watch.js';
import type { DestinationFigures } from './destination-figures.js';
import { headOf } from './recorded-head.js';

/** Records in one block of memory, as a power of two. */
const SHIFT = 8;
const BLOCK = 1 << SHIFT;
/** Bytes of the buffer for a record's request text; a longer text is shortened and kept as a string. */
const CELL = 512;

/** Bytes for the numbers of a record: one cache line. */
const ROW = 64;
/**
 * Offsets in a record: N counts doubles, I 32-bit integers, O objects. `time`, `began` and `duration` are in
 * milliseconds, other times in microseconds.
 */
const N = { changed: 0, time: 1, began: 2 };
const NUMBERS = ROW / 8;
const I = {
  end: 6,
  ringing: 7,
  duration: 8,
  at: 9,
  first: 10,
  tryEnd: 11,
  codes: 12,
  sizes: 13,
  flags: 14,
  serial: 15,
};
const INTS = ROW / 4;
const O = { address: 0, socket: 1, origin: 2, hop: 3, target: 4, figures: 5, more: 6 };
const OBJECTS = 7;

/** Flags of a record. */
const CANCELLED = 1;
const STATELESS = 2;
const IN_DIALOG = 4;
const LISTED = 8;
/** Flags for a record with one attempt: there was one; the proxy generated its code; its hop was skipped. */
const TRIED = 16;
const LOCAL = 32;
const SKIPPED = 64;
/** First of the two bits that say who ended the call: an index into SIDES. */
const HUNG_UP = 7;
const SIDES: readonly (HungUp | undefined)[] = [undefined, 'caller', 'callee', 'unknown'];
/** Two 16-bit numbers share an integer: the shift of the upper one, and the mask of the lower one. */
const UPPER = 16;
const LOWER = 0xffff;
const MAX_COUNTED = 0x7fff;

/** Values that only a few records have. */
interface More {
  readonly reason: string;
  readonly cause: string | undefined;
  /** All attempts, where there were several. */
  readonly tries: readonly RecordedTry[] | undefined;
  /** The shortened header of the request, if it is too long for the buffer. */
  readonly head: string | undefined;
}

/** The memory for BLOCK records. */
class Block {
  private readonly memory = new ArrayBuffer(BLOCK * ROW);
  readonly numbers = new Float64Array(this.memory);
  readonly ints = new Int32Array(this.memory);
  readonly objects = new Array<unknown>(BLOCK * OBJECTS).fill(undefined);
  readonly heads = Buffer.allocUnsafeSlow(BLOCK * CELL);
}

/**
 * Stores call records, each in a numbered slot. Numbers are in typed arrays and request texts in buffers, so that the
 * garbage collector neither scans nor moves them. Slots are reused. A record becomes an object only when it is read.
 */
export class RecordStore {
  private readonly blocks: Block[] = [];
  private readonly free: number[] = [];
  private slots = 0;
  private serials = 0;

  /**
   * Stores the record of a request and returns its slot. `time`: when the request came, in milliseconds since the
   * epoch; `reason`: why it was refused, or ''; `change`: number of this change among those of all records.
   */
  write(watch: CallWatch, time: number, reason: string, change: number): number {
    const slot = this.free.pop() ?? this.another();
    const { numbers, ints, objects, heads } = this.blocks[slot >>> SHIFT] as Block;
    const index = slot & (BLOCK - 1);
    const { source, request, others, hop, cause, began } = watch;

    const length = request === undefined ? 0 : request.identityEnd;
    let head: string | undefined;
    if (length <= CELL) {
      if (request !== undefined) heads.write(request.text, index * CELL, length, 'latin1');
    } else head = headOf(request as RecordedRequest);
    const tries =
      others === undefined
        ? undefined
        : [watch, ...others].map((each) => recordedTry(keptHop(each.hop), each.target, each));

    const n = index * NUMBERS;
    numbers[n + N.changed] = change;
    numbers[n + N.time] = time;
    numbers[n + N.began] = began;
    const i = index * INTS;
    ints[i + I.end] = watch.end;
    ints[i + I.ringing] = watch.ringing;
    ints[i + I.duration] = -1;
    ints[i + I.at] = watch.at;
    ints[i + I.first] = watch.first;
    ints[i + I.tryEnd] = watch.tryEnd;
    ints[i + I.codes] = watch.code | (watch.tryCode << UPPER);
    ints[i + I.sizes] = (head?.length ?? length) | (source.port << UPPER);
    ints[i + I.flags] =
      (watch.wasCancelled ? CANCELLED : 0) |
      (watch.stateless ? STATELESS : 0) |
      (hop === undefined ? 0 : TRIED) |
      (watch.local ? LOCAL : 0) |
      (watch.skipped ? SKIPPED : 0) |
      (Math.min(watch.moreTries, MAX_COUNTED) << UPPER);
    ints[i + I.serial] = this.serials = (this.serials + 1) | 0;

    const o = index * OBJECTS;
    objects[o + O.address] = source.address;
    objects[o + O.socket] = source.socket;
    objects[o + O.origin] = watch.origin;
    objects[o + O.hop] = keptHop(hop);
    objects[o + O.target] = watch.target;
    const isPlain = reason === '' && cause === undefined && tries === undefined && head === undefined;
    objects[o + O.more] = isPlain ? undefined : ({ reason, cause, tries, head } satisfies More);
    return slot;
  }

  /** Reads a record in its current state. */
  read(slot: number): CallRecord {
    const { numbers, ints, objects, heads } = this.blocks[slot >>> SHIFT] as Block;
    const index = slot & (BLOCK - 1);
    const [o, n, i] = [index * OBJECTS, index * NUMBERS, index * INTS];
    const int = (at: number): number => ints[i + at] as number;
    const flags = int(I.flags);
    const more = objects[o + O.more] as More | undefined;
    const tried = (): RecordedTry =>
      recordedTry(objects[o + O.hop] as Destination | string, objects[o + O.target] as ResolvedTarget | undefined, {
        at: int(I.at),
        first: int(I.first),
        tryEnd: int(I.tryEnd),
        tryCode: int(I.codes) >>> UPPER,
        local: (flags & LOCAL) !== 0,
        cause: more?.cause,
        skipped: (flags & SKIPPED) !== 0,
      });
    return {
      changed: numbers[n + N.changed] as number,
      time: numbers[n + N.time] as number,
      text: more?.head ?? heads.toString('latin1', index * CELL, index * CELL + (int(I.sizes) & LOWER)),
      address: objects[o + O.address] as string,
      port: int(I.sizes) >>> UPPER,
      transport: (objects[o + O.socket] as SipSocket).transport,
      origin: objects[o + O.origin] as RouteOrigin | undefined,
      tries: more?.tries ?? ((flags & TRIED) === 0 ? [] : [tried()]),
      moreTries: flags >>> UPPER,
      code: int(I.codes) & LOWER,
      reason: more?.reason ?? '',
      ringing: millis(int(I.ringing)),
      end: millis(int(I.end)),
      wasCancelled: (flags & CANCELLED) !== 0,
      stateless: (flags & STATELESS) !== 0,
      inDialog: (flags & IN_DIALOG) !== 0,
      duration: int(I.duration),
      hungUp: SIDES[(flags >>> HUNG_UP) & 3],
    };
  }

  /** Number of the last change of a record. */
  changed(slot: number): number {
    return (this.blocks[slot >>> SHIFT] as Block).numbers[(slot & (BLOCK - 1)) * NUMBERS + N.changed] as number;
  }

  /** A serial number that distinguishes the record from earlier ones in this slot. */
  serial(slot: number): number {
    return (this.blocks[slot >>> SHIFT] as Block).ints[(slot & (BLOCK - 1)) * INTS + I.serial] as number;
  }

  /** When the request had its final reply, milliseconds since the epoch. */
  endedAt(slot: number): number {
    const { numbers, ints } = this.blocks[slot >>> SHIFT] as Block;
    const index = slot & (BLOCK - 1);
    return (numbers[index * NUMBERS + N.time] as number) + (ints[index * INTS + I.end] as number) / 1000;
  }

  /** Monotonic time at which the request had its final reply. */
  answeredAt(slot: number): number {
    const { numbers, ints } = this.blocks[slot >>> SHIFT] as Block;
    const index = slot & (BLOCK - 1);
    return (numbers[index * NUMBERS + N.began] as number) + (ints[index * INTS + I.end] as number) / 1000;
  }

  /** Monotonic time at which the request came. */
  began(slot: number): number {
    return (this.blocks[slot >>> SHIFT] as Block).numbers[(slot & (BLOCK - 1)) * NUMBERS + N.began] as number;
  }

  /** Marks the call as answered and in progress; `figures`: those of its destination. */
  follow(slot: number, figures: DestinationFigures | undefined): void {
    const { ints, objects } = this.blocks[slot >>> SHIFT] as Block;
    const index = slot & (BLOCK - 1);
    ints[index * INTS + I.flags] = (ints[index * INTS + I.flags] as number) | IN_DIALOG;
    objects[index * OBJECTS + O.figures] = figures;
  }

  /** Marks a call in progress as ended at a monotonic time; `change` as for `write`. */
  hangUp(slot: number, by: HungUp, at: number, change: number): void {
    const { numbers, ints, objects } = this.blocks[slot >>> SHIFT] as Block;
    const index = slot & (BLOCK - 1);
    const [n, i] = [index * NUMBERS, index * INTS];
    numbers[n + N.changed] = change;
    ints[i + I.flags] = ((ints[i + I.flags] as number) & ~IN_DIALOG) | (SIDES.indexOf(by) << HUNG_UP);
    if (by !== 'unknown') {
      const answered = (numbers[n + N.began] as number) + (ints[i + I.end] as number) / 1000;
      ints[i + I.duration] = Math.max(0, Math.round(at - answered));
    }
    const figures = objects[index * OBJECTS + O.figures] as DestinationFigures | undefined;
    if (figures !== undefined) figures.inProgress--;
  }

  /** Marks the record as being in a ring. Returns the bytes of its request text. */
  list(slot: number): number {
    const { ints } = this.blocks[slot >>> SHIFT] as Block;
    const i = (slot & (BLOCK - 1)) * INTS;
    ints[i + I.flags] = (ints[i + I.flags] as number) | LISTED;
    return (ints[i + I.sizes] as number) & LOWER;
  }

  /**
   * Marks the record as removed from its ring; frees the slot unless the call is in progress. Returns the bytes of its
   * request text.
   */
  unlist(slot: number): number {
    const block = this.blocks[slot >>> SHIFT] as Block;
    const index = slot & (BLOCK - 1);
    const i = index * INTS;
    const flags = (block.ints[i + I.flags] as number) & ~LISTED;
    block.ints[i + I.flags] = flags;
    if ((flags & IN_DIALOG) === 0) this.release(slot, block, index);
    return (block.ints[i + I.sizes] as number) & LOWER;
  }

  /** Whether the record is in a ring. */
  isListed(slot: number): boolean {
    return (this.flags(slot) & LISTED) !== 0;
  }

  /** Whether the record's call is in progress. */
  isInDialog(slot: number): boolean {
    return (this.flags(slot) & IN_DIALOG) !== 0;
  }

  /** Frees a slot whose record is in no ring and whose call is not in progress. */
  settle(slot: number): void {
    const block = this.blocks[slot >>> SHIFT] as Block;
    const index = slot & (BLOCK - 1);
    if (((block.ints[index * INTS + I.flags] as number) & (LISTED | IN_DIALOG)) === 0) this.release(slot, block, index);
  }

  private flags(slot: number): number {
    return (this.blocks[slot >>> SHIFT] as Block).ints[(slot & (BLOCK - 1)) * INTS + I.flags] as number;
  }

  private release(slot: number, { objects }: Block, index: number): void {
    const o = index * OBJECTS;
    for (let at = o; at < o + OBJECTS; at++) objects[at] = undefined;
    this.free.push(slot);
  }

  private another(): number {
    if ((this.slots & (BLOCK - 1)) === 0) this.blocks.push(new Block());
    return this.slots++;
  }
}

/** An attempt with times in milliseconds and the names of its hop. */
function recordedTry(
  hop: Destination | string,
  target: ResolvedTarget | undefined,
  { at, first, tryEnd, tryCode, local, cause, skipped }: Omit<CallTry, 'hop' | 'target' | 'figures'>,
): RecordedTry {
  return {
    ...hopNames(hop),
    ...targetNames(target),
    at: at / 1000,
    first: millis(first),
    end: millis(tryEnd),
    code: tryCode,
    local,
    cause,
    skipped,
  };
}

/** Converts microseconds to milliseconds; -1 (not reached) stays -1. */
function millis(us: number): number {
  return us < 0 ? -1 : us / 1000;
}

/**
 * What is stored of a hop: its destination, or a copy of its URI. A slice of the message would keep the whole message
 * in memory.
 */
function keptHop(hop: NextHop | undefined): Destination | string {
  if (hop === undefined) return '';
  return hop.destination ?? ownText(hop.requestUri ?? hop.uri);
}

function hopNames(hop: Destination | string): Pick<RecordedTry, 'uri' | 'partition' | 'set'> {
  if (typeof hop === 'string') return { uri: hop, partition: undefined, set: -1 };
  return { uri: hop.row.uri, partition: hop.partition, set: hop.setId };
}

function targetNames(target: ResolvedTarget | undefined): Pick<RecordedTry, 'address' | 'port' | 'transport'> {
  if (target === undefined) return { address: '', port: 0, transport: '' };
  return { address: target.address, port: target.port, transport: target.socket.transport };
}
