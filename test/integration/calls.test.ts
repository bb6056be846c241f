import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type DaemonProcess, startDaemon } from '../support/daemon-process.js';
import { type Gateway, startCaller, startGateway } from '../support/sip-endpoints.js';
import { haveSipp, runSipp, type SippAnswerer, type SippCallerOptions, startSippUas } from '../support/sipp.js';

type AnswererOptions = Parameters<typeof startSippUas>[0];

interface Case {
  readonly title: string;
  /** The first destination of the set. */
  readonly first: AnswererOptions;
  /** The second destination; default: like the first. */
  readonly second?: AnswererOptions;
  readonly caller: Omit<SippCallerOptions, 'target' | 'service'>;
  /** Variables of the caller's scenario that depend on the port of the second destination. */
  readonly values?: (secondPort: number) => Record<string, number>;
  /** Address the caller sends to. Default 127.0.0.1. */
  readonly via?: string;
}

const MUTE = ['-pause_msg_ign'];
/** Each case has a set of two destinations, chosen in order (algorithm 8), and one SIPp caller. */
const CASES: readonly Case[] = [
  { title: 'a call', first: { scenario: 'uas-answer' }, caller: { scenario: 'uac-call' } },
  { title: 'a re-INVITE', first: { scenario: 'uas-reinvite' }, caller: { scenario: 'uac-reinvite' } },
  { title: 'a reliable provisional reply', first: { scenario: 'uas-prack' }, caller: { scenario: 'uac-prack' } },
  { title: 'CANCEL while ringing', first: { scenario: 'uas-ringing' }, caller: { scenario: 'uac-cancel-ringing' } },
  {
    title: 'CANCEL before any reply of the destination',
    first: { scenario: 'uas-ringing', values: { delay: 200 } },
    caller: { scenario: 'uac-cancel-trying' },
  },
  { title: 'CANCEL after the answer', first: { scenario: 'uas-answer' }, caller: { scenario: 'uac-cancel-answered' } },
  {
    title: 'busy is the callee’s answer, not a failure of the destination',
    first: { scenario: 'uas-reject', values: { status: 486, reason: 'Busy Here' } },
    second: { scenario: 'uas-answer' },
    caller: { scenario: 'uac-rejected', values: { status: 486 } },
  },
  {
    title: 'failover on 503',
    first: { scenario: 'uas-reject' },
    second: { scenario: 'uas-answer' },
    caller: { scenario: 'uac-failover' },
    values: (port) => ({ port }),
  },
  {
    title: 'failover when a destination is silent',
    first: { scenario: 'uas-silent', args: MUTE },
    second: { scenario: 'uas-answer' },
    caller: { scenario: 'uac-failover' },
    values: (port) => ({ port }),
  },
  {
    title: '503 of every destination is 500 to the caller (RFC 3261 section 16.7)',
    first: { scenario: 'uas-reject' },
    caller: { scenario: 'uac-rejected', values: { status: 500 } },
  },
  { title: 'OPTIONS', first: { scenario: 'uas-request' }, caller: { scenario: 'uac-request' } },
  {
    title: 'MESSAGE',
    first: { scenario: 'uas-request', values: { method: 'MESSAGE' } },
    caller: { scenario: 'uac-request', values: { method: 'MESSAGE' } },
  },
  {
    title: 'TCP on both sides, a body of 30 kB',
    first: { scenario: 'uas-answer', transport: 'tcp' },
    caller: { scenario: 'uac-large', transport: 'tcp', values: { padding: 'x'.repeat(30_000) } },
  },
  {
    title: 'from TCP to UDP',
    first: { scenario: 'uas-answer' },
    caller: { scenario: 'uac-call', transport: 'tcp' },
  },
  {
    title: 'IPv6 on both sides',
    first: { scenario: 'uas-answer', host: '::1' },
    caller: { scenario: 'uac-call', host: '::1' },
    via: '[::1]',
  },
];

