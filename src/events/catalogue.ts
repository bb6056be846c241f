import { maskUri } from '../core/mask.js';
import type { Random } from '../core/random.js';
import type { StateChange } from '../engine/state.js';
import type { DispatcherEvent, DispatcherStatusParams } from './event.js';

/** A kind of event that can be raised and subscribed to. */
export interface EventKind {
  readonly name: string;
  /** Number in events_list: the position in the catalogue. */
  readonly id: number;
  readonly summary: string;
  /** The parameters in event_datagram, in order: the documented ones and `reason`. */
  readonly documented: readonly string[];
  /** The parameters in the text form of 2.1, in order. */
  readonly text: readonly string[];
  /** Name of the file in schemas/events/. */
  readonly schema: string;
}

/** Name of the event for a destination that became usable or unusable. */
export const E_DISPATCHER_STATUS = 'E_DISPATCHER_STATUS';

/** All events, in the order of events_list. */
export const EVENT_CATALOGUE: readonly EventKind[] = [
  {
    name: E_DISPATCHER_STATUS,
    id: 0,
    summary: 'a destination became usable, or stopped being usable',
    documented: ['partition', 'group', 'address', 'status', 'reason'],
    text: ['partition', 'group', 'address', 'status'],
    schema: 'E_DISPATCHER_STATUS.schema.json',
  },
];

/** Events about the cluster; raised and listed only in a cluster. The stream does not keep them. */
export const CLUSTER_EVENTS: readonly EventKind[] = [
  {
    name: 'E_CLUSTERER_NODE_STATE_CHANGED',
    id: 1,
    summary: 'a node of the cluster has joined, left or changed its state',
    documented: ['cluster_id', 'node_id', 'new_state'],
    text: ['cluster_id', 'node_id', 'new_state'],
    schema: 'E_CLUSTERER_NODE_STATE_CHANGED.schema.json',
  },
  {
    name: 'E_CLUSTERER_SHARING_TAG_CHANGED',
    id: 2,
    summary: 'a sharing tag has become active or backup at a node',
    documented: ['tag', 'cluster_id', 'new_state'],
    text: ['tag', 'cluster_id', 'new_state'],
    schema: 'E_CLUSTERER_SHARING_TAG_CHANGED.schema.json',
  },
];

/** Events for subscribers of this process only; they are not published on NATS. */
export const LOCAL_EVENTS: readonly EventKind[] = [
  {
    name: 'E_CORE_THRESHOLD',
    id: 3,
    summary: 'a DNS lookup took longer than the threshold',
    documented: ['source', 'time', 'extra'],
    text: ['source', 'time', 'extra'],
    schema: 'E_CORE_THRESHOLD.schema.json',
  },
];

/** Whether the stream keeps events with this name. */
export function isStored(name: string): boolean {
  return EVENT_CATALOGUE.some((kind) => kind.name === name);
}

/** The kind with this name, or undefined. Case matters, as recorded. */
export function eventKind(name: string): EventKind | undefined {
  return [...EVENT_CATALOGUE, ...CLUSTER_EVENTS, ...LOCAL_EVENTS].find((kind) => kind.name === name);
}

/** Generates event IDs that never repeat: node, random text for each start, counter. */
export class EventIds {
  private counter = 0;
  private readonly boot: string;

  constructor(
    readonly node: string,
    random: Random,
  ) {
    this.boot = random.token(4);
  }

  /** For example "sw1:1a2b3c4d:17". */
  next(): string {
    return `${this.node}:${this.boot}:${++this.counter}`;
  }
}

/**
 * The E_DISPATCHER_STATUS event for a change of usability; call it only for changes with an `edge`. `status` is the new
 * value, `previous` the opposite one.
 */
export function statusEvent(change: StateChange, ids: EventIds): DispatcherEvent {
  const { destination } = change;
  const status = change.edge ?? (change.state === 'active' ? 'active' : 'inactive');
  const id = ids.next();
  const params: DispatcherStatusParams = {
    partition: destination.partition,
    group: destination.setId,
    address: maskUri(change.address),
    status,
    reason: change.reason,
    previous: status === 'active' ? 'inactive' : 'active',
    state: change.state,
    code: change.code,
    cause: change.cause,
    seq: change.seq,
    time: new Date(change.time).toISOString(),
    node: ids.node,
    id,
  };
  return {
    name: E_DISPATCHER_STATUS,
    params: { ...params },
    key: destination.key,
    id,
    subject: [destination.partition, String(destination.setId)],
  };
}

/** An event about the cluster. `local`: only for subscribers of this process, since another node publishes it. */
export function clusterEvent(
  name: string,
  ids: EventIds,
  params: Readonly<Record<string, string | number>>,
  local: boolean,
): DispatcherEvent {
  const id = ids.next();
  const subject = [String(params['cluster_id'] ?? ''), String(params['tag'] ?? params['node_id'] ?? '')];
  return { name, params: { ...params, id }, key: `${name}:${subject.join(':')}`, id, subject, local };
}

/** E_CORE_THRESHOLD: `source` ("dns") took so many milliseconds; `extra` names what was looked up. */
export function thresholdEvent(source: string, ms: number, extra: string, ids: EventIds): DispatcherEvent {
  // In microseconds, as in OpenSIPS.
  const params = { source, time: Math.round(ms * 1000), extra };
  return { name: 'E_CORE_THRESHOLD', params, key: `threshold:${source}`, id: ids.next(), subject: [], local: true };
}

/** An event raised by the MI command raise_event, with the parameters given. Such events of one name stay in order. */
export function manualEvent(
  name: string,
  params: Readonly<Record<string, string | number>>,
  ids: EventIds,
): DispatcherEvent {
  const partition = params['partition'];
  const group = params['group'];
  const subject = [partition, group].map((token) => (token === undefined ? '' : String(token)));
  return { name, params: { ...params }, key: `raise:${name}`, id: ids.next(), subject };
}

/** An event that a cfg file or one of its modules raises: its name, and its parameters in order where they are fixed. */
export interface ScriptEvent {
  readonly name: string;
  readonly params: readonly string[];
}

/** Number of the first event of scripts in events_list. */
const FIRST_OF_SCRIPTS = 4;

/** The kind of an event of a script; `index` is its place among them. */
export function scriptKind({ name, params }: ScriptEvent, index: number): EventKind {
  const id = FIRST_OF_SCRIPTS + index;
  return { name, id, summary: 'raised by the cfg file', documented: params, text: params, schema: '' };
}

/**
 * An event raised by a cfg file or one of its modules. Values that are null are left out. Each has a key of its own: it
 * reports a call or a peer, so that a later one must not take its place in an outbox.
 */
export function scriptEvent(
  name: string,
  params: ReadonlyMap<string, string | number | null>,
  ids: EventIds,
): DispatcherEvent {
  const values: Record<string, string | number> = {};
  for (const [key, value] of params) if (value !== null) values[key] = value;
  const id = ids.next();
  return { name, params: values, key: `script:${id}`, id, subject: [], local: true };
}

/**
 * Merges two events of one destination: the newer one with `previous` of the older one. `previous` may then equal
 * `status`, and the numbers in `seq` have a gap for the omitted changes.
 */
export function mergeEvents(older: DispatcherEvent, newer: DispatcherEvent): DispatcherEvent {
  const previous = older.params['previous'];
  if (previous === undefined || newer.params['previous'] === undefined) return newer;
  return { ...newer, params: { ...newer.params, previous } };
}
