import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FraudFigures } from '../../../src/modules/fraud/state.js';
import type { ScriptEnvironment } from '../../../src/script/environment.js';
import type { FraudRule } from '../../../src/script/fraud-rules.js';
import { FakeClock } from '../../support/fake-clock.js';
import { answerTo, INVITE, type ScriptRunner, startScript } from '../../support/script-run.js';
import { executeSqlite } from '../../support/sqlite-file.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-fraud-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const COLUMNS = `ruleid, profileid, prefix, start_hour, end_hour, daysoftheweek, cpm_warning, cpm_critical, call_duration_warning, call_duration_critical,
  total_calls_warning, total_calls_critical, concurrent_calls_warning, concurrent_calls_critical, sequential_calls_warning, sequential_calls_critical`;

const SCRIPT = `route {
  if (has_totag()) { match_dialog(); if ($rm == "INVITE") check_fraud($fU, $rU, 1); t_relay(); exit; }
  check_fraud($fU, $rU, 1);
  xlog("$rc\\n");
  if ($rU == "out") exit;
  $du = "sip:127.0.0.1:5080";
  t_relay();
}
event_route[E_FRD_WARNING] { xlog("warning: $param(param) $param(value) of $param(threshold), $param(user) $param(called_number), rule $param(rule_id)\\n"); }
event_route[E_FRD_CRITICAL] { xlog("critical: $param(param) $param(value) of $param(threshold), rule $param(rule_id)\\n"); }`;

let files = 0;

/** Starts the script with these rows at noon UTC on Monday 2026-11-30. */
async function watching(...rows: readonly string[]): Promise<{ runner: ScriptRunner; clock: FakeClock; file: string }> {
  const file = join(folder, `${++files}.db`);
  executeSqlite(
    file,
    `CREATE TABLE fraud_detection (${COLUMNS}); ${rows.map((row) => `INSERT INTO fraud_detection (${COLUMNS}) VALUES (${row});`).join('\n')}`,
  );
  const clock = new FakeClock(Date.UTC(2026, 10, 30, 12));
  const runner = startScript({
    dialect: 'opensips',
    modules: 'dialog db_sqlite fraud_detection',
    head: `modparam("fraud_detection", "db_url", "sqlite://${file}") modparam("fraud_detection", "use_utc_time", 1)
      modparam("dialog", "dlg_match_mode", 1)`,
    script: SCRIPT,
    clock,
  });
  assert.equal(await runner.daemon.mi.execute('fraud_reload', {}), 'OK');
  return { runner, clock, file };
}

/** Calls a number; returns the script's output. */
function called({ runner }: { readonly runner: ScriptRunner }, number: string, id: number, user = 'alice'): string[] {
  runner.receive(
    INVITE.replace('sip:bob@sw', `sip:${number}@sw`)
      .replaceAll('sip:alice@', `sip:${user}@`)
      .replaceAll('z9hG4bK1', `z9hG4bK${id}`)
      .replace('a@a.example\r\nCSeq', `call${id}@a.example\r\nCSeq`),
  );
  return runner.lines.splice(0);
}

test('a rule has a warning and a critical threshold for each figure, by user and prefix; each reached threshold raises an event', async () => {
  const started = await watching(
    "1, 1, '44', '', '', '', 0, 0, 0, 0, 2, 3, 0, 0, 0, 0",
    "2, 1, '4420', '', '', '', 0, 0, 0, 0, 0, 0, 0, 0, 2, 0",
  );
  try {
    assert.deepEqual(called(started, '441', 1), ['1']);
    assert.deepEqual(called(started, '442', 2), ['warning: total calls 2 of 2, alice 442, rule 1', '-1']);
    assert.deepEqual(called(started, '443', 3), ['critical: total calls 3 of 3, rule 1', '-2']);
    assert.deepEqual(called(started, '443', 4, 'carol'), ['1']);
    // The longest prefix is used; no rule covers the last number.
    assert.deepEqual(called(started, '44201', 5, 'carol'), ['1']);
    assert.deepEqual(called(started, '44201', 6, 'carol'), [
      'warning: sequential calls 2 of 2, carol 44201, rule 2',
      '-1',
    ]);
    assert.deepEqual(called(started, '44202', 7, 'carol'), ['1']);
    assert.deepEqual(called(started, '49', 8), ['2']);
    const { mi } = started.runner.daemon;
    assert.deepEqual(await mi.execute('show_fraud_stats', { user: 'carol', prefix: '4420' }), {
      cpm: 3,
      total_calls: 3,
      concurrent_calls: 3,
      seq_calls: 1,
    });
    await assert.rejects(async () => mi.execute('show_fraud_stats', { user: 'carol', prefix: '4' }), /No stats/);
  } finally {
    await started.runner.stop();
  }
});

test('calls per minute are those of the last minute, total calls those of the day', async () => {
  const started = await watching("1, 1, '', '', '', '', 2, 0, 0, 0, 0, 4, 0, 0, 0, 0");
  const { clock, runner } = started;
  try {
    assert.deepEqual(called(started, '1', 1), ['1']);
    clock.advance(30_000);
    assert.deepEqual(called(started, '2', 2), ['warning: calls per minute 2 of 2, alice 2, rule 1', '-1']);
    clock.advance(61_000);
    assert.deepEqual(called(started, '3', 3), ['1']);
    clock.advance(61_000);
    assert.deepEqual(called(started, '4', 4), ['critical: total calls 4 of 4, rule 1', '-2']);
    clock.advance(12 * 3_600_000);
    runner.lines.splice(0);
    assert.deepEqual(called(started, '5', 5), ['1']);
  } finally {
    await runner.stop();
  }
});

test('calls count as concurrent until they end; the duration of an answered call is checked at its end', async () => {
  const started = await watching("7, 1, '', '', '', '', 0, 0, 60, 0, 0, 0, 2, 0, 0, 0");
  const { clock, runner } = started;
  try {
    assert.deepEqual(called(started, '1', 1), ['1']);
    assert.deepEqual(called(started, '2', 2), ['warning: concurrent calls 2 of 2, alice 2, rule 7', '-1']);
    const invites = runner.sent.filter(({ text }) => text.startsWith('INVITE'));
    const contact = ['Contact: <sip:bob@127.0.0.1:5080>'];
    runner.receive(answerTo(invites[0]?.text ?? '', '200 OK', { tag: 'bt', headers: contact }), 5080);
    runner.receive(answerTo(invites[1]?.text ?? '', '486 Busy Here', { tag: 'bt2' }), 5080);
    clock.advance(61_000);
    runner.receive(
      INVITE.replaceAll('INVITE', 'BYE')
        .replace('To: <sip:bob@b.example>', 'To: <sip:bob@b.example>;tag=bt')
        .replaceAll('z9hG4bK1', 'z9hG4bK9')
        .replace('CSeq: 1', 'CSeq: 2')
        .replace('sip:bob@sw.example', 'sip:bob@127.0.0.1:5080')
        .replace('a@a.example\r\nCSeq', 'call1@a.example\r\nCSeq'),
    );
    assert.deepEqual(runner.lines.splice(0), ['warning: call duration 61 of 60, alice 1, rule 7']);
    assert.deepEqual(called(started, '3', 3), ['1']);
  } finally {
    await runner.stop();
  }
});

test('a re-INVITE is no further concurrent call', async () => {
  const started = await watching("7, 1, '', '', '', '', 0, 0, 0, 0, 0, 0, 9, 0, 0, 0");
  const { runner } = started;
  try {
    assert.deepEqual(called(started, '1', 1), ['1']);
    const [invite] = runner.sent.filter(({ text }) => text.startsWith('INVITE'));
    const contact = ['Contact: <sip:bob@127.0.0.1:5080>'];
    runner.receive(answerTo(invite?.text ?? '', '200 OK', { tag: 'bt', headers: contact }), 5080);
    for (let cseq = 2; cseq < 6; cseq++)
      runner.receive(
        INVITE.replace('To: <sip:bob@b.example>', 'To: <sip:bob@b.example>;tag=bt')
          .replaceAll('z9hG4bK1', `z9hG4bK9${cseq}`)
          .replace('CSeq: 1', `CSeq: ${cseq}`)
          .replace('sip:bob@sw.example', 'sip:1@127.0.0.1:5080')
          .replace('a@a.example\r\nCSeq', 'call1@a.example\r\nCSeq'),
      );
    assert.deepEqual(await runner.daemon.mi.execute('show_fraud_stats', { user: 'alice', prefix: '' }), {
      cpm: 5,
      total_calls: 5,
      concurrent_calls: 1,
      seq_calls: 5,
    });
  } finally {
    await runner.stop();
  }
});

test('a rule applies on its days and hours; malformed rows are left out', async () => {
  const started = await watching(
    "1, 1, '1', '09:00', '12:00', 'Mon-Fri', 0, 0, 0, 0, 1, 0, 0, 0, 0, 0",
    "2, 1, '2', '22:00', '13:00', 'Sat-Mon', 0, 0, 0, 0, 1, 0, 0, 0, 0, 0",
    "3, 1, '3', '', '', 'Tue, Wed', 0, 0, 0, 0, 1, 0, 0, 0, 0, 0",
    "4, 1, '4', 'noon', '', '', 0, 0, 0, 0, 1, 0, 0, 0, 0, 0",
  );
  try {
    const codes = ['1', '2', '3', '4'].map((number, i) => called(started, number, i).at(-1));
    assert.deepEqual(codes, ['2', '-1', '2', '2']);
  } finally {
    await started.runner.stop();
  }
});

test('a reload of the file applies another use_utc_time and keeps the figures', async () => {
  const zone = process.env['TZ'];
  process.env['TZ'] = 'Asia/Tokyo';
  // Noon UTC is 21:00 in that zone.
  const started = await watching("1, 1, '1', '09:00', '13:00', '', 0, 0, 0, 0, 2, 0, 0, 0, 0, 0");
  const { runner } = started;
  const useUtc = async (value: number): Promise<void> => {
    await runner.reload((text) => text.replace('"use_utc_time", 1', `"use_utc_time", ${value}`));
    assert.equal(await runner.daemon.mi.execute('fraud_reload', {}), 'OK');
  };
  try {
    assert.deepEqual(called(started, '12', 1), ['1']);
    await useUtc(0);
    assert.deepEqual(called(started, '12', 2), ['2']);
    await useUtc(1);
    assert.deepEqual(called(started, '12', 3), ['warning: total calls 2 of 2, alice 12, rule 1', '-1']);
  } finally {
    await runner.stop();
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  }
});

test('a user beyond the maximum costs no more time than the ones before', () => {
  const figures = new FraudFigures(true);
  const env = { clock: new FakeClock() } as unknown as ScriptEnvironment;
  let users = 0;
  const cpuFor = (count: number): number => {
    const began = process.cpuUsage();
    for (let i = 0; i < count; i++) figures.count(env, `u${users++}`, '44', { prefix: '44' } as FraudRule);
    return process.cpuUsage(began).user / count;
  };
  const each = cpuFor(200_000);
  const further = cpuFor(60_000);
  assert.ok(further < 6 * each, `${further} us, not ${each} us`);
  assert.equal(figures.of(env, 'u59999', '44'), undefined);
  assert.equal(figures.of(env, 'u60000', '44')?.total, 1);
});
