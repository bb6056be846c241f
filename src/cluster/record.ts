import { maskUri } from '../core/mask.js';
import type { HealthState, SignalOrigin } from '../engine/destination.js';

/** A change of usability that may not be in the event stream yet. */
export interface Edge {
  /** `seq` of its event. */
  readonly q: number;
  readonly st: 'active' | 'inactive';
  readonly pv: 'active' | 'inactive';
  /** The new state. */
  readonly s: HealthState;
  /** ISO 8601. */
  readonly t: string;
  readonly r: string;
  readonly c?: number;
  readonly x?: string;
  /** Address as the caller wrote it, if it differs from the row's. */
  readonly a?: string;
  /** Node that decided. */
  readonly n: string;
  /** Generation of the bucket at that time; it remains part of the event's ID. */
  readonly g: string;
}

/**
 * An operator's order where zones have records of their own: its number over all zones, the node that took it, and the
 * state.
 */
export interface Order {
  readonly n: number;
  readonly w: string;
  readonly st: HealthState;
}

/**
 * Whether an order is later than another; with equal numbers the names of the nodes decide, with the same result
 * everywhere.
 */
export function isNewer(a: Pick<Order, 'n' | 'w'> | undefined, b: Pick<Order, 'n' | 'w'> | undefined): boolean {
  if (a === undefined || b === undefined) return a !== undefined;
  return a.n > b.n || (a.n === b.n && a.w > b.w);
}

/** The record of a destination in the bucket. Fields unknown to this version are kept when it is written. */
export interface DestinationRecord {
  /** Incremented by every write. */
  readonly v: number;
  readonly a: string;
  readonly s: string;
  readonly st: HealthState;
  /** Number of edges so far. */
  readonly q: number;
  /** The operator's order, while it is in effect. */
  readonly op?: { readonly st: HealthState; readonly by: string };
  /** `v` of the last order of an operator or a script. */
  readonly ov?: number;
  /** The last order for all zones, where each zone has a record of its own. */
  readonly z?: Order;
  readonly t: string;
  readonly r: string;
  readonly c?: number;
  readonly x?: string;
  /** The node that wrote the record; it decides between two writes with the same `v`. */
  readonly w: string;
  /** The last edge known to be stored in the event stream. */
  readonly told: number;
  readonly ev: readonly Edge[];
  /** Nodes that cannot reach the destination while others can, each with the `v` at which it noted this: "n1@41". */
  readonly skip?: readonly string[];
  /** State bits (flavour kamailio). */
  readonly b?: number;
  readonly [other: string]: unknown;
}

/**
 * A change that a node wants to make, from a probe or an order. It is kept until committed, and decided again when
 * another node has committed first.
 */
export interface Intent {
  /**
   * `published`: changes no state, only notes which edges are in the stream. `skip`: the owner cannot reach the
   * destination.
   */
  readonly kind: 'success' | 'failure' | 'set' | 'published' | 'skip';
  readonly to?: HealthState | undefined;
  readonly origin: SignalOrigin;
  /** Milliseconds since the epoch, only to be shown. */
  readonly time: number;
  readonly reason: string;
  readonly code?: number | undefined;
  readonly cause?: string | undefined;
  readonly address?: string | undefined;
  readonly bits?: number | undefined;
  /** Number of an order for all zones. */
  readonly order?: { readonly n: number; readonly w: string } | undefined;
}

/** Maximum number of edges in a record; older ones are merged. */
const MAX_EDGES = 8;
/** Longest text of a record. */
const MAX_TEXT = 64 * 1024;

/**
 * The state after an intent, given a state that others may have changed meanwhile. Thresholds have been applied before:
 * `failure` and `set probing` mean that the threshold was reached.
 */
export function decideAgain(state: HealthState, intent: Intent): HealthState {
  switch (intent.kind) {
    case 'success':
      return state === 'inactive' ? 'inactive' : 'active';
    case 'failure':
      return state === 'inactive' ? 'inactive' : 'probing';
    case 'set':
      return intent.to ?? state;
    default:
      return state;
  }
}

/** Whether an intent is an order of an operator or a script and not the result of a probe. */
export function isCommand({ kind, origin }: Intent): boolean {
  return kind === 'set' && (origin === 'mi' || origin === 'script' || origin === 'store');
}

/** The record for a destination that has none: the state of the row, or the one in memory. */
export function firstRecord(address: string, socket: string, state: HealthState, seq: number): DestinationRecord {
  return { v: 0, a: maskUri(address), s: socket, st: state, q: seq, t: '', r: '', w: '', told: seq, ev: [] };
}

