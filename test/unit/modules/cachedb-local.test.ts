import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf } from '../../support/script-run.js';

const HEAD = `modparam("cachedb_local", "cachedb_url", "local:rates:///prices")
modparam("cachedb_local", "cachedb_url", "local:same:///prices")
modparam("cachedb_local", "cache_collections", "prices; default")`;

test('cache_remove_chunk() forgets what matches, in the usual collection or a named one; one collection has several URLs', async () => {
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
