import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf } from '../../support/script-run.js';

test('opensips: $rp is accepted as a number; a string of digits is not', async () => {
  assert.deepEqual(
    await linesOf({
      dialect: 'opensips',
      script: `$var(s) = "5060"; $ru = "sip:a@127.0.0.1:5060";
        is_myself("127.0.0.1", $rp); xlog("$rc\\n"); is_myself("127.0.0.1", $var(s)); xlog("$rc\\n");
        is_myself("127.0.0.1", $(ru{uri.port})); xlog("$rc\\n"); xlog("end\\n");`,
    }),
    ['1', '-1', '1'],
  );
});

for (const dialect of ['opensips', 'kamailio'] as const)
  test(`${dialect}: a number is not a host, no user and no next hop`, async () => {
    assert.deepEqual(
      await linesOf({
        dialect,
        script: '$rd = 5; $rU = 6; $ru = 7; $du = 8; xlog("$ru $du\\n"); xlog("end\\n");',
      }),
      ['sip:bob@sw.example <null>'],
    );
  });

test('opensips: construct_uri() omits parts that are empty', async () => {
  assert.deepEqual(
    await linesOf({
      dialect: 'opensips',
      script:
        'construct_uri("sip", , "h.example", , , $var(u)); xlog("$var(u)\\n"); construct_uri("sips", "u", "h", "5061", "x=1", $var(u)); xlog("$var(u)\\n"); xlog("end\\n");',
    }),
    ['sip:h.example', 'sips:u@h:5061;x=1'],
  );
});
