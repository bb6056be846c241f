import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forgetMatching } from '../../../src/modules/cachedb.js';
import { ExpiringMap } from '../../../src/modules/expiring-map.js';
import { linesOf } from '../../support/script-run.js';

const HEAD = `modparam("cachedb_local", "cachedb_url", "local:rates:///prices")
modparam("cachedb_local", "cachedb_url", "local:same:///prices")
modparam("cachedb_local", "cache_collections", "prices; default")`;

test('cache_remove_chunk() removes the matching entries of the default collection or a named one; one collection may have several URLs', async () => {
  assert.deepEqual(
    await linesOf({
      dialect: 'opensips',
      modules: 'cachedb_local',
      head: HEAD,
      script: `
        cache_store("local", "rate_1", "a"); cache_store("local", "rate_2", "b"); cache_store("local", "other", "c");
        cache_store("local:rates", "rate_1", "d"); cache_store("local:rates", "x1", "e");
        cache_remove_chunk("rate_*"); xlog("$rc\\n");
        if (!cache_fetch("local", "rate_1", $var(a)) && !cache_fetch("local", "rate_2", $var(a)) && cache_fetch("local", "other", $var(a))) xlog("$var(a)\\n");
        cache_fetch("local:same", "rate_1", $var(b)); xlog("$var(b)\\n");
        cache_remove_chunk("prices", "?1"); xlog("$rc\\n");
        if (!cache_fetch("local:rates", "x1", $var(c))) xlog("gone\\n");
        if (cache_fetch("local:rates", "rate_1", $var(c))) xlog("$var(c)\\n");
        cache_remove_chunk("nothing", "*"); xlog("$rc\\n"); xlog("end\\n");`,
    }),
    ['1', 'c', 'd', '1', 'gone', 'd', '-1'],
  );
});

test('a large collection is searched in several event loop iterations; entries added meanwhile stay', async () => {
  const cache = new ExpiringMap<string>(1_000_000);
  // Removing expired entries takes time as well.
  for (let i = 0; i < 200_000; i++)
    cache.set(`${i % 2 === 0 ? 'rate' : 'other'}_${i}`, 'x', i % 3 === 0 ? undefined : 1);
  let iterations = 0;
  let over = false;
  const count = (): void => {
    iterations++;
    cache.set(`rate_new_${iterations}`, 'x', undefined);
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  await forgetMatching(cache, 'rate_*');
  over = true;
  assert.ok(iterations >= 200_000 / 5000 - 1, `${iterations} iterations`);
  assert.equal(cache.size, 100_000 + iterations);
  assert.equal(forgetMatching(new ExpiringMap<string>(10), '*'), undefined);
});

test('a script continues after cache_remove_chunk() of a large collection when the whole collection was searched', async () => {
  assert.deepEqual(
    await linesOf({
      dialect: 'opensips',
      modules: 'cachedb_local',
      head: HEAD,
      script: `
        $var(i) = 0;
        while ($var(i) < 9000) { cache_store("local", "rate_$var(i)", "a"); $var(i) = $var(i) + 1; }
        cache_remove_chunk("rate_*"); xlog("$rc\\n");
        if (!cache_fetch("local", "rate_8999", $var(a))) xlog("gone\\n");
        xlog("end\\n");`,
    }),
    ['1', 'gone'],
  );
});
