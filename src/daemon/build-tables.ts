import { BlacklistTable } from '../blacklist/blacklist.js';
import { Engine } from '../engine/engine.js';
import type { Partition } from '../engine/partition.js';
import type { NoSocket } from '../store/rows.js';
import { blacklistDefinitions } from '../tenant/options.js';
import { PartitionRuntimes } from '../tenant/tenants.js';
import type { SipParts } from './build-sip.js';
import { CallLoad } from './call-load.js';
import type { DaemonEnvironment } from './environment.js';
import { onceAMinute } from './once-a-minute.js';
import { type CountingTally, selectionTally } from './selection-tally.js';
import { socketCheck, socketListens } from './socket-check.js';

/** What the tables of destinations need. */
export interface TablesEnvironment extends DaemonEnvironment {
  readonly sip: SipParts;
  /** Whether to accept rows that name an unknown socket. */
  readonly anySocket: boolean;
  /** Called when a partition has a new snapshot. */
  readonly loaded: (partition: Partition) => void;
  /** Called when host names of a partition's destinations resolve to other addresses. */
  readonly renamed: (partition: Partition) => void;
}

/** The partitions, with their stores and the engine. */
export interface TableParts {
  readonly engine: Engine;
  readonly partitions: PartitionRuntimes;
  readonly blacklists: BlacklistTable;
  /** Counts selections by partition. */
  readonly tally: CountingTally;
  readonly callLoad: CallLoad;
  /** Why the socket that a row names cannot be used. */
  readonly noSocket: NoSocket;
  /** Whether this process listens on a socket that a destination names. */
  readonly listens: (socket: string) => boolean;
}

/** Builds the engine and the partitions in the settings. Nothing is loaded. Throws SwitchyardError STORE_*. */
export function buildTables(env: TablesEnvironment): TableParts {
  const { sip, anySocket, clock, random, log, metrics, cluster } = env;
  const { defaultPartition, listen, partitions: configs } = env.settings();
  const dispatcher = () => env.settings().dispatcher;
  const engine = new Engine({
    clock,
    random,
    ...(defaultPartition === undefined ? {} : { defaultPartition }),
    warn: onceAMinute(log, clock),
    onListenerError: (error) => log.error({ err: error }, 'a listener of state changes failed'),
  });
  const listens = anySocket ? () => true : socketListens(sip.sockets, listen);
  const noSocket: NoSocket = anySocket ? () => undefined : socketCheck(sip.sockets, listen, log);
  const partitions = new PartitionRuntimes({
    engine,
    dispatcher,
    resolver: sip.resolver,
    noSocket,
    listens,
    clock,
    log,
    ...(cluster.configured ? { writesTable: ({ name }) => cluster.writesTable(name) } : {}),
    loaded: env.loaded,
    renamed: env.renamed,
  });
  partitions.add(configs);
  return {
    engine,
    partitions,
    blacklists: new BlacklistTable(log, blacklistDefinitions(env.settings())),
    tally: selectionTally(metrics.counter('switchyard_selections_total', 'Selections by partition and result')),
    callLoad: new CallLoad(engine, clock, dispatcher),
    noSocket,
    listens,
  };
}
