import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LocalSockets } from '../../../src/sip/local-sockets.js';
import { Originator, type OwnOutcome, type OwnRequest } from '../../../src/sip/originate.js';
import { Resolver } from '../../../src/sip/resolve.js';
import { UnopenedSocket } from '../../../src/sip/transport/unopened.js';
import { countingRandom, layerFixture, parsed, replyTo, sourceOf } from '../../support/sip-recorder.js';

/** An OPTIONS to a name with these addresses. */
async function probing(addresses: readonly string[], aaaa: readonly string[] = []) {
  const fixture = layerFixture();
  const { clock, layer, udp } = fixture;
  const none = () => Promise.reject(new Error('none'));
  const records = (all: readonly string[]) => async () => all.map((address) => ({ address, ttl: 60 }));
  const dns = { naptr: none, srv: none, system: none, a: records(addresses), aaaa: records(aaaa) };
  const resolver = new Resolver(clock, countingRandom(), dns);
  const originator = new Originator(layer, new LocalSockets([udp]), resolver, countingRandom(), 'test');
  const outcomes: OwnOutcome[] = [];
  const cancel = originator.send(
    { method: 'OPTIONS', uri: 'sip:gw.example.com:5060', from: 'sip:p@x', maxForwards: 70, timeoutMs: 3000 },
    (outcome) => outcomes.push(outcome),
  );
  await clock.advanceAsync(0);
  /** Targets of sent messages, without retransmissions. */
  const targets = () => [...new Set(udp.sent.map(({ address }) => address))];
  const answer = (status: number) => layer.receive(replyTo(udp.sent.at(-1)?.text ?? '', status), sourceOf(udp, 'x'));
  return { ...fixture, cancel, outcomes, targets, answer };
}

describe('a name with several addresses', () => {
  test('without a reply each address gets its share of the time', async () => {
    const { clock, targets, outcomes, answer, udp } = await probing(['192.0.2.1', '192.0.2.2']);
    clock.advance(1480);
    assert.deepEqual(targets(), ['192.0.2.1']);
    clock.advance(60);
    assert.deepEqual(targets(), ['192.0.2.1', '192.0.2.2']);
    clock.advance(100);
    answer(200);
    const since = udp.sent.find(({ address }) => address === '192.0.2.2')?.at ?? 0;
    assert.deepEqual(outcomes, [{ code: 200, reason: 'Reason', rtt: clock.monotonic() - since }]);
    assert.ok(clock.monotonic() - since <= 160, 'counted from the second one');
    const branches = udp.sent.map(({ text }) => parsed(text).via?.branch);
    assert.equal(new Set(branches).size, 2);
  });

  test('after 503 and transport errors the next address is tried at once; other replies end the request', async () => {
    const { targets, outcomes, answer, udp } = await probing(['192.0.2.1', '192.0.2.2', '192.0.2.3']);
    answer(503);
    udp.sent.at(-1)?.fail({ cause: 'refused', message: 'ECONNREFUSED' });
    assert.deepEqual([targets(), outcomes], [['192.0.2.1', '192.0.2.2', '192.0.2.3'], []]);
    answer(486);
    assert.deepEqual(
      outcomes.map(({ code }) => code),
      [486],
    );
  });

  test('the result of the last address counts', async () => {
    const { clock, outcomes, answer } = await probing(['192.0.2.1', '192.0.2.2']);
    answer(503);
    clock.advance(1540);
    assert.deepEqual(
      outcomes.map(({ code, cause }) => [code, cause]),
      [[408, 'timeout']],
    );
  });

  test('at most three are tried, and none of a family without a socket', async () => {
    const many = await probing(['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4']);
    for (let i = 0; i < 4; i++) many.answer(503);
    assert.deepEqual([many.targets().length, many.outcomes.map(({ code }) => code)], [3, [503]]);
    const mixed = await probing(['192.0.2.1'], ['2001:db8::1']);
    mixed.answer(503);
    assert.deepEqual([mixed.targets(), mixed.outcomes.map(({ code }) => code)], [['192.0.2.1'], [503]]);
  });

  test('a request that is given up is not continued', async () => {
    const { cancel, clock, targets, outcomes } = await probing(['192.0.2.1', '192.0.2.2']);
    cancel();
    clock.advance(10_000);
    assert.deepEqual([targets(), outcomes], [['192.0.2.1'], []]);
  });
});

