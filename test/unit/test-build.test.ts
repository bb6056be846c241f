import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextIteration } from 'node:timers/promises';
import { buildAlone, isBuildStale } from '../support/runner/compile.js';

const BUILT = ['dist/main.js', 'dist/config/validators-all.cjs', 'dist/console/app.js'];
const SOURCES = ['src/main.ts', 'src/core/clock.ts', 'schemas/a.json'];

/** A folder with sources of second 1 and a build of second 2. */
function built(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'switchyard-build-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const date = (path: string, second: number) => utimesSync(join(root, path), second, second);
  for (const path of [...BUILT, ...SOURCES]) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), '');
    date(path, path.startsWith('dist/') ? 2 : 1);
  }
  for (const folder of ['src', 'src/core', 'schemas']) date(folder, 1);
  return { root, date };
}

test('a build is stale when a source is newer than the oldest of its parts', (t) => {
  const { root, date } = built(t);
  assert.equal(isBuildStale(root), false);
  for (const path of SOURCES) {
    date(path, 3);
    assert.equal(isBuildStale(root), true, path);
    date(path, 1);
  }
  for (const path of BUILT) {
    date(path, 0.5);
    assert.equal(isBuildStale(root), true, path);
    date(path, 2);
  }
  assert.equal(isBuildStale(root), false);
});

test('a build is stale when a source was removed since, or a part of it is missing', (t) => {
  for (const path of [...SOURCES, ...BUILT]) {
    const { root } = built(t);
    rmSync(join(root, path));
    assert.equal(isBuildStale(root), true, path);
  }
});

test('two runs do not build at the same time, and the lock of a killed one is removed', {
  timeout: 60_000,
}, async (t) => {
  const { root } = built(t);
  mkdirSync(join(root, '.test-build'));
  symlinkSync(String(2 ** 30), join(root, '.test-build/building'));
  let running = 0;
  const work = async () => {
    assert.equal(++running, 1);
    for (let i = 0; i < 20; i++) await nextIteration();
    running--;
    return 'built';
  };
  assert.deepEqual(await Promise.all([1, 2, 3].map(() => buildAlone(work, root))), ['built', 'built', 'built']);
  await assert.rejects(
    buildAlone(() => Promise.reject(new Error('no')), root),
    /no/,
  );
  assert.equal(await buildAlone(work, root), 'built');
});

test('a lock in the form of an earlier version (a file) is removed', { timeout: 10_000 }, async (t) => {
  const { root } = built(t);
  mkdirSync(join(root, '.test-build'));
  // Without a number it was killed before it wrote one.
  for (const owner of [String(2 ** 30), '']) {
    writeFileSync(join(root, '.test-build/building'), owner);
    assert.equal(await buildAlone(() => Promise.resolve('built'), root), 'built', owner);
  }
});

test('a lock that cannot be created is an error at once', { timeout: 10_000 }, async (t) => {
  const { root } = built(t);
  symlinkSync('nowhere/at-all', join(root, '.test-build'));
  await assert.rejects(
    buildAlone(() => Promise.resolve('built'), root),
    { code: 'ENOENT' },
  );
});
