/** Characters of a prefix at most. */
const LONGEST = 64;
/** Maximum number of values returned for a number: each prefix may have several. */
const MAX_VALUES = 256;
/**
 * Maximum number of prefixes and beginnings of prefixes: a million random ones of 11 digits have 3.7 million. A Map
 * holds 16 million.
 */
const MAX_ENTRIES = 8_000_000;

interface Entry {
  readonly values: (string | number)[];
  /** Whether longer prefixes begin with this one. */
  deep: boolean;
}

/** A beginning of longer prefixes without a value of its own: most entries of a large tree. */
const BEGINNING: Entry = { values: [], deep: true };

/** What a look-up found, the longest prefix first; `whole`: not ended by a character that no prefix may have. */
export interface PrefixMatch {
  readonly values: readonly (string | number)[];
  readonly whole: boolean;
}

/** Values by prefixes of numbers, as a table of Kamailio's mtree has them. */
export class PrefixTree {
  private readonly entries = new Map<string, Entry>();
  private readonly characters: ReadonlySet<string>;

  /**
   * `characters`: those that a prefix may have. `integers`: values are numbers. `duplicates`: a prefix may have
   * several.
   */
  constructor(
    characters: string,
    readonly integers: boolean,
    private readonly duplicates: boolean,
    private readonly max = MAX_ENTRIES,
  ) {
    this.characters = new Set(characters);
  }

  /** Adds a value; returns an error text for an invalid prefix. */
  add(prefix: string, value: string): string | undefined {
    if (prefix === '' || prefix.length > LONGEST) return `a prefix has 1 to ${LONGEST} characters`;
    if (value === '') return 'it has no value';
    for (const each of prefix) if (!this.characters.has(each)) return `a prefix cannot have "${each}"`;
    if (this.integers && !/^[+-]?\d{1,10}$/.test(value)) return 'its value is not a number';
    const known = this.entries.get(prefix);
    if (known !== undefined && known.values.length > 0 && !this.duplicates) return 'the prefix is there already';
    if (known === undefined && this.entries.size + prefix.length > this.max) return 'the tree is full';
    const entry = known === undefined || known === BEGINNING ? { values: [], deep: known !== undefined } : known;
    if (entry !== known) this.entries.set(prefix, entry);
    entry.values.push(this.integers ? Number(value) : value);
    for (let i = prefix.length - 1; i > 0; i--) {
      const shorter = prefix.slice(0, i);
      const before = this.entries.get(shorter);
      if (before?.deep === true) break;
      if (before === undefined) this.entries.set(shorter, BEGINNING);
      else before.deep = true;
    }
    return undefined;
  }

  /**
   * The value of the longest prefix of a number, of several the last; as recorded, none where a character on the way
   * cannot be in a prefix.
   */
  longest(number: string): string | number | undefined {
    const { found, whole } = this.match(number);
    return whole ? found.at(-1)?.at(-1) : undefined;
  }

  /** The values of all prefixes of a number, the longest first. */
  all(number: string): PrefixMatch {
    const { found, whole } = this.match(number);
    const values: (string | number)[] = [];
    for (const each of found.reverse()) values.push(...each.slice(0, MAX_VALUES - values.length));
    return { values, whole };
  }

  /** The values of each prefix, the shortest first. */
  private match(number: string): { found: (readonly (string | number)[])[]; whole: boolean } {
    const found: (readonly (string | number)[])[] = [];
    for (let i = 0, deep = this.entries.size > 0; deep && i < number.length; ) {
      if (!this.characters.has(number[i] as string)) return { found, whole: false };
      const entry = this.entries.get(number.slice(0, ++i));
      if (entry !== undefined && entry.values.length > 0) found.push(entry.values);
      deep = entry?.deep === true;
    }
    return { found, whole: true };
  }
}
