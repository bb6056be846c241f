import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../support/fake-clock.js';
import { answerTo, INVITE, type ScriptRunner, startScript } from '../../support/script-run.js';

const HEAD = `modparam("dialog", "profiles_with_value", "peer")
  modparam("dialog", "options_ping_interval", 30)`;

/**
 * An OpenSIPS script that creates a dialog for each INVITE; `then`: its further statements, `routes`: its further
 * routes.
 */
function dialogs(then: string, routes = '', clock = new FakeClock()): ScriptRunner {
  return startScript({
    dialect: 'opensips',
    modules: 'dialog',
    head: HEAD,
    clock,
    script: `route {
        if (has_totag()) { loose_route(); t_relay(); exit; }
        record_route();
        ${then}
        $du = "sip:127.0.0.1:5080";
        t_relay();
      }
      ${routes}`,
  });
}

/** Answers the relayed call. */
function answer(runner: ScriptRunner): void {
  const invite = runner.sent.find(({ text }) => text.startsWith('INVITE '))?.text ?? '';
  runner.receive(answerTo(invite, '200 OK', { tag: 'tt', headers: ['Contact: <sip:bob@127.0.0.1:5080>'] }), 5080);
}

const sentBy = (runner: ScriptRunner, method: string) =>
  runner.sent.filter(({ text }) => text.startsWith(`${method} `));

test('routes run when a dialog is answered, when its lifetime is over (they may prolong it), and when it has ended', async () => {
  const clock = new FakeClock();
  const runner = dialogs(
    `create_dialog("bye-on-timeout"); $DLG_timeout = 100; $dlg_val(n) = 0;
     dlg_on_answer("answered"); dlg_on_timeout("late"); dlg_on_hangup("over");`,
    `route[answered] { xlog("answered in $DLG_status\\n"); }
     route[late] {
       $dlg_val(n) = $dlg_val(n) + 1;
       xlog("late $dlg_val(n)\\n");
       if ($dlg_val(n) == 1) $DLG_timeout = 60;
     }
     route[over] { xlog("$DLG_end_reason after $DLG_lifetime s\\n"); }`,
    clock,
  );
  try {
    runner.receive(INVITE);
    answer(runner);
    clock.advance(100_000);
    assert.deepEqual(runner.lines, ['answered in 3', 'late 1']);
    assert.equal(sentBy(runner, 'BYE').length, 0);
    clock.advance(60_000);
    assert.deepEqual(runner.lines.slice(2), ['late 2', 'Lifetime Timeout after 160 s']);
    assert.equal(sentBy(runner, 'BYE').length, 2);
  } finally {
    await runner.stop();
  }
});

test('a side that no longer knows the dialog ends it: OPTIONS within the dialog', async () => {
  const clock = new FakeClock();
  const runner = dialogs(
    'create_dialog("options-ping-callee"); dlg_on_hangup("over");',
    'route[over] { xlog("$DLG_end_reason\\n"); }',
    clock,
  );
  try {
    runner.receive(INVITE);
    answer(runner);
    clock.advance(30_000);
    const [ping] = sentBy(runner, 'OPTIONS');
    assert.equal(ping?.port, 5080);
    assert.match(ping?.text ?? '', /^OPTIONS sip:bob@127\.0\.0\.1:5080 SIP\/2\.0\r\n/);
    assert.match(ping?.text ?? '', /^To: <sip:bob@b\.example>;tag=tt\r$/m);
    runner.receive(answerTo(ping?.text ?? '', '200 OK', {}), 5080);
    clock.advance(30_000);
    const second = sentBy(runner, 'OPTIONS').at(-1)?.text ?? '';
    assert.notEqual(second, ping?.text);
    runner.receive(answerTo(second, '481 Call/Transaction Does Not Exist', {}), 5080);
    assert.deepEqual(runner.lines, ['Ping Timeout']);
    assert.deepEqual(new Set(sentBy(runner, 'BYE').map(({ port }) => port)), new Set([5070, 5080]));
    clock.advance(60_000);
    assert.equal(new Set(sentBy(runner, 'OPTIONS').map(({ text }) => text)).size, 2);
  } finally {
    await runner.stop();
  }
});

test('values of other dialogs are read by Call-ID, by a value and by a profile', async () => {
  const runner = dialogs(
    `create_dialog(); $dlg_val(who) = $fU; $dlg_val(call) = $ci; set_dlg_profile("peer", "a"); set_dlg_flag("F");
     if ($ci != "a@a.example") {
       get_dialog_info("call", $avp(calls), "who", "alice", $var(n)); xlog("$rc $var(n) $(avp(calls)[*])\\n");
       get_dialog_vals($avp(names), $avp(vals), "a@a.example"); xlog("$rc $(avp(names)[*]) $(avp(vals)[*])\\n");
       get_dialogs_by_val("call", "a@a.example", $avp(json), $var(n));
       xlog("$rc $var(n) $(avp(json){re.subst,/.*callid.:.([^,\\x22]*).*/\\1/})\\n");
       get_dialogs_by_profile("peer", "a", $avp(json), $var(n)); xlog("$rc $var(n)\\n");
       get_dialogs_by_profile("peer", "none", $avp(json), $var(n)); xlog("$rc $var(n)\\n");
       set_dlg_profile("peer", "b", true);
       get_dialogs_by_profile("peer", "a", $avp(json), $var(n)); xlog("$rc $var(n) $DLG_flags\\n");
     }`,
  );
  try {
    runner.receive(INVITE);
    runner.receive(INVITE.replace('a@a.example\r\nCSeq', 'b@a.example\r\nCSeq').replace('z9hG4bK1', 'z9hG4bK2'));
    assert.deepEqual(runner.lines, [
      '1 2 a@a.example, b@a.example',
      '1 who, call alice, a@a.example',
      '1 1 a@a.example',
      '1 2',
      '-1 0',
      '1 1 F',
    ]);
  } finally {
    await runner.stop();
  }
});

test('dlg_send_sequential() sends a request within the dialog', async () => {
  const runner = dialogs(
    'create_dialog(); dlg_on_answer("answered");',
    `route[answered] {
       dlg_send_sequential("INFO", "caller", "Signal=1", "application/dtmf-relay", "X-A: 1"); xlog("$rc\\n");
       dlg_send_sequential("INFO", "nobody"); xlog("$rc\\n");
     }`,
  );
  try {
    runner.receive(INVITE);
    answer(runner);
    const [info] = sentBy(runner, 'INFO');
    assert.equal(info?.port, 5070);
    assert.match(
      info?.text ?? '',
      /X-A: 1\r\nContent-Type: application\/dtmf-relay\r\n(?:.*\r\n)*Content-Length: 8\r\n\r\nSignal=1$/,
    );
    assert.deepEqual(runner.lines, ['1', '-1']);
  } finally {
    await runner.stop();
  }
});
