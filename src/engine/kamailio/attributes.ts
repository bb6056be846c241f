/**
 * The attributes of a Kamailio destination, read from "name=value;name=value". Names are matched without case; values may
 * be quoted; what is not known stays in the text only.
 */
export interface KamailioAttributes {
  /** Identity for call load. */
  readonly duid: string | undefined;
  /** Calls in progress at most; 0 for no bound. */
  readonly maxload: number;
  /** Share for algorithm 9, and the ceiling of congestion control; 0 when not given or out of range. */
  readonly weight: number;
  /** Share for algorithm 11; 0 when not given or out of range. */
  readonly rweight: number;
  /** "proto:host:port" of the socket to send from. */
  readonly socket: string | undefined;
  /** Name of a listener; it wins over `socket` where listeners have names. */
  readonly sockname: string | undefined;
  readonly pingFrom: string | undefined;
  readonly pingSocket: string | undefined;
  readonly obproxy: string | undefined;
  /** Latency in milliseconds to begin with. */
  readonly latency: number | undefined;
  /** Congestion control. */
  readonly congestionControl: boolean;
  /** Bounds of the overload control rate, percent. */
  readonly ocMin: number;
  readonly ocMax: number;
  /** Overload control rate to begin with, percent. */
  readonly ocRate: number | undefined;
}

/** The largest weight taken in: Kamailio's own bound is 100. */
export const MOST_WEIGHT = 10_000;

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
  ocRate: undefined,
};

/** Splits attributes into pairs, names in lower case. Undefined when the text is no list of parameters. */
export function attributePairs(text: string): [name: string, value: string][] | undefined {
  const pairs: [string, string][] = [];
  let at = 0;
  while (at < text.length) {
    let end = at;
    let quoted = false;
    for (; end < text.length; end++) {
      const c = text.charCodeAt(end);
      if (c === 34 /* " */) quoted = !quoted;
      else if (c === 59 /* ; */ && !quoted) break;
    }
    const part = text.slice(at, end).trim();
    at = end + 1;
    // A semicolon at the very end is fine; an empty parameter between two others is not.
    if (part === '') {
      if (at < text.length) return undefined;
      break;
    }
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals)).trim();
    if (name === '') return undefined;
    let value = equals < 0 ? '' : part.slice(equals + 1).trim();
    if (value.length >= 2 && value.startsWith('"') && value.endsWith('"')) value = value.slice(1, -1);
    pairs.push([name.toLowerCase(), value]);
  }
  return pairs;
}

/**
 * Reads attributes. `strict`: weights outside 1 to 100 count as none, as recorded; otherwise up to 10,000 are taken.
 * A text that is no list of parameters gives no attributes.
 */
export function parseAttributes(text: string, strict = false): KamailioAttributes {
  if (text === '') return NONE;
  // In a text that stands in quotes as a whole the first name is lost, as recorded.
  const pairs = attributePairs(text.startsWith('"') && text.endsWith('"') ? `_${text.slice(1, -1)}` : text);
  if (pairs === undefined || pairs.length === 0) return NONE;
  const values = new Map(pairs);
  const mostWeight = strict ? 100 : MOST_WEIGHT;
  const share = (name: string): number => {
    const number = integer(values.get(name));
    return number !== undefined && number >= 1 && number <= mostWeight ? number : 0;
  };
  const percent = (name: string): number | undefined => {
    const number = integer(values.get(name));
    return number === undefined ? undefined : Math.min(100, Math.max(0, number));
  };
  const named = (name: string): string | undefined => values.get(name) || undefined;
  return {
    duid: named('duid'),
    maxload: Math.max(0, integer(values.get('maxload')) ?? 0),
    weight: share('weight'),
    rweight: share('rweight'),
    socket: named('socket'),
    sockname: named('sockname'),
    pingFrom: named('ping_from'),
    pingSocket: named('ping_socket'),
    obproxy: named('obproxy'),
    latency: positive(values.get('latency')),
    congestionControl: integer(values.get('cc')) === 1,
    ocMin: percent('ocmin') ?? 0,
    ocMax: percent('ocmax') ?? 100,
    ocRate: percent('ocrate'),
  };
}

function integer(value: string | undefined): number | undefined {
  if (value === undefined || !/^[+-]?[0-9]{1,10}$/.test(value)) return undefined;
  const number = Number(value);
  return Math.abs(number) <= 0x7fffffff ? number : undefined;
}

function positive(value: string | undefined): number | undefined {
  const number = integer(value);
  return number !== undefined && number > 0 ? number : undefined;
}
