import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../support/fake-clock.js';
import { recordingLog } from '../../support/recording-log.js';
import { answerTo, INVITE, type ScriptRunner, startScript } from '../../support/script-run.js';
import { until } from '../../support/until.js';

const HOSTILE = '198.51.100.66';
const GOOD = '192.0.2.7';

const DIALOGS =
  '$var(r) = 0; record_route(); $var(r) = dlg_manage(); xlog("$si $var(r)\\n"); $du = "sip:127.0.0.1:5080"; t_relay();';

function invite(n: string, more = ''): string {
  return INVITE.replaceAll('z9hG4bK1', `z9hG4bK${n}`)
    .replace('a@a.example', `${n}@a.example`)
    .replace('Content-Length', `${more}Content-Length`);
}

function refusedOf(runner: ScriptRunner, table: string): string | undefined {
  return runner.daemon.metrics
    .prometheus()
    .split('\n')
    .find((line) => line.startsWith(`switchyard_peer_table_refused_total{table="${table}"}`))
    ?.split(' ')[1];
}

/** Number of lines of a source whose dialog was or was not kept. */
function kept(runner: ScriptRunner, source: string): { readonly yes: number; readonly no: number } {
  const results = runner.lines.filter((line) => line.startsWith(`${source} `)).map((line) => line.split(' ')[1]);
  return { yes: results.filter((each) => each === '1').length, no: results.filter((each) => each !== '1').length };
}

test('one source that fills the dialogs leaves room for others', async () => {
  const { log, lines } = recordingLog();
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'dialog',
    script: DIALOGS,
    clock: new FakeClock(),
    log,
    settings: { limits: { max_dialogs: 90 } },
  });
  try {
    for (let i = 0; i < 300; i++) runner.receive(invite(`h${i}`), 5070, HOSTILE);
    for (let i = 0; i < 5; i++) runner.receive(invite(`g${i}`), 5070, GOOD);
    assert.deepEqual(kept(runner, GOOD), { yes: 5, no: 0 });
    // A source alone gets eight ninths and one more.
    assert.deepEqual(kept(runner, HOSTILE), { yes: 81, no: 219 });
    assert.equal(refusedOf(runner, 'dialogs'), '219');
    const said = lines.filter(({ message }) => message.startsWith('a table that peers fill'));
    assert.equal(said.length, 1);
    // Calls that have ended make room again.
    const first = runner.sent.find(({ text }) => text.startsWith('INVITE '))?.text ?? '';
    runner.receive(answerTo(first, '486 Busy Here', { tag: 'b' }), 5080);
  } finally {
    await runner.stop();
  }
});

test('dialogs of large requests count several times, and ended ones no longer', async () => {
  const clock = new FakeClock();
  const runner = startScript({
    dialect: 'opensips',
    modules: 'dialog',
    script: 'create_dialog(); xlog("$si $rc\\n"); $du = "sip:127.0.0.1:5080"; t_relay();',
    clock,
    settings: { limits: { max_dialogs: 100 } },
  });
  try {
    const filler = `Subject: ${'x'.repeat(40_000)}\r\n`;
    for (let i = 0; i < 20; i++) runner.receive(invite(`l${i}`, filler), 5070, HOSTILE);
    assert.deepEqual(kept(runner, HOSTILE), { yes: 9, no: 11 });
    for (const { text } of runner.sent.filter((each) => each.text.startsWith('INVITE ')))
      runner.receive(answerTo(text, '486 Busy Here', { tag: 'b' }), 5080);
    clock.advance(10_000);
    for (let i = 0; i < 5; i++) runner.receive(invite(`m${i}`), 5070, HOSTILE);
    assert.deepEqual(kept(runner, HOSTILE), { yes: 14, no: 11 });
  } finally {
    await runner.stop();
  }
});

test('a dialog whose INVITE the script replaces by a shorter or longer one counts the same when it ends', async () => {
  const clock = new FakeClock();
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'dialog textopsx',
    script: `$var(r) = 0; $var(r) = dlg_manage(); xlog("$si $var(r)\\n");
      if ($hdr(X-Long) != $null) remove_hf("Subject");
      else append_hf("Subject: ${'x'.repeat(6000)}\\r\\n");
      msg_apply_changes(); record_route(); $du = "sip:127.0.0.1:5080"; t_relay();`,
    clock,
    settings: { limits: { max_dialogs: 20 } },
  });
  const filler = `X-Long: 1\r\nSubject: ${'x'.repeat(9000)}\r\n`;
  try {
    for (const [form, more] of [
      ['l', filler],
      ['s', ''],
    ] as const) {
      for (let i = 0; i < 40; i++) {
        const from = runner.sent.length;
        runner.receive(invite(`${form}${i}`, more), 5070, HOSTILE);
        const relayed = runner.sent.slice(from).find(({ text }) => text.startsWith('INVITE '));
        runner.receive(answerTo(relayed?.text ?? assert.fail(form), '486 Busy Here', { tag: 'b' }), 5080);
        clock.advance(10_000);
      }
    }
    assert.deepEqual(kept(runner, HOSTILE), { yes: 80, no: 0 });
    for (let i = 0; i < 40; i++) runner.receive(invite(`f${i}`), 5070, HOSTILE);
    // A source alone gets eight ninths and one more: nothing is counted less than once.
    assert.deepEqual(kept(runner, HOSTILE), { yes: 98, no: 22 });
  } finally {
    await runner.stop();
  }
});

