/** An event as it is sent: the documented parameters first, then ours. */
export interface DispatcherEvent {
  /** "E_DISPATCHER_STATUS" */
  readonly name: string;
  /** Parameters in order; undefined ones are left out. */
  readonly params: { readonly [name: string]: string | number | undefined };
  /** Events with the same key stay in order, and may be merged when an outbox is full (the last one wins). */
  readonly key: string;
  /** Never repeats: node, start, counter. Becomes Nats-Msg-Id. */
  readonly id: string;
  /** Tokens after "<prefix>.<name>" in the subject, not encoded yet: partition, set. */
  readonly subject: readonly string[];
  /** Only for subscribers of this process, since the cluster node that owns the destination publishes it. */
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

/** The form of events for a subscriber: today's JSON-RPC notification, or the lines of OpenSIPS 2.1. */
export type WireForm = 'json' | 'text';

/** A kind of target for events. The publisher does the queueing and retries. */
export interface EventSink {
  /** "udp", "unix", "nats" */
  readonly scheme: string;
  /**
   * Parses a target such as "udp:host:port"; throws SwitchyardError USAGE when it is invalid. `form`: default 'json'.
   */
  parse(target: string, form?: WireForm): EventTarget;
}

/** A target for events. */
export interface EventTarget {
  readonly description: string;
  /**
   * Whether the target is expected to come back after an outage: then deliveries are retried without limit. Default:
   * three attempts.
   */
  readonly persistent?: boolean;
  /** Resolves when the event was delivered, as far as the target can confirm it; rejects when it must be sent again. */
  deliver(event: DispatcherEvent): Promise<void>;
  close(): Promise<void>;
}
