/**
 * What travels between the daemon and the console's page. Imported by both sides, so it holds types and constants only.
 */

/** What of a destination changes only by a reload. */
export interface StaticRow {
  /** Number of the destination on this node, for as long as the process lives. */
  readonly id: number;
  readonly partition: string;
  readonly set: number;
  readonly uri: string;
  readonly attrs: string;
  readonly description: string;
  readonly weight: number;
  readonly priority: number;
  readonly socket: string;
}

/** Positions in a live row, a tuple of numbers and two texts to be short on the wire. */
export const LIVE = {
  id: 0,
  /** Index into STATES. */
  state: 1,
  /** Milliseconds since the epoch of the last change of state; 0: as loaded. */
  since: 2,
  /** INVITE requests sent to it since the start. */
  calls: 3,
  answered: 4,
  failed: 5,
  /** Requests that went on to another destination after it failed. */
  failovers: 6,
  /** Calls that go on; -1: not known. */
  inProgress: 7,
  /** Milliseconds to the first reply, of the last half minute to minute; -1: none. */
  firstP50: 8,
  firstP95: 9,
  /** Round trip of the last probe, milliseconds; -1: none. */
  probe: 10,
  /** Why the state is what it is: reason, code and cause in one text. */
  why: 11,
} as const;

/** What changes about a destination, as numbers in this order. */
export type LiveRow = readonly [
  id: number,
  state: number,
  since: number,
  calls: number,
  answered: number,
  failed: number,
  failovers: number,
  inProgress: number,
  firstP50: number,
  firstP95: number,
  probe: number,
  why: string,
];

/** States of a destination, by their numbers in a row. */
export const STATES = ['active', 'inactive', 'probing'] as const;

/** A partition as the overview shows it. */
export interface PartitionRow {
  readonly name: string;
  readonly flavour: string;
  /** Why it does not serve; absent when it does. */
  readonly problem?: string;
}

/** Everything at once: the first message of a stream. */
export interface WireSnapshot {
  readonly node: string;
  readonly version: string;
  /** Milliseconds since the epoch at the daemon. */
  readonly time: number;
  readonly partitions: readonly PartitionRow[];
  readonly rows: readonly StaticRow[];
  readonly live: readonly LiveRow[];
}

/** What has changed since the message before. */
export interface Delta {
  readonly time: number;
  readonly live: readonly LiveRow[];
  /** Rows that are new, or whose table row was edited. */
  readonly rows?: readonly StaticRow[];
  readonly gone?: readonly number[];
  readonly partitions?: readonly PartitionRow[];
}

/** One change of state in a destination's history. */
export interface HistoryEntry {
  readonly time: number;
  readonly state: string;
  readonly previous: string;
  readonly reason: string;
  readonly origin: string;
  readonly code?: number;
  readonly cause?: string;
}

/** An event as it was published, or read from the stream. */
export interface EventEntry {
  readonly name: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Events, newest first. */
export interface EventList {
  /** Where they come from: the memory of this node, or the stream. */
  readonly from: 'memory' | 'stream';
  readonly events: readonly EventEntry[];
  /** To be named to read on; absent: there are no older ones. */
  readonly before?: number;
  /** Why the stream was not read: the events are those of the memory. */
  readonly problem?: string;
}

/** One probe: when it ended, round trip in milliseconds or -1 for none, final code. */
export type ProbePoint = readonly [time: number, rtt: number, code: number];

/** What the page of one destination shows beside its row. */
export interface DestinationDetail {
  readonly row: StaticRow;
  readonly history: readonly HistoryEntry[];
  readonly probes: readonly ProbePoint[];
  /** Replies by class: none, 1xx (always 0), 2xx to 6xx. */
  readonly outcomes: readonly number[];
  /** Bounds in milliseconds and counts of times to the first and to the final reply. */
  readonly bounds: readonly number[];
  readonly first: readonly number[];
  readonly final: readonly number[];
  /** Settings that apply to it, and where each comes from. */
  readonly settings: readonly (readonly [name: string, value: string, source: string])[];
}

/** Part of the page on health. */
export interface HealthItem {
  readonly name: string;
  readonly value: string;
  readonly level: 'ok' | 'warning' | 'bad';
  readonly detail?: string;
}

/** Figures of the page "health" that belong together. */
export interface HealthGroup {
  readonly title: string;
  readonly items: readonly HealthItem[];
}
