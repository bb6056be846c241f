import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCli } from '../support/command-line.js';
import { startDaemon } from '../support/daemon-process.js';

interface Answer {
  readonly changes: readonly { readonly path: string; readonly from?: string; readonly to?: string }[];
  readonly need_restart: readonly string[];
}

test('a daemon reloads its settings with an answer, and refuses bad ones with the problems', async (t) => {
  const daemon = await startDaemon({
    destinations: [[1, 'sip:127.0.0.1:5099']],
    settings: { routing: [{ select: { set: 1, alg: 4 } }] },
  });
  t.after(() => daemon.stop());
  const config = join(daemon.folder, 'switchyard.json');
  const written = JSON.parse(readFileSync(config, 'utf8')) as Record<string, unknown>;
  const change = (keys: object) => writeFileSync(config, JSON.stringify({ ...written, ...keys }));
  const reload = (...words: string[]) => runCli(['reload', '--config', config, ...words]);

  const same = await reload();
  assert.deepEqual([same.status, same.out, same.err], [0, '', 'reloaded: nothing differs\n']);

  change({ routing: [{ select: { set: 2, alg: 4 } }], tm: { fr_timeout: 3 } });
  const dry = JSON.parse((await reload('--dry-run', '--json')).out) as Answer;
  assert.deepEqual(dry.changes, [
    { path: 'routing/0/select/set', from: '1', to: '2' },
    { path: 'tm/frTimeout', from: '5', to: '3' },
  ]);
  assert.deepEqual(dry.need_restart, ['tm']);
  const taken = await reload();
  assert.equal(taken.status, 0);
  assert.match(taken.out, /^- routing\/0\/select\/set: 1\n\+ routing\/0\/select\/set: 2\n/);
  assert.match(taken.err, /only a restart brings into force: tm\nreloaded: 2 values differ\n/);
  assert.equal((await reload()).err, 'reloaded: nothing differs\n');

  change({ routing: [{ select: { set: 2, alg: 77 } }], lisetn: [] });
  const refused = await reload();
  assert.equal(refused.status, 1);
  assert.match(refused.err, /#\/lisetn: unknown key "lisetn" \(did you mean "listen"\?\)/);
  assert.match(refused.err, /#\/routing\/0\/select\/alg: flavour opensips has no algorithm 77/);
  assert.match(refused.err, /settings refused; the old settings stay in force\n$/);
  const asJson = JSON.parse((await reload('--json')).err) as { error: { code: number; data: string } };
  assert.equal(asJson.error.code, 400);
  assert.match(asJson.error.data, /lisetn/);

  // The tables, one partition after the other, with how far that is on a terminal.
  const tables = await reload('--tables');
  assert.deepEqual(
    [tables.status, tables.out, tables.err],
    [0, 'partition default: 1 loaded\n', 'reloaded: 1 partitions\n'],
  );
  const trial = await reload('--tables', '--dry-run', '--json');
  assert.equal((JSON.parse(trial.out) as { loaded: number }).loaded, 1);
});
