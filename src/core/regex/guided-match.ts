import type { RE2JS } from 're2js';
import { type LiveSet, LiveSets, type ThreadStep, TooManySets } from './live-sets.js';
import { Op, type Program, programOf, takes } from './program.js';

/** The start and end of a match and of its groups: two numbers each, -1 for a group without a match. */
export interface Span {
  readonly start: number;
  readonly end: number;
  /** Computed on demand; undefined when the expression has too many states. */
  groups(): Int32Array | undefined;
}

/** The results for the last text. */
interface Scanned {
  readonly text: string;
  readonly by: GuidedMatch;
  readonly ids: Uint16Array;
}

/** The last scan: a match is usually followed by a request for its groups. */
let scanned: Scanned | undefined;
/** Memory for one text is kept for the next up to this many numbers. */
const KEPT = 131_072;
/** Memory that is kept; scans are synchronous, so one is enough for all expressions. */
let kept = new Uint16Array(0);

function numbers(count: number): Uint16Array {
  if (count > KEPT) return new Uint16Array(count);
  if (kept.length < count) kept = new Uint16Array(Math.min(KEPT, Math.max(count, 2 * kept.length)));
  return kept;
}

/** Memory for the sets of a short match, of which a text may have thousands: its groups are read at once. */
const SHORT = 64;
const ofShort = new Uint16Array(SHORT);

/** Threads that began at one boundary: the instructions from which a match can still be reached. */
interface Threads {
  readonly pcs: readonly number[];
  readonly ends: boolean;
  /** By set and class of characters: an array for small numbers, since that is faster, and a map for the others. */
  readonly next: (Threads | undefined)[];
  readonly others: Map<number, Threads>;
}

const MAX_THREADS = 2000;
const DIRECT = 1024;
/** Maximum number of transitions that are remembered. */
const MAX_TRANSITIONS = 20_000;

/**
 * Finds a match and its groups in linear time, with a few steps for each character, however many groups there are. A
 * backward pass finds for each boundary the instructions that can still lead to a match; then a single thread from the
 * start never follows an alternative that fails. The result is that of re2js: the leftmost match, the longest or that
 * of the first alternatives, and among equally long ones the first. Finding all matches of a text takes the time of
 * one.
 */
export class GuidedMatch {
  private readonly live: LiveSets;
  private readonly threads = new Map<string, Threads>();
  /** By the number of a set: the threads at the start of a match. */
  private starts: (Threads | undefined)[] = [];
  private transitions = 0;
  private tooMany = false;

  private constructor(private readonly program: Program) {
    this.live = new LiveSets(program);
  }

  /** Creates the matcher; undefined when the expression is not supported. */
  static of(regex: RE2JS): GuidedMatch | undefined {
    const program = programOf(regex);
    return program && new GuidedMatch(program);
  }

  /**
   * The first match from `from` on; null when there is none; undefined when the expression has too many states, after
   * which this must not be called again.
   */
  find(text: string, from: number): Span | null | undefined {
    try {
      const ids = this.scan(text);
      const start = this.firstStart(ids, from, text.length);
      if (start < 0) return null;
      if (!this.program.longest) return this.walk(text, start, ids, 0);
      const end = this.longestEnd(text, start, ids);
      return { start, end, groups: () => this.groupsOf(text, start, end) };
    } catch (error) {
      return this.giveUp(error);
    }
  }

  /** Whether the expression was found to have too many states. */
  get givenUp(): boolean {
    return this.tooMany;
  }

  private giveUp(error: unknown): undefined {
    if (!(error instanceof TooManySets)) throw error;
    this.tooMany = true;
    if (scanned?.by === this) scanned = undefined;
    this.live.clear();
    this.threads.clear();
    this.starts = [];
    this.transitions = 0;
    return undefined;
  }

  /** The numbers of the sets at all boundaries of a text. */
  private scan(text: string): Uint16Array {
    if (scanned?.by === this && scanned.text === text) return scanned.ids;
    scanned = undefined;
    this.makeRoom();
    this.live.begin(text.length);
    const ids = numbers(text.length + 1);
    this.live.pass(text, 0, text.length, true, ids);
    scanned = { text, by: this, ids };
    return ids;
  }

  private makeRoom(): void {
    if (!this.live.crowded && this.threads.size <= MAX_THREADS / 2 && this.transitions <= MAX_TRANSITIONS / 2) return;
    this.live.clear();
    this.threads.clear();
    this.starts = [];
    this.transitions = 0;
  }