test('a trusted source may fill the whole table', async () => {
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'dialog',
    script: DIALOGS,
    clock: new FakeClock(),
    settings: { limits: { max_dialogs: 90, trusted_sources: ['198.51.100.0/24'] } },
  });
  try {
    for (let i = 0; i < 100; i++) runner.receive(invite(`h${i}`), 5070, HOSTILE);
    assert.deepEqual(kept(runner, HOSTILE), { yes: 90, no: 10 });
  } finally {
    await runner.stop();
  }
});

function register(user: string, callId: string, expires: number, cseq = 1): string {
  return [
    'REGISTER sip:sw.example SIP/2.0',
    `Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK${callId}${cseq}`,
    'Max-Forwards: 70',
    `From: <sip:${user}@b.example>;tag=ft`,
    `To: <sip:${user}@b.example>`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} REGISTER`,
    `Contact: <sip:${user}@127.0.0.1:5070>`,
    `Expires: ${expires}`,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}

test('one source that fills the registrations leaves room for others, and can renew and remove', async () => {
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'usrloc registrar',
    script: '$var(r) = save("location"); xlog("$si $var(r)\\n");',
    clock: new FakeClock(),
    settings: { limits: { max_contacts: 90 } },
  });
  const statuses = (from: number): string[] => runner.sent.slice(from).map(({ text }) => text.slice(8, 11));
  try {
    for (let i = 0; i < 300; i++) runner.receive(register(`h${i}`, `h${i}`, 3600), 5070, HOSTILE);
    for (let i = 0; i < 5; i++) runner.receive(register(`g${i}`, `g${i}`, 3600), 5070, GOOD);
    const all = statuses(0);
    assert.equal(all.slice(0, 300).filter((each) => each === '200').length, 81);
    assert.deepEqual(all.slice(300), ['200', '200', '200', '200', '200']);
    assert.equal(refusedOf(runner, 'contacts'), '219');
    let from = runner.sent.length;
    runner.receive(register('h0', 'h0', 3600, 2), 5070, HOSTILE);
    runner.receive(register('h0', 'h0', 0, 3), 5070, HOSTILE);
    runner.receive(register('g0', 'g0', 3600, 2), 5070, GOOD);
    assert.deepEqual(statuses(from), ['200', '200', '200']);
    from = runner.sent.length;
    for (let i = 0; i < 80; i++) runner.receive(register(`h${i}`, `h${i}`, 0, 9), 5070, HOSTILE);
    for (let i = 0; i < 60; i++) runner.receive(register(`n${i}`, `n${i}`, 3600), 5070, HOSTILE);
    assert.deepEqual(new Set(statuses(from)), new Set(['200']), 'what was removed counts no longer');
  } finally {
    await runner.stop();
  }
});

for (const [dialect, modules, head, store, read] of [
  [
    'kamailio',
    'htable',
    'modparam("htable", "htable", "t=>size=8;")',
    '$sht(t=>$ci) = $hdr(Subject);',
    '$sht(t=>g0@a.example)',
  ],
  ['opensips', 'cachedb_local', '', 'cache_store("local", "$ci", "$hdr(Subject)");', ''],
] as const) {
  test(`a source that fills a table of a script leaves the entries of others: ${dialect}`, async () => {
    const { log, lines } = recordingLog();
    const show = dialect === 'kamailio' ? `$var(v) = ${read};` : 'cache_fetch("local", "g0@a.example", $var(v));';
    const runner = startScript({
      dialect,
      modules,
      head,
      script: `${store} ${show} xlog("$var(v)\\n"); exit;`,
      clock: new FakeClock(),
      log,
    });
    try {
      runner.receive(invite('g0', 'Subject: kept\r\n'), 5070, GOOD);
      // 64 MB is the bound.
      const filler = `Subject: ${'x'.repeat(60_000)}\r\n`;
      for (let i = 0; i < 1300; i++) runner.receive(invite(`h${i}`, filler), 5070, HOSTILE);
      assert.equal(runner.lines.length, 1301);
      assert.equal(runner.lines.at(-1), 'kept');
      assert.ok(Number(refusedOf(runner, 'script_values')) > 100);
      assert.equal(lines.filter(({ message }) => message.startsWith('a table that peers fill')).length, 1);
    } finally {
      await runner.stop();
    }
  });
}

test('one source does not get all pipes of a rate limit', async () => {
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'pipelimit',
    script: '$var(r) = 0; $var(r) = pl_check("$ci", "taildrop", "5"); xlog("$si $var(r)\n"); exit;',
    clock: new FakeClock(),
  });
  try {
    for (let i = 0; i < 100_500; i++) runner.receive(invite(`h${i}`), 5070, HOSTILE);
    for (let i = 0; i < 5; i++) runner.receive(invite(`g${i}`), 5070, GOOD);
    assert.deepEqual(kept(runner, GOOD), { yes: 5, no: 0 });
    assert.ok(kept(runner, HOSTILE).no > 10_000);
  } finally {
    await runner.stop();
  }
});

test('one source does not get all HTTP requests of a script', async () => {
  const { log, lines } = recordingLog();
  const runner = startScript({
    dialect: 'opensips',
    modules: 'rest_client',
    script: 'rest_get("http://127.0.0.1:9/", $var(x)); xlog("$si $rc\n"); exit;',
    log,
  });
  try {
    for (let i = 0; i < 110; i++) runner.receive(invite(`h${i}`), 5070, HOSTILE);
    runner.receive(invite('g'), 5070, GOOD);
    // Of 100 requests at once, the default, a source alone gets eight ninths and one more.
    assert.equal(refusedOf(runner, 'http_requests'), '21');
    assert.equal(lines.filter(({ message }) => message.startsWith('a table that peers fill')).length, 1);
    await until('all routes end', () => runner.lines.length === 111);
    assert.equal(kept(runner, GOOD).no, 1);
  } finally {
    await runner.stop();
  }
});
