import { type ChildProcess, fork } from 'node:child_process';
import { SwitchyardError } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import { ItemQueue } from './outbox.js';
import type { FromWorker, HandedToWorker, ToWorker, WorkerSetup } from './protocol.js';

/** Milliseconds a worker may take to start. */
const START_MS = 60_000;
/** Milliseconds a worker has to end after its channel was closed. */
const END_MS = 2000;
/**
 * Milliseconds between two checks of the workers' event loops, and the number of checks without a message after which a
 * worker is killed.
 */
const LOOK_MS = 1000;
const MAX_SILENT_LOOKS = 6;
/** After so many checks without a message a worker is not waited for: it has been silent for more than two seconds. */
const SILENT_LOOKS = 3;
/** A worker that lived shorter than this many milliseconds is replaced after a pause of the same length. */
const SHORT_LIFE_MS = 1000;
/** Number of a child's first socket descriptor: after standard input, output and error, and the channel. */
const FIRST_DESCRIPTOR = 4;

/** What a worker is started with. */
export interface WorkerStart {
  /** Descriptors of its sockets; in the worker they have the numbers 4, 5, 6, ... */
  readonly descriptors: readonly number[];
  /** `fds`: their numbers in the worker, in the same order. */
  setup(fds: readonly number[]): WorkerSetup;
}

/** What the pool needs. */
export interface PoolOptions {
  readonly workers: number;
  /** Path of the program that workers run. */
  readonly program: () => string;
  readonly start: (worker: number) => WorkerStart;
  /** A worker is starting: items sent now arrive after its setup. */
  readonly started: (worker: number) => void;
  readonly receive: (worker: number, item: FromWorker) => void;
  /** A worker has ended unexpectedly; returns the number of lost calls. */
  readonly lost: (worker: number) => number;
  /** The process of a worker has ended, for any reason. */
  readonly ended?: (pid: number) => void;
  readonly log: Logger;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

interface Slot {
  readonly child: ChildProcess;
  readonly outbox: ItemQueue<ToWorker>;
  readonly began: number;
  isReady: boolean;
  /** Number of checks since its last item. */
  silentFor: number;
}

/** Starts, watches and replaces the worker processes. */
export class Pool {
  private readonly slots: (Slot | undefined)[] = [];
  private waiting: (() => void) | undefined = undefined;
  private stopping = false;
  private looking: NodeJS.Timeout | undefined = undefined;
  private readonly restarts = new Set<NodeJS.Timeout>();
  /** Number of workers that have died since the start. */
  deaths = 0;

  constructor(private readonly options: PoolOptions) {}

  /** Process IDs by worker, from 1; undefined while one is being replaced. */
  get pids(): readonly (number | undefined)[] {
    return Array.from({ length: this.options.workers }, (_, i) => this.slots[i + 1]?.child.pid);
  }

