import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type DaemonProcess, startDaemon } from '../support/daemon-process.js';
import { type Caller, type Gateway, startCaller, startGateway } from '../support/sip-endpoints.js';

/** Gateways by their role; each on its own address. */
const NAMES = ['redirector', 'again', 'busy', 'good', 'spare'] as const;
const SCRIPT = `
export const routes = {
  request(r) {
    if (r.loose_route()) return r.t_relay();
    if (!r.ds_select_dst(1, 8, 'f')) return r.send_reply(503, 'No destinations');
    r.record_route();
    r.t_on_failure('next');
    r.t_relay();
  },
  failure: {
    next(r) {
      if (!r.get_redirects(1)) return;
      r.t_on_failure('next');
      r.t_relay();
    },
  },
};
`;

describe('redirecting gateways', () => {
  const gateways = {} as Record<(typeof NAMES)[number], Gateway>;
  let caller: Caller;
  let daemon: DaemonProcess;
  let scripted: DaemonProcess;
  let folder: string;

  before(async () => {
    for (const [i, name] of NAMES.entries()) gateways[name] = await startGateway({ host: `127.0.0.${51 + i}`, name });
    const { redirector, again, busy, spare } = gateways;
    busy.answer = () => 486;
    caller = await startCaller({ host: '127.0.0.50' });
    const rule = (user: string, more: object, set = 1) => ({
      match: { $rU: user },
      select: { set, alg: 8, flags: 'f' },
      record_route: true,
      ...more,
    });
    daemon = await startDaemon({
      destinations: [
        [1, redirector.uri],
        [1, spare.uri],
        [2, again.uri],
      ],
      settings: {
        tm: { fr_timeout: 1 },
        routing: [
          rule('followed', { redirects: { follow: true } }),
          rule('bounded', { redirects: { follow: true, max: 2 } }),
          rule('onward', { redirects: { follow: true }, failover: { codes: ['486', '503'] } }),
          rule('elsewhere', { redirects: { follow: true } }, 2),
          rule('failover', { failover: { codes: ['3xx'] } }),
          rule('kept', {}),
        ],
      },
    });
    folder = await mkdtemp(join(tmpdir(), 'switchyard-redirects-'));
    writeFileSync(join(folder, 'route.mjs'), SCRIPT);
    scripted = await startDaemon({
      destinations: [[1, redirector.uri]],
      settings: { route_script: join(folder, 'route.mjs'), tm: { fr_timeout: 1 } },
    });
  });

  beforeEach(() => {
    for (const gateway of Object.values(gateways)) gateway.requests.length = 0;
  });

  after(async () => {
    caller?.stop();
    for (const gateway of Object.values(gateways)) gateway.kill();
    await Promise.all([daemon?.stop(), scripted?.stop()]);
    await rm(folder, { recursive: true, force: true });
  });

  const call = (user: string, by = daemon) =>
    caller.placeCall({ ruri: `sip:${user}@example.com`, proxy: `sip:127.0.0.1:${by.port}` });
  /** Makes a gateway redirect to these Contacts, with the q of each. */
  const redirects = (from: Gateway, ...to: readonly (readonly [string, number])[]) => {
    from.answer = () => ({
      status: 302,
      headers: { contact: to.map(([uri, q]) => ({ uri, params: { q: String(q), expires: '0' } })) },
    });
  };
  const invites = (gateway: Gateway) =>
    gateway.requests.filter((each) => each.method === 'INVITE').map((each) => String(each.uri));
  const at = (gateway: Gateway, user: string) => `sip:${user}@${gateway.host}:${gateway.port}`;

  test('contacts that are followed are tried by falling q until one answers the call', async () => {
    const { redirector, busy, good, spare } = gateways;
    redirects(redirector, [at(good, 'new'), 0.2], [at(busy, 'first'), 0.7]);
    const result = await call('followed');
    assert.deepEqual([result.status, result.gateway, result.byeStatus], [200, 'good', 200]);
    assert.deepEqual([invites(busy), invites(good)], [[at(busy, 'first')], [at(good, 'new')]]);
    assert.deepEqual(invites(spare), []);
    assert.ok(
      good.requests.some((each) => each.method === 'BYE'),
      'by the route that was recorded',
    );
  });

  test('a redirection that is not followed is sent to the caller, with its Contacts', async () => {
    const { redirector, good } = gateways;
    redirects(redirector, [at(good, 'new'), 0.2]);
    const result = await call('kept');
    assert.deepEqual([result.status, invites(good)], [302, []]);
  });

  test('a redirection whose code is a failover code leads to the next destination, and its Contacts are not used', async () => {
    const { redirector, good } = gateways;
    redirects(redirector, [at(good, 'new'), 0.2]);
    const result = await call('failover');
    assert.deepEqual([result.status, result.gateway, invites(good)], [200, 'spare', []]);
  });

  test('when all targets fail the best failure is returned; a failover code of the last Contact leads to the next destination', async () => {
    const { redirector, busy } = gateways;
    redirects(redirector, [at(busy, 'a'), 0.3], [at(busy, 'b'), 0.2]);
    assert.equal((await call('followed')).status, 486);
    assert.deepEqual(invites(busy), [at(busy, 'a'), at(busy, 'b')]);
    const result = await call('onward');
    assert.deepEqual([result.status, result.gateway], [200, 'spare']);
  });

  test('of two gateways that redirect to each other each URI is tried once', async () => {
    const { redirector, again } = gateways;
    redirects(redirector, [at(again, 'x'), 1]);
    redirects(again, [at(redirector, 'y'), 1], [at(again, 'x'), 1]);
    const result = await call('followed');
    assert.deepEqual([invites(redirector).length, invites(again)], [2, [at(again, 'x')]]);
    assert.equal(result.status, 302, 'the last redirection, since nothing of it was left to follow');
  });

  test('no more Contacts than the limit are tried; the others stay in the reply', async () => {
    const { redirector, busy } = gateways;
    redirects(
      redirector,
      [at(busy, 'a'), 0.3],
      [at(busy, 'b'), 0.2],
      [at(busy, 'c'), 0.1],
      ['mailto:x@example.com', 1],
    );
    const result = await call('bounded');
    assert.deepEqual([result.status, invites(busy)], [302, [at(busy, 'a'), at(busy, 'b')]]);
  });

  test('a redirection to the proxy itself is routed by its rules like any request', async () => {
    const { redirector, again } = gateways;
    redirects(redirector, [`sip:elsewhere@127.0.0.1:${daemon.port}`, 1]);
    again.answer = () => 200;
    const result = await call('followed');
    assert.deepEqual([result.status, result.gateway, result.byeStatus], [200, 'again', 200]);
  });

  test('a request that came back to the proxy follows no redirection: only its first pass does', async () => {
    const { redirector, again, busy } = gateways;
    const back = Array.from({ length: 5 }, (_, i) => [`sip:elsewhere@127.0.0.1:${daemon.port};n=${i}`, 1] as const);
    redirects(redirector, ...back);
    redirects(again, ...back, [at(busy, 'never'), 0.1]);
    await call('followed');
    assert.equal(invites(again).length, 5);
    assert.deepEqual(invites(busy), []);
  });

  test('a script uses the Contacts one by one', async () => {
    const { redirector, busy, good } = gateways;
    redirects(redirector, [at(good, 'new'), 0.2], [at(busy, 'first'), 0.7]);
    const result = await call('x', scripted);
    assert.deepEqual([result.status, result.gateway, result.byeStatus], [200, 'good', 200]);
    assert.deepEqual([invites(busy), invites(good)], [[at(busy, 'first')], [at(good, 'new')]]);
    assert.equal(scripted.log(), '');
  });
});
