import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf, startScript } from '../../support/script-run.js';

test('identifiers of each version have its form', async () => {
  const [random, timed, ...others] = await linesOf({
    dialect: 'opensips',
    modules: 'uuid',
    script: `
      uuid($var(u)); xlog("$rc $var(u)\\n"); uuid($var(u), 1); xlog("$rc $var(u)\\n");
      uuid($var(u), 3, "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com"); xlog("$rc $var(u)\\n");
      uuid($var(u), 5, "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com"); xlog("$rc $var(u)\\n");
      uuid($var(u), 5, "none", "x"); xlog("$rc\\n"); $var(v) = 9; uuid($var(u), $var(v)); xlog("$rc\\n");
      xlog("$uuid $uuid(4)\\n"); xlog("end\\n");`,
  });
  assert.match(random ?? '', /^1 [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.match(timed ?? '', /^1 [0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  // The date of version 1 is that of the clock, to a day.
  const [, low = '', middle = '', high = ''] = /^1 (\w+)-(\w+)-1(\w+)-/.exec(timed ?? '') ?? [];
  const time = Number((BigInt(`0x${high}${middle}${low}`) - 122_192_928_000_000_000n) / 10_000n);
  assert.ok(Math.abs(time - Date.now()) < 86_400_000, String(time));
  assert.deepEqual(others.slice(0, 4), [
    '1 5df41881-3aed-3515-88a7-2f4a814cf09e',
    '1 2ed6657d-e927-568b-95e1-2665a8aea6a2',
    '-1',
    '-1',
  ]);
  assert.match(others[4] ?? '', /^[0-9a-f-]{14}4[0-9a-f-]{21} [0-9a-f-]{14}4[0-9a-f-]{21}$/);
});

test('an unknown version is refused at load', () => {
  const start = (script: string) => startScript({ dialect: 'opensips', modules: 'uuid', script });
  assert.throws(() => start('uuid($var(u), 2);'), /the version is one of 0, 1, 3, 4, 5/);
  assert.throws(() => start('xlog("$uuid(3)\\n");'), /is one of 0, 1, 4/);
});
