import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVITE, linesOf, startScript } from '../../support/script-run.js';

test('expressions of Perl are matched, as constants or in variables, and identifiers of groups', async () => {
  const lines = await linesOf({
    dialect: 'opensips',
    modules: 'regex uuid',
    script: `if (pcre_match($rU, "^b(?:o|x)b$$")) xlog("yes\\n"); if (!pcre_match("BOB", "^bob$$")) xlog("case counts\\n");
      $var(e) = "o{1}"; if (pcre_match("$rU@$rd", $var(e))) xlog("computed\\n"); $var(e) = "("; pcre_match("x", $var(e)); xlog("$rc\\n");
      uuid($var(a)); uuid($var(b), 4); if ($var(a) != $var(b) && $uuid =~ "^[0-9a-f-]{36}$") xlog("$(var(a){s.len})\\n"); xlog("end\\n");`,
  });
  assert.deepEqual(lines, ['yes', 'case counts', 'computed', '-1', '36']);
  const blind = await linesOf({
    dialect: 'opensips',
    modules: 'regex',
    head: 'modparam("regex", "pcre_caseless", 1)',
    script: 'if (pcre_match("BOB", "^bob$$")) xlog("same\\n"); xlog("end\\n");',
  });
  assert.deepEqual(blind, ['same']);
});

test('an expression that takes more than linear time is refused at load', () => {
  assert.throws(
    () => startScript({ dialect: 'opensips', modules: 'regex', script: 'pcre_match($rU, "(?=x)");' }),
    /pcre_match/,
  );
});

test('in files of 2.x the first argument of t_relay() is the destination', async () => {
  for (const [call, port] of [
    ['t_relay("udp:127.0.0.1:7001")', 7001],
    ['t_relay("udp:127.0.0.1:7002", "0x02")', 7002],
    ['t_relay("0x02", "udp:127.0.0.1:7003")', 7003],
  ] as const) {
    const runner = startScript({ dialect: 'opensips', old: true, script: `${call};` });
    try {
      runner.receive(INVITE);
      await new Promise((resolve) => setImmediate(resolve));
      const sent = runner.sent.find(({ text }) => text.startsWith('INVITE sip:bob@sw.example '));
      assert.equal(sent?.port, port, call);
    } finally {
      await runner.stop();
    }
  }
  assert.throws(() => startScript({ dialect: 'opensips', script: 't_relay("udp:127.0.0.1:7001");' }), /unknown flag/);
});
