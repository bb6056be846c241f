import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FakeClock } from '../../support/fake-clock.js';
import { answerTo, INVITE, type ScriptRunner, startScript } from '../../support/script-run.js';
import { executeSqlite } from '../../support/sqlite-file.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-balancer-'));
const database = join(folder, 'data.db');
executeSqlite(
  database,
  `CREATE TABLE load_balancer (id INTEGER PRIMARY KEY, group_id INT, dst_uri TEXT, resources TEXT, probe_mode INT, attrs TEXT);
   INSERT INTO load_balancer (group_id, dst_uri, resources, probe_mode, attrs) VALUES
     (1, 'sip:127.0.0.1:7001', 'pstn=2;transc=1', 1, 'one'), (1, 'sip:127.0.0.1:7002', 'pstn=10', 0, 'two'),
     (2, 'sip:127.0.0.1:7003', 'pstn=1', 0, ''), (3, 'sip:127.0.0.1:7004', 'pstn=many', 0, '');`,
);
after(() => rmSync(folder, { recursive: true, force: true }));

/** The script after its table is read. */
async function balancing(script: string, clock?: FakeClock): Promise<ScriptRunner> {
  const runner = startScript({
    dialect: 'opensips',
    modules: 'dialog load_balancer db_sqlite',
    head: `modparam("load_balancer", "db_url", "sqlite://${database}") modparam("load_balancer", "probing_interval", 10)`,
    script,
    ...(clock === undefined ? {} : { clock }),
  });
  await runner.daemon.mi.execute('lb_reload', {});
  return runner;
}

const call = (n: number): string =>
  INVITE.replaceAll('a@a.example', `${n}@a.example`).replace('z9hG4bK1', `z9hG4bKc${n}`);

/** Hands in a request and waits for the end of its route. */
async function received(runner: ScriptRunner, text: string): Promise<void> {
  runner.receive(text);
  await new Promise((resolve) => setImmediate(resolve));
}

test('the destination with the most free capacity gets a call, and counts it until the dialog ends', async () => {
  const runner = await balancing(
    `if (has_totag()) { loose_route(); t_relay(); exit; }
     record_route(); lb_start(1, "pstn"); xlog("$rc $du\\n"); t_relay();`,
    new FakeClock(),
  );
  try {
    for (let i = 0; i < 11; i++) await received(runner, call(i));
    const chosen = runner.lines.map((line) => line.slice(-4));
    // 10 free against 2: the first until both have 2 free, then the first of them again.
    assert.deepEqual(chosen, [...Array<string>(8).fill('7002'), '7001', '7002', '7001']);
    await received(runner, call(20));
    await received(runner, call(21));
    assert.deepEqual(runner.lines.slice(-2), ['1 sip:127.0.0.1:7002', '-2 <null>']);
    const first = runner.sent.find(({ text }) => text.startsWith('INVITE ') && text.includes('0@a.example'));
    runner.receive(answerTo(first?.text ?? '', '486 Busy Here', { tag: 'tt' }), 7002);
    await received(runner, call(22));
    assert.equal(runner.lines.at(-1), '1 sip:127.0.0.1:7002');
    const { Destinations } = (await runner.daemon.mi.execute('lb_list', {})) as {
      Destinations: { uri: string; enabled: string; Resources: object[] }[];
    };
    assert.equal(Destinations.length, 3);
    assert.deepEqual(Destinations[0]?.Resources, [
      { name: 'pstn', max: 2, load: 2 },
      { name: 'transc', max: 1, load: 0 },
    ]);
  } finally {
    await runner.stop();
  }
});

