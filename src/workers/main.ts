import { setFlagsFromString } from 'node:v8';
import { messageOf } from '../core/errors.js';
import { loadLibc } from '../sip/transport/native/libc.js';
import type { FromWorker, ToWorker } from './protocol.js';
import { Worker } from './worker.js';

/** The program of a worker process. It ends with the brain that started it: when the channel closes. */

// As in the brain (cli/serve): the young generation holds little at any moment.
setFlagsFromString('--no-parallel-scavenge');
let worker: Worker | undefined;

process.on('disconnect', () => process.exit(0));
// A terminal and a service manager send these to all processes: the brain says when to end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    const { stack = '' } = error instanceof Error ? error : {};
    worker?.add(['log', 'fatal', { reason: messageOf(error), stack }, 'an error nobody caught; the worker goes on']);
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
  begin(first).catch((error: unknown) => {
    process.stderr.write(`a worker cannot start: ${messageOf(error)}\n`);
    process.exit(1);
  });
});

async function begin([, setup]: Extract<ToWorker, readonly ['setup', ...unknown[]]>): Promise<void> {
  const result = await loadLibc();
  if (!('libc' in result)) throw new Error(result.missing);
  const send = (items: readonly FromWorker[]): void => {
    // The callback keeps an error of a closing channel from being thrown; the process ends with the channel.
    process.send?.(items, undefined, undefined, () => undefined);
  };
  worker = new Worker(setup, result.libc, send);
  worker.receive(early.splice(0));
  await worker.open();
}
