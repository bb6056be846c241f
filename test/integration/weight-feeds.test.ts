import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { unbounded } from '../../src/access/caller.js';
import { readSettings } from '../../src/config/load.js';
import { systemRandom } from '../../src/core/random.js';
import { Daemon } from '../../src/daemon/daemon.js';
import type { Destination, DestinationRow } from '../../src/engine/destination.js';
import type { Engine } from '../../src/engine/engine.js';
import type { Partition } from '../../src/engine/partition.js';
import type { SelectTarget } from '../../src/engine/selection.js';
import { weightOf } from '../../src/engine/weight.js';
import { FreeswitchFeed } from '../../src/weight-feed/freeswitch.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakeFreeswitch, type FakeFreeswitchOptions } from '../support/fake-freeswitch.js';
import { NatsBench, withoutNats } from '../support/nats-fixtures.js';
import { engineWith, partitionOptions, request, row } from '../support/partitions.js';
import { type LogLine, recordingLog } from '../support/recording-log.js';
import { until } from '../support/until.js';

const A = 'sip:10.0.0.1';
const B = 'sip:10.0.0.2';

async function fake(t: TestContext, options: FakeFreeswitchOptions = {}): Promise<FakeFreeswitch> {
  const server = await new FakeFreeswitch(options).open();
  t.after(() => server.close());
  return server;
}

/** A feed over its own engine; the test advances the clock. */
async function feedOver(t: TestContext, rows: readonly DestinationRow[]) {
  const engine = engineWith([partitionOptions()]);
  const partition = engine.partition('') as Partition;
  partition.load(rows, { inheritState: true });
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const feed = new FreeswitchFeed({ engine, maxWeight: () => 100, clock, random: systemRandom, log });
  t.after(() => feed.stop());
  await feed.start();
  const weights = () =>
    partition.snapshot.sets.get(1)?.destinations.map((each: Destination) => weightOf(each)) as number[];
  return { engine, partition, clock, feed, lines, weights };
}

const fed = (uri: string, server: FakeFreeswitch) => row(uri, { weight: 100, weightFeed: server.url });
const warnings = (lines: readonly LogLine[]) => lines.filter(({ level }) => level === 'warn' || level === 'error');

const ROUND_ROBIN = 4;
const HASH_CALL_ID = 0;

/** How often each destination is chosen in `count` selections, by position. */
function shares(engine: Engine, partition: Partition, algorithm: number, count: number): number[] {
  const found = partition.snapshot.sets.get(1)?.destinations.map(() => 0) as number[];
  const target: SelectTarget = { setId: 1, algorithm, flags: 0, maxResults: 1 };
  for (let i = 0; i < count; i++) {
    const view = request({ callId: `${i}-${(i * 2654435761) >>> 0}@192.0.2.1` });
    const at = engine.context().selectOne(partition, target, view)?.index as number;
    found[at] = (found[at] as number) + 1;
  }
  return found;
}

