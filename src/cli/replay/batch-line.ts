import type { RequestData } from '../../engine/request-data.js';
import type { SelectParameters } from '../../engine/select-arguments.js';

/** The parameters of a selection in a batch line. */
export interface BatchSelect extends SelectParameters {
  /** "dst" or "domain"; other flavours have more. */
  readonly fn: string;
}

/** A line that requests a selection. */
export interface SelectionLine {
  readonly kind: 'select';
  readonly id: unknown;
  readonly message: {
    readonly request: RequestData | string;
    readonly avps: Readonly<Record<string, string | number>>;
  };
  readonly select: BatchSelect;
  /** "then": another selection for the same message. */
  readonly second: BatchSelect | undefined;
  /** The results of algo_route, by destination URI. */
  readonly scores: Readonly<Record<string, number>> | undefined;
  /** The whole line, for keys of other flavours. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/** A line that runs a management command. */
export interface MiLine {
  readonly kind: 'mi';
  readonly id: unknown;
  readonly method: string;
  readonly params: unknown;
}

/** An invalid line. */
export interface BadLine {
  readonly kind: 'bad';
  readonly id: unknown;
  readonly problem: string;
}

type Fields = Readonly<Record<string, unknown>>;

class Problem extends Error {}

/** Parses a batch line. Never throws: for an invalid line, returns what is wrong, in lower case. */
export function parseBatchLine(value: unknown): SelectionLine | MiLine | BadLine {
  if (!isFields(value)) return { kind: 'bad', id: null, problem: 'a line must be a JSON object' };
  const id = value['id'] ?? null;
  try {
    if (value['mi'] !== undefined) {
      const mi = value['mi'];
      if (!isFields(mi) || typeof mi['method'] !== 'string') throw new Problem('mi needs a method');
      return { kind: 'mi', id, method: mi['method'], params: mi['params'] };
    }
    return {
      kind: 'select',
      id,
      message: { request: requestOf(value['request']), avps: avpsOf(value['avps']) },
      select: selectOf(value),
      second: value['then'] === undefined || value['then'] === null ? undefined : selectOf(value['then'], 'then: '),
      scores: scoresOf(value['scores']),
      raw: value,
    };
  } catch (error) {
    if (error instanceof Problem) return { kind: 'bad', id, problem: error.message };
    throw error;
  }
}

function requestOf(request: unknown): RequestData | string {
  if (typeof request === 'string') return request;
  if (!isFields(request)) throw new Problem('request is neither an object nor the text of a message');
  return {
    method: optionalText(request, 'method') ?? 'OPTIONS',
    ruri: text(request, 'ruri'),
    from: optionalText(request, 'from') ?? '',
    to: optionalText(request, 'to') ?? '',
    callid: optionalText(request, 'callid') ?? '',
    headers: headersOf(request['headers']),
  };
}

function headersOf(headers: unknown): (readonly [string, string])[] {
  if (headers === undefined || headers === null) return [];
  if (!Array.isArray(headers)) throw new Problem('request.headers is not a list of [name, value] pairs');
  return headers.map((pair: unknown) => {
    if (!Array.isArray(pair) || typeof pair[0] !== 'string' || typeof pair[1] !== 'string') {
      throw new Problem('request.headers is not a list of [name, value] pairs');
    }
    return [pair[0], pair[1]] as const;
  });
}

function selectOf(fields: unknown, where = ''): BatchSelect {
  if (!isFields(fields)) throw new Problem(`${where}not an object`);
  const fn = optionalText(fields, 'fn') ?? 'dst';
  // Functions of another flavour have their own keys for set and algorithm.
  const needed = fn === 'dst' || fn === 'domain';
  return {
    fn,
    set: textOrNumber(fields, 'set', where) ?? (needed ? missing(`${where}set`) : ''),
    alg: textOrNumber(fields, 'alg', where) ?? (needed ? missing(`${where}alg`) : ''),
    flags: textOrNumber(fields, 'flags', where),
    partition: optionalText(fields, 'partition'),
    maxResults: textOrNumber(fields, 'max_res', where),
  };
}

function avpsOf(avps: unknown): Readonly<Record<string, string | number>> {
  if (avps === undefined || avps === null) return {};
  if (!isFields(avps)) throw new Problem('avps is not an object');
  for (const [name, value] of Object.entries(avps)) {
    if (typeof value !== 'string' && typeof value !== 'number') {
      throw new Problem(`avps: "${name}" is neither text nor a number`);
    }
  }
  return avps as Readonly<Record<string, string | number>>;
}

function scoresOf(scores: unknown): Readonly<Record<string, number>> | undefined {
  if (scores === undefined || scores === null) return undefined;
  if (!isFields(scores)) throw new Problem('scores is not an object');
  for (const [uri, score] of Object.entries(scores)) {
    if (typeof score !== 'number') throw new Problem(`scores: that of "${uri}" is not a number`);
  }
  return scores as Readonly<Record<string, number>>;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(fields: Fields, name: string): string {
  return optionalText(fields, name) ?? missing(name);
}

function optionalText(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw new Problem(`${name} is not text`);
  return value;
}

function textOrNumber(fields: Fields, name: string, where: string): string | number | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw new Problem(`${where}${name} is neither text nor a number`);
  }
  return value;
}

function missing(name: string): never {
  throw new Problem(`${name} is missing`);
}
