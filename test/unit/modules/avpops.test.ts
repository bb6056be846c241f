import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf } from '../../support/script-run.js';

async function written(body: string, dialect: 'opensips' | 'kamailio' = 'kamailio'): Promise<string[]> {
  const old = dialect === 'opensips' ? 'avpops' : 'avpops';
  return linesOf({ dialect, modules: old, script: `${body}\nxlog("end\\n");` });
}

test('values of an AVP are copied, deleted and pushed to variables', async () => {
  const lines = await written(`
    $avp(a) = "one"; $avp(a) = "two";
    avp_copy("$avp(a)", "$avp(b)/g");
    xlog("$(avp(b)[0]) $(avp(b)[1])\\n");
    avp_delete("$avp(b)");
    xlog("$avp(b)\\n");
    avp_delete("$avp(b)/g");
    avp_delete("$avp(b)/g");
    xlog("$rc $avp(b)\\n");
    $avp(u) = "carol";
    avp_pushto("$ru/username", "$avp(u)");
    xlog("$ru\\n");
    is_avp_set("$avp(u)/s"); xlog("$rc\\n");
    is_avp_set("$avp(u)/n"); xlog("$rc\\n");`);
  // Values copied with /g are in reverse order.
  assert.deepEqual(lines, ['one two', 'two', '-1 <null>', 'sip:carol@sw.example', '1', '-1']);
});

test('an AVP is compared, calculated with and replaced in', async () => {
  const lines = await written(`
    $avp(n) = 7; $avp(s) = "Hello";
    if (avp_check("$avp(n)", "gt/i:5")) xlog("more\\n");
    if (avp_check("$avp(s)", "eq/s:hello/i")) xlog("same\\n");
    if (!avp_check("$avp(s)", "eq/s:hello")) xlog("other\\n");
    if (avp_check("$avp(s)", "re/^h.*o$/i")) xlog("matches\\n");
    if (avp_check("$avp(s)", "fm/Hel*")) xlog("like\\n");
    if (avp_check("$avp(s)", "eq/i:7")) xlog("never\\n");
    avp_op("$avp(n)", "add/i:5"); xlog("$avp(n)\\n");
    avp_op("$avp(n)/$avp(m)", "mul/i:2"); xlog("$(avp(m)[*])\\n");
    avp_subst("$avp(s)", "/l+/L/"); xlog("$avp(s)\\n");
    avp_subst("$avp(s)/$avp(t)/d", "/H(.*)/J\\1/"); xlog("$avp(t) $avp(s)\\n");`);
  assert.deepEqual(lines, ['more', 'same', 'other', 'matches', 'like', '12', '14, 24', 'HeLo', 'JeLo <null>']);
});

test('an unknown test or operation is refused at load', async () => {
  await assert.rejects(
    () => written('avp_check("$avp(x)", "is/5");'),
    /proxy\.cfg:\d+:\d+: avp_check\(\): "is" is not a test/,
  );
  await assert.rejects(() => written('avp_op("$avp(x)", "pow/5");'), /"pow" is not an operation/);
  await assert.rejects(() => written('avp_delete("x");'), /"x" is not a variable/);
});
