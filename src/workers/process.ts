import { setFlagsFromString } from 'node:v8';
import { messageOf } from '../core/errors.js';
import { loadLibc } from '../sip/transport/native/libc.js';
import type { FromWorker, ToWorker, WorkerSetup } from './protocol.js';
import { type WarmUp, Worker } from './worker.js';
import type { StartScript } from './worker-script.js';

/** Milliseconds in which what is under way to databases has to be written at the end. */
const CLOSING_MS = 1500;

/** What a worker process is made with. */
export interface WorkerProcessParts {
  readonly scripts: () => Promise<StartScript>;
  readonly warmUp: WarmUp;
}

/**
 * Runs a worker in this process, which ends with the brain that started it: when the channel closes. `scripts` gives what runs the
 * script of a configuration file, where there is one; `warmUp` makes calls to warm the process up.
 */
export function runWorker(parts: WorkerProcessParts): void {
  // As in the brain (cli/serve): the young generation holds little at any moment.
  setFlagsFromString('--no-parallel-scavenge');
  let worker: Worker | undefined;
  process.on('disconnect', () => {
    const end = (): never => process.exit(0);
    setTimeout(end, CLOSING_MS);
    void (worker?.close() ?? Promise.resolve()).then(end);
  });
  // A terminal and a service manager send these to all processes: the brain says when to end.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      const { stack = '' } = error instanceof Error ? error : {};
      if (worker === undefined) process.stderr.write(`uncaught error in a worker that starts: ${messageOf(error)}\n`);
      worker?.log('fatal', { reason: messageOf(error), stack }, 'uncaught error; the worker goes on');
    });
  }
  /** What was said before the worker was made. */
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
    // The callback keeps an error of a closing channel from being thrown; the process ends with the channel.
    process.send?.(items, undefined, undefined, taken);
  };
  return new Worker(setup, result.libc, send, startScript, warmUp);
}
