import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerTo, INVITE, startScript } from '../../support/script-run.js';
import { writingLogger } from '../../support/written-lines.js';

/** Accounting lines of a call to a user whose every branch is rejected. */
async function written(user: string): Promise<string[]> {
  const lines: string[] = [];
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'acc',
    head: 'modparam("acc", "log_flag", 1)\nmodparam("acc", "log_missed_flag", 2)\nmodparam("acc", "failed_transaction_flag", 3)',
    log: writingLogger((_fields, message) => lines.push(message)),
    script: `request_route {
  if (is_method("ACK")) { t_check_trans(); exit; }
  setflag(1); setflag(2); if ($rU =~ "^f") setflag(3);
  $avp(i) = 0; t_on_failure("F"); $du = "sip:127.0.0.1:5090"; t_relay();
}
failure_route[F] {
  $avp(i) = $avp(i) + 1;
  if ($rU =~ "reply1" && $avp(i) == 1) { t_reply("604", "Nowhere"); exit; }
  if ($rU =~ "reply2" && $avp(i) == 2) { t_reply("604", "Nowhere"); exit; }
  if ($avp(i) < 3) { t_on_failure("F"); $du = "sip:127.0.0.1:5090"; if ($rU =~ "again") setflag(2); t_relay(); }
}
`,
  });
  runner.receive(INVITE.replace('sip:bob@', `sip:${user}@`));
  for (let answered = 0, sent = runner.sent; answered < sent.length; answered++) {
    const { text = '', port } = sent[answered] ?? {};
    if (port === 5090 && text.startsWith('INVITE')) runner.receive(answerTo(text, '486 Busy'), 5090);
  }
  await runner.stop();
  return lines
    .filter((line) => line.startsWith('ACC: '))
    .map((line) => /^ACC: (.*?): .*;to_tag=([^;]*);.*;code=(\d+)/.exec(line) ?? [])
    .map(([, what = '', tag = '', code = '']) => `${what.split(' ')[1]} ${code}${tag === '' ? ' without tag' : ''}`);
}

test('a missed call is written once, before the failure route, which may ask for it again; as observed of Kamailio 5.6.3', async () => {
  assert.deepEqual(await written('plain'), ['missed 486']);
  assert.deepEqual(await written('fplain'), ['missed 486', 'answered 486']);
  assert.deepEqual(await written('reply1'), ['missed 486', 'missed 604']);
  assert.deepEqual(await written('freply1'), ['missed 486', 'missed 604', 'answered 604']);
  assert.deepEqual(await written('reply2'), ['missed 486']);
  assert.deepEqual(await written('freply2'), ['missed 486', 'answered 604 without tag']);
  assert.deepEqual(await written('again'), ['missed 486', 'missed 486', 'missed 486']);
});

test('flags that a failure route changes before it relays are those of the next missed call, as observed of Kamailio 5.6.3', async () => {
  const runner = startScript({
    dialect: 'kamailio',
    script: `request_route { setflag(1); $avp(i) = 0; t_on_failure("F"); $du = "sip:127.0.0.1:5090"; t_relay(); }
failure_route[F] {
  $avp(i) = $avp(i) + 1; xlog("$avp(i) $mf\\n");
  if ($avp(i) == 1) setflag(5);
  if ($avp(i) == 2) { resetflag(1); resetflag(5); }
  if ($avp(i) < 3) { t_on_failure("F"); $du = "sip:127.0.0.1:5090"; t_relay(); }
}
`,
  });
  runner.receive(INVITE);
  for (let at = 0, { sent } = runner; at < sent.length; at++) {
    const { text = '', port } = sent[at] ?? {};
    if (port === 5090 && text.startsWith('INVITE')) runner.receive(answerTo(text, '486 Busy'), 5090);
  }
  await runner.stop();
  assert.deepEqual(runner.lines, ['1 2', '2 34', '3 0']);
});
