import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../support/fake-clock.js';
import { answerTo, INVITE, type ScriptRunner, startScript } from '../../support/script-run.js';

function proxy(more = '', clock = new FakeClock(), check = ''): ScriptRunner {
  return startScript({
    dialect: 'opensips',
    modules: 'dialog sst',
    head: `modparam("sst", "sst_flag", "SST")
      modparam("sst", "min_se", 600)
      modparam("dialog", "default_timeout", 5000)
      ${more}`,
    clock,
    script: `route {
        if (has_totag()) { loose_route(); t_relay(); exit; }
        ${check}
        record_route();
        setflag("SST");
        create_dialog("B");
        xlog("goes on\\n");
        $du = "sip:127.0.0.1:5080";
        t_relay();
      }`,
  });
}

const invite = (...lines: readonly string[]): string =>
  INVITE.replace('Content-Length: 0', [...lines, 'Content-Length: 0'].join('\r\n'));

const fields = (text: string | undefined): string[] =>
  (text ?? '').split('\r\n').filter((line) => /^(?:Session-Expires|Min-SE|Require):/i.test(line));

const sentBy = (runner: ScriptRunner, start: string): string[] =>
  runner.sent.filter(({ text }) => text.startsWith(start)).map(({ text }) => text);

/** Number of BYE requests without retransmissions. */
const byes = (runner: ScriptRunner): number => new Set(sentBy(runner, 'BYE')).size;

function answer(runner: ScriptRunner, request: string, ...headers: readonly string[]): void {
  runner.receive(
    answerTo(request, '200 OK', { tag: 'tt', headers: ['Contact: <sip:bob@127.0.0.1:5080>', ...headers] }),
    5080,
  );
}

test('an INVITE without Session-Expires gets one: the most of min_se, sst_interval and its own Min-SE', async () => {
  for (const [more, lines, seconds] of [
    ['', [], 600],
    ['modparam("sst", "sst_interval", 900)', [], 900],
    ['modparam("sst", "sst_interval", 900)', ['Min-SE: 1200'], 1200],
  ] as const) {
    const runner = proxy(more);
    runner.receive(invite(...lines));
    assert.deepEqual(fields(sentBy(runner, 'INVITE')[0]), [...lines, `Session-Expires: ${seconds}`]);
    await runner.stop();
  }
});

test('a second create_dialog() adds nothing to the INVITE and its answer', async () => {
  const runner = proxy('', new FakeClock(), 'setflag("SST"); create_dialog("B");');
  try {
    runner.receive(invite('Supported: timer'));
    const [request = ''] = sentBy(runner, 'INVITE');
    assert.deepEqual(fields(request), ['Session-Expires: 600']);
    answer(runner, request);
    assert.deepEqual(fields(sentBy(runner, 'SIP/2.0 200')[0]), [
      'Session-Expires: 600;refresher=uac',
      'Require: timer',
    ]);
  } finally {
    await runner.stop();
  }
});

test('the dialog lives as long as the session timer of the last answer says, and ends with BYE', async () => {
  const clock = new FakeClock();
  const runner = proxy('', clock);
  try {
    runner.receive(invite('Session-Expires: 1800', 'Supported: timer'));
    const [request = ''] = sentBy(runner, 'INVITE');
    assert.deepEqual(fields(request), ['Session-Expires: 1800']);
    answer(runner, request, 'Session-Expires: 700;refresher=uac', 'Require: timer');
    assert.deepEqual(fields(sentBy(runner, 'SIP/2.0 200')[0]), [
      'Session-Expires: 700;refresher=uac',
      'Require: timer',
    ]);
    clock.advance(690_000);
    // A session refresh.
    const route = /^Record-Route: (.*)$/m.exec(request)?.[1]?.trim() ?? '';
    runner.receive(
      invite('Session-Expires: 800', `Route: ${route}`)
        .replace('To: <sip:bob@b.example>', 'To: <sip:bob@b.example>;tag=tt')
        .replace('branch=z9hG4bK1', 'branch=z9hG4bK2')
        .replace('sip:bob@sw.example', 'sip:bob@127.0.0.1:5080')
        .replace('CSeq: 1', 'CSeq: 2'),
    );
    answer(runner, sentBy(runner, 'INVITE')[1] ?? '', 'Session-Expires: 800');
    clock.advance(790_000);
    assert.equal(byes(runner), 0);
    clock.advance(11_000);
    assert.equal(byes(runner), 2);
    const statistics = await runner.daemon.mi.execute('get_statistics', { statistics: ['sst:'] });
    assert.deepEqual(statistics, { 'sst:expired_sst': 1 });
  } finally {
    await runner.stop();
  }
});

