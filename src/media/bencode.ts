/** A value of the ng protocol: text (latin1, one character for each byte), an integer, a list or a dictionary. */
export type NgValue = string | number | readonly NgValue[] | { readonly [key: string]: NgValue };
/** A dictionary of the ng protocol. */
export type NgDictionary = { readonly [key: string]: NgValue };

/** Bounds on a received value: nesting depth of its lists and dictionaries, and number of values in total. */
const MAX_DEPTH = 16;
const MAX_VALUES = 20_000;

/** Encodes a value; dictionary keys keep the order they are given in. */
export function encodeNg(value: NgValue): string {
  if (typeof value === 'number') return `i${Math.trunc(value)}e`;
  if (typeof value === 'string') return `${value.length}:${value}`;
  if (isList(value)) return `l${value.map(encodeNg).join('')}e`;
  return `d${Object.entries(value)
    .map(([key, each]) => `${key.length}:${key}${encodeNg(each)}`)
    .join('')}e`;
}

function isList(value: NgValue): value is readonly NgValue[] {
  return Array.isArray(value);
}

/** Decodes a dictionary that fills the whole text; undefined when the text is anything else. Never throws. */
export function decodeNg(text: string): NgDictionary | undefined {
  const reader = new Reader(text);
  const value = reader.value(0);
  if (value === undefined || reader.at !== text.length) return undefined;
  return typeof value === 'object' && !isList(value) ? value : undefined;
}

class Reader {
  at = 0;
  private left = MAX_VALUES;

  constructor(private readonly text: string) {}

  value(depth: number): NgValue | undefined {
    if (depth > MAX_DEPTH || this.left-- <= 0) return undefined;
    const c = this.text[this.at];
    if (c === 'i') return this.integer();
    if (c === 'l') return this.list(depth);
    if (c === 'd') return this.dictionary(depth);
    return this.string();
  }

  private integer(): number | undefined {
    const end = this.text.indexOf('e', this.at);
    const digits = end < 0 || end - this.at > 20 ? '' : this.text.slice(this.at + 1, end);
    if (!/^-?\d+$/.test(digits)) return undefined;
    this.at = end + 1;
    return Number(digits);
  }

  private string(): string | undefined {
    const colon = this.text.indexOf(':', this.at);
    const digits = colon < 0 || colon - this.at > 9 ? '' : this.text.slice(this.at, colon);
    if (!/^\d+$/.test(digits)) return undefined;
    const end = colon + 1 + Number(digits);
    if (end > this.text.length) return undefined;
    this.at = end;
    return this.text.slice(colon + 1, end);
  }

  private list(depth: number): NgValue[] | undefined {
    const items: NgValue[] = [];
    this.at++;
    while (this.text[this.at] !== 'e') {
      const item = this.value(depth + 1);
      if (item === undefined) return undefined;
      items.push(item);
    }
    this.at++;
    return items;
  }

  private dictionary(depth: number): NgDictionary | undefined {
    const members = new Map<string, NgValue>();
    this.at++;
    while (this.text[this.at] !== 'e') {
      const key = this.string();
      const item = key === undefined ? undefined : this.value(depth + 1);
      if (key === undefined || item === undefined) return undefined;
      members.set(key, item);
    }
    this.at++;
    return Object.fromEntries(members);
  }
}
