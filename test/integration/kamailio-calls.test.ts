import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { kamailioOf } from '../../src/engine/kamailio/flavour.js';
import { callsAt, lettersOf, liveOf } from '../../src/engine/kamailio/live.js';
import { type DaemonFixture, startDaemon } from '../support/daemon-fixture.js';
import { type Answer, type Gateway, startCaller, startGateway } from '../support/sip-endpoints.js';
import { until } from '../support/until.js';

const folder = mkdtempSync(join(tmpdir(), 'kamailio-calls-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** The configuration of an example; its list file is replaced, since it names real ports. */
function settingsOf(example: string, list: string, name = 'switchyard.json'): Record<string, unknown> {
  const file = new URL(`../../examples/kamailio/${example}/${name}`, import.meta.url);
  const settings = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown> & {
    partitions: Record<string, unknown>[];
  };
  const path = join(folder, `${example}.list`);
  writeFileSync(path, list);
  const { $schema: _schema, listen: _listen, ...rest } = settings;
  return {
    ...rest,
    partitions: settings.partitions.map(({ $schema: _partitionSchema, ...partition }) => ({
      ...partition,
      db_url: `list:${path}`,
    })),
  };
}

const proxyOf = (daemon: DaemonFixture) => `sip:127.0.0.1:${daemon.sipPort}`;

test('where every destination answers 503, ds_select_routes tries the destinations of its groups once each, in order', async () => {
  const attempts: string[] = [];
  const gateways: Gateway[] = [];
  for (const name of ['d11', 'd12', 'd21', 'd22', 'd31', 'd32']) {
    const answer = (): Answer => {
      attempts.push(name);
      return 503;
    };
    gateways.push(await startGateway({ host: `127.0.0.${name.slice(1)}`, name, answer }));
  }
  const list = gateways.map(({ name, uri }) => `${name.charAt(1)} ${uri} 0 0 duid=${name}\n`).join('');
  const fixture = await startDaemon(settingsOf('mailing-list', list), {});
  const caller = await startCaller({ host: '127.0.0.61' });
  try {
    const first = ['d22', 'd21', 'd12', 'd11', 'd32', 'd31'];
    const second = ['d21', 'd22', 'd11', 'd12', 'd31', 'd32'];
    for (const expected of [first, second]) {
      attempts.length = 0;
      const call = await caller.placeCall({ ruri: 'sip:bob@biloxi.example.com', proxy: proxyOf(fixture) });
      assert.equal(call.status, 500);
      assert.deepEqual(attempts, expected);
    }
    // The call may name the groups.
    attempts.length = 0;
    const headers = { 'x-groups': '3=8;9=8;1=8' };
    await caller.placeCall({ ruri: 'sip:bob@biloxi.example.com', proxy: proxyOf(fixture), headers });
    assert.deepEqual(attempts, ['d32', 'd31', 'd12', 'd11']);
    (gateways[0] as Gateway).answer = () => 200;
    const call = await caller.placeCall({ ruri: 'sip:bob@biloxi.example.com', proxy: proxyOf(fixture) });
    assert.equal(call.gateway, 'd11');
  } finally {
    caller.stop();
    await fixture.stop();
    for (const gateway of gateways) gateway.kill();
  }
});

test('where every destination answers 503, a route script tries each by ds_next_dst in its failure route, and then answers', async () => {
  const attempts: string[] = [];
  const gateways: Gateway[] = [];
  const answering =
    (name: string, status: number) =>
    ({ method }: { method: string }): Answer => {
      if (method === 'INVITE') attempts.push(name);
      return method === 'INVITE' ? (status as Answer) : 200;
    };
  for (const name of ['d11', 'd12', 'd21', 'd22', 'd31', 'd32']) {
    gateways.push(await startGateway({ host: `127.0.0.${name.slice(1)}`, name, answer: answering(name, 503) }));
  }
  const list = gateways.map(({ name, uri }) => `${name.charAt(1)} ${uri} 0 0 duid=${name}\n`).join('');
  const route = new URL('../../examples/kamailio/mailing-list/route.js', import.meta.url);
  const settings = { ...settingsOf('mailing-list', list, 'script.json'), route_script: fileURLToPath(route) };
  const fixture = await startDaemon(settings, {});
  const caller = await startCaller({ host: '127.0.0.61' });
  const call = (headers: Record<string, string> = {}) => {
    attempts.length = 0;
    return caller.placeCall({ ruri: 'sip:bob@biloxi.example.com', proxy: proxyOf(fixture), headers });
  };
  try {
    const first = ['d22', 'd21', 'd12', 'd11', 'd32', 'd31'];
    const second = ['d21', 'd22', 'd11', 'd12', 'd31', 'd32'];
    for (const expected of [first, second, first]) {
      assert.equal((await call()).status, 503);
      assert.deepEqual(attempts, expected);
    }
    assert.deepEqual([(await call({ 'x-groups': '9=8' })).status, attempts], [503, []]);
    await call({ 'x-groups': '3=8;9=8;1=8' });
    assert.deepEqual(attempts, ['d32', 'd31', 'd12', 'd11']);
    (gateways[0] as Gateway).answer = answering('d11', 200);
    const answered = await call({ 'x-groups': '2=8;1=8' });
    assert.deepEqual([answered.gateway, answered.byeStatus], ['d11', 200]);
    assert.deepEqual(attempts, ['d22', 'd21', 'd12', 'd11']);
    assert.deepEqual(fixture.logged(/route script failed/), []);
  } finally {
    caller.stop();
    await fixture.stop();
    for (const gateway of gateways) gateway.kill();
  }
});

describe('call load is counted without functions in the script', () => {
  test('for answered, ended, refused, failed over and cancelled calls', async () => {
    const one = await startGateway({ host: '127.0.0.41', name: 'gw1' });
    const two = await startGateway({ host: '127.0.0.42', name: 'gw2' });
    const list = `100 ${one.uri} 0 50 duid=1\n100 ${two.uri} 0 50 duid=2\n`;
    const fixture = await startDaemon(settingsOf('call-load-30-gateways', list), {});
    const caller = await startCaller({ host: '127.0.0.62' });
    const partition = fixture.daemon.engine.partition('media');
    const loads = (): number[] =>
      [one, two].map(({ uri }) => {
        const destination = partition?.find(100, uri);
        return destination === undefined ? -1 : callsAt(liveOf(destination));
      });
    const call = (over: object = {}) =>
      caller.placeCall({ ruri: 'sip:bob@example.com', proxy: proxyOf(fixture), ...over });
    try {
      const held = [call({ holdMs: 600 }), call({ holdMs: 600 }), call({ holdMs: 600 })];
      await until('three calls count', () => loads().reduce((a, b) => a + b, 0) === 3);
      assert.deepEqual(loads(), [1, 2]);
      for (const result of await Promise.all(held)) assert.equal(result.byeStatus, 200);
      await until('nothing counts after the BYEs', () => loads().every((load) => load === 0));

      one.answer = two.answer = () => 486;
      assert.equal((await call()).status, 486);
      await until('a refused call counts no longer', () => (partition && kamailioOf(partition))?.calls.size === 0);

      two.answer = () => 503;
      one.answer = () => 200;
      const moved = call({ holdMs: 300 });
      await until('the call counts where it went', () => loads().join() === '1,0');
      assert.equal((await moved).gateway, 'gw1');
      await until('and then no longer', () => loads().join() === '0,0');

      one.answer = two.answer = () => 503;
      assert.equal((await call()).status, 500);
      await until('nobody took it: it does not count', () => loads().join() === '0,0');

      one.answer = two.answer = () => ({ status: 200, ringMs: 5000 });
      const cancelled = await call({ cancelOn: 180 });
      assert.equal(cancelled.status, 487);
      await until('a cancelled call counts no longer', () => loads().join() === '0,0');
      assert.equal((partition && kamailioOf(partition))?.calls.size, 0);
    } finally {
      caller.stop();
      await fixture.stop();
      one.kill();
      two.kill();
    }
  });
});

test('a media gateway that stops answering is found by probes; calls go to the other until it answers again', async () => {
  const mg1 = await startGateway({ host: '127.0.0.51', name: 'mg1' });
  const mg2 = await startGateway({ host: '127.0.0.52', name: 'mg2' });
  const settings = settingsOf('media-gateways-failover', `1 ${mg2.uri}\n1 ${mg1.uri}\n`);
  const fixture = await startDaemon(
    {
      ...settings,
      modparam: {
        ...(settings['modparam'] as object),
        ds_ping_interval: 1,
        ds_ping_timeout: 0.3,
        ds_probing_threshold: 2,
        ds_inactive_threshold: 2,
      },
    },
    {},
  );
  const events: string[] = [];
  fixture.daemon.onEvent((event) => events.push(JSON.stringify(event)));
  const caller = await startCaller({ host: '127.0.0.63' });
  const partition = fixture.daemon.engine.partition('gateways');
  const letters = (gateway: Gateway): string => {
    const destination = partition?.find(1, gateway.uri);
    return destination === undefined ? '' : lettersOf(destination);
  };
  const call = () => caller.placeCall({ ruri: 'sip:bob@example.com', proxy: proxyOf(fixture) });
  try {
    await until('both are active and probed', () => letters(mg1) === 'AP' && letters(mg2) === 'AP');
    assert.deepEqual([(await call()).gateway, (await call()).gateway], ['mg1', 'mg2']);
    mg1.answer = () => 503;
    await until('the first bad answer is noted', () => letters(mg1) === 'TP');
    await until('the second switches it off', () => letters(mg1) === 'IP');
    for (let i = 0; i < 3; i++) assert.equal((await call()).gateway, 'mg2');
    assert.equal(events.filter((event) => event.includes('inactive')).length, 1);
    mg1.answer = () => 200;
    await until('two good answers bring it back', () => letters(mg1) === 'AP');
    assert.deepEqual(new Set([(await call()).gateway, (await call()).gateway]), new Set(['mg1', 'mg2']));
    const destination = partition?.find(1, mg1.uri);
    assert.ok(destination !== undefined && (liveOf(destination).latency?.count ?? 0) > 0);
  } finally {
    caller.stop();
    await fixture.stop();
    mg1.kill();
    mg2.kill();
  }
});
