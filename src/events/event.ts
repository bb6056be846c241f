/** One event as it travels: the documented parameters first, then ours (spec: JSON-RPC 2.0 notification). */
export interface DispatcherEvent {
  /** "E_DISPATCHER_STATUS" */
  readonly name: string;
  /** Ordered parameters; undefined ones are left out. */
  readonly params: { readonly [name: string]: string | number | undefined };
  /** Events with the same key keep their order, and may be coalesced (last wins) when an outbox is full. */
  readonly key: string;
  /** Unique over time: node, boot, counter. Becomes Nats-Msg-Id. */
  readonly id: string;
  /** Tokens after "<prefix>.<name>" in a subject, not yet encoded: partition, group. */
  readonly subject: readonly string[];
  /** For subscribers of this process alone: the node of the cluster that owns the destination publishes it. */
  readonly local?: boolean;
}

/** The parameters of E_DISPATCHER_STATUS. */
export interface DispatcherStatusParams {
  readonly partition: string;
  readonly group: number;
  readonly address: string;
  readonly status: 'active' | 'inactive';
  readonly reason: string;
  readonly previous: 'active' | 'inactive';
  readonly state: 'active' | 'inactive' | 'probing';
  readonly code?: number | undefined;
  readonly cause?: string | undefined;
  readonly seq: number;
  /** ISO 8601 with milliseconds. */
  readonly time: string;
  readonly node: string;
  readonly id: string;
}

/** How a subscriber reads events: today's JSON-RPC notification, or the lines of OpenSIPS 2.1. */
export type WireForm = 'json' | 'text';

/** A kind of target events are sent to. Queueing and retry are the publisher's. */
export interface EventSink {
  /** "udp", "unix", "nats" */
  readonly scheme: string;
  /** Parses "udp:host:port"; throws SwitchyardError USAGE when it is not one of its targets. `form` is 'json' when left out. */
  parse(target: string, form?: WireForm): EventTarget;
}

/** One target. */
export interface EventTarget {
  readonly description: string;
  /** Whether an outage of this target is expected to end: its events are then tried for ever. Default: three times. */
  readonly persistent?: boolean;
  /** Resolves when the event is handed over as safely as the target allows; rejects when it must be tried again. */
  deliver(event: DispatcherEvent): Promise<void>;
  close(): Promise<void>;
}
