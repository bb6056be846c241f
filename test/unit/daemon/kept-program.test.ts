import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { KeptProgram } from '../../../src/daemon/kept-program.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-kept-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A build with its package, and a folder for copies. */
function built(name: string): { readonly program: string; readonly copies: string } {
  const root = join(folder, name);
  for (const each of ['dist/daemon', 'dist/chunks', 'schemas', 'node_modules/koffi', 'copies']) {
    mkdirSync(join(root, each), { recursive: true });
  }
  writeFileSync(join(root, 'package.json'), '{}');
  writeFileSync(join(root, 'dist/daemon/worker-process.js'), 'old');
  writeFileSync(join(root, 'dist/chunks/a.js.map'), 'map');
  return { program: join(root, 'dist/daemon/worker-process.js'), copies: join(root, 'copies') };
}

test('the kept program runs after its files were replaced, and is removed at the end', async () => {
  const { program, copies } = built('kept');
  const kept = new KeptProgram(program, copies);
  assert.equal(kept.file, program);
  await kept.keep();
  writeFileSync(program, 'new');
  assert.equal(readFileSync(kept.file, 'utf8'), 'old');
  const root = join(kept.file, '../../..');
  assert.ok(existsSync(join(root, 'node_modules/koffi')) && existsSync(join(root, 'schemas')));
  assert.ok(!existsSync(join(root, 'dist/chunks/a.js.map')));
  await kept.release();
  assert.equal(kept.file, program);
  assert.ok(!existsSync(root));
});

test('copies of processes that have ended are removed, those of others stay', async () => {
  const { program, copies } = built('stale');
  const [dead, living] = ['switchyard-program-999999999-a', `switchyard-program-${process.ppid}-b`];
  for (const name of [dead, living]) mkdirSync(join(copies, name));
  const kept = new KeptProgram(program, copies);
  await kept.keep();
  assert.deepEqual(
    [dead, living].map((name) => existsSync(join(copies, name))),
    [false, true],
  );
  await kept.release();
});

test('sources run in their own folder; if no copy can be written the original runs', async () => {
  const { program, copies } = built('sources');
  const sources = new KeptProgram(program.replace(/js$/, 'ts'), copies);
  await sources.keep();
  assert.ok(sources.file.endsWith('.ts'));
  const kept = new KeptProgram(program, join(copies, 'missing'));
  await assert.rejects(kept.keep());
  assert.equal(kept.file, program);
});
