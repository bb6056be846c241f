import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type DaemonFixture, startDaemon } from '../support/daemon-fixture.js';
import { type Answer, type Caller, type Gateway, startCaller, startGateway } from '../support/sip-endpoints.js';
import { until } from '../support/until.js';

const folder = mkdtempSync(join(tmpdir(), 'kamailio-forking-'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Stage {
  readonly gateways: Readonly<Record<string, Gateway>>;
  readonly fixture: DaemonFixture;
  readonly caller: Caller;
  /** Names in the order in which INVITEs arrived. */
  readonly attempts: string[];
  call(over?: object): ReturnType<Caller['placeCall']>;
}

/** Groups 1 and 2 with two destinations each, d11 to d22, and a daemon with additional `settings`. */
async function onStage(
  hosts: number,
  settings: Record<string, unknown>,
  run: (stage: Stage) => Promise<void>,
): Promise<void> {
  const attempts: string[] = [];
  const gateways: Record<string, Gateway> = {};
  const open: { kill(): void }[] = [];
  try {
    for (const [i, name] of ['d11', 'd12', 'd21', 'd22'].entries()) {
      const gateway = await startGateway({ host: `127.0.0.${hosts + i}`, name });
      gateway.answer = answering(attempts, name, 200);
      gateways[name] = gateway;
      open.push(gateway);
    }
    const list = join(folder, `${hosts}.list`);
    writeFileSync(
      list,
      Object.values(gateways)
        .map(({ name, uri }) => `${name.charAt(1)} ${uri} 0 0 duid=${name}\n`)
        .join(''),
    );
    const fixture = await startDaemon({ partitions: [{ name: 'default', db_url: `list:${list}` }], ...settings }, {});
    const caller = await startCaller({ host: `127.0.0.${hosts + 9}` });
    const proxy = `sip:127.0.0.1:${fixture.sipPort}`;
    const call = (over: object = {}) => caller.placeCall({ ruri: 'sip:bob@biloxi.example.com', proxy, ...over });
    try {
      await run({ gateways, fixture, caller, attempts, call });
    } finally {
      caller.stop();
      await fixture.stop();
    }
  } finally {
    for (const each of open) each.kill();
  }
}

/** Records each INVITE, then answers. */
function answering(attempts: string[], name: string, answer: number | Answer) {
  return ({ method }: { method: string }): Answer => {
    if (method === 'INVITE') attempts.push(name);
    return method === 'INVITE' ? (answer as Answer) : 200;
  };
}

const parallel = (rules: string, fn = 'dst') => ({
  modparam: { flags: 2 },
  routing: [
    {
      select: { partition: 'default', rules, fn },
      failover: { codes: ['408', '5xx'], mark: 'i' },
      reject: { code: 503 },
    },
  ],
});

describe('rules with algorithm 12', () => {
  test('all destinations of a group ring; the first that answers gets the call, and the others are cancelled', async () => {
    await onStage(71, parallel('1=12'), async ({ gateways, attempts, call }) => {
      const { d11, d12 } = gateways as { d11: Gateway; d12: Gateway };
      d12.answer = answering(attempts, 'd12', { status: 200, ringMs: 5000 });
      const result = await call();
      assert.deepEqual([result.status, result.gateway], [200, 'd11']);
      assert.deepEqual(attempts.toSorted(), ['d11', 'd12']);
      await until('the one that rang is cancelled', () => d12.count('CANCEL') === 1);
      assert.equal(d11.count('CANCEL'), 0);
    });
  });

  test('after a group has failed the next is tried; only destinations that failed are marked', async () => {
    await onStage(71, parallel('1=12;2=8', 'domain'), async ({ gateways, fixture, attempts, call }) => {
      for (const name of ['d11', 'd12']) (gateways[name] as Gateway).answer = answering(attempts, name, 503);
      const result = await call();
      assert.deepEqual([result.status, result.gateway], [200, 'd22']);
      assert.deepEqual([attempts.slice(0, 2).toSorted(), attempts.slice(2)], [['d11', 'd12'], ['d22']]);
      const states = Object.fromEntries(
        Object.entries(gateways).map(([name, { uri }]) => [
          name,
          fixture.daemon.engine.partition('')?.find(Number(name.charAt(1)), uri)?.health.state,
        ]),
      );
      assert.deepEqual(states, { d11: 'inactive', d12: 'inactive', d21: 'active', d22: 'active' });
      const [host] = (gateways['d11'] as Gateway).uri.replace('sip:', '').split(';');
      const seen = (gateways['d11'] as Gateway).requests.find((each) => each.method === 'INVITE');
      assert.equal(seen?.uri, `sip:bob@${host}`);
    });
  });

  test('no branch is sent to a destination that is down', async () => {
    await onStage(71, parallel('1=12'), async ({ gateways, fixture, attempts, call }) => {
      const { uri } = gateways['d11'] as Gateway;
      const destination = fixture.daemon.engine.partition('')?.find(1, uri);
      assert.ok(destination);
      fixture.daemon.engine.states.apply({ destination, kind: 'set', to: 'inactive', origin: 'mi', reason: 'test' });
      assert.equal((await call()).gateway, 'd12');
      assert.deepEqual(attempts, ['d12']);
    });
  });
});

test('a route script forks to the branches it appends, the branch route runs for each', async () => {
  const script = join(folder, 'forking.js');
  const hosts = [76, 77, 78].map((host) => `127.0.0.${host}`);
  const gateways: Gateway[] = [];
  for (const host of hosts) gateways.push(await startGateway({ host, name: host }));
  const [one, two, three] = gateways as [Gateway, Gateway, Gateway];
  writeFileSync(
    script,
    `export const routes = {
      request(r) {
        if (r.has_totag()) { r.loose_route(); r.t_relay(); return; }
        r.record_route();
        r.set('$du', '${one.uri}');
        r.append_branch('sip:second@${two.host}:${two.port}');
        r.set('$branch', 'sip:third@${three.host}:${three.port}');
        r.t_on_branch('EACH');
        r.t_on_failure('NEXT');
        r.t_relay();
      },
      branch: { EACH(r) { r.append_hf('X-Branch: $T_branch_idx\\r\\n'); } },
      failure: { NEXT(r) { r.send_reply(480, 'failed with ' + r.code); } },
    };
`,
  );
  const list = join(folder, 'none.list');
  writeFileSync(list, `1 ${one.uri}\n`);
  const fixture = await startDaemon(
    { partitions: [{ name: 'default', db_url: `list:${list}` }], route_script: script },
    {},
  );
  const caller = await startCaller({ host: '127.0.0.79' });
  const call = () =>
    caller.placeCall({ ruri: 'sip:bob@biloxi.example.com', proxy: `sip:127.0.0.1:${fixture.sipPort}` });
  try {
    one.answer = three.answer = () => ({ status: 200, ringMs: 5000 });
    const answered = await call();
    assert.deepEqual([answered.status, answered.gateway, answered.byeStatus], [200, two.name, 200]);
    await until('the others are cancelled', () => one.count('CANCEL') === 1 && three.count('CANCEL') === 1);
    const seen = gateways.map((each) => {
      const invite = each.requests.find(({ method }) => method === 'INVITE');
      return [invite?.uri, invite?.headers['x-branch']];
    });
    assert.deepEqual(seen, [
      ['sip:bob@biloxi.example.com', '0'],
      [`sip:second@${two.host}:${two.port}`, '1'],
      [`sip:third@${three.host}:${three.port}`, '2'],
    ]);
    one.answer = () => 503;
    two.answer = () => 404;
    three.answer = () => ({ status: 486, delayMs: 50 });
    const failed = await call();
    // The failure route runs once, for the best of the three replies.
    assert.deepEqual([failed.status, failed.reason], [480, 'failed with 404']);
  } finally {
    caller.stop();
    await fixture.stop();
    for (const each of gateways) each.kill();
  }
});