  private firstStart(ids: Uint16Array, from: number, length: number): number {
    const { sets } = this.live;
    const { start } = this.program;
    for (let at = from; at <= length; at++) {
      if ((sets[ids[at] as number] as LiveSet).has[start] === 1) return at;
    }
    return -1;
  }

  /** Follows the first alternatives from `start`; `ids[0]` is the set of the boundary `base`. */
  private walk(text: string, start: number, ids: Uint16Array, base: number): Span {
    const { live } = this;
    const { sets } = live;
    const groups = new Int32Array(2 * (this.program.groups + 1)).fill(-1);
    let pc = this.program.start;
    let at = start;
    for (;;) {
      const set = sets[ids[at - base] as number] as LiveSet;
      const choice: ThreadStep = set.choices[pc] ?? live.choice(set, pc);
      if (choice.captures.length > 0) for (const capture of choice.captures) groups[capture] = at;
      if (choice.ends) break;
      pc = choice.next;
      const unit = text.charCodeAt(at);
      at += (unit & 0xfc00) === 0xd800 && (text.codePointAt(at) as number) > 0xffff ? 2 : 1;
    }
    groups[0] = start;
    groups[1] = at;
    return { start, end: at, groups: () => groups };
  }

  private groupsOf(text: string, start: number, end: number): Int32Array | undefined {
    if (this.program.groups === 0) return Int32Array.of(start, end);
    try {
      const length = end - start + 1;
      const ids = length <= SHORT ? ofShort : new Uint16Array(length);
      this.live.pass(text, start, end, false, ids);
      return this.walk(text, start, ids, start).groups();
    } catch (error) {
      return this.giveUp(error);
    }
  }

  private longestEnd(text: string, start: number, ids: Uint16Array): number {
    const { latin1, of, count } = this.program.classes;
    const { sets } = this.live;
    let threads = this.startOf(ids[start] as number);
    let end = -1;
    for (let at = start; ; ) {
      if (threads.ends) end = at;
      if (at >= text.length || threads.pcs.length === 0) return end;
      let rune = text.charCodeAt(at++);
      if ((rune & 0xfc00) === 0xd800) {
        rune = text.codePointAt(at - 1) as number;
        if (rune > 0xffff) at++;
      }
      const kind = rune < 256 ? (latin1[rune] as number) : of(rune);
      const id = ids[at] as number;
      const key = id * count + kind;
      const known: Threads | undefined = key < DIRECT ? threads.next[key] : threads.others.get(key);
      threads = known ?? this.step(threads, kind, sets[id] as LiveSet, key);
    }
  }

  private startOf(id: number): Threads {
    const known = this.starts[id];
    if (known !== undefined) return known;
    const made = this.closed([this.program.start], this.live.sets[id] as LiveSet);
    this.starts[id] = made;
    return made;
  }

  private step(threads: Threads, kind: number, set: LiveSet, key: number): Threads {
    const { instructions, classes } = this.program;
    const rune = classes.first[kind] as number;
    const reached = threads.pcs.flatMap((pc) => {
      const instruction = instructions[pc] as Program['instructions'][number];
      return takes(instruction, rune) ? [instruction.out] : [];
    });
    const made = this.closed(reached, set);
    if (++this.transitions > MAX_TRANSITIONS) throw new TooManySets();
    if (key < DIRECT) threads.next[key] = made;
    else threads.others.set(key, made);
    return made;
  }

  /** The threads at these instructions and those reached from them without a character, if a match can be reached. */
  private closed(from: readonly number[], set: LiveSet): Threads {
    const { instructions } = this.program;
    const passed = new Set<number>();
    const open = [...from];
    const pcs: number[] = [];
    let ends = false;
    for (let pc = open.pop(); pc !== undefined; pc = open.pop()) {
      if (passed.has(pc) || set.has[pc] !== 1) continue;
      passed.add(pc);
      const { op, out, arg } = instructions[pc] as Program['instructions'][number];
      if (op >= Op.RUNE) pcs.push(pc);
      else if (op === Op.MATCH) ends = true;
      else {
        open.push(out);
        if (op === Op.ALT || op === Op.ALT_MATCH) open.push(arg);
      }
    }
    this.live.count(5 * pcs.length);
    pcs.sort((a, b) => a - b);
    const key = `${pcs.join()}${ends ? '!' : ''}`;
    const known = this.threads.get(key);
    if (known !== undefined) return known;
    if (this.threads.size >= MAX_THREADS) throw new TooManySets();
    const made: Threads = { pcs, ends, next: [], others: new Map() };
    this.threads.set(key, made);
    return made;
  }
}
