import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { reload } from '../../src/cli/reload/reload.js';
import { runCli } from '../support/command-line.js';
import { startDaemon } from '../support/daemon-process.js';
import { until } from '../support/until.js';

interface Answer {
  readonly changes: readonly { readonly path: string; readonly from?: string; readonly to?: string }[];
  readonly need_restart: readonly string[];
}

test('a reload of the settings is answered, and faulty settings are refused with their problems', async (t) => {
  const daemon = await startDaemon({
    destinations: [[1, 'sip:127.0.0.1:5099']],
    settings: { routing: [{ select: { set: 1, alg: 4 } }] },
  });
  t.after(() => daemon.stop());
  const config = join(daemon.folder, 'switchyard.json');
  const written = JSON.parse(readFileSync(config, 'utf8')) as Record<string, unknown>;
  const change = (keys: object) => writeFileSync(config, JSON.stringify({ ...written, ...keys }));
  const run = (...words: string[]) => runCli(['reload', '--config', config, ...words]);

  const same = await run();
  assert.deepEqual([same.status, same.out, same.err], [0, '', 'reloaded: nothing differs\n']);

  change({ routing: [{ select: { set: 2, alg: 4 } }], tm: { fr_timeout: 3 } });
  const dry = JSON.parse((await run('--dry-run', '--json')).out) as Answer;
  assert.deepEqual(dry.changes, [
    { path: 'routing/0/select/set', from: '1', to: '2' },
    { path: 'tm/frTimeout', from: '5', to: '3' },
  ]);
  assert.deepEqual(dry.need_restart, ['tm']);
  const taken = await run();
  assert.equal(taken.status, 0);
  assert.match(taken.out, /^- routing\/0\/select\/set: 1\n\+ routing\/0\/select\/set: 2\n/);
  assert.match(taken.err, /take effect only after a restart: tm\nreloaded: 2 values differ\n/);
  assert.equal((await run()).err, 'reloaded: nothing differs\n');

  change({ routing: [{ select: { set: 2, alg: 77 } }], lisetn: [] });
  const refused = await run();
  assert.equal(refused.status, 1);
  assert.match(refused.err, /#\/lisetn: unknown key "lisetn" \(did you mean "listen"\?\)/);
  assert.match(refused.err, /#\/routing\/0\/select\/alg: flavour opensips has no algorithm 77/);
  assert.match(refused.err, /settings refused; the old settings stay in force\n$/);
  const asJson = JSON.parse((await run('--json')).err) as { error: { code: number; data: string } };
  assert.equal(asJson.error.code, 400);
  assert.match(asJson.error.data, /lisetn/);

  // Reloads the tables, one partition after the other, with its progress on a terminal.
  const tables = await run('--tables');
  assert.deepEqual(
    [tables.status, tables.out, tables.err],
    [0, 'partition default: 1 loaded\n', 'reloaded: 1 partition\n'],
  );
  const trial = await run('--tables', '--dry-run', '--json');
  assert.equal((JSON.parse(trial.out) as { loaded: number }).loaded, 1);
});

test('the progress of a reload is shown on a terminal, and is the answer of a command', async (t) => {
  // A database that accepts connections and does not answer until released.
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => void sockets.add(socket.on('error', () => {})));
  await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
  t.after(() => silent.close());
  const { port } = silent.address() as { port: number };
  const daemon = await startDaemon({
    destinations: [[1, 'sip:127.0.0.1:5099']],
    settings: { partitions: [{ name: 'one', db_url: 'text:./db' }] },
  });
  t.after(() => daemon.stop());
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  const config = join(daemon.folder, 'switchyard.json');
  const written = JSON.parse(readFileSync(config, 'utf8')) as Record<string, unknown>;
  const more = ['two', 'three'].map((name) => ({ name, db_url: 'text:./db' }));
  const slow = { name: 'slow', db_url: `mysql://u:secret@127.0.0.1:${port}/d` };
  writeFileSync(
    config,
    JSON.stringify({ ...written, partitions: [{ name: 'one', db_url: 'text:./db' }, ...more, slow] }),
  );
  assert.deepEqual(await daemon.mi('config_reload', { status: 1 }), { running: false });
  let shown = '';
  const io = {
    out: () => {},
    err: (text: string) => {
      shown += text;
    },
    stdin: Readable.from([]),
    errTerminal: { color: false, columns: 80 },
  };
  const reloading = reload({ config }, io);
  const status = async () => (await daemon.mi('config_reload', { status: 1 })) as { step?: string; done?: number };
  await until('two of three loaded', async () => (await status()).done === 2);
  const { seconds, ...rest } = (await status()) as { seconds: number };
  assert.deepEqual(rest, { running: true, step: 'load', done: 2, total: 3 });
  assert.ok(seconds >= 0);
  await until('it is shown', () => /\r2 partitions, 66 %, .* left/.test(shown));
  for (const socket of sockets) socket.destroy();
  silent.close();
  assert.equal(await reloading, 0, shown);
  assert.match(shown, /\r\x1b\[K.*reloaded: \d+ values differ\n$/s);
  assert.deepEqual(await daemon.mi('config_reload', { status: 1 }), { running: false });
});