  /** Starts all workers. Rejects with TRANSPORT_BIND when one does not start. */
  async start(): Promise<void> {
    for (let worker = 1; worker <= this.options.workers; worker++) this.spawn(worker);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new SwitchyardError('TRANSPORT_BIND', `a worker has not started within ${START_MS / 1000} s`));
      }, START_MS);
      this.waiting = () => {
        clearTimeout(timer);
        if (this.deaths > 0) reject(new SwitchyardError('TRANSPORT_BIND', 'a worker ended while it started'));
        else resolve();
      };
    });
    this.waiting = undefined;
    this.looking = setInterval(() => this.look(), LOOK_MS);
  }

  /** Whether the event loop of a worker seems to stand still. */
  stands(worker: number): boolean {
    const slot = this.slots[worker];
    return slot?.isReady === true && slot.silentFor >= SILENT_LOOKS;
  }

  /** Kills the worker with this process ID; no effect for another process. */
  kill(pid: number): void {
    for (const slot of this.slots) if (slot?.child.pid === pid) slot.child.kill('SIGKILL');
  }

  /** Sends an item to a worker; false: it is lost, since the worker is being replaced. */
  send(worker: number, item: ToWorker): boolean {
    const slot = this.slots[worker];
    slot?.outbox.add(item);
    return slot !== undefined;
  }

  /** Passes a message to a worker; false: it is lost, since too much is waiting. */
  hand(worker: number, item: HandedToWorker): boolean {
    return this.slots[worker]?.outbox.addMessage(item, (item[item.length - 1] as string).length) ?? false;
  }

  /** Sends an item to each running worker. */
  sendAll(item: ToWorker): void {
    for (let worker = 1; worker <= this.options.workers; worker++) this.send(worker, item);
  }

  /** Ends all workers; resolves when they have ended. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearInterval(this.looking);
    for (const timer of this.restarts) clearTimeout(timer);
    await Promise.all(this.slots.map((slot) => slot && ended(slot.child)));
  }

  private spawn(worker: number): void {
    const { start, log, now } = this.options;
    const { descriptors, setup } = start(worker);
    const child = fork(this.options.program(), [], {
      execArgv: nodeOptions(process.execArgv),
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...descriptors],
      serialization: 'json',
    });
    const outbox = new ItemQueue<ToWorker>((items, taken) => {
      // After the channel breaks the process ends, which is handled there.
      if (child.connected) child.send(items as ToWorker[], taken);
      else taken();
    });
    const slot: Slot = { child, outbox, began: now(), isReady: false, silentFor: 0 };
    this.slots[worker] = slot;
    child.on('error', (error) => {
      log.error({ err: error, worker }, 'a worker cannot be reached');
      // A process that could not be started will emit no exit event.
      if (child.pid === undefined) this.exited(worker, slot, null, null);
    });
    child.on('message', (items) => this.received(worker, slot, items as readonly FromWorker[]));
    child.on('exit', (code, signal) => this.exited(worker, slot, code, signal));
    outbox.add(['setup', setup(descriptors.map((_, i) => FIRST_DESCRIPTOR + i))]);
    this.options.started(worker);
    outbox.flush();
  }

  /**
   * Kills workers whose event loop is blocked: their transactions are lost anyway, and their successor reads their
   * socket. Checks are counted instead of time, so that a pause of this process is not mistaken for one of theirs. A
   * worker that does not finish its start is killed too.
   */
  private look(): void {
    for (let worker = 1; worker < this.slots.length; worker++) {
      const slot = this.slots[worker];
      if (slot === undefined) continue;
      const max = slot.isReady ? MAX_SILENT_LOOKS : START_MS / LOOK_MS;
      if (slot.silentFor++ >= max) slot.child.kill('SIGKILL');
      else if (slot.isReady) this.send(worker, ['ping']);
    }
  }

  private received(worker: number, slot: Slot, items: readonly FromWorker[]): void {
    if (this.slots[worker] !== slot) return;
    slot.silentFor = 0;
    for (const item of items) {
      if (item[0] === 'ready') {
        slot.isReady = true;
        if (this.areReady()) this.waiting?.();
      }
      try {
        this.options.receive(worker, item);
      } catch (error) {
        this.options.log.error({ err: error, worker, item: item[0] }, 'a message of a worker could not be processed');
      }
    }
    for (const each of this.slots) each?.outbox.flush();
  }

  private exited(worker: number, slot: Slot, code: number | null, signal: NodeJS.Signals | null): void {
    if (slot.child.pid !== undefined) this.options.ended?.(slot.child.pid);
    if (this.slots[worker] !== slot) return;
    this.slots[worker] = undefined;
    if (this.stopping) return;
    this.deaths++;
    const { log, now, lost } = this.options;
    const pid = slot.child.pid;
    let calls: number | undefined;
    try {
      calls = lost(worker);
    } catch (error) {
      // Whatever went wrong, the worker is replaced.
      log.error({ err: error, worker }, 'the shared data of a dead worker could not be released');
    }
    const hung = slot.isReady && slot.silentFor > MAX_SILENT_LOOKS;
    log.error(
      { worker, process: pid, code, signal, calls },
      hung
        ? `a worker did not respond for ${(MAX_SILENT_LOOKS * LOOK_MS) / 1000} s; it was killed with the calls it was setting up, and is replaced`
        : 'a worker has died with the calls it was setting up; it is replaced',
    );
    if (this.waiting !== undefined) {
      this.waiting();
      return;
    }
    if (now() - slot.began >= SHORT_LIFE_MS) this.spawn(worker);
    else {
      const timer = setTimeout(() => {
        this.restarts.delete(timer);
        this.spawn(worker);
      }, SHORT_LIFE_MS);
      this.restarts.add(timer);
    }
  }

  private areReady(): boolean {
    for (let worker = 1; worker <= this.options.workers; worker++) {
      if (this.slots[worker]?.isReady !== true) return false;
    }
    return true;
  }
}

/**
 * Options of node for loading programs, each with a value after it; and those for memory, which include their value.
 */
const LOADING = ['--import', '--require', '-r', '--loader', '--experimental-loader', '--conditions', '-C'];
const MEMORY = /^--max-(?:old|semi|young)/;

/** The options of this process that workers get too; not those of a test runner, debugger or profiler. */
export function nodeOptions(own: readonly string[]): string[] {
  const kept: string[] = [];
  for (const [i, each] of own.entries()) {
    const [name = ''] = each.split('=');
    if (MEMORY.test(name)) kept.push(each);
    else if (LOADING.includes(name)) kept.push(...(each === name ? own.slice(i, i + 2) : [each]));
  }
  return kept;
}

/** Closes the channel, upon which a worker ends; kills it if it does not. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    if (child.connected) child.disconnect();
  });
}
