import type { DispatcherConfig } from '../../src/config/dispatcher-settings.js';
import { readDispatcher } from '../../src/config/modparam.js';
import type { RawModparam } from '../../src/config/raw.js';
import { Findings } from '../../src/config/reading.js';
import { withDefaults } from '../../src/config/schema.js';
import type { PartitionConfig } from '../../src/config/settings.js';
import { nullLogger } from '../../src/core/logger.js';
import type { Destination, DestinationRow, HealthState } from '../../src/engine/destination.js';
import { Engine } from '../../src/engine/engine.js';
import type { PartitionOptions } from '../../src/engine/options.js';
import type { StateChange } from '../../src/engine/state.js';
import type { ProbeOutcome, ProbeRequest } from '../../src/probing/probe.js';
import type { Prober, ProberOptions } from '../../src/probing/prober.js';
import { createProber } from '../../src/probing/scheduled-prober.js';
import { COLUMNS } from './columns.js';
import { FakeClock } from './fake-clock.js';
import { row as partitionRow } from './partitions.js';

/** Module-wide parameters of a settings file that probes all destinations every ten seconds. */
export const DISPATCHER: DispatcherConfig = readDispatcher(
  withDefaults('modparam', { ds_ping_interval: 10, ds_probing_mode: 1 }) as RawModparam,
  { file: 'settings', dir: '', pointer: '' },
  new Set(),
  new Findings(),
);

export function partitionConfig(name: string, over: Partial<PartitionConfig> = {}): PartitionConfig {
  return {
    name,
    source: `${name}.json`,
    dbUrl: '',
    tableName: 'dispatcher',
    dstAvp: '$avp(d)',
    grpAvp: '$avp(g)',
    cntAvp: '$avp(c)',
    sockAvp: '$avp(s)',
    attrsAvp: undefined,
    scriptAttrsAvp: undefined,
    blacklists: new Map(),
    blacklistMatch: 'ip',
    flavour: 'opensips',
    compat: 'default',
    persistentState: true,
    pingFrom: DISPATCHER.pingFrom,
    pingMethod: DISPATCHER.pingMethod,
    pingSock: undefined,
    columns: COLUMNS,
    ...over,
  };
}

export function row(setId: number, uri: string, over: Partial<DestinationRow> = {}): DestinationRow {
  return partitionRow(uri, { setId, ...over });
}

function engineOptions(name: string): PartitionOptions {
  return {
    name,
    flavour: 'opensips',
    compat: 'default',
    probingThreshold: 3,
    dstAvp: 'd',
    grpAvp: 'g',
    cntAvp: 'c',
    sockAvp: 's',
    attrsAvp: undefined,
    persistentState: true,
  };
}

/** A gateway's answer to a probe: a reply code, a complete outcome, or none. */
export type Answer = number | ProbeOutcome | 'silent';

export interface SentProbe {
  readonly at: number;
  readonly request: ProbeRequest;
}

/** An engine, a prober and simulated gateways on one fake clock. By default gateways answer 200 after 20 ms. */
export class ProbingLab {
  readonly clock = new FakeClock();
  readonly engine: Engine;
  readonly prober: Prober;
  readonly sent: SentProbe[] = [];
  readonly changes: StateChange[] = [];
  /** By URI. */
  readonly answers = new Map<string, Answer>();
  delayMs = 20;
  cancelled = 0;
  open = 0;
  maxOpen = 0;

  constructor(options: Partial<Omit<ProberOptions, 'config'>> & { config?: Partial<DispatcherConfig> } = {}) {
    const { config, ...rest } = options;
    const random = { uint32: () => 0x9e3779b9, token: (bytes: number) => '0'.repeat(bytes * 2) };
    this.engine = new Engine({ clock: this.clock, random });
    this.engine.states.onChange((change) => this.changes.push(change));
    this.prober = createProber({
      engine: this.engine,
      stateTable: this.engine.states,
      config: { ...DISPATCHER, ...config },
      partitions: [],
      clock: this.clock,
      random,
      logger: nullLogger,
      send: (request, done) => this.gateway(request, done),
      ...rest,
    });
  }

  load(partition: string, rows: readonly DestinationRow[], inheritState = true): void {
    const loaded = this.engine.partition(partition) ?? this.engine.addPartition(engineOptions(partition));
    loaded.load(rows, { inheritState });
  }

  find(uri: string, partition = 'default', setId = 1): Destination {
    const found = this.engine.partition(partition)?.find(setId, uri);
    if (found === undefined) throw new Error(`no ${uri}`);
    return found;
  }

  state(uri: string, partition = 'default', setId = 1): HealthState {
    return this.find(uri, partition, setId).health.state;
  }

  /** Number of probes sent to a URI. */
  count(uri: string): number {
    return this.sent.filter(({ request }) => request.uri === uri).length;
  }

  private gateway(request: ProbeRequest, done: (outcome: ProbeOutcome) => void): () => void {
    this.sent.push({ at: this.clock.monotonic(), request });
    this.maxOpen = Math.max(this.maxOpen, ++this.open);
    const cancelReply = this.clock.schedule(this.delayMs, () => {
      const answer = this.answers.get(request.uri) ?? 200;
      if (answer === 'silent') return;
      this.open--;
      done(typeof answer === 'number' ? { code: answer } : answer);
    });
    return () => {
      cancelReply();
      this.open--;
      this.cancelled++;
    };
  }
}
