import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { type Caller, type Gateway, type GatewayOptions, startCaller, startGateway } from '../support/sip-endpoints.js';

const open: (Caller | Gateway)[] = [];

async function pair(answer?: GatewayOptions['answer']): Promise<{ caller: Caller; gateway: Gateway }> {
  const gateway = await startGateway({
    host: '127.0.0.12',
    name: 'gw one',
    ...(answer === undefined ? {} : { answer }),
  });
  const caller = await startCaller({ host: '127.0.0.13' });
  open.push(gateway, caller);
  return { caller, gateway };
}

afterEach(() => {
  for (const endpoint of open.splice(0)) {
    if ('kill' in endpoint) endpoint.kill();
    else endpoint.stop();
  }
});

test('endpoints: two hundred calls over one port, fifty at once', async () => {
  const { caller, gateway } = await pair(() => ({ status: 200, ringMs: 20 }));
  const call = (i: number) => caller.placeCall({ ruri: `sip:${i}@${gateway.host}:${gateway.port}` });
  const results: Awaited<ReturnType<typeof call>>[] = [];
  // Fifty at a time: the messages of all of them must fit into the receive buffer of a socket whose process is not
  // scheduled.
  for (let first = 0; first < 200; first += 50) {
    results.push(...(await Promise.all(Array.from({ length: 50 }, (_, i) => call(first + i)))));
  }
  for (const result of results) {
    assert.deepEqual([result.status, result.byeStatus, result.gateway], [200, 200, 'gw one']);
    // A provisional reply is not retransmitted: it is lost when a socket buffer is full.
    assert.ok(result.provisional.every((code) => code === 180) && result.provisional.length <= 1);
  }
  assert.ok(results.some((result) => result.provisional.length === 1));
  assert.equal(new Set(results.map((result) => result.callId)).size, 200);
  assert.deepEqual(
    ['INVITE', 'BYE'].map((method) => gateway.count(method)),
    [200, 200],
  );
  assert.ok(gateway.count('ACK') >= 200);
  assert.equal(gateway.activeCalls, 0);
});

test('endpoints: branches are unique, also where the sip package would repeat one', async () => {
  const { caller, gateway } = await pair(() => 486);
  await Promise.all(Array.from({ length: 300 }, () => caller.placeCall({ ruri: gateway.uri })));
  const branches = gateway.requests
    .filter((request) => request.method === 'INVITE')
    .map((request) => request.headers.via?.[0]?.params['branch']);
  assert.equal(new Set(branches).size, 300);
});

test('endpoints: a refused call has the status of the reply', async () => {
  const answers: Record<string, number> = { busy: 486, down: 503, gone: 404 };
  const { caller, gateway } = await pair((request) => answers[String(request.uri).slice(4).split('@')[0] ?? ''] ?? 200);
  for (const [user, status] of Object.entries(answers)) {
    const result = await caller.placeCall({ ruri: `sip:${user}@${gateway.host}:${gateway.port}` });
    assert.deepEqual([result.status, result.byeStatus, result.gateway], [status, 0, '']);
  }
});

test('endpoints: a ringing call is cancelled', async () => {
  const { caller, gateway } = await pair(() => ({ status: 200, ringMs: 60_000 }));
  const result = await caller.placeCall({ ruri: gateway.uri, cancelOn: 180 });
  assert.deepEqual([result.status, result.provisional, gateway.count('CANCEL')], [487, [180], 1]);
});

test('endpoints: a call sent by way of a proxy address carries no Route', async () => {
  const { caller, gateway } = await pair();
  const result = await caller.placeCall({ ruri: 'sip:1@nowhere.example', proxy: gateway.uri, from: 'alice' });
  assert.equal(result.status, 200);
  const invite = gateway.requests.find((request) => request.method === 'INVITE');
  assert.equal(invite?.uri, 'sip:1@nowhere.example');
  assert.equal(invite?.headers.route, undefined);
  assert.match(String(invite?.headers.from?.uri), /^sip:alice@/);
});

test('endpoints: a gateway that is killed is silent, and answers again when revived', async () => {
  const { caller, gateway } = await pair();
  gateway.kill();
  const lost = await caller.placeCall({ ruri: gateway.uri, timeoutMs: 200 });
  assert.equal(lost.status, 0);
  assert.equal(gateway.alive, false);
  await gateway.revive();
  assert.equal((await caller.placeCall({ ruri: gateway.uri })).status, 200);
});

test('endpoints: a gateway answers OPTIONS as it is configured, or not at all', async () => {
  const { caller, gateway } = await pair();
  assert.equal((await caller.sendRequest('OPTIONS', { ruri: gateway.uri })).status, 200);
  gateway.answer = () => '503';
  assert.equal((await caller.sendRequest('OPTIONS', { ruri: gateway.uri })).status, 503);
  gateway.answer = () => 'silent';
  assert.equal((await caller.sendRequest('OPTIONS', { ruri: gateway.uri, timeoutMs: 150 })).status, 0);
  assert.equal(gateway.count('OPTIONS') >= 3, true);
});

test('endpoints: a port in use is an error that names the port', async () => {
  const { gateway } = await pair();
  await assert.rejects(
    startGateway({ host: gateway.host, port: gateway.port, name: 'second' }),
    new RegExp(`cannot listen on udp:${gateway.host}:${gateway.port}`),
  );
});
