import { Op, type Program } from './program.js';

/** The position of the start of a match; positions that match a character follow in the order of the program. */
export const MATCH_START = 0;

/**
 * The instructions that match a character, numbered: `pcs[i]` is the instruction of position i + 1. The last position
 * is the end of a match.
 */
export interface Positions {
  readonly pcs: readonly number[];
  /** The position of each instruction; 0 for one that matches no character. */
  readonly of: Int32Array;
  readonly end: number;
  /** 32-bit words of a set of positions. */
  readonly words: number;
}

/** The positions of a program. */
export function positionsOf({ instructions }: Program): Positions {
  const pcs = instructions.flatMap(({ op }, pc) => (op >= Op.RUNE ? [pc] : []));
  const of = new Int32Array(instructions.length);
  for (const [i, pc] of pcs.entries()) of[pc] = i + 1;
  const end = pcs.length + 1;
  return { pcs, of, end, words: (end >> 5) + 1 };
}

/**
 * A list of captures, linked backwards so that ways can share their beginnings: copies took 50 MB for an expression
 * with 240 optional groups.
 */
export interface Passed {
  readonly capture: number;
  readonly before: Passed | undefined;
}

/** A position that can come next, and the last capture passed on the way to it. */
export interface Way {
  readonly position: number;
  readonly captures: Passed | undefined;
}

/**
 * The positions reached from an instruction without matching a character, in the order of the alternatives. `holding`:
 * the conditions that hold.
 */
export function epsilonClosure(
  { instructions }: Program,
  { of, end }: Positions,
  from: number,
  holding: number,
): Way[] {
  const ways: Way[] = [];
  const passed = new Set<number>();
  const open: { readonly pc: number; readonly captures: Passed | undefined }[] = [{ pc: from, captures: undefined }];
  for (let way = open.pop(); way !== undefined; way = open.pop()) {
    const { pc, captures } = way;
    if (passed.has(pc)) continue;
    passed.add(pc);
    const { op, out, arg } = instructions[pc] as Program['instructions'][number];
    if (op >= Op.RUNE) ways.push({ position: of[pc] as number, captures });
    else if (op === Op.MATCH) ways.push({ position: end, captures });
    else if (op !== Op.FAIL && !(op === Op.EMPTY_WIDTH && (arg & ~holding) !== 0)) {
      // Of a choice, the first alternative is tried first, so it is pushed last.
      if (op === Op.ALT || op === Op.ALT_MATCH) open.push({ pc: arg, captures });
      open.push({ pc: out, captures: op === Op.CAPTURE ? { capture: arg, before: captures } : captures });
    }
  }
  return ways;
}

/**
 * Which positions can follow which. Nearly all positions are followed by the next one or by themselves: that is a shift
 * and a mask for 32 of them at once. The others are grouped by equal successors or predecessors.
 */
export class BitRelation {
  private readonly link: Int32Array;
  private readonly stay: Int32Array;
  /** The positions where a match begins, as pairs of word and bits. */
  private readonly first: Int32Array;
  /**
   * Each group: number of words of its members, word and bits of each; number of words to add, word and bits of each.
   */
  private readonly forwards: Int32Array;
  private readonly backwards: Int32Array;

  constructor(program: Program, positions: Positions, holding: number) {
    const { words, pcs } = positions;
    this.link = new Int32Array(words);
    this.stay = new Int32Array(words);
    const after: number[][] = [];
    const before: number[][] = [];
    const sources = [program.start, ...pcs.map((pc) => program.instructions[pc]?.out ?? 0)];
    const known = new Map<number, readonly Way[]>();
    for (const [from, pc] of sources.entries()) {
      const ways = known.get(pc) ?? epsilonClosure(program, positions, pc, holding);
      known.set(pc, ways);
      for (const { position } of ways) {
        if (position === from + 1) set(this.link, from);
        else if (position === from) set(this.stay, from);
        else {
          after[from] ??= [];
          after[from].push(position);
          before[position] ??= [];
          before[position].push(from);
        }
      }
    }
    const first = epsilonClosure(program, positions, program.start, holding).map(({ position }) => position);
    this.first = Int32Array.from(sparse(first, words).slice(1));
    this.forwards = grouped(after, words);
    this.backwards = grouped(before, words);
  }