test('if the callee has no session timers the caller refreshes; if neither has, the dialog has its usual lifetime', async () => {
  for (const [lines, seen] of [
    [['Supported: 100rel, timer'], ['Session-Expires: 600;refresher=uac', 'Require: timer']],
    [[], []],
  ] as const) {
    const clock = new FakeClock();
    const runner = proxy('', clock);
    runner.receive(invite(...lines));
    answer(runner, sentBy(runner, 'INVITE')[0] ?? '');
    assert.deepEqual(fields(sentBy(runner, 'SIP/2.0 200')[0]), seen);
    clock.advance(601_000);
    assert.equal(byes(runner), seen.length === 0 ? 0 : 2);
    await runner.stop();
  }
});

test('a session that is too short is refused with 422, where the caller knows session timers', async () => {
  const short = ['Session-Expires: 90', 'Supported: timer'];
  for (const [more, lines, code] of [
    ['', short, 422],
    ['', ['x: 90', 'k: timer'], 422],
    ['', ['Session-Expires: 90'], 100],
    ['', ['Session-Expires: 600', 'Supported: timer'], 100],
    ['modparam("sst", "reject_to_small", 0)', short, 100],
  ] as const) {
    const runner = proxy(more);
    runner.receive(invite(...lines));
    const answered = sentBy(runner, 'SIP/2.0').at(-1) ?? '';
    assert.match(answered, new RegExp(`^SIP/2\\.0 ${code} `), lines.join());
    assert.deepEqual([fields(answered), runner.lines], code === 422 ? [['Min-SE: 600'], []] : [[], ['goes on']]);
    assert.equal(sentBy(runner, 'INVITE').length, code === 422 ? 0 : 1);
    await runner.stop();
  }
});

test('sstCheckMin() is true for a session that is too short, and with 1 replies 422', async () => {
  for (const [call, lines, outcome] of [
    ['sstCheckMin(1)', ['Session-Expires: 90'], 'SIP/2.0 422 '],
    ['sstCheckMin(0)', ['Session-Expires: 90'], undefined],
    ['sstCheckMin(1)', ['Session-Expires: 900', 'Min-SE: 120'], 'SIP/2.0 422 '],
    ['sstCheckMin(1)', ['Session-Expires: 900', 'Min-SE: 600'], 'INVITE '],
    ['sstCheckMin(1)', ['Session-Expires: soon'], 'INVITE '],
    ['sstCheckMin(1)', [], 'INVITE '],
  ] as const) {
    const runner = proxy('', new FakeClock(), `if (${call}) { xlog("small\\n"); exit; }`);
    runner.receive(invite(...lines));
    const last = runner.sent.filter(({ text }) => !text.startsWith('SIP/2.0 100')).at(-1)?.text;
    if (outcome === undefined) assert.deepEqual([last, runner.lines], [undefined, ['small']]);
    else assert.ok(last?.startsWith(outcome), `${lines.join()}: ${last}`);
    await runner.stop();
  }
});

test('a session lasts a day at most without a refresh, whatever the peers ask for', async () => {
  for (const [asked, answered] of [
    ['Session-Expires: 999999999', ['Session-Expires: 999999999;refresher=uac']],
    ['Supported: x', ['Session-Expires: 86401']],
  ] as const) {
    const clock = new FakeClock();
    const runner = proxy('', clock);
    runner.receive(invite(asked));
    answer(runner, sentBy(runner, 'INVITE')[0] ?? '', ...answered);
    clock.advance(86_399_000);
    assert.equal(byes(runner), 0);
    clock.advance(2000);
    assert.equal(byes(runner), 2);
    await runner.stop();
  }
  const runner = proxy();
  runner.receive(invite('Min-SE: 999999999'));
  assert.deepEqual(fields(sentBy(runner, 'INVITE')[0]), ['Min-SE: 999999999', 'Session-Expires: 86400']);
  await runner.stop();
});
