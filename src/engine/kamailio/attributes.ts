/**
 * Attributes of a Kamailio destination, read from "name=value;name=value". Case does not matter in names; values may be
 * quoted; unknown attributes are ignored.
 */
export interface KamailioAttributes {
  /** Identifier for call load. */
  readonly duid: string | undefined;
  /** Maximum number of calls in progress; 0 or less: no bound. */
  readonly maxload: number;
  /** Share for algorithm 9, and upper limit for congestion control; 0 when absent or out of range. */
  readonly weight: number;
  /** Share for algorithm 11; 0 when absent or out of range. */
  readonly rweight: number;
  /** "proto:host:port" of the socket to send from. */
  readonly socket: string | undefined;
  /** Name of the socket to send from; takes precedence over `socket` where sockets have names. */
  readonly sockname: string | undefined;
  readonly pingFrom: string | undefined;
  readonly pingSocket: string | undefined;
  readonly obproxy: string | undefined;
  /** Initial latency in milliseconds. */
  readonly latency: number | undefined;
  /** Whether congestion control applies (cc=1). */
  readonly congestionControl: boolean;
  /** Least and greatest rate for overload control, in percent. */
  readonly ocMin: number;
  readonly ocMax: number;
  /** Rate shown until the gateway reports one, in percent. It has no effect on calls (recorded from 6.x). */
  readonly ocRate: number;
}

/** The largest weight accepted by default; Kamailio accepts 100. */
const MAX_WEIGHT = 10_000;

const NONE: KamailioAttributes = {
  duid: undefined,
  maxload: 0,
  weight: 0,
  rweight: 0,
  socket: undefined,
  sockname: undefined,
  pingFrom: undefined,
  pingSocket: undefined,
  obproxy: undefined,
  latency: undefined,
  congestionControl: false,
  ocMin: 0,
  ocMax: 100,
  ocRate: 0,
};

/**
 * Splits attributes into pairs of name (in lower case) and value, as Kamailio does (recorded from 5.6.3). A value that
 * begins with a quote of either kind is quoted, spaces around names and values are removed, and "," ends the list.
 * Undefined where Kamailio refuses the destination: a missing closing quote, text after a quoted value, or ";" instead
 * of a value or at the end.
 */
export function attributePairs(text: string): [name: string, value: string][] | undefined {
  const pairs: [string, string][] = [];
  let at = skip(text, 0, EMPTY);
  while (at < text.length) {
    let end = skip(text, at, NAME);
    const name = text.slice(at, end).toLowerCase();
    let value = '';
    at = skip(text, end, BLANK);
    if (text[at] === '=') {
      at = skip(text, at + 1, BLANK);
      const quote = text[at];
      if (quote === ';' || quote === ',') return undefined;
      if (quote === '"' || quote === "'") {
        end = text.indexOf(quote, at + 1);
        if (end < 0) return undefined;
        value = text.slice(at + 1, end);
        at = end + 1;
      } else {
        end = skip(text, at, VALUE);
        value = text.slice(at, end);
        at = end;
      }
      at = skip(text, at, BLANK);
    }
    pairs.push([name, value]);
    if (at === text.length || text[at] === ',') return pairs;
    if (text[at] !== ';') return undefined;
    at = skip(text, at + 1, EMPTY);
    if (at === text.length) return undefined;
  }
  return pairs;
}

const BLANK = /[ \t\r\n]*/y;
const EMPTY = /[; \t\r\n]*/y;
const NAME = /[^=;, \t\r\n]*/y;
const VALUE = /[^;, \t\r\n]*/y;

/** Where a run of characters that match `run` ends, beginning at `from`. */
function skip(text: string, from: number, run: RegExp): number {
  run.lastIndex = from;
  return from + (run.exec(text)?.[0].length ?? 0);
}

/**
 * Reads attributes. `strict`: weights outside 1 to 100 are ignored, as recorded; otherwise up to 10,000 is accepted. If
 * an attribute occurs twice, the first counts; text after the digits of a number is ignored (recorded). A malformed
 * text has no attributes.
 */
export function parseAttributes(text: string, strict = false): KamailioAttributes {
  if (text === '') return NONE;
  const pairs = attributePairs(text);
  if (pairs === undefined || pairs.length === 0) return NONE;
  const values = new Map<string, string>();
  for (const [name, value] of pairs) if (!values.has(name)) values.set(name, value);
  const maxWeight = strict ? 100 : MAX_WEIGHT;
  const share = (name: string): number => {
    const number = integer(values.get(name));
    return number !== undefined && number >= 1 && number <= maxWeight ? number : 0;
  };
  const percent = (name: string, usual: number): number => {
    const number = integer(values.get(name));
    return number === undefined || number < 0 || number > 100 ? usual : number;
  };
  const ocMin = percent('ocmin', 0);
  const ocMax = percent('ocmax', 100);
  const named = (name: string): string | undefined => values.get(name) || undefined;
  return {
    duid: named('duid'),
    maxload: integer(values.get('maxload')) ?? 0,
    weight: share('weight'),
    rweight: share('rweight'),
    socket: named('socket'),
    sockname: named('sockname'),
    pingFrom: named('ping_from'),
    pingSocket: named('ping_socket'),
    obproxy: named('obproxy'),
    latency: positive(values.get('latency')),
    congestionControl: integer(values.get('cc')) === 1,
    ocMin,
    ocMax,
    ocRate: Math.min(ocMax, Math.max(ocMin, percent('ocrate', 0))),
  };
}

/** The number at the beginning of a value, limited to 32 bits; undefined without one. */
function integer(value: string | undefined): number | undefined {
  const digits = /^[+-]?[0-9]+/.exec(value ?? '')?.[0];
  return digits === undefined ? undefined : Math.max(-0x80000000, Math.min(0x7fffffff, Number(digits)));
}

function positive(value: string | undefined): number | undefined {
  const number = integer(value);
  return number !== undefined && number > 0 ? number : undefined;
}
