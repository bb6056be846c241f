import { type WorkersFault, workersFaults } from '../cfg-file/for-workers.js';
import type { LoadedCfg } from '../cfg-file/load.js';
import type { Settings } from '../config/settings.js';
import { SwitchyardError } from '../core/errors.js';
import type { Random } from '../core/random.js';
import type { BranchIdentity } from '../sip/transaction/branch.js';
import type { TransactionFigures } from '../sip/transaction/counters.js';
import { NO_FIGURES, type PeerProcesses } from '../sip/transaction/peers.js';
import type { Opening } from '../sip/transport/native/datagrams.js';
import type { Libc } from '../sip/transport/native/libc.js';
import type { Descriptor, SocketOptions } from '../sip/transport/native/open-socket.js';
import { ALGORITHMS_OF_WORKERS } from '../workers/algorithms.js';
import type { WarmUpPlan } from '../workers/protocol.js';

/** The workers, for the daemon. */
export interface WorkerParts {
  /** Opens the sockets of all processes at one address. */
  readonly openGroup: OpenGroup;
  /** Number of the workers' transactions. */
  readonly figures: Readonly<TransactionFigures>;
  /** What single sources may send to all processes together. */
  readonly limits: SourceLimits;
  /** Passes on an ICMP error for a message that a worker sent. */
  readonly strayError: PeerProcesses['strayError'];
  /** Tracing of messages was switched on or off. */
  tapped(isTapped: boolean): void;
  /** The tables of the cfg file's modules were read again, or those of one partition of drouting. */
  tablesRead(partition: string | undefined): void;
  /** Starts the workers; the sockets are open. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Tables, keys or settings may have changed. */
  changed(): void;
  /** Makes workers ask the brain about every request from now on, so that no more calls are accepted. */
  drain(): void;
  /** Makes each worker run warm-up calls, now and whenever one starts. */
  warmUp(plan: WarmUpPlan): void;
  /** Keeps a copy of the workers' program for later replacements. Rejects when no file can be written. */
  keepProgram(): Promise<void>;
  /** Makes workers answer 503 to requests in progress. */
  giveUp(): void;
  /** Process IDs, from worker 1. */
  readonly pids: readonly (number | undefined)[];
}

/** A limit on the requests of each source, as metrics show it. */
export interface SourceLimits {
  /** Takes a token of a source: 0, or without one the seconds after which to try again. */
  take(source: string): number;
  /** Requests refused. */
  readonly refused: number;
  /** Sources remembered. */
  readonly size: number;
}

const NO_LIMITS: SourceLimits = { take: () => 0, refused: 0, size: 0 };

type OpenGroup = (libc: Libc, options: SocketOptions, workers: number) => readonly Descriptor[];

/**
 * Connects the SIP part with the workers: branches name the brain, the workers' transactions count too, and UDP sockets
 * are opened together with theirs. It is built before the workers, which `join` it before sockets are opened. With one
 * worker it does not exist.
 */
export class WorkerHooks implements PeerProcesses {
  readonly identity: BranchIdentity;
  /** Sockets of all processes by position in `listen`; the first one is the brain's. */
  readonly groups = new Map<number, readonly Descriptor[]>();
  private joined: WorkerParts | undefined = undefined;

  constructor(
    readonly workers: number,
    random: Random,
  ) {
    this.identity = { token: random.token(4), marker: 'A' };
  }

  /** The workers; undefined until they are built. */
  get parts(): WorkerParts | undefined {
    return this.joined;
  }

  get figures(): Readonly<TransactionFigures> {
    return this.joined?.figures ?? NO_FIGURES;
  }

  /** The limits on single sources. */
  get limits(): SourceLimits {
    return this.joined?.limits ?? NO_LIMITS;
  }

  /** Adds the workers. Call it once, before sockets are opened. */
  join(parts: WorkerParts): void {
    this.joined = parts;
  }

  strayError(marker: string, text: string, address: string, port: number): void {
    this.joined?.strayError(marker, text, address, port);
  }

  /** Tracing of messages was switched on or off. */
  tapped(isTapped: boolean): void {
    this.joined?.tapped(isTapped);
  }

  /** Opens the sockets for one position in `listen`. */
  opening(index: number): Opening {
    return (libc, options) => {
      const group = this.joined?.openGroup(libc, options, this.workers) ?? [];
      const [own] = group;
      if (own === undefined) throw new SwitchyardError('TRANSPORT_BIND', 'the sockets of workers cannot be opened');
      this.groups.set(index, group);
      return own;
    };
  }
}

/** Throws SwitchyardError CONFIG_INVALID if several workers cannot serve these settings and the cfg file, if any. */
export function checkWorkers(hooks: WorkerHooks, settings: Settings, cfg: LoadedCfg | undefined): void {
  const fault = workersFault({ ...settings, workers: hooks.workers }, cfg);
  if (fault !== undefined) throw new SwitchyardError('CONFIG_INVALID', `"workers": ${hooks.workers}: ${fault}`);
}

/** Why several workers cannot serve these settings and the cfg file, if any; undefined: they can. */
export function workersFault(settings: Settings, cfg?: LoadedCfg): string | undefined {
  if (settings.workers === 1) return undefined;
  const fault = cfg === undefined ? undefined : cfgFault(settings, cfg);
  if (fault !== undefined) return fault;
  if (settings.routeScript !== undefined) {
    return 'a route script is run by one process: more than one worker needs routing rules';
  }
  if (!settings.limits.batchDatagrams) return 'more than one worker needs limits.batch_datagrams';
  if (process.platform !== 'linux') return `workers need the shared sockets of Linux, this is ${process.platform}`;
  if (!settings.listen.some(({ transport }) => transport === 'udp'))
    return 'workers need a UDP socket, and none is configured';
  return undefined;
}

/** The features of a cfg file that several processes cannot run, with their positions. */
export function faultsForWorkers(cfg: LoadedCfg): readonly WorkersFault[] {
  return workersFaults(cfg, ALGORITHMS_OF_WORKERS[cfg.dialect.name]);
}

/** Maximum number of faults of a file that are named. */
const MAX_NAMED = 20;

/** Why several processes cannot run this cfg file. */
function cfgFault(settings: Settings, cfg: LoadedCfg): string | undefined {
  if (settings.foreignDialogs === 'known') {
    return '"foreign_dialogs": "known" works in one process only: use "accept" or "refuse" with several workers';
  }
  const faults = faultsForWorkers(cfg);
  if (faults.length === 0) return undefined;
  const named = faults.slice(0, MAX_NAMED).map(({ at, message }) => `${at.file}:${at.line}: ${message}`);
  if (faults.length > MAX_NAMED) named.push(`and ${faults.length - MAX_NAMED} more`);
  return `the cfg file needs one process:\n${named.join('\n')}`;
}