test('codes say why there is no destination, and flags how capacity is computed', async () => {
  const runner = await balancing(
    `lb_start(1, "fax"); xlog("$rc\\n"); lb_start(9, "pstn"); xlog("$rc\\n"); lb_next(); xlog("$rc\\n");
     lb_start(1, "transc;pstn", , $var(a)); xlog("$rc $du $var(a)\\n");
     lb_next(); xlog("$rc\\n"); lb_reset(); lb_next(); xlog("$rc\\n"); if (!lb_is_started()) xlog("ended\\n");
     lb_count_call("127.0.0.1", 7003, 2, "pstn"); xlog("$rc\\n");
     lb_start(2, "pstn"); xlog("$rc\\n"); lb_start(2, "pstn", "n"); xlog("$rc $du\\n"); lb_reset();
     lb_count_call("127.0.0.1", 7003, 2, "pstn", 1); xlog("$rc\\n"); lb_start(2, "pstn"); xlog("$rc\\n");
     if (lb_is_destination("127.0.0.1", 7001)) xlog("known\\n"); if (!lb_is_destination("127.0.0.1", 7001, 2)) xlog("not of 2\\n");
     if (lb_is_destination("127.0.0.1", 0, 1, 1, $var(a))) xlog("$var(a)\\n"); if (!lb_is_destination("127.0.0.9", 0)) xlog("not it\\n");`,
  );
  try {
    runner.receive(INVITE);
    assert.deepEqual(runner.lines, [
      '-4',
      '-3',
      '-3',
      '1 sip:127.0.0.1:7001 one',
      '-3',
      '-1',
      'ended',
      '1',
      '-2',
      '1 sip:127.0.0.1:7003',
      '1',
      '1',
      'known',
      'not of 2',
      'one',
      'not it',
    ]);
  } finally {
    await runner.stop();
  }
});

test('relative capacity is a share of the capacity of a destination', async () => {
  const runner = await balancing(
    `if ($hdr(X) == NULL) { lb_count_call("127.0.0.1", 7002, 1, "pstn"); }
     lb_start_or_next(1, "pstn", "r"); xlog("$du\\n"); lb_start_or_next(1, "pstn", "r"); xlog("$du\\n"); load_balance(1, "pstn"); xlog("$rc\\n");`,
  );
  try {
    runner.receive(INVITE);
    assert.deepEqual(runner.lines, ['sip:127.0.0.1:7001', 'sip:127.0.0.1:7002', '-3']);
  } finally {
    await runner.stop();
  }
});

test('a destination that a script disabled is back when a probe is answered, one that a command disabled is not probed', async () => {
  const clock = new FakeClock();
  const runner = await balancing(
    `route { lb_start(1, "pstn;transc"); xlog("$rc\\n"); lb_disable_dst(); xlog("$rc\\n"); lb_start(1, "pstn;transc"); xlog("$rc\\n"); }
     event_route[E_LOAD_BALANCER_STATUS] { xlog("$param(group) $param(uri) $param(status)\\n"); }`,
    clock,
  );
  try {
    runner.receive(INVITE);
    assert.deepEqual(runner.lines.splice(0), ['1', '1 sip:127.0.0.1:7001 disabled', '1', '-3']);
    const probes = () => runner.sent.filter(({ text }) => text.startsWith('OPTIONS sip:127.0.0.1:7001 '));
    clock.advance(10_000);
    assert.equal(probes().length, 1);
    runner.receive(answerTo(probes()[0]?.text ?? '', '404 Not Found', { tag: 'tt' }), 7001);
    assert.deepEqual(runner.lines, []);
    clock.advance(10_000);
    runner.receive(answerTo(probes().at(-1)?.text ?? '', '200 OK', { tag: 'tt' }), 7001);
    assert.deepEqual(runner.lines.splice(0), ['1 sip:127.0.0.1:7001 enabled']);
    const before = probes().length;
    await runner.daemon.mi.execute('lb_status', { destination_id: 1, new_status: 0 });
    assert.deepEqual(runner.lines, ['1 sip:127.0.0.1:7001 disabled']);
    clock.advance(60_000);
    assert.equal(probes().length, before);
    await runner.daemon.mi.execute('lb_resize', { destination_id: 2, res_name: 'pstn', new_capacity: 3 });
    const { Destinations } = (await runner.daemon.mi.execute('lb_list', {})) as {
      Destinations: { Resources: object[] }[];
    };
    assert.deepEqual(Destinations[1]?.Resources, [{ name: 'pstn', max: 3, load: 0 }]);
    await assert.rejects(runner.daemon.mi.execute('lb_status', { destination_id: 99 }), /not found/);
  } finally {
    await runner.stop();
  }
});