  /** Whether a match begins where a position of the set at `at` of `sets` is next. */
  begins(sets: Int32Array, at: number): boolean {
    const { first } = this;
    for (let i = 0; i < first.length; i += 2) {
      if (((sets[at + (first[i] as number)] as number) & (first[i + 1] as number)) !== 0) return true;
    }
    return false;
  }

  /**
   * Writes to index `to` of `sets` the positions from which one of the set at `at` can be next, limited to those at
   * `matchingAt` of `matching`.
   */
  back(sets: Int32Array, at: number, to: number, matching: Int32Array, matchingAt: number): void {
    const { link, stay, backwards } = this;
    let higher = 0;
    for (let word = link.length - 1; word >= 0; word--) {
      const bits = sets[at + word] as number;
      const reached = (((bits >>> 1) | higher) & (link[word] as number)) | (bits & (stay[word] as number));
      sets[to + word] = reached & (matching[matchingAt + word] as number);
      higher = bits << 31;
    }
    for (let i = 0; i < backwards.length; ) {
      const members = i + 1 + 2 * (backwards[i] as number);
      let met = 0;
      for (i++; i < members; i += 2) {
        met |= (sets[at + (backwards[i] as number)] as number) & (backwards[i + 1] as number);
      }
      const added = i + 1 + 2 * (backwards[i] as number);
      if (met !== 0) {
        for (i++; i < added; i += 2) {
          const word = backwards[i] as number;
          const bits = (backwards[i + 1] as number) & (matching[matchingAt + word] as number);
          sets[to + word] = (sets[to + word] as number) | bits;
        }
      }
      i = added;
    }
  }

  /** Writes to `into` the positions that can follow one of the set. */
  forth(set: Int32Array, into: Int32Array): void {
    const { link, stay } = this;
    let lower = 0;
    for (let word = 0; word < link.length; word++) {
      const bits = set[word] as number;
      const linked = bits & (link[word] as number);
      into[word] = (linked << 1) | lower | (bits & (stay[word] as number));
      lower = linked >>> 31;
    }
    addGroups(this.forwards, set, into);
  }
}

function addGroups(groups: Int32Array, set: Int32Array, into: Int32Array): void {
  for (let i = 0; i < groups.length; ) {
    const members = i + 1 + 2 * (groups[i] as number);
    let met = 0;
    for (i++; i < members; i += 2) met |= (set[groups[i] as number] as number) & (groups[i + 1] as number);
    const added = i + 1 + 2 * (groups[i] as number);
    if (met !== 0) {
      for (i++; i < added; i += 2) {
        const word = groups[i] as number;
        into[word] = (into[word] as number) | (groups[i + 1] as number);
      }
    }
    i = added;
  }
}

function grouped(related: readonly (readonly number[])[], words: number): Int32Array {
  const groups = new Map<string, { readonly members: number[]; readonly added: readonly number[] }>();
  for (const [position, added] of related.entries()) {
    if (added === undefined) continue;
    const key = added.join();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { members: [position], added });
    else group.members.push(position);
  }
  const flat: number[] = [];
  for (const { members, added } of groups.values()) flat.push(...sparse(members, words), ...sparse(added, words));
  return Int32Array.from(flat);
}

/** Number of words that are not 0, then index and bits of each. */
function sparse(positions: readonly number[], words: number): number[] {
  const bits = new Int32Array(words);
  for (const position of positions) set(bits, position);
  const pairs = [...bits.entries()].filter(([, each]) => each !== 0);
  return [pairs.length, ...pairs.flat()];
}

/** Adds a position to a set. */
export function set(bits: Int32Array, position: number): void {
  bits[position >> 5] = (bits[position >> 5] as number) | (1 << (position & 31));
}

/** Whether the set at `at` contains a position. */
export function isIn(sets: Int32Array, at: number, position: number): boolean {
  return ((sets[at + (position >> 5)] as number) & (1 << (position & 31))) !== 0;
}
