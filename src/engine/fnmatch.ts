import { findText } from '../core/find-text.js';

/**
 * If the product of both lengths is at most this, the simple algorithm is used, which tries every position for each
 * star. Patterns in tables and scripts are this short.
 */
const SIMPLE_MATCH_LIMIT = 262_144;
/** In a long pattern, the most elements between two stars if one of them is "?" or "[...]". */
const MAX_ELEMENTS = 62;

/**
 * Matches a whole string with a shell pattern, like fnmatch(3) without flags: "*", "?", "[a-z]", "[!a]", "[[:alpha:]]",
 * and "\" before a literal character. Case matters; "/" and a leading "." are ordinary. A script may take the pattern
 * from a peer, so the time is linear in pattern and text. For that, a long pattern with a long text may have at most 62
 * elements between two stars if they are not all literal characters; otherwise it matches nothing.
 */
export function fnmatch(pattern: string, text: string): boolean {
  return pattern.length * text.length <= SIMPLE_MATCH_LIMIT ? matchHere(pattern, text) : matchLong(pattern, text);
}

function matchHere(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let starAt = -1;
  let starText = 0;
  // No "[" from here on has a closing bracket; so this is searched only once.
  let open = pattern.length;
  while (t < text.length) {
    const c = pattern.charAt(p);
    if (c === '*') {
      starAt = p++;
      starText = t;
      continue;
    }
    if (c === '[' && p < open && bracketLength(pattern, p) === 0) open = p;
    const used =
      c === '' ? 0 : c === '[' && p >= open ? Number(text.charAt(t) === '[') : matchOne(pattern, p, text.charAt(t));
    if (used > 0) {
      p += used;
      t++;
    } else if (starAt >= 0) {
      // When the rest does not match, only the last star has to take one more character: each earlier star has already
      // taken as few as possible.
      p = starAt + 1;
      t = ++starText;
    } else {
      return false;
    }
  }
  while (pattern.charAt(p) === '*') p++;
  return p === pattern.length;
}

/** Length of the pattern element at `p` if it matches `c`, else 0. */
function matchOne(pattern: string, p: number, c: string): number {
  switch (pattern.charAt(p)) {
    case '?':
      return 1;
    case '\\':
      if (p + 1 === pattern.length) return 0;
      return pattern.charAt(p + 1) === c ? 2 : 0;
    case '[':
      return matchBracket(pattern, p, c);
    default:
      return pattern.charAt(p) === c ? 1 : 0;
  }
}

function matchBracket(pattern: string, start: number, c: string): number {
  let p = start + 1;
  const negated = pattern.charAt(p) === '!' || pattern.charAt(p) === '^';
  if (negated) p++;
  let found = false;
  for (let isFirst = true; ; isFirst = false) {
    let low = pattern.charAt(p);
    // Without a closing bracket "[" is a literal character.
    if (low === '') return c === '[' ? 1 : 0;
    if (low === ']' && !isFirst) return found !== negated ? p + 1 - start : 0;
    const named = classAt(pattern, p);
    if (named !== undefined) {
      if (CLASSES[named].test(c)) found = true;
      p += named.length + 4;
      continue;
    }
    if (low === '\\' && p + 1 < pattern.length) low = pattern.charAt(++p);
    let high = low;
    if (pattern.charAt(p + 1) === '-' && pattern.charAt(p + 2) !== ']' && p + 2 < pattern.length) {
      p += 2;
      high = pattern.charAt(p);
      if (high === '\\' && p + 1 < pattern.length) high = pattern.charAt(++p);
    }
    if (c >= low && c <= high) found = true;
    p++;
  }
}

/** The characters of the named classes, in the POSIX locale. */
const CLASSES = {
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  cntrl: /[\0-\x1f\x7f]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[\t-\r ]/,
  upper: /[A-Z]/,
  xdigit: /[0-9A-Fa-f]/,
} as const;

type CharacterClass = keyof typeof CLASSES;

/** Name of the class "[:name:]" at `p` of a bracket expression; of other texts none. */
function classAt(pattern: string, p: number): CharacterClass | undefined {
  if (!pattern.startsWith('[:', p)) return undefined;
  for (const length of [5, 6]) {
    const name = pattern.slice(p + 2, p + 2 + length);
    if (pattern.startsWith(':]', p + 2 + length) && Object.hasOwn(CLASSES, name)) return name as CharacterClass;
  }
  return undefined;
}

