import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CompiledSet } from '../../../src/engine/compiled-set.js';
import { Engine } from '../../../src/engine/engine.js';
import { parseSelectArguments } from '../../../src/engine/select-arguments.js';
import { loadLibc } from '../../../src/sip/transport/native/libc.js';
import type { ToWorker } from '../../../src/workers/protocol.js';
import { ownerOf, SHARED_BYTES } from '../../../src/workers/shared-layout.js';
import { SharedTables } from '../../../src/workers/shared-tables.js';
import { partitionOptions, request, row, seededRandom, stillClock } from '../../support/partitions.js';
import { forkSharing } from '../../support/sharing-process.js';

const loaded = await loadLibc();
const skip = 'libc' in loaded ? false : 'the system calls are not available';
const PROGRAM = 'test/support/selecting-process.ts';
const WORKERS = 2;
/** Number of processes to kill; KILLS=100 in the environment for a long run. */
const KILLS = Number(process.env['KILLS'] ?? '4');

test('after a process is killed during a selection, states, round robin positions and locks are consistent', {
  skip,
}, async (t) => {
  if (!('libc' in loaded)) return;
  const { memory, fd } = loaded.libc.share(SHARED_BYTES);
  const engine = new Engine({ clock: stillClock(), random: seededRandom() });
  engine.addPartition(partitionOptions({ name: 'default' }));
  const rows = [1, 2, 3, 4].map((i) => row(`sip:10.0.0.${i}`));
  engine.partition('')?.load(rows, { inheritState: true });
  const children: ChildProcess[] = [];
  t.after(() => {
    for (const each of children) each?.kill('SIGKILL');
  });
  const tables = new SharedTables({
    engine,
    memory,
    workers: WORKERS,
    send: (worker, item: ToWorker) => void children[worker]?.send(item),
    rules: () => ({ rules: [], hashPvar: undefined, defaultPartition: 'default', partitions: [], blacklists: [] }),
  });
  tables.open(true);
  tables.changed();
  const start = async (worker: number): Promise<void> => {
    const child = forkSharing(PROGRAM, fd);
    children[worker] = child;
    child.send(['begin', worker, SHARED_BYTES]);
    tables.started(worker);
    await once(child, 'message');
  };
  const down = engine.partition('')?.snapshot.sets.get(1)?.destinations[2];
  assert.ok(down !== undefined);
  engine.states.apply({ destination: down, kind: 'set', to: 'inactive', origin: 'mi', reason: 'test' });
  await Promise.all(Array.from({ length: WORKERS }, (_, i) => start(i + 1)));
  for (let i = 0; i < KILLS; i++) {
    await sleep(20 * Math.random());
    const worker = 1 + (i % WORKERS);
    const child = children[worker] as ChildProcess;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    // The locks of a dead worker are released at once, before another process waits for them.
    const set = engine.partition('')?.snapshot.sets.get(1) as CompiledSet;
    tables.lost(worker);
    assert.notEqual(set.shared?.holder, ownerOf(worker));
    await start(worker);
  }
  for (const each of children) each?.kill('SIGKILL');
  await Promise.all(children.map((each) => each?.exitCode ?? each?.signalCode ?? once(each, 'exit')));
  for (let worker = 1; worker <= WORKERS; worker++) tables.lost(worker);
  const args = parseSelectArguments({ set: 1, alg: 4 });
  const partition = engine.partition('');
  assert.ok(typeof args !== 'string' && partition !== undefined);
  const next = () => {
    const context = engine.context();
    context.select(partition, args.targets, request());
    return context.current(partition)?.row.uri.slice(-1) ?? '';
  };
  // A selection interrupted by a kill may be repeated; after one round the order is as usual.
  for (let i = 0; i < 4; i++) next();
  const order = Array.from({ length: 9 }, next).join('');
  assert.ok('124124124124'.includes(order), order);
  const hits = partition.snapshot.sets.get(1)?.destinations.map(({ health }) => health.hits) ?? [];
  const max = Math.max(...hits);
  assert.equal(hits[2], 0, 'an inactive destination is never chosen');
  assert.ok(max > 1000, `they have selected: ${hits}`);
  for (const [i, each] of hits.entries()) if (i !== 2) assert.ok(max - each <= 2 * KILLS + 4, `evenly: ${hits}`);
});