/** The record after an intent that leads to `state`. `published`: the last edge that this node knows to be stored. */
export function nextRecord(
  base: DestinationRecord,
  intent: Intent,
  state: HealthState,
  by: { readonly node: string; readonly generation: string; readonly published: number },
): DestinationRecord {
  const v = nextCount(base.v);
  const told = Math.max(base.told, Math.min(by.published, base.q));
  const kept = base.ev.filter((edge) => edge.q > told);
  const { c: _code, x: _cause, op, b: _bits, ...rest } = base;
  if (intent.kind === 'published') return { ...base, v, told, ev: kept, w: by.node };
  if (intent.kind === 'skip') {
    const name = intent.reason.slice(0, intent.reason.lastIndexOf('@'));
    const others = (base.skip ?? []).filter((note) => note.slice(0, note.lastIndexOf('@')) !== name);
    const skip = [...others, intent.reason].slice(-4);
    return { ...base, v, told, ev: kept, w: by.node, skip };
  }
  const usable = state === 'active';
  const changed = usable !== (base.st === 'active');
  const t = new Date(intent.time).toISOString();
  const address = intent.address && maskUri(intent.address);
  const status = usable ? 'active' : 'inactive';
  if (changed) {
    kept.push({
      q: nextCount(base.q),
      st: status,
      pv: usable ? 'inactive' : 'active',
      s: state,
      t,
      r: intent.reason,
      ...(intent.code === undefined ? {} : { c: intent.code }),
      ...(intent.cause === undefined ? {} : { x: intent.cause }),
      ...(address === undefined || address === base.a ? {} : { a: address }),
      n: by.node,
      g: by.generation,
    });
    while (kept.length > MAX_EDGES) {
      const [older, newer] = kept as [Edge, Edge];
      kept.splice(0, 2, { ...newer, pv: older.pv });
    }
  }
  const word = isCommand(intent);
  return {
    ...rest,
    v,
    st: state,
    q: changed ? nextCount(base.q) : base.q,
    ...(word ? { op: { st: state, by: intent.origin }, ov: v } : op?.st === state ? { op } : {}),
    ...(word && intent.order !== undefined ? { z: { n: intent.order.n, w: intent.order.w, st: state } } : {}),
    t,
    r: intent.reason,
    ...(intent.code === undefined ? {} : { c: intent.code }),
    ...(intent.cause === undefined ? {} : { x: intent.cause }),
    ...(intent.bits === undefined ? {} : { b: intent.bits }),
    w: by.node,
    told,
    ev: kept,
    ...(base.skip === undefined || state !== 'active' ? {} : { skip: base.skip }),
  };
}

/** The next number. The last one that can be written exactly stays: another node may have sent it. */
function nextCount(n: number): number {
  return Math.min(n + 1, Number.MAX_SAFE_INTEGER);
}

const STATES: ReadonlySet<unknown> = new Set<HealthState>(['active', 'inactive', 'probing']);

/** Parses a record; undefined when it is invalid. Anybody with access to the bucket may have written it. */
export function parseRecord(text: string): DestinationRecord | undefined {
  if (text.length > MAX_TEXT) return undefined;
  let value: Partial<DestinationRecord> | null;
  try {
    value = JSON.parse(text) as Partial<DestinationRecord> | null;
  } catch {
    return undefined;
  }
  if (value === null || typeof value !== 'object') return undefined;
  const { v, a, s, st, q, t, r, w, told, ev } = value;
  if (!isCount(v) || !isCount(q) || !isCount(told) || !STATES.has(st)) return undefined;
  if (![a, s, t, r, w].every((each) => typeof each === 'string')) return undefined;
  if (!Array.isArray(ev) || ev.length > 4 * MAX_EDGES || !ev.every(isEdge)) return undefined;
  if (value.ov !== undefined && !isCount(value.ov)) return undefined;
  if (value.z !== undefined && !isOrder(value.z)) return undefined;
  if (value.skip !== undefined && !(Array.isArray(value.skip) && value.skip.every((x) => typeof x === 'string'))) {
    return undefined;
  }
  return value as DestinationRecord;
}

function isOrder(order: unknown): boolean {
  if (order === null || typeof order !== 'object') return false;
  const { n, w, st } = order as Record<string, unknown>;
  return isCount(n) && typeof w === 'string' && STATES.has(st);
}

function isEdge(edge: unknown): boolean {
  if (edge === null || typeof edge !== 'object') return false;
  const { q, st, pv, s, t, r, n, g } = edge as Record<string, unknown>;
  const status = (each: unknown) => each === 'active' || each === 'inactive';
  return isCount(q) && status(st) && status(pv) && STATES.has(s) && [t, r, n, g].every((x) => typeof x === 'string');
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
