import { Condition, conditionsBetween, Op, type Program, takes } from './program.js';

/** What a thread does from an instruction on, at a boundary where only some instructions can still lead to a match. */
export interface ThreadStep {
  /** The instruction that matches the next character, or the one that ends the match. */
  readonly pc: number;
  readonly ends: boolean;
  /** The instruction after that character. */
  readonly next: number;
  /** The captures passed on the way. */
  readonly captures: readonly number[];
}

/** The instructions from which a match can be reached, at a boundary between two characters. */
export class LiveSet {
  /** The set at the previous boundary, by conditions and class of characters; -1: not computed yet. */
  readonly before: Int32Array;
  readonly beforeSeeded: Int32Array;
  /** By instruction: the step from there. */
  readonly choices: (ThreadStep | undefined)[] = [];

  constructor(
    readonly id: number,
    readonly has: Uint8Array,
    transitions: number,
  ) {
    this.before = new Int32Array(transitions).fill(-1);
    this.beforeSeeded = new Int32Array(transitions).fill(-1);
  }
}

/** Maximum bytes for the sets of one expression. */
const MAX_BYTES = 6 * 1024 * 1024;
/** Maximum number of sets: their numbers must fit into 16 bits. */
const MAX_SETS = 4096;

/**
 * Maximum number of instructions examined while sets are made: some tens of milliseconds, once, since sets are kept.
 */
const MAX_WORK = 2_000_000;
/** Additional instructions allowed for each character of a text: with more, following all states would be cheaper. */
const WORK_PER_CHARACTER = 4;

/** Thrown when an expression has too many sets, or making them takes too long. */
export class TooManySets extends Error {}

/** The set without instructions; also used in the middle of a surrogate pair. */
const NONE = 0;

/**
 * Finds, in one backward pass with one step for each character, the instructions that can still lead to a match at each
 * boundary. Sets are made when first needed, and kept: most expressions have only a few.
 */
export class LiveSets {
  readonly sets: LiveSet[] = [];
  private readonly byKey = new Map<string, LiveSet>();
  private readonly maxSets: number;
  private readonly transitions: number;
  /** For each instruction, those from which it is reached without a character. */
  private readonly reachedFrom: number[][];
  private readonly taking: number[] = [];
  private readonly matching: number[] = [];
  /** The index of a combination of conditions in the transitions. */
  private readonly conditionIndex: Int32Array;
  private readonly conditionCount: number;
  private readonly conditionsOf: number[] = [];
  /** By conditions: the sets where a match ends. */
  private lasts: (LiveSet | undefined)[] = [];
  private work = 0;
  /** Whether the expression uses conditions other than begin and end of the text. */
  private readonly looksAround: boolean;

  constructor(readonly program: Program) {
    const { instructions, classes } = program;
    this.reachedFrom = instructions.map(() => []);
    let asked = 0;
    for (const [pc, { op, out, arg }] of instructions.entries()) {
      if (op >= Op.RUNE) this.taking.push(pc);
      else if (op === Op.MATCH) this.matching.push(pc);
      else if (op !== Op.FAIL) {
        this.reachedFrom[out]?.push(pc);
        if (op === Op.ALT || op === Op.ALT_MATCH) this.reachedFrom[arg]?.push(pc);
        if (op === Op.EMPTY_WIDTH) asked |= arg;
      }
    }
    this.looksAround = (asked & ~(Condition.BEGIN_TEXT | Condition.END_TEXT)) !== 0;
    this.conditionIndex = new Int32Array(64);
    const seen = new Map<number, number>();
    for (let conditions = 0; conditions < 64; conditions++) {
      const wanted = conditions & asked;
      if (!seen.has(wanted)) {
        seen.set(wanted, seen.size);
        this.conditionsOf.push(wanted);
      }
      this.conditionIndex[conditions] = seen.get(wanted) as number;
    }
    this.conditionCount = seen.size;
    this.transitions = this.conditionCount * classes.count;
    const bytes = instructions.length + 8 * this.transitions + 200;
    this.maxSets = Math.min(MAX_SETS, Math.floor(MAX_BYTES / bytes));
    this.clear();
  }

  /** Counts examined instructions; throws `TooManySets` beyond the limit. */
  count(instructions: number): void {
    this.work += instructions;
    if (this.work > MAX_WORK) throw new TooManySets();
  }

  /** Called for each text. The allowance for short texts adds up, so that many of them cannot exceed the limit. */
  begin(length: number): void {
    this.work = Math.max(0, this.work - WORK_PER_CHARACTER * length);
  }

  /** Removes all sets. */
  clear(): void {
    this.sets.length = 0;
    this.byKey.clear();
    this.lasts = [];
    this.setOf(new Uint8Array(this.program.instructions.length));
  }

  /** Whether the sets should be removed, after the current pass. */
  get crowded(): boolean {
    return this.sets.length > this.maxSets / 2;
  }