const skip = (await haveSipp()) ? false : 'SIPp is not installed';
const rule = (match: object, set: number, alg: number) => ({
  match,
  select: { set, alg, flags: 'f' },
  relay: 'stateful',
  failover: { codes: ['408', '503'] },
  record_route: true,
});

describe('calls through the daemon: SIPp', { skip }, () => {
  const answerers: [SippAnswerer, SippAnswerer][] = [];
  let daemon: DaemonProcess;

  before(async () => {
    for (const { first, second } of CASES) {
      answerers.push([await startSippUas(first), await startSippUas(second ?? first)]);
    }
    daemon = await startDaemon({
      destinations: answerers.flatMap((pair, i) => pair.map((answerer) => [i + 1, answerer.uri] as const)),
      transports: ['udp', 'tcp'],
      ipv6: true,
      settings: {
        tm: { fr_timeout: 1, fr_inv_timeout: 30 },
        routing: CASES.map((_case, i) => rule({ $rU: `case${i + 1}` }, i + 1, 8)),
      },
    });
  });

  after(async () => {
    await daemon?.stop();
    await Promise.all(answerers.flat().map((answerer) => answerer.stop()));
  });

  for (const [i, { title, caller, values, via }] of CASES.entries()) {
    test(title, async () => {
      const [, second] = answerers[i] as [SippAnswerer, SippAnswerer];
      const result = await runSipp({
        calls: 2,
        ...caller,
        values: { ...caller.values, ...values?.(second.port) },
        service: `case${i + 1}`,
        target: `${via ?? '127.0.0.1'}:${daemon.port}`,
      });
      assert.deepEqual([result.exitCode, result.ok, result.failed], [0, 2, 0], result.errors.join('\n'));
    });
  }
});

describe('calls through the daemon: endpoints on another stack', () => {
  const gateways: Gateway[] = [];
  let daemon: DaemonProcess;

  before(async () => {
    for (let i = 1; i <= 3; i++) gateways.push(await startGateway({ host: `127.0.0.${20 + i}`, name: `gw${i}` }));
    daemon = await startDaemon({
      destinations: gateways.map((gateway) => [1, gateway.uri] as const),
      settings: { tm: { fr_timeout: 1, fr_inv_timeout: 30 }, routing: [rule({}, 1, 4)] },
    });
  });

  after(async () => {
    for (const gateway of gateways) gateway.kill();
    await daemon?.stop();
  });

  test('a hundred calls at once, spread evenly, each with its route recorded', async () => {
    const caller = await startCaller({ host: '127.0.0.25' });
    const proxy = `sip:127.0.0.1:${daemon.port}`;
    const calls = Array.from({ length: 99 }, (_, i) => caller.placeCall({ ruri: `sip:${i}@acme.example`, proxy }));
    const results = await Promise.all(calls);
    caller.stop();
    for (const result of results) {
      assert.deepEqual([result.status, result.byeStatus], [200, 200]);
      assert.equal(result.routes.length, 1);
      assert.equal(result.routes[0]?.replace(/;dt=[\w-]{28}$/, ''), `${proxy};lr`);
    }
    assert.deepEqual(
      gateways.map((gateway) => gateway.count('INVITE')),
      [33, 33, 33],
    );
    assert.deepEqual(
      gateways.map((gateway) => gateway.activeCalls),
      [0, 0, 0],
    );
  });

  test('no call is lost while a destination is dead and another refuses', async () => {
    gateways[0]?.kill();
    if (gateways[1] !== undefined) gateways[1].answer = () => 503;
    const caller = await startCaller({ host: '127.0.0.25' });
    const proxy = `sip:127.0.0.1:${daemon.port}`;
    const calls = Array.from({ length: 30 }, (_, i) => caller.placeCall({ ruri: `sip:${i}@acme.example`, proxy }));
    const results = await Promise.all(calls);
    caller.stop();
    assert.deepEqual([...new Set(results.map((result) => `${result.status} ${result.gateway}`))], ['200 gw3']);
  });
});
