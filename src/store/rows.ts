import { parseFreeswitchUrl } from '../config/freeswitch-url.js';
import { parseSocket } from '../config/socket.js';
import { messageOf } from '../core/errors.js';
import { parseUri } from '../core/uri.js';
import type { DestinationRow, HealthState } from '../engine/destination.js';
import { flavourKind } from '../engine/flavours.js';
import { attributePairs, parseAttributes } from '../engine/kamailio/attributes.js';
import { stateOfBits } from '../engine/kamailio/live.js';
import type { FlavourName } from '../engine/options.js';
import type { Discarded } from '../engine/partition.js';

/** A row from a database or file; undefined for columns that the table does not have. */
export interface RawRow {
  readonly id?: unknown;
  readonly setid?: unknown;
  readonly destination?: unknown;
  readonly socket?: unknown;
  readonly state?: unknown;
  readonly probeMode?: unknown;
  readonly weight?: unknown;
  readonly priority?: unknown;
  readonly attrs?: unknown;
  readonly description?: unknown;
  /** Kamailio only. */
  readonly flags?: unknown;
  /** Values of columns read as attributes (ds_db_extra_attrs), in the order of the rules. */
  readonly extra?: readonly unknown[];
}

/** The rules for reading rows. */
export interface RowRules {
  /** Name of the table, for messages. */
  readonly table: string;
  readonly flavour: FlavourName;
  /** If false, the state column is ignored: all destinations are active. */
  readonly persistentState: boolean;
  /** What `table` names; default a table. */
  readonly kind?: 'table' | 'file';
  /** Largest weight of a FreeSWITCH server; undefined: the weight column must not name one. */
  readonly freeswitchMaxWeight?: number | undefined;
  /** Flavour kamailio: destinations without attributes get "none=yes". */
  readonly attrsNone?: boolean | undefined;
  /** Flavour kamailio: remove the flag that asks for probes (8), as 6.x does when probing is off. */
  readonly withoutProbing?: boolean | undefined;
  /** Flavour kamailio: columns that are read as attributes. */
  readonly extraAttrs?: readonly ExtraAttribute[] | undefined;
  /** Why a destination cannot be used with the socket it names; undefined: it can. Absent: not checked. */
  readonly noSocket?: NoSocket | undefined;
}

/** A column read as an attribute of the destination (ds_db_extra_attrs). */
export interface ExtraAttribute {
  readonly name: string;
  readonly column: string;
}

/** The part of a partition's configuration from which rules are passed to stores. */
export type LoadRules = Pick<
  RowRules,
  'freeswitchMaxWeight' | 'noSocket' | 'attrsNone' | 'withoutProbing' | 'extraAttrs'
>;

/** Picks these rules. */
export function loadRules(config: LoadRules): LoadRules {
  const { freeswitchMaxWeight, noSocket, attrsNone, withoutProbing, extraAttrs } = config;
  return { freeswitchMaxWeight, noSocket, attrsNone, withoutProbing, extraAttrs };
}

/** Returns what is wrong with a destination's attributes socket= and sockname=; undefined if nothing. */
export type NoSocket = (socket: string | undefined, sockname: string | undefined) => string | undefined;