  /**
   * Writes to `into` the number of the set at each boundary from `start` to `end`. `anyEnd`: a match may end at each of
   * them, otherwise only at `end`. Throws `TooManySets`.
   */
  pass(text: string, start: number, end: number, anyEnd: boolean, into: Uint16Array): void {
    const { latin1, of, count } = this.program.classes;
    const { conditionIndex, looksAround, sets } = this;
    const inner = conditionIndex[0] as number;
    let following = end < text.length ? (text.codePointAt(end) as number) : -1;
    let previous = end > 0 ? text.charCodeAt(end - 1) : -1;
    let set = this.last(conditionIndex[conditionsBetween(previous, following)] as number);
    into[end - start] = set.id;
    for (let at = end; at > start; ) {
      let rune = text.charCodeAt(--at);
      if ((rune & 0xfc00) === 0xdc00 && at > start) {
        const high = text.charCodeAt(at - 1);
        if ((high & 0xfc00) === 0xd800) {
          into[at - start] = NONE;
          at--;
          rune = (high - 0xd800) * 0x400 + (rune - 0xdc00) + 0x10000;
        }
      }
      const kind = rune < 256 ? (latin1[rune] as number) : of(rune);
      let conditions = inner;
      if (looksAround || at === 0) {
        following = rune;
        previous = at > 0 ? text.charCodeAt(at - 1) : -1;
        conditions = conditionIndex[conditionsBetween(previous, following)] as number;
      }
      const transition = conditions * count + kind;
      const id = (anyEnd ? set.beforeSeeded : set.before)[transition] as number;
      set = id >= 0 ? (sets[id] as LiveSet) : this.step(set, conditions, kind, anyEnd);
      into[at - start] = set.id;
    }
  }

  /** The step of a thread at an instruction, at a boundary with this set, by the order of the alternatives. */
  choice(set: LiveSet, pc: number): ThreadStep {
    const known = set.choices[pc];
    if (known !== undefined) return known;
    const made = this.choose(set, pc);
    set.choices[pc] = made;
    return made;
  }

  /** The set where a match ends. Kept, since it is needed for the groups of every match of a text. */
  private last(conditions: number): LiveSet {
    const known = this.lasts[conditions];
    if (known !== undefined) return known;
    const made = this.closed(this.matching, conditions);
    this.lasts[conditions] = made;
    return made;
  }

  private step(following: LiveSet, conditions: number, kind: number, anyEnd: boolean): LiveSet {
    const { instructions, classes } = this.program;
    const rune = classes.first[kind] as number;
    const alive = this.taking.filter((pc) => {
      const instruction = instructions[pc];
      return instruction !== undefined && following.has[instruction.out] === 1 && takes(instruction, rune);
    });
    const made = this.closed(anyEnd ? [...alive, ...this.matching] : alive, conditions);
    (anyEnd ? following.beforeSeeded : following.before)[conditions * classes.count + kind] = made.id;
    return made;
  }

  /** The set of these instructions and those from which they are reached without a character. */
  private closed(alive: readonly number[], conditions: number): LiveSet {
    const { instructions } = this.program;
    this.count(2 * instructions.length);
    const holding = this.conditionsOf[conditions] as number;
    const has = new Uint8Array(instructions.length);
    const open = [...alive];
    for (const pc of alive) has[pc] = 1;
    for (let pc = open.pop(); pc !== undefined; pc = open.pop()) {
      for (const from of this.reachedFrom[pc] as number[]) {
        if (has[from] === 1) continue;
        const { op, arg } = instructions[from] as Program['instructions'][number];
        if (op === Op.EMPTY_WIDTH && (arg & ~holding) !== 0) continue;
        has[from] = 1;
        open.push(from);
      }
    }
    return this.setOf(has);
  }

  private setOf(has: Uint8Array): LiveSet {
    const key = Buffer.from(has).toString('latin1');
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    if (this.sets.length >= this.maxSets) throw new TooManySets();
    const made = new LiveSet(this.sets.length, has, this.transitions);
    this.sets.push(made);
    this.byKey.set(key, made);
    return made;
  }

  /**
   * Finds the first way, by the order of the alternatives, to an instruction of the set; visits no instruction twice.
   */
  private choose(set: LiveSet, from: number): ThreadStep {
    const { instructions } = this.program;
    const passed = new Set<number>();
    const ways: { readonly pc: number; readonly captures: readonly number[] }[] = [{ pc: from, captures: [] }];
    for (let way = ways.pop(); way !== undefined; way = ways.pop()) {
      const { pc, captures } = way;
      if (passed.has(pc) || set.has[pc] !== 1) continue;
      passed.add(pc);
      const { op, out, arg } = instructions[pc] as Program['instructions'][number];
      if (op >= Op.RUNE || op === Op.MATCH) return { pc, ends: op === Op.MATCH, next: out, captures };
      // Of a choice, the first alternative is tried first, so it is pushed last.
      if (op === Op.ALT || op === Op.ALT_MATCH) ways.push({ pc: arg, captures });
      ways.push({ pc: out, captures: op === Op.CAPTURE ? [...captures, arg] : captures });
    }
    throw new Error('no path to a match from a state that can reach one');
  }
}
