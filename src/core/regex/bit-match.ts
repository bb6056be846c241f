import type { RE2JS } from 're2js';
import {
  BitRelation,
  epsilonClosure,
  isIn,
  MATCH_START,
  type Positions,
  positionsOf,
  set,
  type Way,
} from './bit-relation.js';
import type { Span } from './guided-match.js';
import { Condition, conditionsBetween, Op, type Program, programOf, takes } from './program.js';

/** Maximum words for the sets of one text: 16 MB, for example 1,000 states and 130,000 characters. */
const MAX_WORDS = 4 * 1024 * 1024;
/** Memory for the sets is kept for the next text up to this many words. */
const KEPT = 512 * 1024;
/** Memory that is kept; scans are synchronous, so one is enough for all expressions. */
let kept = new Int32Array(0);

function memory(words: number): Int32Array {
  if (words > KEPT) return new Int32Array(words);
  if (kept.length < words) kept = new Int32Array(Math.min(KEPT, Math.max(words, 2 * kept.length)));
  return kept;
}

/** The results for the last text. */
interface Scanned {
  readonly text: string;
  readonly by: BitMatch;
  readonly sets: Int32Array;
  /** Where the first match begins; -1 if there is none. */
  readonly first: number;
}

/** The last scan: a match is usually followed by a request for its groups. */
let scanned: Scanned | undefined;

/**
 * Finds a match and its groups, like `GuidedMatch`, but follows all states of an expression at once, 32 in a word. So
 * the time for a character depends only on the expression, not on the text, which a peer may choose. Nothing is kept
 * from one text to the next.
 */
export class BitMatch {
  private readonly positions: Positions;
  /** For each class of characters: the positions that match it. */
  private readonly positionsByClass: Int32Array;
  /** The conditions (word boundary, line end ...) that the expression uses. */
  private readonly asked: number;
  /** Whether it uses conditions other than begin and end of the text. */
  private readonly looksAround: boolean;
  private readonly relations: (BitRelation | undefined)[] = [];
  /** By conditions, then by instruction. */
  private readonly closures: (Map<number, readonly Way[]> | undefined)[] = [];
  private readonly reached: Int32Array;
  private readonly next: Int32Array;

  private constructor(private readonly program: Program) {
    const { instructions, classes } = program;
    this.positions = positionsOf(program);
    const { words, pcs } = this.positions;
    this.positionsByClass = new Int32Array(classes.count * words);
    for (let kind = 0; kind < classes.count; kind++) {
      const row = this.positionsByClass.subarray(kind * words, (kind + 1) * words);
      const rune = classes.first[kind] as number;
      for (const [i, pc] of pcs.entries()) {
        if (takes(instructions[pc] as Program['instructions'][number], rune)) set(row, i + 1);
      }
    }
    this.asked = instructions.reduce((all, { op, arg }) => (op === Op.EMPTY_WIDTH ? all | arg : all), 0);
    this.looksAround = (this.asked & ~(Condition.BEGIN_TEXT | Condition.END_TEXT)) !== 0;
    this.reached = new Int32Array(words);
    this.next = new Int32Array(words);
  }

  /** Creates the matcher; undefined when the expression is not supported. */
  static of(regex: RE2JS): BitMatch | undefined {
    const program = programOf(regex);
    return program && new BitMatch(program);
  }

  /**
   * The first match from `from` on; null when there is none; undefined when the text is too long for the number of
   * states.
   */
  find(text: string, from: number): Span | null | undefined {
    const { words } = this.positions;
    if ((text.length + 1) * words > MAX_WORDS) return undefined;
    const { sets, first } = this.scan(text);
    if (first < 0) return null;
    for (let at = Math.max(from, first); at <= text.length; at++) {
      if (!isIn(sets, at * words, MATCH_START)) continue;
      if (!this.program.longest) return this.walk(text, at, sets, 0);
      const end = this.longestEnd(text, at, sets);
      return { start: at, end, groups: () => this.groupsOf(text, at, end) };
    }
    return null;
  }

  private scan(text: string): Scanned {
    if (scanned?.by === this && scanned.text === text) return scanned;
    scanned = undefined;
    const sets = memory((text.length + 1) * this.positions.words);
    const first = this.pass(text, 0, text.length, sets, true);
    scanned = { text, by: this, sets, first };
    return scanned;
  }

  /** The conditions that hold at a boundary, of those that the expression uses. */
  private conditions(text: string, at: number): number {
    const { asked } = this;
    if (asked === 0) return 0;
    if (!this.looksAround && at > 0 && at < text.length) return 0;
    const before = at > 0 ? text.charCodeAt(at - 1) : -1;
    const after = at < text.length ? (text.codePointAt(at) as number) : -1;
    return asked & conditionsBetween(before, after);
  }