describe('weights from FreeSWITCH', { timeout: 60_000 }, () => {
  for (const form of ['plain', 'json'] as const) {
    test(`heartbeats (${form}) change how many calls a destination gets, by round robin and by hash`, async (t) => {
      const [one, two] = [await fake(t, { form }), await fake(t, { form, user: 'sw', password: 'p:w@x' })];
      const { engine, partition, weights, lines } = await feedOver(t, [fed(A, one), fed(B, two)]);
      assert.deepEqual(weights(), [100, 100], 'the largest weight until the first heartbeat');
      await until('both subscribed', () => one.listeners === 1 && two.listeners === 1);
      assert.deepEqual(one.commands, ['auth ClueCon', 'event plain HEARTBEAT']);
      assert.deepEqual(two.commands, ['userauth sw:p:w@x', 'event plain HEARTBEAT']);
      one.heartbeat(700, 1000, 100);
      two.heartbeat(0, 1000, 90);
      await until('both weights', () => weights().join() === '30,90');
      assert.deepEqual(shares(engine, partition, ROUND_ROBIN, 240), [60, 180]);
      const [first, second] = shares(engine, partition, HASH_CALL_ID, 4000) as [number, number];
      assert.equal(first + second, 4000);
      assert.ok(first > 850 && first < 1150, `${first} of 4000 are about a quarter`);
      one.heartbeat(1000, 1000, 100);
      await until('no weight', () => weights().join() === '0,90');
      assert.deepEqual(shares(engine, partition, HASH_CALL_ID, 500), [0, 500]);
      assert.deepEqual(warnings(lines), []);
    });
  }

  test('one connection serves all destinations that name the server, and follows what is loaded', async (t) => {
    const [one, two] = [await fake(t), await fake(t)];
    const { partition, feed, weights } = await feedOver(t, [fed(A, one), fed(B, one)]);
    await until('subscribed', () => one.listeners === 1);
    one.heartbeat(50, 100, 100);
    await until('weights', () => weights().join() === '50,50');
    partition.load([fed(A, one), fed('sip:10.0.0.3', one), fed(B, two)], { inheritState: true });
    feed.refresh();
    assert.deepEqual(weights(), [50, 50, 100], 'a new destination gets what is known; one of another server starts');
    await until('the other server', () => two.listeners === 1);
    assert.deepEqual([one.accepted, two.accepted], [1, 1]);
    partition.load([row(A), fed(B, two)], { inheritState: true });
    feed.refresh();
    await until('nobody names the first server', () => one.listeners === 0);
    assert.deepEqual(weights(), [1, 100]);
    await feed.stop();
    await until('stopped', () => two.listeners === 0);
  });

  test('a server that dies leaves the last weight, one warning and longer and longer waits', async (t) => {
    const one = await fake(t);
    const { weights, lines, clock } = await feedOver(t, [fed(A, one)]);
    await until('subscribed', () => one.listeners === 1);
    one.heartbeat(25, 100, 100);
    await until('weight', () => weights()[0] === 75);
    await one.close();
    await until('the loss is noticed', () => warnings(lines).length === 1);
    assert.deepEqual(warnings(lines)[0]?.fields, { server: `fs://127.0.0.1:${one.port}`, cause: 'connection closed' });
    for (const wait of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      const attempts = lines.length;
      const next = clock.nextIn as number;
      assert.ok(next >= wait * 0.75 && next <= wait * 1.25, `${next} is about ${wait}`);
      clock.advance(next);
      await until('refused', () => lines.length > attempts);
    }
    assert.equal(warnings(lines).length, 1);
    assert.equal(weights()[0], 75);
    await one.open();
    clock.advance(clock.nextIn as number);
    await until('subscribed again', () => one.listeners === 1);
    one.heartbeat(50, 100, 100);
    await until('weight again', () => weights()[0] === 50);
    assert.equal(lines.filter(({ level }) => level === 'info').length, 1);
    await one.close();
    await until('the next outage is logged again', () => warnings(lines).length === 2);
    const wait = clock.nextIn as number;
    assert.ok(wait >= 750 && wait <= 1250, `${wait}`);
  });

  test('the connection to a server that sends nothing is closed', async (t) => {
    const one = await fake(t);
    const { lines, clock } = await feedOver(t, [fed(A, one)]);
    await until('subscribed', () => one.listeners === 1 && clock.nextIn === 120_000);
    clock.advance(120_000);
    assert.equal(warnings(lines)[0]?.fields['cause'], 'no heartbeat within 120000 ms');
    clock.advance(clock.nextIn as number);
    await until('dialled again', () => one.accepted === 2 && one.listeners === 1);
  });

  test('a refused password causes one warning, which does not have it', async (t) => {
    const one = await fake(t, { password: 'richtig' });
    const url = `fs://:geheim@127.0.0.1:${one.port}`;
    const { lines, weights, clock } = await feedOver(t, [row(A, { weight: 100, weightFeed: url })]);
    await until('refused', () => warnings(lines).length === 1);
    assert.equal(warnings(lines)[0]?.fields['cause'], 'user or password refused');
    const before = lines.length;
    clock.advance(clock.nextIn as number);
    await until('refused again', () => lines.length > before);
    assert.equal(warnings(lines).length, 1);
    assert.deepEqual(weights(), [100]);
    assert.doesNotMatch(JSON.stringify(lines), /geheim/);
  });

  test('garbage ends the connection, whatever it is', async (t) => {
    const garbage: readonly (readonly [string | Buffer, RegExp])[] = [
      [Buffer.alloc(100_000, 0x41), /^headers are longer than 8192 bytes$/],
      ['Content-Type: text/event-plain\nContent-Length: 999999\n\n', /^Content-Length is not 0 to 65536$/],
      ['Content-Type: auth/request\n\nContent-Type: auth/request\n\n', /^asked to log in twice$/],
      ['Content-Type: text/rude-rejection\nContent-Length: 0\n\n', /access list$/],
      ['Content-Type: x\n\n'.repeat(1500), /^more than 1000 messages a second$/],
    ];
    for (const [greeting, cause] of garbage) {
      const one = await fake(t, { greeting });
      const { lines, weights } = await feedOver(t, [fed(A, one)]);
      await until(`${cause}`, () => warnings(lines).length === 1);
      assert.match(String(warnings(lines)[0]?.fields['cause']), cause);
      assert.deepEqual(weights(), [100]);
    }
    const mute = await fake(t, { greeting: '' });
    const { lines, clock } = await feedOver(t, [fed(A, mute)]);
    await until('connected', () => mute.accepted === 1);
    clock.advance(5000);
    assert.equal(warnings(lines)[0]?.fields['cause'], 'no login within 5000 ms');
  });

  test('events that are no heartbeats, or hold impossible values, change nothing', async (t) => {
    const one = await fake(t);
    const { weights, lines } = await feedOver(t, [fed(A, one)]);
    await until('subscribed', () => one.listeners === 1);
    const event = (body: string) =>
      one.raw(`Content-Length: ${body.length}\nContent-Type: text/event-plain\n\n${body}`);
    event('Event-Name: CHANNEL_CREATE\nSession-Count: 1\nMax-Sessions: 2\nIdle-CPU: 50\n\n');
    event('Event-Name: HEARTBEAT\nSession-Count: -1\nMax-Sessions: 0\nIdle-CPU: NaN\n\n');
    one.raw('Content-Type: api/response\nContent-Length: 2\n\nOK');
    one.heartbeat(10, 100, 100);
    await until('the heartbeat', () => weights()[0] === 90);
    assert.deepEqual(warnings(lines), []);
  });
});

