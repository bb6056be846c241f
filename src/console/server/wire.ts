/**
 * The messages between the daemon and the console's page. Both sides import this file, so it contains only types and
 * constants.
 */

/** The data of a destination that only a reload changes. */
export interface StaticRow {
  /** ID of the destination on this node, as long as the process runs. */
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

/** Positions in a live row, which is a tuple to keep messages short. */
export const LIVE = {
  id: 0,
  /** Index into STATES. */
  state: 1,
  /** Milliseconds since the epoch of the last state change; 0: none since the load. */
  since: 2,
  /** INVITE requests sent to it since the start. */
  calls: 3,
  answered: 4,
  failed: 5,
  /** Requests that were sent to another destination after it failed. */
  failovers: 6,
  /** Calls in progress; -1: unknown. */
  inProgress: 7,
  /** Milliseconds to the first reply, over the last 30 to 60 seconds; -1: none. */
  firstP50: 8,
  firstP95: 9,
  /** Round trip of the last probe, milliseconds; -1: none. */
  probe: 10,
  /** Why the state is what it is: reason, code and cause in one text. */
  why: 11,
} as const;

/** The values of a destination that change often, in the order of LIVE. */
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

/** States of a destination, by their index in a row. */
export const STATES = ['active', 'inactive', 'probing'] as const;

/** A partition as the overview shows it. */
export interface PartitionRow {
  readonly name: string;
  readonly flavour: string;
  /** Why it is not ready; absent: it is ready. */
  readonly problem?: string;
}

/** The first message of a stream, with everything. */
export interface WireSnapshot {
  readonly node: string;
  readonly version: string;
  /** The daemon's time in milliseconds since the epoch. */
  readonly time: number;
  readonly partitions: readonly PartitionRow[];
  readonly rows: readonly StaticRow[];
  readonly live: readonly LiveRow[];
}

/** The changes since the last message. */
export interface Delta {
  readonly time: number;
  readonly live: readonly LiveRow[];
  /** Rows that are new or were edited. */
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

/** An event as published or read from the stream. */
export interface EventEntry {
  readonly name: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Events, newest first. */
export interface EventList {
  /** Where they come from: the memory of this node, or the stream. */
  readonly from: 'memory' | 'stream';
  readonly events: readonly EventEntry[];
  /** Number for requesting older events; absent: there are none. */
  readonly before?: number;
  /** Why the stream could not be read; the events are then from memory. */
  readonly problem?: string;
}

/** One probe: when it ended, round trip in milliseconds (-1: none), final code. */
export type ProbePoint = readonly [time: number, rtt: number, code: number];

/** What the page of a destination shows besides its row. */
export interface DestinationDetail {
  readonly row: StaticRow;
  readonly history: readonly HistoryEntry[];
  readonly probes: readonly ProbePoint[];
  /** Number of replies by class: none, 1xx (always 0), 2xx to 6xx. */
  readonly outcomes: readonly number[];
  /** Upper bounds in milliseconds, and counts of the times to the first and to the final reply. */
  readonly bounds: readonly number[];
  readonly first: readonly number[];
  readonly final: readonly number[];
  /** The settings for it, and where each comes from. */
  readonly settings: readonly (readonly [name: string, value: string, source: string])[];
}

/** A line of the page "health". */
export interface HealthItem {
  readonly name: string;
  readonly value: string;
  readonly level: 'ok' | 'warning' | 'bad';
  readonly detail?: string;
}

/** A group of lines on the page "health". */
export interface HealthGroup {
  readonly title: string;
  readonly items: readonly HealthItem[];
}