test('a probe carries a Contact with its socket and further header lines, where they are asked for', () => {
  const { layer, udp, clock } = layerFixture();
  const originator = new Originator(
    layer,
    new LocalSockets([udp]),
    new Resolver(clock, countingRandom()),
    countingRandom(),
    't',
  );
  const request = { method: 'OPTIONS', uri: 'sip:192.0.2.1', from: 'sip:p@x', maxForwards: 70, timeoutMs: 3000 };
  originator.send(request, () => {});
  originator.send({ ...request, contact: true, headers: ['X-Probe: yes', 'Accept: a/b'] }, () => {});
  const [plain, full] = udp.take();
  assert.deepEqual([plain?.header('contact'), plain?.defect], [undefined, undefined]);
  assert.deepEqual(
    [full?.header('contact'), full?.header('x-probe'), full?.header('accept'), full?.defect],
    ['<sip:127.0.0.1:5060>', 'yes', 'a/b', undefined],
  );
});

describe('a request whose socket decides the protocol', () => {
  const transports = ['udp', 'tcp'] as const;
  const sent = (uri: string, socket: string, more: Partial<OwnRequest> = {}) => {
    const fixture = layerFixture();
    const went: string[] = [];
    const sockets = transports.map(
      (transport) =>
        new UnopenedSocket({ transport, host: '127.0.0.1', port: 5060, text: '' }, (text, address, port) =>
          went.push(`${transport} ${address}:${port} ${/^Via: SIP\/2\.0\/(\w+)/m.exec(text)?.[1]}`),
        ),
    );
    const resolver = new Resolver(fixture.clock, countingRandom());
    const originator = new Originator(fixture.layer, new LocalSockets(sockets), resolver, countingRandom(), 'test');
    const address = { family: 4, address: '192.0.2.1', port: 5070, transport: 'udp' } as const;
    const request = { method: 'OPTIONS', uri, from: 'sip:p@x', socket, maxForwards: 70, timeoutMs: 3000, address };
    originator.send({ ...request, socketDecides: true, ...more }, () => undefined);
    return went;
  };

  test('is sent by the transport of the socket, to the port of the URI', () => {
    assert.deepEqual(sent('sip:192.0.2.1:5070', 'tcp:127.0.0.1:5060'), ['tcp 192.0.2.1:5070 TCP']);
    assert.deepEqual(sent('sip:192.0.2.1:5070;transport=tcp', 'udp:127.0.0.1:5060'), ['udp 192.0.2.1:5070 UDP']);
    assert.deepEqual(sent('sip:192.0.2.1:5070', 'udp:127.0.0.1:5060'), ['udp 192.0.2.1:5070 UDP']);
  });

  test('without such a socket uses the transport of the URI, and TLS if that is secure', () => {
    const by = { socketDecides: false };
    assert.deepEqual(sent('sip:192.0.2.1:5070', 'tcp:127.0.0.1:5060', by), ['udp 192.0.2.1:5070 UDP']);
    const tls = { address: { family: 4, address: '192.0.2.1', port: 5061, transport: 'tls' } } as const;
    assert.deepEqual(sent('sips:192.0.2.1', 'tcp:127.0.0.1:5060', tls), []);
  });
});

test('is sent from another socket if the daemon does not have the given one, as calls are', async () => {
  const { layer, udp, clock } = layerFixture();
  const resolver = new Resolver(clock, countingRandom());
  const originator = new Originator(layer, new LocalSockets([udp]), resolver, countingRandom(), 'test');
  const outcomes: OwnOutcome[] = [];
  const usual = { method: 'OPTIONS', from: 'sip:p@x', maxForwards: 70, timeoutMs: 3000 };
  const requests: Partial<OwnRequest>[] = [
    { socket: 'udp:192.0.2.77:5999' },
    { socket: 'tcp:192.0.2.77:5999', socketDecides: true },
    { sockname: 'nobody' },
  ];
  for (const [i, each] of requests.entries()) {
    const address = { family: 4, address: `192.0.2.${i}`, port: 5060, transport: 'udp' } as const;
    originator.send({ ...usual, uri: `sip:192.0.2.${i}`, address, ...each }, (outcome) => outcomes.push(outcome));
    await clock.advanceAsync(0);
    layer.receive(replyTo(udp.sent.at(-1)?.text ?? '', 200), sourceOf(udp, 'x'));
  }
  assert.deepEqual(
    udp.sent.map(({ address }) => address),
    ['192.0.2.0', '192.0.2.1', '192.0.2.2'],
  );
  assert.deepEqual(
    outcomes.map(({ code }) => code),
    [200, 200, 200],
  );
});
