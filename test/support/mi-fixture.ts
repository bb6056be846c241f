import { AuditTrail } from '../../src/access/audit.js';
import type { ActiveFocus } from '../../src/core/log-focus.js';
import { nullLogger } from '../../src/core/logger.js';
import { systemRandom } from '../../src/core/random.js';
import { bareHost } from '../../src/core/uri.js';
import type { DestinationRow } from '../../src/engine/destination.js';
import { Engine } from '../../src/engine/engine.js';
import type { PartitionOptions } from '../../src/engine/options.js';
import type { LoadOptions, LoadReport } from '../../src/engine/partition.js';
import { EventPublisher } from '../../src/events/publisher.js';
import { registerCommands } from '../../src/management/mi/commands/all.js';
import type { ListedAddress, MiDependencies, Statistic } from '../../src/management/mi/dependencies.js';
import { MiHandler } from '../../src/management/mi/handler.js';
import { Metrics } from '../../src/stats/metrics.js';
import { FakeClock } from './fake-clock.js';
import { row } from './partitions.js';

type RowValues = Partial<DestinationRow> & Pick<DestinationRow, 'setId' | 'uri'>;

export function makeRow(values: RowValues): DestinationRow {
  return row(values.uri, values);
}

/** The tables of the recordings. `port`: of the socket to which one destination is bound. */
export function recordedRows(port: number): Readonly<Record<'default' | 'p2', readonly DestinationRow[]>> {
  return {
    default: [
      makeRow({ setId: 5, uri: 'sip:127.0.0.11:5060', weight: 50, attrs: 'a1', description: 'first gw' }),
      makeRow({
        setId: 5,
        uri: 'sip:127.0.0.12:5060;transport=udp',
        state: 'inactive',
        weight: 30,
        priority: 5,
        attrs: 'pstn,prefix="9"',
      }),
      makeRow({
        setId: 5,
        uri: 'sip:user@127.0.0.13:5070',
        socket: `udp:127.0.0.1:${port}`,
        state: 'probing',
        weight: 20,
      }),
      makeRow({ setId: 1, uri: 'sip:127.0.0.21:5060' }),
      makeRow({ setId: 1, uri: 'sip:localhost:5061' }),
      makeRow({ setId: 300, uri: 'sip:[::1]:5062', attrs: 'v6' }),
    ],
    p2: [
      makeRow({ setId: 7, uri: 'sip:127.0.0.31:5060', attrs: 'p2a' }),
      makeRow({ setId: 2, uri: 'sip:127.0.0.32:5060' }),
    ],
  };
}

const resolve: NonNullable<LoadOptions['resolve']> = (uri, transport) => [
  {
    family: 4,
    address: uri.host === 'localhost' ? '127.0.0.1' : bareHost(uri.host),
    port: uri.port ?? 5060,
    transport,
  },
];

function options(name: string, compat: 'default' | 'strict'): PartitionOptions {
  return {
    name,
    flavour: 'opensips',
    compat,
    probingThreshold: 3,
    dstAvp: 'dst',
    grpAvp: 'grp',
    cntAvp: 'cnt',
    sockAvp: 'sock',
    attrsAvp: undefined,
    persistentState: true,
  };
}

/** The handler over a real engine, with access to everything the commands need. */
export interface MiFixture {
  readonly handler: MiHandler;
  readonly engine: Engine;
  readonly clock: FakeClock;
  readonly audit: AuditTrail;
  readonly metrics: Metrics;
  readonly publisher: EventPublisher;
  readonly deps: MiDependencies;
  /** Rows that the next reload reads. */
  readonly rows: Map<string, readonly DestinationRow[]>;
  readonly statistics: Statistic[];
  readonly blacklists: { name: string; rules: ListedAddress[] }[];
  readonly raised: { name: string; params: Readonly<Record<string, string | number>> }[];
  readonly scriptAttrs: Map<string, string>;
  /** Set to make the next reload fail. */
  reloadFailure: Error | undefined;
  level: string;
  /** Log levels set for partitions and calls. */
  focuses: ActiveFocus[];
  probing: boolean;
  /** URIs for which a probe was requested. */
  readonly probed: string[];
  /** Whether states are written to the table in time. */
  writable: boolean;
}

