import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../support/fake-clock.js';
import { answerTo, INVITE, startScript } from '../../support/script-run.js';

const SCRIPT = `
  if (has_totag()) { loose_route(); xlog("state $DLG_status $dlg_val(n)\\n"); exit; }
  record_route(); create_dialog("B"); $DLG_timeout = 100; $dlg_val(n) = "v"; $du = "sip:127.0.0.1:5080"; t_relay();`;

/** A gateway's reply to a message it received. */
function answered(invite: string, status: string): string {
  return answerTo(invite, status, { tag: 'tt', headers: ['Contact: <sip:bob@127.0.0.1:5080>'] });
}

test('a lifetime counts from the answer, and its end sends BYE to both sides once', async () => {
  const clock = new FakeClock();
  const runner = startScript({ dialect: 'opensips', modules: 'dialog', script: SCRIPT, clock });
  try {
    runner.receive(INVITE);
    const invite = runner.sent.find(({ text }) => text.startsWith('INVITE '));
    assert.match(invite?.text ?? '', /Record-Route: <sip:127\.0\.0\.1;lr;ftag=ft;did=[0-9a-f]+\.[0-9a-f]+>/);
    clock.advance(20_000);
    runner.receive(answered(invite?.text ?? '', '200 OK'), 5080);
    clock.advance(99_000);
    const byes = () => runner.sent.filter(({ text }) => text.startsWith('BYE '));
    assert.equal(byes().length, 0);
    clock.advance(1500);
    assert.deepEqual(new Set(byes().map(({ port }) => port)), new Set([5070, 5080]));
    const { count } = (await runner.daemon.mi.execute('dlg_list')) as { count: number };
    assert.equal(count, 0);
  } finally {
    await runner.stop();
  }
});

for (const [given, count] of [
  [0, 0],
  [1, 2],
] as const) {
  test(`kamailio: with send_bye ${given} the end of a lifetime sends ${count} BYE`, async () => {
    const clock = new FakeClock();
    const head = `modparam("dialog", "send_bye", ${given})\nmodparam("dialog", "default_timeout", 100)\n`;
    const script = 'dlg_manage(); record_route(); $du = "sip:127.0.0.1:5080"; t_relay();';
    const runner = startScript({ dialect: 'kamailio', modules: 'dialog', head, script, clock });
    try {
      runner.receive(INVITE);
      const invite = runner.sent.find(({ text }) => text.startsWith('INVITE '));
      runner.receive(answered(invite?.text ?? '', '200 OK'), 5080);
      clock.advance(100_300);
      const byes = runner.sent.filter(({ text }) => text.startsWith('BYE '));
      assert.equal(byes.length, count);
    } finally {
      await runner.stop();
    }
  });
}

test('kamailio: $DLG_status is known in a request within the dialog, and not in its reply route, as observed of 5.6.3', async () => {
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'dialog',
    script: `request_route { dlg_manage(); if (has_totag()) { loose_route(); xlog("request $DLG_status\\n"); } else record_route();
  t_on_reply("R"); $du = "sip:127.0.0.1:5080"; t_relay(); }
onreply_route[R] { xlog("reply $DLG_status $dlg_var(n)\\n"); }
`,
  });
  try {
    runner.receive(INVITE);
    const invite = runner.sent.find(({ text }) => text.startsWith('INVITE '))?.text ?? '';
    runner.receive(answered(invite, '200 OK'), 5080);
    const route = /^Record-Route: (.*)$/m.exec(invite)?.[1] ?? '';
    const within = INVITE.replace(/^INVITE [^ ]*/, 'UPDATE sip:bob@127.0.0.1:5080')
      .replace(/branch=[^;\r]*/, 'branch=z9hG4bKwithin')
      .replace(/^(To: [^\r]*)/m, `$1;tag=tt\r\nRoute: ${route.trim()}`)
      .replace(/^CSeq: [^\r]*/m, 'CSeq: 2 UPDATE');
    runner.receive(within);
    const update = runner.sent.find(({ text }) => text.startsWith('UPDATE '))?.text ?? '';
    runner.receive(answerTo(update, '200 OK'), 5080);
    assert.deepEqual(
      runner.lines.map((line) => line.trim()),
      ['reply <null> <null>', 'request 3', 'reply <null> <null>'],
    );
  } finally {
    await runner.stop();
  }
});