const COLUMNS =
  'id(int,auto) setid(int) destination(string) socket(string,null) state(int) probe_mode(int) weight(string) priority(int) attrs(string) description(string)';

/** A daemon on a db_text table with these weights for sip:10.0.0.1 and the following addresses. */
async function daemonWith(t: TestContext, weights: readonly string[], settings: object, modparam: object = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'db'));
  await writeFile(join(folder, 'db', 'version'), 'table_name(string) table_version(int)\ndispatcher:9\n');
  const text = (value: string) => value.replaceAll(':', '\\:');
  const write = (all: readonly string[]) => {
    const rows = all.map((each, i) => `${i + 1}:1:${text(`sip:10.0.0.${i + 1}`)}::0:0:${text(each)}:0::\n`);
    return writeFile(join(folder, 'db', 'dispatcher'), `${COLUMNS}\n${rows.join('')}`);
  };
  await write(weights);
  const read = (more: object) =>
    readSettings(
      { listen: ['udp:127.0.0.1:0'], modparam: { db_url: 'text:./db', ...modparam, ...more }, ...settings },
      { cwd: folder },
    );
  const loaded = read({});
  const { log, lines } = recordingLog();
  const daemon = new Daemon({ settings: loaded.settings, log, drainMs: 50 });
  t.after(() => daemon.stop());
  await daemon.start();
  const mi = async (method: string, params: object = {}) =>
    JSON.parse(
      (await daemon.mi.handle(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }), unbounded('nats'))) as string,
    );
  const listed = async (): Promise<number[]> => {
    const { result } = await mi('ds_list', { full: 1 });
    return result.PARTITIONS[0].SETS[0].Destinations.map((each: { weight: number }) => each.weight);
  };
  return { daemon, lines, warnings: loaded.warnings, read, mi, listed, write };
}

