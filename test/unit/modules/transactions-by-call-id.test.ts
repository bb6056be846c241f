import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { FakeClock } from '../../support/fake-clock.js';
import { answerTo, INVITE, startScript } from '../../support/script-run.js';
import { until } from '../../support/until.js';

/** A script that relays INVITE; each MESSAGE runs a statement about it. Returns what that statement returned. */
function start(t: TestContext, statement: string) {
  const clock = new FakeClock();
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'tmx',
    clock,
    script: `request_route {
  if (is_method("MESSAGE")) { ${statement} xlog("$rc\\n"); exit; }
  t_on_failure("F");
  $du = "sip:127.0.0.1:5080";
  t_relay();
}
failure_route[F] { if (isflagset(5)) xlog("flag 5\\n"); xlog("failed $T_rpl($T_reply_code) $T_rpl($T_reply_reason)\\n"); }
`,
  });
  t.after(() => runner.stop());
  let sent = 0;
  const run = async (): Promise<string | undefined> => {
    const before = runner.lines.length;
    const branch = `z9hG4bKm${++sent}`;
    runner.receive(INVITE.replaceAll('INVITE', 'MESSAGE').replace('z9hG4bK1', branch).replace('a@a.example', branch));
    await until('the statement has run', () => runner.lines.length > before);
    return runner.lines.at(-1);
  };
  const last = (beginning: string): string | undefined =>
    runner.sent.findLast(({ text }) => text.startsWith(beginning))?.text;
  return { ...runner, clock, run, last };
}

describe('t_reply_callid() and t_cancel_callid()', () => {
  test('a final reply goes to the caller, and the branches are cancelled', async (t) => {
    const script = start(t, 't_reply_callid("a@a.example", "1", "486", "Busy $rU");');
    script.receive(INVITE);
    const relayed = script.last('INVITE') ?? '';
    script.receive(answerTo(relayed, '180 Ringing', { tag: 'g' }), 5080);
    assert.equal(await script.run(), '1');
    assert.match(script.last('SIP/2.0 486') ?? '', /^SIP\/2\.0 486 Busy bob\r\n/);
    assert.match(script.last('CANCEL') ?? '', /Reason: SIP;cause=486/);
    assert.equal(await script.run(), '-1', 'it has its final reply');
  });

  test('a provisional reply leaves the request as it is', async (t) => {
    const script = start(t, 't_reply_callid("a@a.example", "1", "183", "Wait");');
    script.receive(INVITE);
    assert.equal(await script.run(), '1');
    assert.ok(script.last('SIP/2.0 183 Wait') !== undefined);
    assert.equal(script.last('CANCEL'), undefined);
  });

  for (const [callId, number, code] of [
    ['other', '1', '486'],
    ['a@a.example', '2', '486'],
    ['a@a.example', '1 INVITE', '486'],
    ['a@a.example', 'x', '486'],
    ['a@a.example', '1', ''],
  ] as const)
    test(`nothing is answered for "${callId}", "${number}" with "${code}"`, async (t) => {
      const script = start(t, `t_reply_callid("${callId}", "${number}", "${code}", "x");`);
      script.receive(INVITE);
      const before = script.sent.length;
      assert.equal(await script.run(), '-1');
      assert.equal(script.sent.length, before);
    });

  test('the call is cancelled, with a cause; the failure route sees no flag', async (t) => {
    const script = start(t, 't_cancel_callid("a@a.example", "1", "5", "408");');
    script.receive(INVITE);
    const relayed = script.last('INVITE') ?? '';
    script.receive(answerTo(relayed, '180 Ringing', { tag: 'g' }), 5080);
    assert.equal(await script.run(), '1');
    assert.match(script.last('CANCEL') ?? '', /Reason: SIP;cause=408\r\n/);
    script.receive(answerTo(relayed, '487 Request Terminated', { tag: 'g' }), 5080);
    assert.deepEqual(script.lines, ['1', 'failed 487 Request Terminated']);
  });

  test('an answered call is found for five seconds more', async (t) => {
    const script = start(t, 't_cancel_callid("a@a.example", "1", "5");');
    assert.equal(await script.run(), '-1');
    script.receive(INVITE);
    script.receive(answerTo(script.last('INVITE') ?? '', '200 OK', { tag: 'g' }), 5080);
    assert.equal(await script.run(), '1');
    assert.equal(script.last('CANCEL'), undefined);
    script.clock.advance(5000);
    assert.equal(await script.run(), '-1');
  });

  test('an answered call keeps no message in memory', async (t) => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const script = start(t, 't_cancel_callid("a@a.example", "1", "5");');
    assert.equal(await script.run(), '-1');
    const calls = 200;
    const answered = (from: number): void => {
      for (let i = from; i < from + calls; i++) {
        const long = INVITE.replace('Content-Length', `X: ${'x'.repeat(50_000)}\r\nContent-Length`);
        script.receive(long.replace('z9hG4bK1', `z9hG4bKn${i}`).replace('a@a.example', `call-of-some-length-${i}`));
        script.receive(answerTo(script.last('INVITE') ?? '', '200 OK', { tag: 'g' }), 5080);
        script.sent.length = 0;
      }
      collect();
    };
    answered(0);
    const before = process.memoryUsage().heapUsed;
    answered(calls);
    const each = (process.memoryUsage().heapUsed - before) / calls;
    assert.ok(each < 20_000, `${Math.round(each)} bytes for each call`);
  });
});
