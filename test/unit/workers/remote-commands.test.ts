import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RemoteCommands } from '../../../src/workers/remote-commands.js';

/** Commands for three workers, and the sent ids. */
function made(runs: (worker: number) => boolean = () => true) {
  const sent: [worker: number, id: number, name: string, params: string][] = [];
  return { sent, commands: new RemoteCommands(3, (...item) => runs(item[0]) && sent.push(item) > 0) };
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

test('a worker that does not run is not waited for', async () => {
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
