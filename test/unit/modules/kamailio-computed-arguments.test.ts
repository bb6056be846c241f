import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scriptFunctions } from '../../../src/modules/all.js';
import { linesOf, startScript } from '../../support/script-run.js';

/** Output recorded from Kamailio 5.6.3. */
test('an argument that is computed for each message has the value that Kamailio gives it', async () => {
  const lines = await linesOf({
    dialect: 'kamailio',
    modules: 'dispatcher',
    head: 'modparam("dispatcher", "db_url", "sqlite:///FOLDER/none.sqlite")',
    script: `
      $var(h) = "127.0.0.1:5060"; $var(a) = "Fr"; $var(z) = "S"; $var(c) = 1;
      if (is_myself("sip:" + $var(h))) xlog("ours\\n");
      if (!is_myself("sip:" + $hdr(Host))) xlog("not ours\\n");
      if (is_present_hf($var(a) + "om")) xlog("present\\n");
      if (is_present_hf($avp(none) + "From")) xlog("present without the null\\n");
      if (search("^" + $var(a) + "om:")) xlog("found\\n");
      if (starts_with($ru, "sip:" + $rU)) xlog("starts\\n");
      if (cmp_str("a" + $var(z), "aS")) xlog("same\\n");
      if (!ds_select_dst($var(c) + 1, 2 + 2)) xlog("nobody in 2\\n");
      sl_send_reply("200", "OK");`,
  });
  assert.deepEqual(lines, [
    'ours',
    'not ours',
    'present',
    'present without the null',
    'found',
    'starts',
    'same',
    'nobody in 2',
  ]);
});

test('an argument that Kamailio wants constant is refused with file and line', async () => {
  for (const call of ['xlog("a" + $ru)', 'sl_send_reply("4" + $rU, "a")', 'append_hf("X: " + $ru)']) {
    const script = `request_route { ${call}; }`;
    assert.throws(() => startScript({ dialect: 'kamailio', script }), /proxy\.cfg:\d+:\d+: .*must be a constant/, call);
  }
});

test('every function takes an expression where Kamailio was seen to take one', () => {
  const computed = scriptFunctions().all.flatMap((each) =>
    each.dialects.includes('kamailio') && each.recorded !== undefined
      ? each.parameters.flatMap((parameter, i) => (each.recorded?.computes(i) === true ? [{ each, parameter, i }] : []))
      : [],
  );
  assert.ok(computed.length > 100, `${computed.length}`);
  // These two read their argument when the file is loaded.
  const constant = computed.filter(({ parameter }) => parameter.kind === 'literal' || parameter.kind === 'route');
  assert.deepEqual(
    constant.map(({ each }) => each.name),
    ['dp_match', 'avp_subst_pv'],
  );
});
