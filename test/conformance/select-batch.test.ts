import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { SWITCHYARD } from '../support/program.js';
import { assertAgrees, batchLine, type RecordedSelection, readRecording } from '../support/recorded-selections.js';

/** The selections recorded from OpenSIPS, through the command line and tables, as an operator would run them. */
describe('switchyard select --batch over tables', () => {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-batch-'));
  const config = join(folder, 'switchyard.json');
  const recording = readRecording('opensips-select.json');
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Output of the command, messages first. */
  const run = (...args: string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const command = [...SWITCHYARD, ...args, '--config', config];
      execFile(process.execPath, command, { maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
        if (error !== null) reject(new Error(`${args.join(' ')}: ${stderr || error.message}`));
        else resolve(stderr + stdout);
      });
    });

  async function fill(partition: string, sets: typeof recording.sets): Promise<void> {
    const file = join(folder, `${partition}.ndjson`);
    const rows = Object.entries(sets).flatMap(([setid, rows]) =>
      rows.map(({ uri, probe_mode, ...row }) => JSON.stringify({ setid: Number(setid), destination: uri, ...row })),
    );
    writeFileSync(file, rows.join('\n'));
    await run('db', 'import', '--partition', partition, file);
  }

  function configure(hashPvar: string): void {
    const partition = (name: string) => ({
      name,
      db_url: `sqlite:./${name}.db`,
      compat: 'strict',
      attrs_avp: `$avp(${name}_attrs)`,
    });
    const modparam = { hash_pvar: hashPvar, pvar_algo_pattern: '$avp(load_%u)' };
    writeFileSync(config, JSON.stringify({ modparam, partitions: [partition('default'), partition('p2')] }));
  }

  test('every recorded selection is made as recorded, and no table changes', { timeout: 300_000 }, async () => {
    configure(recording.hash_pvar);
    await run('db', 'init');
    await fill('default', recording.sets);
    await fill('p2', recording.sets_p2 ?? {});
    const tables = await run('db', 'show', '--json');
    for (const format of [recording.hash_pvar, '$rU|$rd|$tu']) {
      configure(format);
      const asked: RecordedSelection[] = [];
      const lines: object[] = [];
      for (const c of recording.cases) {
        for (const step of c.before ?? []) {
          const params = { state: step.state, group: step.group, address: step.address };
          for (let i = 0; i < (step.times ?? 1); i++) lines.push({ id: 'mi', mi: { method: step.mi, params } });
        }
        if ((c.select.hash_pvar ?? format) !== format) continue;
        asked.push(c);
        lines.push(batchLine(c));
      }
      const file = join(folder, 'batch.ndjson');
      writeFileSync(file, lines.map((line) => JSON.stringify(line)).join('\n'));
      const printed = (await run('select', '--batch', file)).trimEnd().split('\n');
      const answers = printed.map((line) => JSON.parse(line) as Record<string, unknown>);
      const selections = answers.filter((answer) => answer['id'] !== 'mi');
      assert.ok(answers.every((answer) => answer['id'] !== 'mi' || answer['result'] === 'OK'));
      assert.equal(selections.length, asked.length);
      for (const [i, c] of asked.entries()) assertAgrees(recording, c, selections[i] ?? {});
    }
    assert.equal(await run('db', 'show', '--json'), tables, 'asking where calls would go writes no states');
  });

  test('an imported row that a load would discard is named', { timeout: 120_000 }, async () => {
    const file = join(folder, 'bad.json');
    writeFileSync(
      file,
      JSON.stringify([
        { setid: 1, destination: 'sip:h' },
        { setid: 1, destination: 'sip:bad uri' },
      ]),
    );
    const said = await run('db', 'import', '--partition', 'p2', '--replace', file);
    assert.match(
      said,
      /row 2: destination "sip:bad uri" is not a SIP URI; the row is added, but loads will discard it\n/,
    );
    assert.match(said, /2 rows written, the old ones removed/);
  });

  test('a reader that closes the output early causes no error', { timeout: 120_000 }, async () => {
    const command = [...SWITCHYARD, 'select', '--batch', join(folder, 'batch.ndjson'), '--config', config];
    const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] });
    let complaint = '';
    child.stderr.on('data', (data) => (complaint += String(data)));
    child.stdout.once('data', () => child.stdout.destroy());
    const [code] = (await once(child, 'close')) as [number | null];
    assert.deepEqual([code, complaint], [0, '']);
  });

  test('a request written by hand may be incomplete', { timeout: 120_000 }, async () => {
    const file = join(folder, 'request.sip');
    writeFileSync(file, 'INVITE sip:bob@example.com SIP/2.0\nFrom: <sip:a@b>;tag=1\nCall-ID: 1\n');
    assert.equal(
      await run('select', '--set', '2', '--alg', 'first', '--flags', 'f', file),
      '1. sip:127.0.2.1:5060  attrs a2-0  (set 2)\n2. sip:127.0.2.2:5060  attrs a2-1\n',
    );
    await assert.rejects(run('select', '--set', 'x', '--alg', '4', file), /set "x" is not a number\nSee "switchyard/);
    await assert.rejects(run('select', '--set', '1', '--alg', '4', `${file}2`), /cannot read .*: no such file/);
  });
});
