import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf } from '../../support/script-run.js';

/** Output recorded from Kamailio 5.6.3. */
const lines = (script: string) => linesOf({ dialect: 'kamailio', script: `${script} xlog("end\n");` });

const RECORDS = '$xavp(r=>x)=1; $xavp(r=>x)=2; $xavp(r=>x)=3; ';
const SHOWN =
  'xlog("$rc [$xavp(r=>x)] [$xavp(r[1]=>x)] [$xavp(r[2]=>x)] [$xavp(r[3]=>x)] [$xavp(s=>x)] [$xavp(s[1]=>x)]\\n");';

test('an index is a part of the name of $xavu, and "=>" after the first a part of the field', async () => {
  const script = `$xavu(a=>x)=1; $xavu(a[1]=>x)=2; $xavu(a=>y=>z)=3;
    xlog("[$xavu(a=>x)] [$xavu(a[0]=>x)] [$xavu(a[1]=>x)] [$xavu(a=>y)] [$xavu(a=>y=>z)]\\n");`;
  assert.deepEqual(await lines(script), ['[1] [<null>] [2] [<null>] [3]']);
});

test('a plain value of $xavu replaces its fields', async () => {
  const script = '$xavu(a=>x)=1; $xavu(a)="v"; xlog("[$xavu(a)] [$xavu(a=>x)]\\n");';
  assert.deepEqual(await lines(script), ['[v] [<null>]']);
});

test('xavu_params_implode() writes fields that were assigned; those of xavu_params_explode() are replaced', async () => {
  const implode = 'xavu_params_implode("u", "$var(o)"); xlog("$rc [$var(o)] [$xavu(u=>a)]\\n");';
  assert.deepEqual(await lines(`$xavu(u=>a)=1; $xavu(u=>b)="2"; ${implode}`), ['1 [b=2;a=1;] [1]']);
  assert.deepEqual(await lines(`xavu_params_explode("a=1;b=2", "u"); ${implode}`), ['-1 [0] [1]']);
  const added = `xavu_params_explode("a=1;b=2", "u"); $xavu(u=>c)=3; ${implode}`;
  assert.deepEqual(await lines(added), ['1 [c=3;] [<null>]']);
});

test('xavp_rm() removes the newest record, null at [*] all', async () => {
  assert.deepEqual(await lines(`${RECORDS} xavp_rm("r"); ${SHOWN}`), ['1 [2] [1] [<null>] [<null>] [<null>] [<null>]']);
  const all = await lines(`${RECORDS} $xavp(r[*])=$null; ${SHOWN}`);
  assert.deepEqual(all, ['0 [<null>] [<null>] [<null>] [<null>] [<null>] [<null>]']);
});

test('xavp_copy() adds the copy as the oldest record, or replaces the one at its position', async () => {
  const copied = async (call: string) => (await lines(`${RECORDS} ${call} ${SHOWN}`))[0];
  assert.equal(await copied('xavp_copy("r", "0", "r");'), '1 [3] [2] [1] [3] [<null>] [<null>]');
  assert.equal(await copied('xavp_copy("r", "0", "r", "2");'), '1 [3] [2] [3] [<null>] [<null>] [<null>]');
  assert.equal(await copied('xavp_copy("r", "0", "r", "3");'), '-1 [3] [2] [1] [<null>] [<null>] [<null>]');
  assert.equal(await copied('xavp_copy("r", "-1", "s");'), '-1 [3] [2] [1] [<null>] [<null>] [<null>]');
  const two = 'xavp_copy("r", "1", "s"); xavp_copy("r", "0", "s");';
  assert.equal(await copied(two), '1 [3] [2] [1] [<null>] [2] [3]');
});

test('a record that is a plain value is neither written as a text nor copied to variables', async () => {
  const script =
    '$xavp(a)="v"; xavp_params_implode("a", "$var(o)"); xlog("$rc\\n"); pv_xavp_to_var("a"); xlog("$rc\\n");';
  assert.deepEqual(await lines(script), ['-1', '-1']);
});

test('pv_var_to_xavp() removes the earlier records of the name, also without such a variable', async () => {
  const after = 'xlog("$rc [$xavp(b=>a)] [$xavp(b=>k)] [$xavp(b[1]=>k)]\\n");';
  assert.deepEqual(await lines(`$var(a)=1; $xavp(b=>k)=1; pv_var_to_xavp("a", "b"); ${after}`), [
    '1 [1] [<null>] [<null>]',
  ]);
  assert.deepEqual(await lines(`$xavp(b=>k)=1; pv_var_to_xavp("no", "b"); ${after}`), [
    '-1 [<null>] [<null>] [<null>]',
  ]);
});