describe('the daemon', { timeout: 60_000 }, () => {
  test('uses weights from FreeSWITCH as configured, also after reloads and changes of settings', async (t) => {
    const one = await fake(t, { password: 'geheim' });
    const on = { fetch_freeswitch_stats: 1, max_freeswitch_weight: 200 };
    const { daemon, lines, warnings, read, mi, listed } = await daemonWith(t, [one.url, '500'], {}, on);
    assert.deepEqual(warnings, []);
    assert.deepEqual(await listed(), [200, 200]);
    await until('subscribed', () => one.listeners === 1);
    one.heartbeat(25, 100, 100);
    await until('weight', async () => (await listed())[0] === 150);
    await mi('ds_reload');
    assert.deepEqual(await listed(), [150, 200]);
    assert.deepEqual(await daemon.reconfigure(read({ max_freeswitch_weight: 1000 }).settings), []);
    assert.deepEqual(await listed(), [750, 500]);
    assert.equal(one.accepted, 1);
    await daemon.reconfigure(read({ fetch_freeswitch_stats: 0 }).settings);
    await until('the connection is ended', () => one.listeners === 0);
    assert.deepEqual(await listed(), [500], 'the row is discarded');
    assert.doesNotMatch(JSON.stringify(lines), /geheim/);
  });

  test('uses weights from NATS where the settings allow it', { skip: withoutNats }, async (t) => {
    const bench = new NatsBench(t);
    const nats = await bench.server();
    const events = { nats: { servers: nats.url, prefix: 'sw', weights: true } };
    const { daemon, mi, listed, write } = await daemonWith(t, ['10', '10'], { events });
    await until('connected', () => daemon.health().details['nats'] === 'connected');
    const client = await bench.client(nats.url);
    const report = (message: object) => client.publish('sw.weight', JSON.stringify(message));
    await until('a weight', async () => {
      report({ partition: 'default', set: 1, address: A, weight: 40 });
      return (await listed())[0] === 40;
    });
    const partition = daemon.engine.partition('') as Partition;
    assert.deepEqual(shares(daemon.engine, partition, ROUND_ROBIN, 100), [80, 20]);
    report({ set: 1, address: B, sessions: 10, max_sessions: 100, idle_cpu: 50 });
    report({ set: 1, address: 'sip:nobody', weight: 5 });
    await until('a load', async () => (await listed())[1] === 45);
    await nats.kill();
    assert.deepEqual(await listed(), [40, 45]);
    await nats.restart();
    await until('weights again', async () => {
      report({ set: 1, address: A, weight: 41 });
      return (await listed())[0] === 41;
    });
    await write(['10', '20']);
    await mi('ds_reload');
    assert.deepEqual(await listed(), [41, 20], 'an edited row holds until the next report');
  });

  test('ignores weights on NATS by default', { skip: withoutNats }, async (t) => {
    const bench = new NatsBench(t);
    const nats = await bench.server();
    const { daemon, listed } = await daemonWith(t, ['10'], { events: { nats: { servers: nats.url, prefix: 'sw' } } });
    await until('connected', () => daemon.health().details['nats'] === 'connected');
    const client = await bench.client(nats.url);
    const version = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'version' });
    await until('MI on the same connection', () =>
      client.request('sw.mi', version).then(
        () => true,
        () => false,
      ),
    );
    client.publish('sw.weight', JSON.stringify({ set: 1, address: A, weight: 40 }));
    // The command is answered after the reports that were sent before it.
    await client.request('sw.mi', version);
    assert.deepEqual(await listed(), [10]);
  });
});