/** The flag in Kamailio rows that asks for probes. */
const PROBING = 8;
const MAX_INT = 2 ** 31 - 1;
/** Longest URI and text, far above the 192 and 128 characters of the documented columns. */
const MAX_URI = 1024;
const MAX_TEXT = 8192;
/** A driver that knows only floating point writes 50 to a text column as "50.0". */
const INTEGER = /^[+-]?[0-9]{1,10}(?:\.0{1,6})?$/;
/** The address of a FreeSWITCH server instead of a weight (OpenSIPS: fetch_freeswitch_stats). */
const FREESWITCH = /^\s*fs:/i;
const NOT_ASCII = /[^\x00-\x7f]/;
const NOT_IN_URI = /[\x00-\x20\x7f<>"]/;

/** The values of the state column: 0 active, 1 inactive, 2 probing (recorded from OpenSIPS). */
const STATES: readonly HealthState[] = ['active', 'inactive', 'probing'];

/** The value of a state in the state column. */
export function stateNumber(state: HealthState): number {
  return STATES.indexOf(state);
}

/** A row is invalid. */
class RowFault extends Error {
  constructor(
    /** Documented name of the column. */
    readonly column: string,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Converts rows to destinations one by one: an invalid row is reported and does not affect the others. Texts become
 * latin1 strings (one code unit for each byte), so that UTF-8 in a database is sent as the same bytes.
 */
export class RowReader {
  readonly rows: DestinationRow[] = [];
  readonly discarded: Discarded[] = [];
  /** Many rows have the same socket and attributes: each is checked and stored once. */
  private readonly sockets = new Map<string, string>();
  /** Sets with a destination whose weight a FreeSWITCH server reports. */
  private readonly fedSets = new Set<number>();

  private readonly hasStateColumn: boolean;

  constructor(private readonly rules: RowRules) {
    this.hasStateColumn = flavourKind(rules.flavour).hasStateColumn;
  }

  /** `position` names a row without ID, such as "line 7"; `line`: its line in a file. */
  add(raw: RawRow, position?: string, line?: number): void {
    try {
      this.rows.push(this.read(raw));
    } catch (error) {
      if (!(error instanceof RowFault)) throw error;
      this.leaveOut(raw, error.column, error.message, position, line);
    }
  }

  /** Leaves out a row because of a column. */
  leaveOut(raw: RawRow, column: string, reason: string, position?: string, line?: number): void {
    const { id } = raw;
    const at = { id: typeof id === 'number' || typeof id === 'string' ? id : bigId(id), line, column };
    this.discarded.push({ row: this.nameOf(raw, position), reason, at });
  }

  /**
   * The results. In a set with a FreeSWITCH server, other weights are limited to the largest one of such a server, as
   * documented for max_freeswitch_weight.
   */
  result(): { readonly rows: readonly DestinationRow[]; readonly discarded: readonly Discarded[] } {
    const { rows, discarded, fedSets } = this;
    const max = this.rules.freeswitchMaxWeight;
    if (fedSets.size === 0 || max === undefined) return { rows, discarded };
    const capped = rows.map((row) => (row.weight > max && fedSets.has(row.setId) ? { ...row, weight: max } : row));
    return { rows: capped, discarded };
  }

  private read(raw: RawRow): DestinationRow {
    if (!this.hasStateColumn) return this.readKamailio(raw);
    const feed = this.feedOf(raw.weight);
    if (feed !== undefined) {
      const row = this.read({ ...raw, weight: this.rules.freeswitchMaxWeight });
      this.fedSets.add(row.setId);
      return { ...row, weightFeed: feed };
    }
    return {
      rowId: typeof raw.id === 'number' || typeof raw.id === 'string' ? raw.id : bigId(raw.id),
      setId: required(raw.setid, 'set id', 0),
      uri: uriOf(raw.destination),
      socket: this.socketOf(raw.socket),
      state: this.stateOf(raw.state),
      probeMode: optional(raw.probeMode, 'probe_mode', 0, 0, 2),
      weight: optional(raw.weight, 'weight', 1, 0),
      priority: optional(raw.priority, 'priority', 0, -MAX_INT - 1),
      attrs: textOf(raw.attrs, 'attrs'),
      description: textOf(raw.description, 'description'),
    };
  }

  /**
   * In Kamailio rows, socket and weight are attributes, the state is in the flags, and a bare host is allowed as URI.
   */
  private readKamailio(raw: RawRow): DestinationRow {
    const setId = required(raw.setid, 'set id', 0);
    const uri = uriOf(withScheme(raw.destination));
    if (/^sips?:@/i.test(uri))
      throw new RowFault('destination', `destination ${shown(uri)} has "@" without a user before it`);
    const read = optional(raw.flags, 'flags', 0, 0);
    const flags = this.rules.withoutProbing === true ? read & ~PROBING : read;
    const written = this.withExtra(textOf(raw.attrs, 'attrs').trim().replace(/;$/, ''), raw.extra);
    const attrs = written === '' && this.rules.attrsNone === true ? 'none=yes' : written;
    if (attributePairs(attrs) === undefined)
      throw new RowFault('attrs', `attrs ${shown(attrs)} are not a list of name=value`);
    const { socket, sockname, weight } = parseAttributes(attrs);
    const unknown = this.rules.noSocket?.(socket, sockname);
    if (unknown !== undefined) throw new RowFault('attrs', unknown);
    return {
      rowId: typeof raw.id === 'number' || typeof raw.id === 'string' ? raw.id : bigId(raw.id),
      setId,
      uri,
      socket: this.socketOf(socket),
      ...(sockname === undefined ? {} : { sockname }),
      state: this.rules.persistentState ? stateOfBits(flags) : 'active',
      probeMode: 0,
      weight: weight || 1,
      priority: optional(raw.priority, 'priority', 0, -MAX_INT - 1),
      attrs,
      description: textOf(raw.description, 'description'),
      flags,
    };
  }

  /** Appends the attributes from columns of their own; a column without a value is skipped. */
  private withExtra(attrs: string, values: readonly unknown[] | undefined): string {
    if (values === undefined) return attrs;
    const { extraAttrs = [] } = this.rules;
    const pairs = attrs === '' ? [] : [attrs];
    for (const [i, { name, column }] of extraAttrs.entries()) {
      const value = textOf(values[i], column);
      if (value === '') continue;
      const quote = !/[;,"'\s]/.test(value) ? '' : value.includes('"') ? "'" : '"';
      if (quote !== '' && value.includes(quote)) throw new RowFault('attrs', `${column} has quotes of both kinds`);
      pairs.push(`${name}=${quote}${value}${quote}`);
    }
    return pairs.join(';');
  }

  private stateOf(value: unknown): HealthState {
    if (!this.rules.persistentState) return 'active';
    return STATES[optional(value, 'state', 0, 0, 2)] as HealthState;
  }

  /**
   * The address of the FreeSWITCH server that reports the weight; errors do not show it, since it contains a password.
   */
  private feedOf(value: unknown): string | undefined {
    if (typeof value !== 'string' && !Buffer.isBuffer(value)) return undefined;
    const text = wireText(value);
    if (!FREESWITCH.test(text)) return undefined;
    if (this.rules.freeswitchMaxWeight === undefined) {
      throw new RowFault('weight', 'weight is the address of a FreeSWITCH server, and fetch_freeswitch_stats is off');
    }
    try {
      parseFreeswitchUrl(text.trim());
    } catch (error) {
      throw new RowFault('weight', `weight: ${messageOf(error)}`);
    }
    return text.trim();
  }

  private socketOf(value: unknown): string {
    const text = textOf(value, 'socket').trim();
    if (text === '') return '';
    const known = this.sockets.get(text);
    if (known !== undefined) return known;
    try {
      parseSocket(text);
    } catch (error) {
      throw new RowFault('socket', messageOf(error));
    }
    this.sockets.set(text, text);
    return text;
  }

  private nameOf(raw: RawRow, position: string | undefined): string {
    const which = raw.id === undefined || raw.id === null ? (position ?? describe(raw)) : `id ${shown(raw.id)}`;
    return `${this.rules.kind ?? 'table'} ${this.rules.table}, ${which}`;
  }
}

function describe(raw: RawRow): string {
  return `set ${shown(raw.setid)} destination ${shown(raw.destination)}`;
}

/** Adds "sip:" to a destination without a scheme, which Kamailio accepts. */
function withScheme(value: unknown): unknown {
  if (value === null || value === undefined) return value;
  const text = wireText(value).trim();
  const uri = text === '' || /^sips?:/i.test(text) ? text : `sip:${text}`;
  return Buffer.from(uri, 'latin1');
}

function uriOf(value: unknown): string {
  if (value === null || value === undefined) throw new RowFault('destination', 'destination is null');
  const uri = wireText(value);
  if (uri === '') throw new RowFault('destination', 'destination is empty');
  if (uri.length > MAX_URI) throw new RowFault('destination', `destination is longer than ${MAX_URI} characters`);
  const parsed = NOT_IN_URI.test(uri) ? undefined : parseUri(uri);
  if (parsed === undefined) throw new RowFault('destination', `destination ${shown(value)} is not a SIP URI`);
  if (parsed.scheme === 'tel')
    throw new RowFault('destination', `destination ${shown(value)} has no host: only sip and sips can be sent to`);
  return uri;
}

function textOf(value: unknown, column: string): string {
  if (value === null || value === undefined) return '';
  const text = wireText(value);
  if (text.length > MAX_TEXT) throw new RowFault(column, `${column} is longer than ${MAX_TEXT} characters`);
  return text;
}

/** Converts text to latin1, one code unit for each byte of its UTF-8 form; a Buffer has the bytes already. */
function wireText(value: unknown): string {
  if (Buffer.isBuffer(value)) return value.toString('latin1');
  const text = typeof value === 'string' ? value : valueText(value);
  return NOT_ASCII.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}

/**
 * Converts another value to text. A driver may return an object with any members, even "toString", for a JSON column.
 */
function valueText(value: unknown): string {
  if (typeof value !== 'object' || value instanceof Date) return String(value);
  return JSON.stringify(value) ?? '';
}

/** The reverse of `wireText`, for values in a statement. */
export function storedText(wire: string): string {
  return NOT_ASCII.test(wire) ? Buffer.from(wire, 'latin1').toString('utf8') : wire;
}

/** The set ID is written as two words in messages. */
function documented(column: string): string {
  return column === 'set id' ? 'setid' : column;
}

function required(value: unknown, column: string, min: number): number {
  if (value === null || value === undefined || value === '') throw new RowFault('setid', `${column} is null`);
  return optional(value, column, 0, min);
}

function optional(value: unknown, column: string, fallback: number, min: number, max = MAX_INT): number {
  if (value === null || value === undefined || value === '') return fallback;
  const number = toInteger(value);
  if (number === undefined) throw new RowFault(documented(column), `${column} ${shown(value)} is not an integer`);
  if (number < min || number > max)
    throw new RowFault(documented(column), `${column} ${number} is not between ${min} and ${max}`);
  return number;
}

/** OpenSIPS stores weights in a text column, and drivers return big integers as text. */
function toInteger(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined;
  if (typeof value === 'bigint') return Number(value);
  const text = Buffer.isBuffer(value) ? value.toString('latin1') : value;
  if (typeof text !== 'string') return undefined;
  const trimmed = text.trim();
  return INTEGER.test(trimmed) ? Number(trimmed) : undefined;
}

function bigId(id: unknown): string | undefined {
  return typeof id === 'bigint' ? String(id) : undefined;
}

/** A value for a message: shortened and on one line. */
function shown(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return value === null || value === undefined ? 'null' : JSON.stringify(wireText(value).slice(0, 200));
}