/** The text or the elements between two stars. */
interface Piece {
  /** Number of characters that it matches. */
  readonly length: number;
  /** Empty when all elements are literal characters. */
  readonly elements: readonly string[];
  /** The text, if all elements are literal characters; else undefined. */
  readonly plain: string | undefined;
}

/**
 * A shell pattern for many texts, with the result of `fnmatch`: the pattern is prepared once. At most 62 elements may
 * stand between two stars if they are not all literal characters; otherwise it matches nothing.
 */
export class ShellPattern {
  private readonly pieces: readonly Piece[];
  /** The least number of characters that a matching text has. */
  private readonly least: number;
  private readonly searches = new Map<Piece, ElementSearch>();
  private readonly impossible: boolean;
  private readonly known: Known = new Map();

  constructor(pattern: string) {
    this.pieces = piecesOf(pattern);
    this.least = this.pieces.reduce((sum, { length }) => sum + length, 0);
    this.impossible = this.pieces
      .slice(1, -1)
      .some(({ length, plain }) => plain === undefined && length > MAX_ELEMENTS);
  }

  /** Whether the pattern matches the whole text. */
  matches(text: string): boolean {
    if (this.impossible || text.length < this.least) return false;
    const [first, ...others] = this.pieces;
    if (first === undefined || !fits(first, text, 0, this.known)) return false;
    let at = first.length;
    const last = others.pop();
    if (last === undefined) return at === text.length;
    for (const piece of others) {
      const found = this.find(piece, text, at);
      if (found < 0) return false;
      at = found + piece.length;
    }
    const end = text.length - last.length;
    return end >= at && fits(last, text, end, this.known);
  }

  private find(piece: Piece, text: string, from: number): number {
    if (piece.plain !== undefined) return findText(text, piece.plain, from);
    const [only, second] = piece.elements;
    if (only !== undefined && second === undefined) return this.findOne(only, text, from);
    let search = this.searches.get(piece);
    if (search === undefined) this.searches.set(piece, (search = new ElementSearch(piece.elements)));
    return search.find(text, from);
  }

  /** A single element is tested without a prepared search, since a long pattern may have thousands of them. */
  private findOne(element: string, text: string, from: number): number {
    for (let at = from; at < text.length; at++) {
      if (matchesElement(element, text.charAt(at), this.known)) return at;
    }
    return -1;
  }
}

/** Returns a function that reuses the last pattern while it stays the same: for comparing all values of a list. */
export function keptPattern(): (pattern: string) => ShellPattern {
  let source: string | undefined;
  let kept = new ShellPattern('');
  return (pattern) => {
    if (pattern !== source) {
      kept = new ShellPattern(pattern);
      source = pattern.length <= SIMPLE_MATCH_LIMIT ? pattern : undefined;
    }
    return kept;
  };
}

/** Results of elements of at least this length are stored for each character. */
const LONG_ELEMENT = 16;

/**
 * Stored results: by element, whether it matches a character. A text of a message has at most 256 different characters.
 */
type Known = Map<string, Map<string, boolean>>;

function matchesElement(element: string, c: string, known: Known): boolean {
  if (element.length < LONG_ELEMENT) return element.length === matchOne(element, 0, c);
  let answers = known.get(element);
  if (answers === undefined) known.set(element, (answers = new Map()));
  let answer = answers.get(c);
  if (answer === undefined) answers.set(c, (answer = element.length === matchOne(element, 0, c)));
  return answer;
}

/** Bits used of a word. */
const BITS = 31;

/**
 * Searches for elements in a text, all positions at once (the Shift-And algorithm of Baeza-Yates and Gonnet): bit i of
 * the state is set if the first i + 1 elements match up to the current character. The state has two words.
 */
class ElementSearch {
  /** For each character: which elements it matches. */
  private readonly masks = new Map<string, readonly [low: number, high: number]>();

  constructor(private readonly elements: readonly string[]) {}

