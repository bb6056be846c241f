import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerTo, INVITE, linesOf, type ScriptRunner, startScript } from '../../support/script-run.js';
import { until } from '../../support/until.js';

const BRANCHES = 'append_msg_branch("sip:a@127.0.0.1:1"); append_msg_branch("sip:b@127.0.0.1:2");';

/** Statuses of the replies to a method, in order. */
function statuses({ sent }: ScriptRunner, method: string): string[] {
  return sent
    .filter(({ text }) => text.startsWith('SIP/2.0') && new RegExp(`^CSeq: 1 ${method}\\r$`, 'm').test(text))
    .map(({ text }) => text.slice(8, text.indexOf('\r')));
}

test('added branches are counted from 0, and the request-URI has no index', async () => {
  assert.deepEqual(
    await linesOf({
      dialect: 'opensips',
      script: `${BRANCHES}
        swap_msg_branches(0, 1); xlog("$rc $(branch(uri)[*])\\n");
        swap_msg_branches(, 1); xlog("$rc $ru $(branch(uri)[*])\\n");
        move_msg_branch(1, 0, "keep"); xlog("$rc $(branch(uri)[*])\\n");
        move_msg_branch(1); xlog("$rc $ru $(branch(uri)[*])\\n");
        remove_msg_branch(0); xlog("$rc $(branch(uri)[*])\\n");
        remove_msg_branch(0); xlog("$rc\\n"); swap_msg_branches(0, 1); xlog("$rc\\n"); remove_msg_branch(-1); xlog("$rc\\n"); xlog("end\\n");`,
    }),
    [
      '1 sip:b@127.0.0.1:2, sip:a@127.0.0.1:1',
      '1 sip:a@127.0.0.1:1 sip:b@127.0.0.1:2, sip:bob@sw.example',
      '1 sip:bob@sw.example, sip:bob@sw.example',
      '1 sip:bob@sw.example sip:bob@sw.example',
      '1 <null>',
      '-1',
      '-1',
      '-1',
    ],
  );
});

test('after a 6xx no branch can be added', async () => {
  const runner = startScript({
    dialect: 'opensips',
    script: `route { $du = "sip:127.0.0.1:7001"; t_on_failure("f"); t_relay(); }
      failure_route[f] { append_msg_branch("sip:b@127.0.0.1:7002"); xlog("$rc\\n"); }`,
  });
  try {
    runner.receive(INVITE);
    await until('it is relayed', () => runner.sent.some(({ text }) => text.startsWith('INVITE')));
    const sent = runner.sent.find(({ text }) => text.startsWith('INVITE'))?.text ?? '';
    runner.receive(answerTo(sent, '603 Decline', { tag: 'tt' }), 7001);
    assert.deepEqual(runner.lines, ['-1']);
  } finally {
    await runner.stop();
  }
});

test('send() adds the header lines it is given, and no Via', async () => {
  const runner = startScript({ dialect: 'opensips', script: 'send("127.0.0.1:5090", "X-A: 1\\r\\nX-B: 2\\r\\n");' });
  try {
    runner.receive(INVITE);
    await until('something is sent', () => runner.sent.length > 0);
    assert.equal(runner.sent[0]?.text, INVITE.replace('\r\n\r\n', '\r\nX-A: 1\r\nX-B: 2\r\n\r\n'));
  } finally {
    await runner.stop();
  }
});

for (const final of [486, 200])
  test(`a CANCEL after the ${final} to its INVITE belongs to a transaction and is answered`, async () => {
    const runner = startScript({
      dialect: 'opensips',
      script: `
        if (is_method("ACK")) { t_check_trans(); exit; }
        if (is_method("CANCEL")) { if (t_check_trans()) xlog("known\\n"); t_relay(); exit; }
        t_newtran(); t_reply(${final}, "Done");`,
    });
    try {
      runner.receive(INVITE);
      await until('the final reply', () => statuses(runner, 'INVITE').includes(`${final} Done`));
      if (final === 486) runner.receive(INVITE.replaceAll('INVITE', 'ACK'));
      runner.receive(INVITE.replaceAll('INVITE', 'CANCEL'));
      await until('the reply to CANCEL', () => statuses(runner, 'CANCEL').length > 0);
      assert.deepEqual(statuses(runner, 'CANCEL'), ['200 canceling']);
      assert.deepEqual(runner.lines, ['known']);
    } finally {
      await runner.stop();
    }
  });

test('a failure route sees the address from which the reply came', async () => {
  const runner = startScript({
    dialect: 'opensips',
    script: `route { $du = "sip:127.0.0.1:5090"; t_on_failure("f"); t_relay(); }
      failure_route[f] { xlog("$(<reply>si):$(<reply>sp)\\n"); }`,
  });
  try {
    runner.receive(INVITE);
    await until('the INVITE', () => runner.sent.some(({ port }) => port === 5090));
    const { text = '' } = runner.sent.find(({ port }) => port === 5090) ?? {};
    runner.receive(answerTo(text, '486 Busy'), 5090);
    await until('a line', () => runner.lines.length > 0);
    assert.deepEqual(runner.lines, ['127.0.0.1:5090']);
  } finally {
    await runner.stop();
  }
});