test('the did parameter of another call has no effect, and one Call-ID begins 32 dialogs at most', async () => {
  const clock = new FakeClock();
  const runner = startScript({ dialect: 'opensips', modules: 'dialog', script: SCRIPT, clock });
  try {
    for (let i = 0; i < 40; i++) runner.receive(INVITE.replace('z9hG4bK1', `z9hG4bKm${i}`));
    const { count } = (await runner.daemon.mi.execute('dlg_list')) as { count: number };
    assert.equal(count, 32);
    const first = runner.sent.find(({ text }) => text.startsWith('INVITE '))?.text ?? '';
    const route = /Record-Route: (<[^>]*>)/.exec(first)?.[1] ?? '';
    const within = (callId: string): string =>
      INVITE.replace('INVITE sip:bob@sw.example', 'INFO sip:bob@127.0.0.1:5080')
        .replace('CSeq: 1 INVITE', 'CSeq: 2 INFO')
        .replace('To: <sip:bob@b.example>', `To: <sip:bob@b.example>;tag=tt\r\nRoute: ${route}`)
        .replace('z9hG4bK1', `z9hG4bK${callId.length}`)
        .replace('a@a.example', callId);
    runner.receive(within('other@a.example'));
    runner.receive(within('a@a.example'));
    assert.deepEqual(runner.lines, ['state <null> <null>', 'state 1 v']);
  } finally {
    await runner.stop();
  }
});

test('a value of a profile may be empty, and a sharing tag can be set within a dialog only', async () => {
  const runner = startScript({
    dialect: 'opensips',
    modules: 'dialog',
    head: 'modparam("dialog", "profiles_no_value", "all") modparam("dialog", "profiles_with_value", "peer")',
    script: `set_dlg_sharing_tag("vip"); xlog("$rc\\n"); create_dialog(); set_dlg_sharing_tag("vip"); xlog("$rc\\n");
      set_dlg_profile("all"); set_dlg_profile("peer", "a");
      get_profile_size("all", , $var(n)); xlog("$var(n)\\n"); get_profile_size("peer", , $var(n)); xlog("$var(n)\\n");
      get_profile_size("peer", "b", $var(n)); xlog("$var(n)\\n");`,
  });
  try {
    runner.receive(INVITE);
    assert.deepEqual(runner.lines, ['-1', '1', '1', '1', '0']);
  } finally {
    await runner.stop();
  }
});

test('kamailio: dlg_bye() in the route of the end that it announces fails', async () => {
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'dialog',
    head: 'event_route[dialog:end] {\n  if (!dlg_bye("all")) xlog("again\\n");\n}\n',
    script: `if (has_totag()) { loose_route(); dlg_bye("all"); exit; }
      dlg_manage(); record_route(); $du = "sip:127.0.0.1:5080"; t_relay();`,
  });
  try {
    runner.receive(INVITE);
    const invite = runner.sent.find(({ text }) => text.startsWith('INVITE '))?.text ?? '';
    runner.receive(answered(invite, '200 OK'), 5080);
    const route = /Record-Route: (<[^>]*>)/.exec(invite)?.[1] ?? '';
    const info = INVITE.replace('INVITE sip:bob@sw.example', 'INFO sip:bob@127.0.0.1:5080')
      .replace('CSeq: 1 INVITE', 'CSeq: 2 INFO')
      .replace('To: <sip:bob@b.example>', `To: <sip:bob@b.example>;tag=tt\r\nRoute: ${route}`)
      .replace('z9hG4bK1', 'z9hG4bKinfo');
    runner.receive(info);
    assert.equal(runner.sent.filter(({ text }) => text.startsWith('BYE ')).length, 2);
    assert.deepEqual(runner.lines, ['again']);
  } finally {
    await runner.stop();
  }
});
