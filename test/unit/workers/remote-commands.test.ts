import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RemoteCommands } from '../../../src/workers/remote-commands.js';

/** Commands for three workers, and the sent ids. */
function made(runs: (worker: number) => boolean = () => true, standing = new Set<number>()) {
  const sent: [worker: number, id: number, name: string, params: string][] = [];
  const missing: number[] = [];
  const commands = new RemoteCommands(
    3,
    (...item) => runs(item[0]) && sent.push(item) > 0,
    (worker) => standing.has(worker),
    (worker) => missing.push(worker),
  );
  return { sent, missing, commands };
}

test('a command is sent to all workers, and the answers of those that are alive are returned', async () => {
  const { sent, commands } = made();
  const asked = commands.run('dlg_list ', () => ({ callid: 'x' }));
  assert.deepEqual(
    sent.map(([worker, , name, params]) => `${worker} ${name} ${params}`),
    ['1 dlg_list  {"callid":"x"}', '2 dlg_list  {"callid":"x"}', '3 dlg_list  {"callid":"x"}'],
  );
  const id = sent[0]?.[1] ?? 0;
  commands.answered(2, id, { value: 'b' });
  commands.answered(2, id, { value: 'twice' });
  commands.answered(1, id + 9, { value: 'of another' });
  commands.answered(1, id, { fault: { code: 404, message: 'no' } });
  commands.lost(3);
  assert.deepEqual(await asked, [{ fault: { code: 404, message: 'no' } }, { value: 'b' }, undefined]);
});

test('a command does not wait for a worker that has ended', async () => {
  const { sent, commands } = made((worker) => worker === 2);
  const asked = commands.run('dlg_list ', () => ({}));
  commands.answered(2, sent[0]?.[1] ?? 0, { value: 'b' });
  assert.deepEqual(await asked, [undefined, { value: 'b' }, undefined]);
  assert.deepEqual(await made(() => false).commands.run('dlg_list ', () => ({})), [undefined, undefined, undefined]);
});

test('each worker gets its own parameters, and one without any gets no request', async () => {
  const { sent, commands } = made();
  const asked = commands.run('dlg_list ', (worker) => (worker === 2 ? undefined : { index: worker }));
  assert.deepEqual(
    sent.map(([worker, , , params]) => `${worker} ${params}`),
    ['1 {"index":1}', '3 {"index":3}'],
  );
  for (const worker of [3, 1]) commands.answered(worker, sent[0]?.[1] ?? 0, { value: worker });
  assert.deepEqual(await asked, [{ value: 1 }, undefined, { value: 3 }]);
});

test('a command does not wait for a worker that is blocked, and ignores its late answer', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const standing = new Set<number>();
  const { sent, missing, commands } = made(undefined, standing);
  let found: unknown;
  const asked = commands
    .run('dlg_list ', () => ({}))
    .then((answers) => {
      found = answers;
    });
  const id = sent[0]?.[1] ?? 0;
  for (const worker of [1, 3]) commands.answered(worker, id, { value: worker });
  t.mock.timers.tick(1000);
  await Promise.resolve();
  assert.equal(found, undefined);
  standing.add(2);
  t.mock.timers.tick(250);
  await asked;
  assert.deepEqual(found, [{ value: 1 }, undefined, { value: 3 }]);
  assert.deepEqual(missing, [2]);
  commands.answered(2, id, { value: 2 });
  assert.deepEqual(found, [{ value: 1 }, undefined, { value: 3 }]);
  // Busy, but not standing: it has five seconds.
  standing.clear();
  const slow = commands.run('dlg_list ', () => ({}));
  const next = sent.at(-1)?.[1] ?? 0;
  for (const worker of [1, 3]) commands.answered(worker, next, { value: worker });
  t.mock.timers.tick(4750);
  commands.answered(2, next, { value: 'late' });
  assert.deepEqual(await slow, [{ value: 1 }, { value: 'late' }, { value: 3 }]);
  const never = commands.run('dlg_list ', () => ({}));
  t.mock.timers.tick(5000);
  assert.deepEqual(await never, [undefined, undefined, undefined]);
  assert.deepEqual(missing, [2, 1, 2, 3]);
});
