import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerTo, INVITE, startScript } from '../../support/script-run.js';

test('$T_ruri is the request-URI of the branch, also in a reply route', async () => {
  const runner = startScript({
    dialect: 'opensips',
    script: `
      route { t_on_reply("r"); $ru = "sip:gw@127.0.0.1:5080"; t_relay(); }
      onreply_route[r] { xlog("$T_ruri\\n"); }`,
  });
  try {
    runner.receive(INVITE);
    const sent = runner.sent.find(({ text }) => text.startsWith('INVITE'))?.text ?? '';
    runner.receive(answerTo(sent, '180 Ringing', { tag: 'gw' }), 5080);
    assert.deepEqual(runner.lines, ['sip:gw@127.0.0.1:5080']);
  } finally {
    await runner.stop();
  }
});

test('variables and functions read the same branch flags in reply and failure routes', async () => {
  const runner = startScript({
    dialect: 'opensips',
    script: `
      route {
        setbflag("B");
        t_on_reply("r"); t_on_failure("f");
        $du = "sip:127.0.0.1:5080";
        t_relay();
      }
      onreply_route[r] {
        $msg.branch.flag(C) = 1;
        if (isbflagset("C")) xlog("C is set, [$bf]\\n");
      }
      failure_route[f] {
        if (!isbflagset("B")) xlog("none: [$bf] $msg.branch.flag(B)\\n");
      }`,
  });
  try {
    runner.receive(INVITE);
    const sent = runner.sent.find(({ text }) => text.startsWith('INVITE'))?.text ?? '';
    runner.receive(answerTo(sent, '486 Busy Here', { tag: 'gw' }), 5080);
    assert.deepEqual(runner.lines, ['C is set, [C B]', 'none: [] false']);
  } finally {
    await runner.stop();
  }
});