  find(text: string, from: number): number {
    const { length } = this.elements;
    const isHigh = length > BITS;
    const done = 1 << ((length - 1) % BITS);
    let low = 0;
    let high = 0;
    for (let at = from; at < text.length; at++) {
      const [lowMask, highMask] = this.maskOf(text.charAt(at));
      const carried = (low >>> (BITS - 1)) & 1;
      high = ((high << 1) | carried) & highMask;
      low = ((low << 1) | 1) & lowMask;
      if (((isHigh ? high : low) & done) !== 0) return at + 1 - length;
    }
    return -1;
  }

  private maskOf(c: string): readonly [low: number, high: number] {
    let mask = this.masks.get(c);
    if (mask === undefined) {
      let low = 0;
      let high = 0;
      for (const [i, element] of this.elements.entries()) {
        if (element.length !== matchOne(element, 0, c)) continue;
        if (i < BITS) low |= 1 << i;
        else high |= 1 << (i - BITS);
      }
      this.masks.set(c, (mask = [low, high]));
    }
    return mask;
  }
}

/** Matches a long pattern with a long text. */
export function matchLong(pattern: string, text: string): boolean {
  return new ShellPattern(pattern).matches(text);
}

/**
 * Splits a pattern at its stars. Literal text is cut out as a whole: a script may take a pattern of 64 KB from a peer,
 * and an element for each of its characters takes several times as long.
 */
function piecesOf(pattern: string): Piece[] {
  const pieces: Piece[] = [];
  let start = 0;
  let length = 0;
  /** Made for the first element that is not literal. */
  let elements: string[] | undefined;
  // When one bracket is not closed, neither are those after it: all are literal. So the end is searched once.
  let closes = true;
  const close = (end: number): void => {
    const plain = elements === undefined ? literal(pattern.slice(start, end)) : undefined;
    pieces.push({ length, elements: elements ?? [], plain });
    length = 0;
    elements = undefined;
  };
  for (let p = 0; p < pattern.length; ) {
    const c = pattern.charCodeAt(p);
    let size = 1;
    if (c === STAR) {
      // Several stars in a row are one star.
      if (length > 0 || pieces.length === 0) close(p);
      start = p + 1;
    } else {
      if (c === BACKSLASH) size = 2;
      else if (c === BRACKET && closes) {
        size = bracketLength(pattern, p);
        closes = size > 0;
        size ||= 1;
      }
      if (c === QUESTION || size > 2 || (c === BACKSLASH && p + 1 === pattern.length)) {
        elements ??= literalElements(pattern.slice(start, p));
      }
      elements?.push(pattern.slice(p, p + size));
      length++;
    }
    p += size;
  }
  close(pattern.length);
  return pieces;
}

const STAR = 0x2a;
const QUESTION = 0x3f;
const BRACKET = 0x5b;
const BACKSLASH = 0x5c;

/** The text of literal elements: without the backslashes before them. */
function literal(elements: string): string {
  return elements.includes('\\') ? elements.replace(/\\(.)/gs, '$1') : elements;
}

/** Elements of one character each, or of two when the first is a backslash. */
function literalElements(text: string): string[] {
  return text.match(/\\.|./gs) ?? [];
}

/** Length of the bracket expression at `start`; 0 when it is not closed. */
function bracketLength(pattern: string, start: number): number {
  let p = start + 1;
  if (pattern.charAt(p) === '!' || pattern.charAt(p) === '^') p++;
  for (let isFirst = true; p < pattern.length; isFirst = false) {
    if (pattern.charAt(p) === ']' && !isFirst) return p + 1 - start;
    const named = classAt(pattern, p);
    if (named !== undefined) {
      p += named.length + 4;
      continue;
    }
    if (pattern.charAt(p) === '\\' && p + 1 < pattern.length) p++;
    if (pattern.charAt(p + 1) === '-' && pattern.charAt(p + 2) !== ']' && p + 2 < pattern.length) {
      p += 2;
      if (pattern.charAt(p) === '\\' && p + 1 < pattern.length) p++;
    }
    p++;
  }
  return 0;
}

function fits({ length, elements, plain }: Piece, text: string, at: number, known: Known): boolean {
  if (plain !== undefined) return text.startsWith(plain, at);
  if (at + length > text.length) return false;
  return elements.every((each, i) => matchesElement(each, text.charAt(at + i), known));
}
