import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf } from '../../support/script-run.js';

const ASKED = [
  ['NAME("lr")', '1'],
  ['NAME("LR")', '1'],
  // As documented: without a value, or with this value.
  ['NAME("x")', '-1'],
  ['NAME("x", "1")', '1'],
  ['NAME("x", "2")', '-1'],
  ['NAME("lr", "1")', '-1'],
  ['NAME("none")', '-1'],
] as const;

for (const [name, old] of [
  ['ruri_has_param', false],
  ['uri_param', true],
] as const)
  test(`${name}() finds a parameter without a value, or with the one that is given`, async () => {
    const calls = ASKED.map(([call]) => `${call.replace('NAME', name)}; xlog("$rc\\n");`).join('\n');
    const lines = await linesOf({
      dialect: 'opensips',
      old,
      modules: old ? 'uri' : '',
      script: `$ru = "sip:bob@127.0.0.1;lr;x=1"; ${calls} xlog("end\\n");`,
    });
    assert.deepEqual(
      lines,
      ASKED.map(([, code]) => code),
    );
  });

test('the functions have the names of 1.x and 2.x too', async () => {
  const script = `$ru = "sip:bob@127.0.0.1;a"; add_uri_param("b=2"); xlog("$ru\\n"); del_uri_param("a"); xlog("$ru\\n");
    $ru = "tel:+49-30"; tel2sip(); xlog("$ru\\n"); xlog("end\\n");`;
  assert.deepEqual(await linesOf({ dialect: 'opensips', old: true, modules: 'uri', script }), [
    'sip:bob@127.0.0.1;a;b=2',
    'sip:bob@127.0.0.1;b=2',
    'sip:+4930@127.0.0.1:5060;user=phone',
  ]);
  const today = linesOf({ dialect: 'opensips', script: 'tel2sip();' });
  await assert.rejects(today, /tel2sip/);
});

test('mqueue works in opensips.cfg', async () => {
  const script = `mq_add("q", "k$rU", "v1"); mq_add("q", "k2", "v2"); mq_size("q"); xlog("$rc\\n");
    while (mq_fetch("q")) { xlog("$mqk(q)=$mqv(q)\\n"); mq_pv_free("q"); } xlog("end\\n");`;
  const head = 'modparam("mqueue", "mqueue", "name=q;size=10")';
  assert.deepEqual(await linesOf({ dialect: 'opensips', modules: 'mqueue', head, script }), ['2', 'kbob=v1', 'k2=v2']);
  await assert.rejects(linesOf({ dialect: 'opensips', script: 'xlog("$mqk(q)\n");' }), /unknown variable \$mqk/);
});
