/** Characters of a prefix at most. */
const LONGEST = 64;

interface Entry {
  readonly values: (string | number)[];
  /** Whether longer prefixes begin with it. */
  deep: boolean;
}

/** What a look-up found, the longest prefix first; `whole`: not ended by a character that no prefix may have. */
export interface PrefixMatch {
  readonly values: readonly (string | number)[];
  readonly whole: boolean;
}

/** Values by prefixes of numbers, as a table of Kamailio's mtree has them. */
export class PrefixTree {
  private readonly entries = new Map<string, Entry>([['', { values: [], deep: false }]]);
  private readonly characters: ReadonlySet<string>;

  /** `characters`: those that a prefix may have. `integers`: values are numbers. `duplicates`: a prefix may have several. */
  constructor(
    characters: string,
    readonly integers: boolean,
    private readonly duplicates: boolean,
  ) {
    this.characters = new Set(characters);
  }

  /** Adds a value; says what is wrong with it. */
  add(prefix: string, value: string): string | undefined {
    if (prefix === '' || prefix.length > LONGEST) return `a prefix has 1 to ${LONGEST} characters`;
    if (value === '') return 'it has no value';
    for (const each of prefix) if (!this.characters.has(each)) return `a prefix cannot have "${each}"`;
    if (this.integers && !/^[+-]?\d{1,10}$/.test(value)) return 'its value is not a number';
    const entry = this.at(prefix);
    if (entry.values.length > 0 && !this.duplicates) return 'the prefix is there already';
    entry.values.push(this.integers ? Number(value) : value);
    for (let i = prefix.length - 1; i >= 0; i--) {
      const shorter = this.at(prefix.slice(0, i));
      if (shorter.deep) break;
      shorter.deep = true;
    }
    return undefined;
  }

  /** The value of the longest prefix of a number, of several the last; as recorded, none where a character on the way cannot be in a prefix. */
  longest(number: string): string | number | undefined {
    const { values, whole } = this.match(number, true);
    return whole ? values.at(-1) : undefined;
  }

  /** The values of all prefixes of a number, the longest first. */
  all(number: string): PrefixMatch {
    return this.match(number, false);
  }

  private match(number: string, longest: boolean): PrefixMatch {
    const found: (readonly (string | number)[])[] = [];
    let whole = true;
    for (let i = 0, entry = this.entries.get(''); entry?.deep === true && i < number.length; ) {
      if (!this.characters.has(number[i] as string)) {
        whole = false;
        break;
      }
      entry = this.entries.get(number.slice(0, ++i));
      if (entry !== undefined && entry.values.length > 0) found.unshift(entry.values);
    }
    return { values: longest ? (found[0] ?? []) : found.flat(), whole };
  }

  private at(prefix: string): Entry {
    let entry = this.entries.get(prefix);
    if (entry === undefined) {
      entry = { values: [], deep: false };
      this.entries.set(prefix, entry);
    }
    return entry;
  }
}
