import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerTo, INVITE, startScript } from '../../support/script-run.js';
import { until } from '../../support/until.js';

for (const [replies, expected] of [
  [['486 Busy Here'], 'none'],
  [['180 Ringing', '486 Busy Here'], 'busy'],
] as const)
  test(`t_grep_status() in a failure route after ${replies.join(', ')}: ${expected}`, async () => {
    const runner = startScript({
      dialect: 'kamailio',
      script: `request_route { $du = "sip:127.0.0.1:7001"; t_on_failure("F"); t_relay(); }
        failure_route[F] { if (t_grep_status("486")) { xinfo("busy\\n"); } else { xinfo("none\\n"); } }`,
    });
    try {
      runner.receive(INVITE);
      await until('an INVITE', () => runner.sent.some(({ text }) => text.startsWith('INVITE')));
      const request = runner.sent.find(({ text }) => text.startsWith('INVITE'))?.text ?? '';
      for (const reply of replies) runner.receive(answerTo(request, reply, { tag: 'gw' }), 7001);
      await until('a line', () => runner.lines.length > 0);
      assert.deepEqual(runner.lines, [expected]);
    } finally {
      await runner.stop();
    }
  });

test('t_grep_status() in a reply route finds the status of the current reply, and none that no branch has, as recorded', async () => {
  const runner = startScript({
    dialect: 'kamailio',
    script: `request_route { $du = "sip:127.0.0.1:7001"; t_on_reply("R"); t_grep_status("180"); xlog("$rc\\n"); t_relay(); }
onreply_route[R] { t_grep_status("180"); xlog("$rs $rc\\n"); t_grep_status("486"); xlog("$rs $rc\\n"); t_grep_status("404"); xlog("$rs $rc\\n"); }`,
  });
  try {
    runner.receive(INVITE);
    const request = runner.sent.find(({ port }) => port === 7001)?.text ?? '';
    for (const reply of ['180 Ringing', '486 Busy Here']) runner.receive(answerTo(request, reply, { tag: 'gw' }), 7001);
    assert.deepEqual(runner.lines.slice(0, 4), ['-1', '180 1', '180 -1', '180 -1']);
    assert.deepEqual(runner.lines.slice(5), ['486 1', '486 -1']);
  } finally {
    await runner.stop();
  }
});
