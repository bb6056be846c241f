import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf, startScript } from '../../support/script-run.js';

const written = (script: string): Promise<string[]> =>
  linesOf({ dialect: 'opensips', modules: 'json', script: `${script} xlog("end\\n");` });

test('json_link() puts a document into another one: changes show in both', async () => {
  assert.deepEqual(
    await written(`$json(a) := "{}"; $json(b) := "{\\"x\\":1}"; json_link($json(a/b), $json(b)); xlog("$rc $json(a)\\n");
      $json(b/x) = 2; $json(a/b/y) = 3; xlog("$json(a) $json(b)\\n");
      json_link($json(a/l), $json(none)); xlog("$rc\\n"); json_link($json(a/b/x/z), $json(b)); xlog("$rc\\n"); json_link($json(c), $json(b)); $json(c/x) = 9; xlog("$rc $json(b/x)\\n");`),
    ['1 { "b": { "x": 1 } }', '{ "b": { "x": 2, "y": 3 } } { "x": 2, "y": 3 }', '-1', '-1', '1 9'],
  );
});

test('a document is never linked into itself, and links make no document larger than the limit', async () => {
  assert.deepEqual(
    await written(`$json(a) := "{\\"b\\":{}}"; json_link($json(a/b/c), $json(a)); xlog("$rc\\n"); json_link($json(a/b/c), $json(a/b)); xlog("$rc $json(a)\\n");
      $json(d) := "[1,2,3,4,5,6,7,8,9,10]"; $var(i) = 0; $var(done) = 0;
      while ($var(i) < 20) { $json(e) := "{}"; json_link($json(e/p), $json(d)); json_link($json(e/q), $json(d)); if ($rc > 0) $var(done) = $var(done) + 1; json_link($json(d), $json(e)); $var(i) = $var(i) + 1; }
      xlog("$var(done)\\n");`),
    // One of the twenty doublings is refused; the document is empty then, and grows again.
    ['-1', '-1 { "b": { } }', '19'],
  );
});

test('json_merge() applies changes, null removes', async () => {
  assert.deepEqual(
    await written(`$json(a) := "{\\"x\\":1,\\"y\\":{\\"z\\":2,\\"w\\":3},\\"l\\":[1]}"; $json(p) := "{\\"y\\":{\\"z\\":5},\\"l\\":[2],\\"n\\":\\"t\\"}";
      json_merge($json(a), $json(p), $json(out)); xlog("$rc $json(out/y/z) $json(out/y/w) $json_compact(out)\\n");
      json_merge($json(a), "{\\"x\\":null}", $var(text)); xlog("$rc $var(text) $json_compact_noescape(a)\\n");
      json_merge("no", $json(p), $var(text)); xlog("$rc $var(text)\\n");`),
    [
      '1 5 3 {"x":1,"y":{"z":5,"w":3},"l":[2],"n":"t"}',
      '1 {"y":{"z":2,"w":3},"l":[1]} {"x":1,"y":{"z":2,"w":3},"l":[1]}',
      '-1 {"y":{"z":2,"w":3},"l":[1]}',
    ],
  );
});

test('json_link() accepts two $json only', () => {
  assert.throws(
    () => startScript({ dialect: 'opensips', modules: 'json', script: 'json_link($json(a), $var(b));' }),
    /\$var\(b\) is not a \$json\(name\)/,
  );
});

test('a document whose text links make too long is null, and one nested too deep is refused', async () => {
  const names = Array.from({ length: 41 }, (_, i) => `d${i}`);
  const doubled = names
    .slice(1)
    .map((name, i) => `json_link($json(d${i}/p), $json(${name})); json_link($json(d${i}/q), $json(${name}));`);
  const nested = (depth: number): string => `${'{\\"a\\":'.repeat(depth)}1${'}'.repeat(depth)}`;
  assert.deepEqual(
    await written(`${names.map((name) => `$json(${name}) := "{}";`).join(' ')} ${doubled.join(' ')}
      xlog("$json(d0) $json(d39)\\n");
      $json(e) := "{}"; $var(i) = 0; while ($var(i) < 1500) { $json(f) := "{}"; json_link($json(f/p), $json(e)); json_link($json(e), $json(f)); $var(i) = $var(i) + 1; }
      xlog("$json(e)\\n");
      $var(t) = "${nested(800)}"; $var(u) = "$var(t)"; $json(g) := $var(t); json_merge($var(t), "{}", $var(m)); xlog("$rc $(var(m){s.len})\\n");
      $var(deep) = $(var(t){s.substr,0,4000}) + $var(t) + $(var(t){s.substr,-800,0}); $json(g) := "{}"; $json(g) := $var(deep); json_merge($var(deep), "{}", $var(m)); xlog("$rc $json(g)\\n");`),
    ['<null> { "p": { }, "q": { } }', '<null>', '1 4801', '-1 { }'],
  );
});
