import type { Clock } from '../../src/core/clock.js';
import type { Random } from '../../src/core/random.js';
import type { DestinationRow, HealthState } from '../../src/engine/destination.js';
import { Engine } from '../../src/engine/engine.js';
import type { PartitionOptions } from '../../src/engine/options.js';
import type { RequestView } from '../../src/engine/request-view.js';

/** A clock that is moved by the test and has no timers. */
export function stillClock(start = 1_700_000_000_000): Clock & { time: number } {
  return {
    time: start,
    now() {
      return this.time;
    },
    monotonic() {
      return this.time;
    },
    schedule: () => () => {},
  };
}

/** Reproducible random numbers from a seed. */
export function seededRandom(seed = 1): Random {
  let state = seed >>> 0 || 1;
  return {
    uint32() {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      state >>>= 0;
      return state;
    },
    token: (bytes) => 'a'.repeat(bytes * 2),
  };
}

export function partitionOptions(over: Partial<PartitionOptions> = {}): PartitionOptions {
  return {
    name: 'default',
    flavour: 'opensips',
    compat: 'default',
    probingThreshold: 3,
    dstAvp: 'ds_dst_failover',
    grpAvp: 'ds_grp_failover',
    cntAvp: 'ds_cnt_failover',
    sockAvp: 'ds_sock_failover',
    attrsAvp: 'attrs',
    persistentState: true,
    ...over,
  };
}

export function row(uri: string, over: Partial<DestinationRow> = {}): DestinationRow {
  return {
    setId: 1,
    uri,
    socket: '',
    state: 'active',
    probeMode: 0,
    weight: 1,
    priority: 0,
    attrs: '',
    description: '',
    ...over,
  };
}

/** "sip:10.0.0.1:5060", "sip:10.0.0.2:5060", ... in one set. */
export function rows(count: number, over: Partial<DestinationRow> = {}): DestinationRow[] {
  return Array.from({ length: count }, (_, i) => row(`sip:10.${i >> 16}.${(i >> 8) & 255}.${i & 255}:5060`, over));
}

export function request(over: Partial<RequestView> = {}): RequestView {
  return {
    callId: 'abc@host',
    fromUri: 'sip:alice@example.org',
    toUri: 'sip:bob@example.com',
    requestUri: 'sip:bob@example.com',
    authUsername: undefined,
    hashVar: () => undefined,
    loadOf: () => undefined,
    scoreOf: () => undefined,
    ...over,
  };
}

export function engineWith(partitions: readonly PartitionOptions[], seed = 1): Engine {
  const engine = new Engine({ clock: stillClock(), random: seededRandom(seed) });
  for (const options of partitions) engine.addPartition(options);
  return engine;
}

/** A set in the form of the recordings. */
export interface RecordedRow {
  readonly uri: string;
  readonly weight: number;
  readonly priority: number;
  readonly state: 0 | 1 | 2;
  readonly attrs: string | null;
  readonly socket: string | null;
  readonly description: string | null;
  readonly probe_mode: number;
}

export type RecordedSets = Readonly<Record<string, readonly RecordedRow[]>>;

const STATES: readonly HealthState[] = ['active', 'inactive', 'probing'];

export function rowsOf(sets: RecordedSets): DestinationRow[] {
  return Object.entries(sets).flatMap(([id, set]) =>
    set.map((each) => ({
      setId: Number(id),
      uri: each.uri,
      socket: each.socket ?? '',
      state: STATES[each.state] ?? 'active',
      probeMode: each.probe_mode,
      weight: each.weight,
      priority: each.priority,
      attrs: each.attrs ?? '',
      description: each.description ?? '',
    })),
  );
}
