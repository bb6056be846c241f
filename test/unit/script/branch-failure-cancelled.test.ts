import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerTo, INVITE, startScript } from '../../support/script-run.js';

test('the branch-failure route runs for a branch that was cancelled, and cannot add a branch then', async () => {
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'tmx',
    script: `request_route {
  if (is_method("CANCEL")) { t_relay(); exit; }
  $du = "sip:127.0.0.1:5090"; t_on_branch_failure("B"); t_on_failure("F"); t_relay();
}
event_route[tm:branch-failure:B] {
  append_branch("sip:other@127.0.0.1:5091");
  $var(r) = t_relay();
  xlog("branch $T_reply_code\\n");
}
failure_route[F] { xlog("failure $T_reply_code\\n"); }
`,
  });
  try {
    runner.receive(INVITE);
    const invite = runner.sent.find(({ port }) => port === 5090)?.text ?? '';
    runner.receive(answerTo(invite, '180 Ringing', { tag: 'gt' }), 5090);
    runner.receive(INVITE.replace('INVITE ', 'CANCEL ').replace('1 INVITE', '1 CANCEL'));
    runner.receive(answerTo(invite, '487 Request Terminated', { tag: 'gt' }), 5090);
    for (let i = 0; i < 600 && !runner.lines.includes('failure 487'); i++)
      await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(runner.lines, ['branch 487', 'failure 487']);
    assert.ok(runner.sent.every(({ port }) => port !== 5091));
    assert.equal(runner.sent.filter(({ text }) => text.startsWith('SIP/2.0 487')).length, 1);
  } finally {
    await runner.stop();
  }
});