  private relation(conditions: number): BitRelation {
    const known = this.relations[conditions];
    if (known !== undefined) return known;
    const made = new BitRelation(this.program, this.positions, conditions);
    this.relations[conditions] = made;
    return made;
  }

  private positionsMatching(rune: number): number {
    const { latin1, of } = this.program.classes;
    return (rune < 256 ? (latin1[rune] as number) : of(rune)) * this.positions.words;
  }

  /**
   * Goes backwards from `end` to `start`. For each boundary it writes the positions that match the next character and
   * can lead to a match, and MATCH_START if a match begins there. `anyEnd`: a match may end at any boundary, otherwise
   * only at `end`. Returns the first boundary where a match begins, or -1.
   */
  private pass(text: string, start: number, end: number, sets: Int32Array, anyEnd: boolean): number {
    const { positionsByClass, positions, looksAround } = this;
    const { words } = positions;
    const endWord = positions.end >> 5;
    const endBit = 1 << (positions.end & 31);
    const everywhere = anyEnd ? endBit : 0;
    const inner = this.relation(0);
    let first = -1;
    let row = (end - start) * words;
    sets.fill(0, row, row + words);
    sets[row + endWord] = endBit;
    for (let at = end; ; ) {
      const relation = looksAround || at === 0 || at === text.length ? this.relation(this.conditions(text, at)) : inner;
      if (relation.begins(sets, row)) {
        sets[row] = (sets[row] as number) | 1;
        first = at;
      }
      if (at <= start) return first;
      let rune = text.charCodeAt(--at);
      let to = row - words;
      if ((rune & 0xfc00) === 0xdc00 && at > start) {
        const high = text.charCodeAt(at - 1);
        if ((high & 0xfc00) === 0xd800) {
          sets.fill(0, to, row);
          to -= words;
          at--;
          rune = (high - 0xd800) * 0x400 + (rune - 0xdc00) + 0x10000;
        }
      }
      relation.back(sets, row, to, positionsByClass, this.positionsMatching(rune));
      row = to;
      sets[row + endWord] = (sets[row + endWord] as number) | everywhere;
    }
  }

  private longestEnd(text: string, start: number, sets: Int32Array): number {
    const { positionsByClass, reached, next } = this;
    const { words, end: endPosition } = this.positions;
    let longest = start;
    reached.fill(0);
    reached[0] = 1;
    for (let at = start; ; ) {
      this.relation(this.conditions(text, at)).forth(reached, next);
      if (isIn(next, 0, endPosition)) longest = at;
      if (at >= text.length) return longest;
      const row = at * words;
      const rune = text.codePointAt(at) as number;
      const matchingAt = this.positionsMatching(rune);
      let alive = 0;
      for (let word = 0; word < words; word++) {
        const bits =
          (next[word] as number) & (sets[row + word] as number) & (positionsByClass[matchingAt + word] as number);
        reached[word] = bits;
        alive |= bits;
      }
      if (alive === 0) return longest;
      at += rune > 0xffff ? 2 : 1;
    }
  }

  private groupsOf(text: string, start: number, end: number): Int32Array {
    if (this.program.groups === 0) return Int32Array.of(start, end);
    const sets = new Int32Array((end - start + 1) * this.positions.words);
    this.pass(text, start, end, sets, false);
    return this.walk(text, start, sets, start).groups() as Int32Array;
  }

  /** Follows the first alternatives from `start`. The first of `sets` is that of the boundary `base`. */
  private walk(text: string, start: number, sets: Int32Array, base: number): Span {
    const { words, end: endPosition, pcs } = this.positions;
    const groups = new Int32Array(2 * (this.program.groups + 1)).fill(-1);
    let pc = this.program.start;
    let at = start;
    for (;;) {
      const row = (at - base) * words;
      const way = this.closureAt(pc, this.conditions(text, at)).find(({ position }) => isIn(sets, row, position));
      if (way === undefined) throw new Error('no path to a match from a state that can reach one');
      for (let each = way.captures; each !== undefined; each = each.before) groups[each.capture] = at;
      if (way.position === endPosition) break;
      pc = this.program.instructions[pcs[way.position - 1] as number]?.out as number;
      at += (text.codePointAt(at) as number) > 0xffff ? 2 : 1;
    }
    groups[0] = start;
    groups[1] = at;
    return { start, end: at, groups: () => groups };
  }

  private closureAt(pc: number, conditions: number): readonly Way[] {
    let known = this.closures[conditions];
    if (known === undefined) {
      known = new Map();
      this.closures[conditions] = known;
    }
    const ways = known.get(pc);
    if (ways !== undefined) return ways;
    const made = epsilonClosure(this.program, this.positions, pc, conditions);
    known.set(pc, made);
    return made;
  }
}
