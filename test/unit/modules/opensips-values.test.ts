import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../support/fake-clock.js';
import { INVITE, linesOf, startScript } from '../../support/script-run.js';
import { until } from '../../support/until.js';

test('{nameaddr.N.param} reads a parameter of one address of a list, {nameaddr.param} of the first', async () => {
  const lines = await linesOf({
    dialect: 'opensips',
    script: `
      $var(s) = "\\"N, M\\" <sip:a@x>;p=1, B <sip:b@y>;q=2";
      xlog("$(var(s){nameaddr.param,p}) $(var(s){nameaddr.param,q})\\n");
      xlog("$(var(s){nameaddr.1.param,q}) $(var(s){nameaddr.7.param,q})\\n");
      xlog("end\\n");`,
  });
  assert.deepEqual(lines, ['1 <null>', '2 <null>']);
});

test('$Au, $TS, $ctime and $challenge have the documented values', async () => {
  const clock = new FakeClock(new Date(2026, 1, 3, 4, 5, 6).getTime());
  const parts = ['sec', 'min', 'hour', 'mday', 'mon', 'year', 'wday', 'yday']
    .map((name) => `$ctime(${name})`)
    .join(' ');
  const runner = startScript({
    dialect: 'opensips',
    modules: 'cfgutils nat_traversal',
    clock,
    script: `$var(age) = $Ts - $TS; xlog("$Au ${parts} $source_uri $(keepalive.socket($source_uri))\\n");`,
  });
  try {
    runner.receive(INVITE);
    runner.receive(
      INVITE.replace('z9hG4bK1', 'z9hG4bK2').replace(
        'Max-Forwards',
        'Proxy-Authorization: Digest username="carl@x.example", realm="x"\r\nMax-Forwards',
      ),
    );
    const rest = '6 5 4 3 2 2026 3 34 sip:127.0.0.1:5070 <null>';
    assert.deepEqual(runner.lines, [`alice ${rest}`, `carl ${rest}`]);
  } finally {
    await runner.stop();
  }
});

test('append_rpid_hf() and is_rpid_user_e164() do as documented', async () => {
  const runner = startScript({
    dialect: 'opensips',
    modules: 'auth',
    head: `modparam("auth", "rpid_prefix", "<")\nmodparam("auth", "rpid_suffix", ">;party=calling")\nmodparam("auth", "rpid_avp", "$avp(who)")`,
    script: `append_rpid_hf(); xlog("$rc\\n"); $avp(who) = "sip:+4930@x.example"; is_rpid_user_e164(); xlog("$rc\\n"); append_rpid_hf();
      append_rpid_hf("\\"A\\" <", ">;screen=no"); $avp(who) = "sip:bob@x.example"; is_rpid_user_e164(); xlog("$rc\\n");
      $du = "sip:127.0.0.1:5080"; t_relay();`,
  });
  try {
    runner.receive(INVITE);
    await until('the INVITE', () => runner.sent.some(({ text }) => text.startsWith('INVITE')));
    assert.deepEqual(runner.lines, ['-1', '1', '-1']);
    const relayed = runner.sent.find(({ text }) => text.startsWith('INVITE'))?.text ?? '';
    assert.deepEqual(
      relayed.match(/^Remote-Party-ID: .*$/gm)?.map((line) => line.trim()),
      ['Remote-Party-ID: <sip:+4930@x.example>;party=calling', 'Remote-Party-ID: "A" <sip:+4930@x.example>;screen=no'],
    );
  } finally {
    await runner.stop();
  }
});