export function makeMiFixture(
  values: {
    rows?: Readonly<Record<string, readonly DestinationRow[]>>;
    deps?: Partial<MiDependencies>;
    compat?: 'default' | 'strict';
  } = {},
): MiFixture {
  const clock = new FakeClock(new Date(2026, 10, 21, 7, 7, 51).getTime());
  const engine = new Engine({ clock, random: systemRandom });
  const rows = new Map(Object.entries(values.rows ?? recordedRows(25070)));
  const metrics = new Metrics();
  const publisher = new EventPublisher({ clock, log: nullLogger, sinks: [fakeSink('udp'), fakeSink('unix')] });
  const load = (name: string, inheritState: boolean, dryRun = false): LoadReport => {
    const partition = engine.partition(name);
    if (partition === undefined) throw new Error(`no partition ${name}`);
    return partition.load(rows.get(name) ?? [], { inheritState, dryRun, resolve });
  };
  const fixtureAudit = new AuditTrail(clock);
  const startedAt = clock.now();
  const fixture: MiFixture = {
    handler: new MiHandler(nullLogger, metrics, clock, fixtureAudit),
    audit: fixtureAudit,
    engine,
    clock,
    metrics,
    publisher,
    rows,
    statistics: [],
    blacklists: [],
    raised: [],
    scriptAttrs: new Map(),
    reloadFailure: undefined,
    level: 'info',
    focuses: [],
    probing: true,
    probed: [],
    writable: true,
    deps: {
      partitions: () => [...engine.partitions],
      defaultPartition: () => engine.partition(''),
      states: engine.states,
      dispatcher: {
        async reload(names, { inheritState, dryRun }) {
          if (fixture.reloadFailure !== undefined) throw fixture.reloadFailure;
          return new Map(names.map((each) => [each, load(each, inheritState, dryRun)]));
        },
        async add(partition, row) {
          rows.set(partition.name, [...(rows.get(partition.name) ?? []), row]);
          load(partition.name, true);
        },
        probe: (destination) => {
          fixture.probed.push(destination.row.uri);
          return fixture.probing;
        },
        async remove(partition, setId, uri) {
          const before = rows.get(partition.name) ?? [];
          const after = before.filter((row) => row.setId !== setId || row.uri !== uri);
          rows.set(partition.name, after);
          load(partition.name, true);
          return after.length < before.length;
        },
        pushScriptAttrs(partition, attrs, ip, port, setId) {
          let count = 0;
          for (const set of partition.snapshot.sets.values()) {
            if (setId !== undefined && set.id !== setId) continue;
            for (const destination of set.destinations) {
              if (!destination.resolved.some((one) => one.address === ip && (port === 0 || one.port === port)))
                continue;
              fixture.scriptAttrs.set(destination.key, attrs);
              count++;
            }
          }
          return count;
        },
        writeThrough: async () => fixture.writable,
        scriptAttrs: (destination) => fixture.scriptAttrs.get(destination.key),
        probingActive: () => fixture.probing,
        setProbingActive: (active) => {
          fixture.probing = active;
        },
      },
      process: {
        version: '0.1.0',
        platform: 'x86_64/linux',
        startedAt,
        now: () => clock.now(),
        argv: ['switchyard', 'serve'],
        workingDirectory: () => 'run',
        processes: () => [{ id: 0, pid: 4711, type: 'attendant' }],
      },
      statistics: { list: () => fixture.statistics },
      events: publisher,
      raiseEvent: (name, params) => fixture.raised.push({ name, params }),
      blacklists: {
        lists: () => fixture.blacklists,
        check: (name, ip, transport, port) =>
          fixture.blacklists
            .find((list) => list.name === name)
            ?.rules.find(
              (rule) =>
                rule.address === ip &&
                (rule.transport === undefined || rule.transport === transport) &&
                (rule.port === undefined || rule.port === port),
            ),
      },
      reports: { groups: () => [] },
      explain: () => ({}),
      scripted: () => false,
      traces: { start: () => 1, get: () => ({}), list: () => [], partitionOf: () => undefined, stop: () => {} },
      audit: fixtureAudit,
      calls: { list: async () => ({ newest: 0, entries: [] }) },
      log: {
        level: () => fixture.level,
        focus: (focus, level, seconds) => {
          fixture.focuses.push({ ...focus, level, seconds });
          return fixture.focuses.length < 4;
        },
        focuses: () => fixture.focuses,
        setLevel: (level) => {
          fixture.level = level;
        },
      },
      ...values.deps,
    },
  };
  for (const name of rows.keys()) {
    engine.addPartition(options(name, values.compat ?? 'default'));
    load(name, false);
  }
  registerCommands(fixture.handler, fixture.deps);
  return fixture;
}

function fakeSink(scheme: string) {
  return {
    scheme,
    parse: (target: string) => ({ description: target, deliver: async () => {}, close: async () => {} }),
  };
}
