import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DaemonProcess, startDaemon } from '../support/daemon-process.js';
import { freePort } from '../support/ports.js';
import { type Caller, type CallResult, type Gateway, startCaller, startGateway } from '../support/sip-endpoints.js';
import { haveSipp, runSipp, type SippAnswerer, startSippUas } from '../support/sipp.js';

const skip = (await haveSipp()) ? false : 'SIPp is not installed';
const rule = (match: object, set: number, alg: number, failover: object = { codes: ['408', '503'] }) => ({
  match,
  select: { set, alg, flags: 'f' },
  relay: 'stateful',
  failover,
  record_route: true,
});

describe('destinations that cannot be reached', { skip }, () => {
  let daemon: DaemonProcess;
  const answerers: SippAnswerer[] = [];

  before(async () => {
    answerers.push(
      await startSippUas({ scenario: 'uas-answer', transport: 'tcp' }),
      await startSippUas({ scenario: 'uas-answer', transport: 'tcp', host: '::1' }),
      await startSippUas({ scenario: 'uas-answer' }),
      await startSippUas({ scenario: 'uas-reject' }),
      await startSippUas({ scenario: 'uas-reject' }),
    );
    const uris = answerers.map((each) => each.uri);
    const [tcp, tcp6, udp, down, alsoDown] = uris as [string, string, string, string, string];
    const refused = `sip:127.0.0.1:${await freePort()};transport=tcp`;
    daemon = await startDaemon({
      destinations: [
        [1, refused],
        [1, tcp],
        [2, tcp6],
        [3, 'sip:no-such-host.invalid'],
        [3, udp],
        [4, down],
        [4, alsoDown],
        [4, udp],
      ],
      transports: ['udp', 'tcp'],
      ipv6: true,
      settings: {
        tm: { fr_timeout: 20 },
        routing: [
          rule({ $rU: 'refused' }, 1, 8),
          rule({ $rU: 'six' }, 2, 8),
          rule({ $rU: 'unknown' }, 3, 8),
          rule({ $rU: 'bounded' }, 4, 8, { codes: ['503'], max: 2 }),
        ],
      },
    });
  });

  after(async () => {
    await daemon?.stop();
    await Promise.all(answerers.map((each) => each.stop()));
  });

  const call = (service: string, scenario: string, values: Record<string, number> = {}) =>
    runSipp({ scenario, values, service, calls: 3, target: `127.0.0.1:${daemon.port}` });

  test('after a refused TCP connection the next destination is tried; the caller uses UDP', async () => {
    const result = await call('refused', 'uac-failover', { port: answerers[0]?.port ?? 0 });
    assert.deepEqual([result.ok, result.failed], [3, 0], result.errors.join('\n'));
    assert.ok(result.responseMs < 10_000, 'without waiting for fr_timeout');
  });

  test('a call over TCP and IPv6 on both sides', async () => {
    const result = await runSipp({
      scenario: 'uac-call',
      service: 'six',
      transport: 'tcp',
      host: '::1',
      calls: 3,
      target: `[::1]:${daemon.port}`,
    });
    assert.deepEqual([result.ok, result.failed], [3, 0], result.errors.join('\n'));
  });

  test('after a name that does not resolve the next destination is tried', async () => {
    const result = await call('unknown', 'uac-failover', { port: answerers[2]?.port ?? 0 });
    assert.deepEqual([result.ok, result.failed], [3, 0], result.errors.join('\n'));
  });

  test('failover.max bounds the number of destinations tried', async () => {
    const result = await call('bounded', 'uac-rejected', { status: 500 });
    assert.deepEqual([result.ok, result.failed], [3, 0], result.errors.join('\n'));
  });
});

describe('a gateway that dies while calls are set up', () => {
  let daemon: DaemonProcess;
  const gateways: Gateway[] = [];
  let caller: Caller;

  before(async () => {
    for (let i = 1; i <= 3; i++) gateways.push(await startGateway({ host: `127.0.0.${40 + i}`, name: `gw${i}` }));
    caller = await startCaller({ host: '127.0.0.45' });
    daemon = await startDaemon({
      destinations: gateways.map((each) => [1, each.uri] as const),
      settings: {
        tm: { fr_timeout: 1 },
        routing: [rule({}, 1, 4, { codes: ['408', '503'], mark: 'p' })],
      },
    });
  });

  after(async () => {
    caller?.stop();
    for (const gateway of gateways) gateway.kill();
    await daemon?.stop();
  });

  test('all of two hundred calls succeed', async () => {
    const [first] = gateways as [Gateway];
    // It fails with unanswered calls; another gateway must answer them.
    const unanswered = new Set<string>();
    first.answer = (request) => {
      if (first.count('INVITE') === 20) setImmediate(() => first.kill());
      if (first.count('INVITE') <= 10) return 200;
      unanswered.add(String(request.headers['call-id']));
      return 'silent';
    };
    const proxy = `sip:127.0.0.1:${daemon.port}`;
    const calls: Promise<CallResult>[] = [];
    for (let i = 0; i < 200; i++) {
      calls.push(caller.placeCall({ ruri: `sip:${i}@acme.example`, proxy, timeoutMs: 6000 }));
      // A single burst would overflow the endpoints' socket buffers, and a failed gateway does not retransmit a lost
      // 2xx.
      if (i % 4 === 3) await sleep(5);
    }
    const results = await Promise.all(calls);
    assert.deepEqual([...new Set(results.map((each) => each.status))], [200]);
    assert.ok(!first.alive);
    assert.ok(first.count('INVITE') >= 20);
    // Either a retransmission gets an ICMP error from the closed port, or fr_timeout expires.
    const moved = results.filter((each) => unanswered.has(each.callId));
    assert.ok(moved.length >= 10, 'calls that were with the dead gateway went on to another');
    assert.ok(moved.every((each) => each.gateway === 'gw2' || each.gateway === 'gw3'));
    // The first failure marked it: it gets no more calls.
    const after = first.count('INVITE');
    const more = await Promise.all(
      Array.from({ length: 20 }, (_, i) => caller.placeCall({ ruri: `sip:m${i}@acme.example`, proxy })),
    );
    assert.deepEqual([...new Set(more.map((each) => each.status))], [200]);
    assert.equal(first.count('INVITE'), after);
  });
});
