import { trimmed } from '../core/characters.js';
import { nearest } from '../core/nearest.js';
import { FLAG } from './algorithms/algorithm.js';
import { algorithmCode, algorithmNames } from './opensips/algorithms/list.js';
import type { SelectTarget } from './selection.js';

/** The parsed parameters of ds_select_dst or ds_select_domain. */
export interface SelectArguments {
  /** Name of the partition, '' for the default one. */
  readonly partition: string;
  /** At least one. They are tried in order, and their failover lists are joined in that order. */
  readonly targets: readonly SelectTarget[];
}

/** Parameters from a script, a rule or a command line; numbers may be given as text. */
export interface SelectParameters {
  /** "1", "part:1", "part : 1, 2" */
  readonly set: string | number;
  /** "4", "0,4", or names: "round-robin" */
  readonly alg: string | number;
  /** "f", "fd", "5", "fuD M 5, fuS M 2" */
  readonly flags?: string | number | undefined;
  readonly partition?: string | undefined;
  /**
   * Which form of flags is accepted: today's letters only, or also those of 2.1 (letter s, "M n", a number alone),
   * which is the default.
   */
  readonly dialect?: 'today' | 'both' | undefined;
  /** The parameter max_res; undefined or '' for all. An "M n" in the flags takes precedence. */
  readonly maxResults?: string | number | undefined;
}

const INTEGER = /^[+-]?[0-9]{1,10}$/;
/**
 * Maximum number of sets in one selection. The documentation has no limit, but a variable under an attacker's control
 * may contain them.
 */
const MAX_SETS = 64;

const FLAG_LETTERS: { readonly [letter: string]: number } = {
  f: FLAG.failover,
  u: FLAG.userOnly,
  d: FLAG.useDefault,
  s: FLAG.keepSet,
  a: FLAG.append,
};

/**
 * Parses the parameters of a selection, in today's form (set, alg, flags, partition, max_res) and in the list form of
 * 2.1 ("part:1,2", "0,4", "fuD M 5, fuS M 2"). A single algorithm or flags entry is used for all sets. Returns an error
 * text when they are wrong.
 */
export function parseSelectArguments(given: SelectParameters): SelectArguments | string {
  let partition = trimmed(given.partition ?? '');
  let setText = String(given.set);
  const colon = setText.lastIndexOf(':');
  if (colon >= 0) {
    const prefix = trimmed(setText.slice(0, colon));
    setText = setText.slice(colon + 1);
    if (prefix !== '' && partition !== '' && prefix !== partition) {
      return `set names partition "${prefix}", the partition parameter "${partition}"`;
    }
    if (prefix !== '') partition = prefix;
  }

  const sets: number[] = [];
  for (const item of setText.split(',')) {
    const text = trimmed(item);
    if (!INTEGER.test(text)) return `set "${text}" is not a number`;
    sets.push(Number(text));
  }
  if (sets.length > MAX_SETS) return `${sets.length} sets in one selection: at most ${MAX_SETS} are tried`;

  const algorithms: number[] = [];
  for (const item of String(given.alg).split(',')) {
    const text = trimmed(item);
    const code = INTEGER.test(text) ? Number(text) : algorithmCode(text);
    if (code === undefined) return unknownAlgorithm(text);
    algorithms.push(code);
  }
  if (algorithms.length !== 1 && algorithms.length !== sets.length) {
    return `${sets.length} sets but ${algorithms.length} algorithms`;
  }

  const max = parseMaxResults(given.maxResults);
  if (typeof max === 'string') return max;
  const entries = String(given.flags ?? '').split(',');
  if (entries.length !== 1 && entries.length !== sets.length) {
    return `${sets.length} sets but ${entries.length} entries of flags`;
  }
  const flags: FlagsEntry[] = [];
  for (const entry of entries) {
    const parsed = given.dialect === 'today' ? parseTodaysFlags(entry) : parseFlags(entry);
    if (typeof parsed === 'string') return parsed;
    flags.push(parsed);
  }

  const targets = sets.map((setId, i): SelectTarget => {
    const entry = (flags.length === 1 ? flags[0] : flags[i]) as FlagsEntry;
    return {
      setId,
      algorithm: (algorithms.length === 1 ? algorithms[0] : algorithms[i]) as number,
      flags: entry.flags,
      maxResults: entry.maxResults ?? max,
    };
  });
  return { partition, targets };
}

function unknownAlgorithm(text: string): string {
  const meant = nearest(text, algorithmNames());
  const hint = meant === undefined ? '' : `; did you mean "${meant}"?`;
  return `algorithm "${text}" is neither a number nor the name of one${hint}`;
}

interface FlagsEntry {
  readonly flags: number;
  readonly maxResults: number | undefined;
}

/** Accepts today's letters only; anything else is refused, as recorded. */
function parseTodaysFlags(entry: string): FlagsEntry | string {
  return /^[fudaFUDA]*$/.test(entry) ? parseFlags(entry) : `flags "${entry}" are not of f, u, d, a`;
}

/** Parses one entry: flag letters, "M n" after them, or a number alone. Returns an error text when it is neither. */
function parseFlags(entry: string): FlagsEntry | string {
  const text = trimmed(entry);
  if (INTEGER.test(text)) return withMost(0, text);
  let flags = 0;
  for (let i = 0; i < text.length; i++) {
    const letter = text.charAt(i);
    if (letter === 'M') {
      const rest = trimmed(text.slice(i + 1));
      return INTEGER.test(rest) ? withMost(flags, rest) : `"${rest}" after M in flags "${text}" is not a number`;
    }
    if (letter === ' ' || letter === '\t') continue;
    const bit = FLAG_LETTERS[letter.toLowerCase()];
    if (bit === undefined) return `flag "${letter}" in "${text}" is not known: f, u, d, s, a or M with a number`;
    flags |= bit;
  }
  return { flags, maxResults: undefined };
}

function withMost(flags: number, digits: string): FlagsEntry | string {
  const max = parseMaxResults(digits);
  return typeof max === 'string' ? max : { flags, maxResults: max };
}

/** Infinity when absent. A negative number keeps only the chosen destination, as recorded. */
function parseMaxResults(given: string | number | undefined): number | string {
  if (given === undefined) return Number.POSITIVE_INFINITY;
  const text = trimmed(String(given));
  if (text === '') return Number.POSITIVE_INFINITY;
  if (!INTEGER.test(text)) return `max_res "${text}" is not a number`;
  return Math.max(0, Number(text));
}
