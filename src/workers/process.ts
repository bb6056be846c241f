import { setFlagsFromString } from 'node:v8';
import { messageOf } from '../core/errors.js';
import { loadLibc } from '../sip/transport/native/libc.js';
import type { FromWorker, ToWorker, WorkerSetup } from './protocol.js';
import { type WarmUp, Worker } from './worker.js';
import type { StartScript } from './worker-script.js';

/** Milliseconds for pending writes to databases at the end. */
const CLOSING_MS = 1500;

/** What a worker process needs. */
export interface WorkerProcessParts {
  readonly scripts: () => Promise<StartScript>;
  readonly warmUp: WarmUp;
}

/**
 * Runs a worker in this process. It ends when the channel closes, that is, with the brain. `scripts` loads what runs
 * cfg scripts; `warmUp` makes warm-up calls.
 */
export function runWorker(parts: WorkerProcessParts): void {
  // As in the brain (cli/serve): the young generation is small.
  setFlagsFromString('--no-parallel-scavenge');
  let worker: Worker | undefined;
  process.on('disconnect', () => {
    const end = (): never => process.exit(0);
    setTimeout(end, CLOSING_MS);
    void (worker?.close() ?? Promise.resolve()).then(end);
  });
  // Terminals and service managers send these signals to all processes; only the brain decides when a worker ends.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      const { stack = '' } = error instanceof Error ? error : {};
      if (worker === undefined) process.stderr.write(`uncaught error in a worker that starts: ${messageOf(error)}\n`);
      worker?.log('fatal', { reason: messageOf(error), stack }, 'uncaught error; the worker goes on');
    });
  }
  /** Items received before the worker was created. */
  const early: ToWorker[] = [];
  process.on('message', (items: readonly ToWorker[]) => {
    if (worker !== undefined) {
      worker.receive(items);
      return;
    }
    const [first, ...rest] = items;
    if (first?.[0] !== 'setup') {
      early.push(...items);
      return;
    }
    early.push(...rest);
    begin(first[1], parts)
      .then((made) => {
        worker = made;
        worker.receive(early.splice(0));
        return worker.open();
      })
      .catch((error: unknown) => {
        process.stderr.write(`a worker cannot start: ${messageOf(error)}\n`);
        process.exit(1);
      });
  });
}

async function begin(setup: WorkerSetup, { scripts, warmUp }: WorkerProcessParts): Promise<Worker> {
  const result = await loadLibc();
  if (!('libc' in result)) throw new Error(result.missing);
  const startScript = setup.script === undefined ? undefined : await scripts();
  const send = (items: readonly FromWorker[], taken: () => void): void => {
    // With a callback, an error of a closing channel is not thrown; the process ends with the channel.
    process.send?.(items, undefined, undefined, taken);
  };
  return new Worker(setup, result.libc, send, startScript, warmUp);
}
