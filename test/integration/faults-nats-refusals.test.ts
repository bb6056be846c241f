import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { connect, DiscardPolicy, type NatsConnection } from 'nats';
import { deadRows, FaultBench, type RunningDaemon } from '../support/faults/bench.js';
import { assertNothingLost, natsSettings, storedEvents } from '../support/faults/nats-crashes.js';
import { startNatsServer } from '../support/servers/nats.js';
import { until } from '../support/until.js';

const ROWS = deadRows(10);

/** A server with these lines of configuration, a daemon connected to it, and an independent client. */
async function withServer(
  bench: FaultBench,
  config: string,
  nats: (url: string) => object,
  login: object = {},
): Promise<{ running: RunningDaemon; nc: NatsConnection; depth: () => number }> {
  const file = join(await bench.folder(), 'nats.conf');
  await writeFile(file, config);
  const server = await startNatsServer({ args: ['-c', file] });
  bench.defer(() => server.kill());
  const nc = await connect({ servers: server.url, ...login });
  bench.defer(() => nc.close());
  const rows = [...ROWS, { setId: 1, uri: LONG }];
  const running = await bench.daemon({
    settings: { modparam: { db_url: await bench.sqlite(rows) }, events: { nats: nats(server.url) } },
  });
  await until('connected', () => running.metric('switchyard_nats_connected') === 1);
  return { running, nc, depth: () => running.metric('switchyard_outbox_depth') };
}

const LONG = `sip:${'u'.repeat(900)}@127.77.9.9`;

async function switchAll(running: RunningDaemon, state: string): Promise<void> {
  for (const { uri } of ROWS) await running.mark(state, 1, uri);
}

describe('a NATS server that refuses messages', { concurrency: true }, () => {
  test('a message that is always refused delays no others, in the stream or in the bucket', async (t) => {
    const { running, nc, depth } = await withServer(new FaultBench(t), 'max_payload: 1024\n', natsSettings);
    await running.mark('i', 1, LONG);
    await until('tried', () => running.said(/event not delivered/).length > 0);
    for (const state of ['i', 'a']) {
      await switchAll(running, state);
      await until('the others are there', () => depth() === 1);
    }
    assert.equal((await storedEvents(nc)).length, 20);
    const kv = await nc.jetstream().views.kv('DISPATCHER_STATE');
    await until('all but one in the bucket', async () => {
      let keys = 0;
      for await (const _ of await kv.keys()) keys++;
      return keys === ROWS.length;
    });
    assert.match(String(running.said(/too large for the bucket/)[0]?.fields['cause']), /max_payload/);
    assert.equal(running.said(/event not delivered/).length, 1, 'one line, not one with each event that passes');
    assert.equal(running.said(/delivered to NATS again/).length, 0);
  });

  test('a stream that is full and refuses more: every event is kept, the cause is logged, and it is delivered when there is room', async (t) => {
    const bench = new FaultBench(t);
    const { running, nc, depth } = await withServer(bench, '', natsSettings);
    const manager = await nc.jetstreamManager();
    await until('stream made', async () =>
      (await manager.streams.list().next()).some((each) => each.config.name === 'DISPATCHER'),
    );
    await manager.streams.update('DISPATCHER', { max_msgs: 5, discard: DiscardPolicy.New });
    await switchAll(running, 'i');
    await switchAll(running, 'a');
    await until('refused', () => running.said(/event not delivered/).length > 0);
    assert.match(String(running.said(/event not delivered/)[0]?.fields['cause']), /maximum messages exceeded/);
    assert.ok(depth() > 0);
    await manager.streams.update('DISPATCHER', { max_msgs: 1000 });
    await until('delivered', () => depth() === 0);
    assertNothingLost(running, await storedEvents(nc));
  });

  test('without permission to publish no event counts as delivered, and the subject is logged once', async (t) => {
    const users = `authorization { users = [ {user: adm, password: adm},
      {user: sw, password: sw, permissions: { publish: { deny: ["opensips.>"] } } } ] }\n`;
    const login = { user: 'sw', pass: 'sw' };
    const admin = { user: 'adm', pass: 'adm' };
    for (const jetstream of [false, true]) {
      const settings = (url: string) => ({ ...(jetstream ? natsSettings(url) : { servers: [url] }), ...login });
      const { running, depth } = await withServer(new FaultBench(t), users, settings, admin);
      await switchAll(running, 'i');
      await switchAll(running, 'a');
      await until('tried again', () => running.metric('switchyard_outbox_retries_total') >= 20);
      assert.equal(depth(), 20);
      assert.equal(running.metric('switchyard_outbox_published_total'), 0);
      const refusals = running.said(/server refused: publish/).map((line) => line.message);
      assert.deepEqual(refusals, ['NATS server refused: publish opensips.E_DISPATCHER_STATUS.default.1']);
    }
  });
});
