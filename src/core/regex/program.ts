import type { RE2JS } from 're2js';
import { CHARACTERS, isDigit, isLetter } from '../character-codes.js';

/** An instruction of a compiled expression of re2js. */
export interface Instruction {
  readonly op: number;
  /** The next instruction. */
  readonly out: number;
  /** For a choice, the second alternative; for a capture, its number; for a condition, its flags. */
  readonly arg: number;
  readonly runes: ArrayLike<number>;
  matchRune(rune: number): boolean;
}

/** Characters that the expression treats alike form a class. */
export interface CharacterClasses {
  readonly count: number;
  readonly latin1: ArrayLike<number>;
  /** The class of any code point. */
  of(rune: number): number;
  /** The first code point of each class. */
  readonly first: readonly number[];
}

/** A compiled expression, with the parts used here. */
export interface Program {
  readonly instructions: readonly Instruction[];
  readonly start: number;
  readonly longest: boolean;
  readonly groups: number;
  readonly classes: CharacterClasses;
}

/** Operations of instructions. */
export const Op = {
  ALT: 1,
  ALT_MATCH: 2,
  CAPTURE: 3,
  EMPTY_WIDTH: 4,
  FAIL: 5,
  MATCH: 6,
  NOP: 7,
  RUNE: 8,
  RUNE1: 9,
  RUNE_ANY: 10,
  RUNE_ANY_NOT_NL: 11,
} as const;

/** Conditions at a boundary between two characters. */
export const Condition = {
  BEGIN_LINE: 1,
  END_LINE: 2,
  BEGIN_TEXT: 4,
  END_TEXT: 8,
  WORD_BOUNDARY: 16,
  NO_WORD_BOUNDARY: 32,
} as const;

/** Maximum number of instructions of a program; a longer one would need too much memory. */
const MAX_INSTRUCTIONS = 8192;

/** Number of states of a compiled expression; 0 if the package has another internal structure. */
export function statesOf(regex: RE2JS): number {
  const { inst } = (regex.re2() as unknown as { prog?: { inst?: unknown } }).prog ?? {};
  return Array.isArray(inst) ? inst.length : 0;
}

/**
 * The program of a compiled expression. Undefined if it uses an unknown feature (look-behind), is too long, or if the
 * package has another internal structure. That structure is not part of the package's interface, so its version is
 * fixed in package.json, and each part is checked before it is used.
 */
export function programOf(regex: RE2JS): Program | undefined {
  const re2: Partial<Record<string, unknown>> = { ...(regex.re2() as object) };
  const prog = re2.prog as { inst?: Instruction[]; start?: number; numLb?: number } | undefined;
  const dfa = regex.re2().dfa as unknown as Partial<{
    classBounds: Int32Array;
    numClasses: number;
    latin1Class: Int32Array;
    runeClass(rune: number): number;
  }>;
  const { inst, start, numLb } = prog ?? {};
  const { classBounds, numClasses, latin1Class } = dfa;
  if (!Array.isArray(inst) || typeof start !== 'number' || numLb !== 0 || inst.length > MAX_INSTRUCTIONS)
    return undefined;
  if (classBounds === undefined || latin1Class?.length !== 256 || classBounds.length + 1 !== numClasses)
    return undefined;
  const known = inst.every(({ op, out, arg }) => op >= Op.ALT && op <= Op.RUNE_ANY_NOT_NL && out >= 0 && arg >= 0);
  if (!known || inst[0]?.op !== Op.FAIL) return undefined;
  return {
    instructions: inst,
    start,
    longest: Boolean(re2.longest),
    groups: regex.groupCount(),
    classes: {
      count: numClasses,
      latin1: latin1Class,
      of: (rune) => dfa.runeClass?.(rune) ?? 0,
      first: [0, ...classBounds],
    },
  };
}

/** Whether an instruction matches this character. */
export function takes(instruction: Instruction, rune: number): boolean {
  switch (instruction.op) {
    case Op.RUNE:
      return instruction.matchRune(rune);
    case Op.RUNE1:
      return rune === instruction.runes[0];
    case Op.RUNE_ANY:
      return true;
    case Op.RUNE_ANY_NOT_NL:
      return rune !== 10;
    default:
      return false;
  }
}

function isWord(rune: number): boolean {
  return isLetter(rune) || isDigit(rune) || rune === CHARACTERS.underscore;
}

/** The conditions between two characters; -1 means begin or end of the text. */
export function conditionsBetween(before: number, after: number): number {
  let conditions = 0;
  if (before < 0) conditions |= Condition.BEGIN_TEXT | Condition.BEGIN_LINE;
  if (before === 10) conditions |= Condition.BEGIN_LINE;
  if (after < 0) conditions |= Condition.END_TEXT | Condition.END_LINE;
  if (after === 10) conditions |= Condition.END_LINE;
  return conditions | (isWord(before) !== isWord(after) ? Condition.WORD_BOUNDARY : Condition.NO_WORD_BOUNDARY);
}
