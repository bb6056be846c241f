import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryQueue, memoryQueues } from '../../../src/modules/mqueue.js';
import { ModuleParameters } from '../../../src/script/environment.js';
import { INVITE, startScript } from '../../support/script-run.js';

function drained(queue: MemoryQueue): string[] {
  const out: string[] = [];
  while (queue.fetch()) out.push(`${queue.fetched?.key}=${queue.fetched?.value}`);
  return out;
}

function filled(size: number, mode: number): MemoryQueue {
  const queue = new MemoryQueue(size, mode);
  for (const [key, value] of ['a1', 'b2', 'a3', 'c4']) queue.add(key as string, value as string);
  return queue;
}

test('items come in the order in which they were added; a full queue drops the oldest', () => {
  assert.deepEqual(drained(filled(0, 0)), ['a=1', 'b=2', 'a=3', 'c=4']);
  assert.deepEqual(drained(filled(3, 0)), ['b=2', 'a=3', 'c=4']);
});

test('of two items with one key the older or the newer stays, as the parameter says', () => {
  assert.deepEqual(drained(filled(0, 1)), ['a=1', 'b=2', 'c=4']);
  assert.deepEqual(drained(filled(0, 2)), ['b=2', 'a=3', 'c=4']);
});

test('a key that was fetched may be added again', () => {
  const queue = filled(0, 1);
  drained(queue);
  queue.add('a', '9');
  assert.deepEqual(drained(queue), ['a=9']);
  assert.equal(queue.fetched, undefined);
});

test('a queue is emptied in linear time, and the number of its characters is limited', () => {
  const queue = new MemoryQueue(0, 0);
  for (let i = 0; i < 300_000; i++) queue.add('k', '');
  const began = process.cpuUsage();
  while (queue.fetch());
  assert.ok(process.cpuUsage(began).user < 4_000_000, 'it walks over what was taken out before');
  for (let i = 0; i < 80; i++) queue.add('k', 'x'.repeat(1024 * 1024));
  assert.equal(queue.size, 63);
  assert.throws(
    () =>
      memoryQueues.create(
        new ModuleParameters(
          new Map<string, (string | number)[]>([
            ['mqueue_name', ['n']],
            ['mqueue_size', [-1]],
          ]),
        ),
      ),
    /mqueue "n": size and addmode/,
  );
});

test('queues are defined one by one or by name with common options, and keep their items over a reload', () => {
  const parameters = (given: Record<string, (string | number)[]>) =>
    new ModuleParameters(new Map(Object.entries(given)));
  const first = parameters({ mqueue: ['name=q;size=2;addmode=0'], mqueue_name: ['n'], mqueue_size: [1] });
  const queues = memoryQueues.create(first);
  assert.deepEqual([...queues.keys()], ['q', 'n']);
  for (const key of ['a', 'b', 'c']) for (const queue of queues.values()) queue.add(key, '');
  assert.deepEqual(
    [...queues.values()].map(({ size }) => size),
    [2, 1],
  );
  assert.equal(memoryQueues.renew(queues, first).get('q')?.size, 2);
  assert.throws(() => memoryQueues.create(parameters({ mqueue: ['size=2'] })), /has no name/);
  assert.throws(() => memoryQueues.create(parameters({ mqueue: ['name=q;addmode=7'] })), /size and addmode/);
});

test('the commands mq_get_size, mq_get_sizes and mq_fetch of OpenSIPS answer', async () => {
  const { daemon, receive, stop } = startScript({
    dialect: 'opensips',
    modules: 'mqueue',
    head: 'modparam("mqueue", "mqueue", "name=jobs;size=8")\nmodparam("mqueue", "mqueue", "name=other")',
    script: 'mq_add("jobs", "k", "v"); mq_add("jobs", "k2", "v2"); exit;',
  });
  const mi = (name: string, params: Record<string, string>): Promise<unknown> => daemon.mi.execute(name, params);
  try {
    receive(INVITE);
    assert.deepEqual(await mi('mq_get_size', { name: 'jobs' }), { name: 'jobs', size: 2 });
    assert.deepEqual(await mi('mq_get_sizes', {}), [
      { name: 'other', size: 0 },
      { name: 'jobs', size: 2 },
    ]);
    assert.deepEqual(await mi('mq_fetch', { name: 'jobs' }), { key: 'k', val: 'v' });
    await assert.rejects(() => mi('mq_get_size', { name: 'none' }));
  } finally {
    await stop();
  }
});

test('a source that fills a queue displaces its own items, not those of others', () => {
  for (const mode of [0, 1, 2]) {
    const queue = new MemoryQueue(10, mode);
    queue.add('a', '', '192.0.2.1');
    queue.add('b', '', '192.0.2.2');
    for (let i = 0; i < 50; i++) queue.add(`f${i}`, '', '192.0.2.9');
    queue.add('c', '', '192.0.2.2');
    // The source with few items displaces the oldest.
    assert.deepEqual(drained(queue), ['b=', ...Array.from({ length: 8 }, (_, i) => `f${i + 42}=`), 'c=']);
  }
});

test('without others, and without a source, a full queue loses its oldest item', () => {
  for (const source of ['192.0.2.9', undefined]) {
    const queue = new MemoryQueue(3, 0);
    for (let i = 0; i < 9; i++) queue.add(`f${i}`, '', source);
    assert.deepEqual(drained(queue), ['f6=', 'f7=', 'f8=']);
  }
});
