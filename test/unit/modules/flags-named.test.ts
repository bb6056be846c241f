import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf } from '../../support/script-run.js';

test('a variable may name the flag of a function', async () => {
  const script = `$var(f) = "NAMED_A"; setflag($var(f)); xlog("$rc $mf\\n"); isflagset("NAMED_A"); xlog("$rc\\n"); isflagset("NAMED_B"); xlog("$rc\\n");
    isflagset($var(f)); xlog("$rc\\n"); resetflag($var(f)); xlog("[$mf]\\n");
    setbflag($var(f)); isbflagset("NAMED_A"); xlog("$rc\\n");
    $var(f) = "named by nobody else"; setflag($var(f)); xlog("[$mf]\\n"); $var(f) = "99"; setflag($var(f)); xlog("[$mf]\\n"); xlog("end\\n");`;
  assert.deepEqual(await linesOf({ dialect: 'opensips', script }), [
    '1 NAMED_A',
    '1',
    '-1',
    '1',
    '[]',
    '1',
    '[]',
    '[]',
  ]);
});

test('functions of cachedb return -1 for an unknown store, and -2 for an unknown key', async () => {
  const script = `cache_fetch("local", "k", $var(v)); xlog("$rc\\n"); cache_fetch("other", "k", $var(v)); xlog("$rc\\n");
    cache_counter_fetch("other", "k", $var(v)); xlog("$rc\\n"); cache_remove("other", "k"); xlog("$rc\\n"); xlog("end\\n");`;
  const head = 'modparam("cachedb_local", "cachedb_url", "local://")';
  assert.deepEqual(await linesOf({ dialect: 'opensips', modules: 'cachedb_local', head, script }), [
    '-2',
    '-1',
    '-1',
    '-1',
  ]);
});
