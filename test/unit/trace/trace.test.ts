import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hash32 } from '../../../src/core/mix.js';
import { TapPoint } from '../../../src/sip/transport/tap.js';
import { CallIdSpan, callIdOf } from '../../../src/trace/call-id.js';
import { hepPacket, MAX_PAYLOAD } from '../../../src/trace/hep.js';
import { renderLadders } from '../../../src/trace/ladder.js';
import type { SeenMessage } from '../../../src/trace/trace-session.js';
import { Tracer } from '../../../src/trace/tracer.js';
import { FakeClock } from '../../support/fake-clock.js';
import { decodeHep } from '../../support/hep-decoder.js';
import { RecordingSocket, requestText, sourceOf } from '../../support/sip-recorder.js';

function setUp() {
  const clock = new FakeClock();
  const received: string[] = [];
  const socket = new RecordingSocket(clock);
  const point = new TapPoint({
    receive: (text) => received.push(text),
    garbage() {},
    refused() {},
    undelivered() {},
    connectionBroken() {},
  });
  point.watch([socket]);
  const tracer = new Tracer(point, clock);
  const come = (parts: Parameters<typeof requestText>[0], address = '192.0.2.1') =>
    point.receive(requestText(parts), sourceOf(socket, address));
  return { clock, received, socket, point, tracer, come };
}

describe('traces', () => {
  test('a filter selects whole calls: messages received and sent, and none of other calls', () => {
    const { socket, tracer, come, received } = setUp();
    const session = tracer.begin({ filter: { from: 'carol' } });
    come({ callId: 'one', headers: '' });
    socket.send(requestText({ callId: 'one' }), '192.0.2.9', 5060, undefined);
    assert.equal(session.messages.length, 0, 'a call that is not from carol is not traced');
    const carol = requestText({ callId: 'two' }).replace(/From: [^\r]*/, 'From: <sip:carol@a.example>;tag=1');
    tracer.received(carol, sourceOf(socket, '192.0.2.5', 5062));
    socket.send(carol, '192.0.2.9', 5060, undefined);
    come({ callId: 'three' });
    assert.deepEqual(
      session.messages.map(({ n, direction, remote, callId }) => [
        n,
        direction,
        `${remote.address}:${remote.port}`,
        callId,
      ]),
      [
        [1, 'in', '192.0.2.5:5062', 'two'],
        [2, 'out', '192.0.2.9:5060', 'two'],
      ],
    );
    assert.equal(socket.sent.length, 2, 'a trace does not keep messages from being sent');
    assert.equal(received.length, 2, 'nor from being received');
  });

  test('a trace ends after its time, and after the last one messages are no longer examined', () => {
    const { clock, socket, tracer, come } = setUp();
    const session = tracer.begin({ filter: { source: '192.0.2.1' }, bounds: { seconds: 10 } });
    come({ callId: 'one' });
    assert.ok(Object.hasOwn(socket, 'send'));
    clock.advance(10_000);
    assert.equal(session.ended, 'time');
    assert.ok(!Object.hasOwn(socket, 'send'));
    come({ callId: 'one' });
    assert.equal(session.messages.length, 1);
    assert.deepEqual(
      tracer.list().map(({ id }) => id),
      [1],
      'a trace that has ended can still be read',
    );
    tracer.stop(1);
    assert.throws(() => tracer.find(1), /no trace 1/);
  });

  test('calls, messages and bytes of a trace are limited, and so is the number of traces', () => {
    const { tracer, come } = setUp();
    const source = '192.0.2.1';
    const calls = tracer.begin({ filter: { source }, bounds: { calls: 2 } });
    const messages = tracer.begin({ filter: { source }, bounds: { messages: 3 } });
    const bytes = tracer.begin({ filter: { source }, bounds: { bytes: 1500 } });
    for (let i = 0; i < 10; i++) come({ callId: `c${i}` });
    assert.equal(calls.callCount, 2);
    assert.deepEqual([messages.messages.length, messages.ended], [3, 'messages']);
    assert.ok(bytes.messages.length < 10 && bytes.ended === 'bytes');
    for (let i = 0; i < 5; i++) tracer.begin({ filter: { source } });
    assert.throws(() => tracer.begin({ filter: { source } }), /8 traces already/);
    assert.throws(() => tracer.begin({ filter: {} }), /needs a filter/);
  });

  test('oneIn selects by Call-ID: about one in N calls, with all their messages', () => {
    const { tracer, come } = setUp();
    const session = tracer.begin({ filter: { oneIn: 10 }, bounds: { calls: 1000 } });
    for (let round = 0; round < 2; round++) for (let i = 0; i < 1000; i++) come({ callId: `call-${i}@x` });
    assert.ok(session.callCount > 60 && session.callCount < 150, String(session.callCount));
    assert.equal(session.messages.length, 2 * session.callCount);
  });

  test('a trace of a Call-ID ignores oneIn; with other filters one in N of the matching calls is traced', () => {
    const { tracer, come } = setUp();
    const asked = tracer.begin({ filter: { callId: 'call-3@x', oneIn: 1000 } });
    const all = tracer.begin({ filter: { oneIn: 7 }, bounds: { calls: 1000 } });
    const called = tracer.begin({ filter: { oneIn: 7, to: 'bob' }, bounds: { calls: 1000 } });
    const nobody = tracer.begin({ filter: { oneIn: 7, to: 'nobody' } });
    for (let i = 0; i < 100; i++) come({ callId: `call-${i}@x` });
    assert.deepEqual(
      asked.messages.map(({ callId }) => callId),
      ['call-3@x'],
    );
    assert.ok(all.callCount > 5 && all.callCount < 30, String(all.callCount));
    assert.equal(called.callCount, all.callCount);
    assert.equal(nobody.messages.length, 0);
  });

  test('with "bodies": false the bodies are left out', () => {
    const { tracer, come } = setUp();
    const session = tracer.begin({ filter: { callId: 'one' }, bodies: false });
    come({ callId: 'one', body: 'v=0\r\n' });
    assert.match(session.messages[0]?.text ?? '', /\r\n\r\n$/);
    assert.doesNotMatch(session.messages[0]?.text ?? '', /v=0/);
  });

  test('a Call-ID is found by long and short name, in any case and spacing, in linear time', () => {
    for (const [name, id] of [
      ['Call-ID: ', 'a@b'],
      ['Call-ID:\t ', 'b'],
      ['Call-ID:', 'with\rreturn'],
      ['call-id:', 'c'],
      ['i: ', 'd'],
      ['CALL-ID \t: ', 'e'],
    ]) {
      for (const trailing of [' \r\n', '\r\n', '\t \r\n', '', ' ']) {
        const text = `INVITE sip:a SIP/2.0\r\nVia: x\r\n${name}${id}${trailing}`;
        const span = new CallIdSpan();
        assert.ok(span.find(text));
        assert.deepEqual([text.slice(span.start, span.end), span.hash], [id, hash32(id as string, 0) | 0]);
        assert.equal(callIdOf(text), id);
      }
      assert.equal(callIdOf(`INVITE sip:a SIP/2.0\r\n${name} \r\n\r\n`), '');
    }
    assert.equal(callIdOf(`INVITE sip:a SIP/2.0\r\nX: ${' \r\n '.repeat(100_000)}`), '');
  });
});

describe('ladder', () => {
  test('a ladder has the caller on the left, the others on the right, and each message as an arrow', () => {
    const us = { address: '127.0.0.1', port: 5060 };
    const at = (n: number, direction: 'in' | 'out', port: number, title: string): SeenMessage & { n: number } => ({
      n,
      time: 1000 + n * 5,
      direction,
      transport: 'udp',
      local: us,
      remote: { address: '10.0.0.1', port },
      callId: 'abc',
      text: `${title}\r\n\r\n`,
    });
    const text = renderLadders([
      at(0, 'in', 1, 'INVITE sip:bob@x SIP/2.0'),
      at(1, 'out', 2, 'INVITE sip:bob@x SIP/2.0'),
      at(2, 'in', 2, 'SIP/2.0 503 Service Unavailable'),
      at(3, 'out', 3, 'INVITE sip:bob@x SIP/2.0'),
      at(4, 'in', 3, 'SIP/2.0 200 OK'),
      at(5, 'out', 1, 'SIP/2.0 200 OK'),
    ]);
    assert.equal(
      text,
      `Call-ID abc
                 10.0.0.1:1                 switchyard                 10.0.0.1:2                 10.0.0.1:3
   0.000              |----INVITE sip:bob@x----->|                          |                          |
   0.005              |                          |----INVITE sip:bob@x----->|                          |
   0.010              |                          |<-503 Service Unavailable-|                          |
   0.015              |                          |------------------INVITE sip:bob@x------------------>|
   0.020              |                          |<-----------------------200 OK-----------------------|
   0.025              |<---------200 OK----------|                          |                          |
`,
    );
  });
});

describe('HEP3', () => {
  const message: SeenMessage = {
    time: 1_795_000_000_123.5,
    direction: 'in',
    transport: 'tls',
    local: { address: '2001:db8::1', port: 5061 },
    remote: { address: '2001:db8::ff', port: 40_000 },
    callId: 'abc@d',
    text: 'OPTIONS sip:x SIP/2.0\r\n\r\n\xe9',
  };

  test('an independent decoder finds the message, its addresses, its time and the agent', () => {
    const decoded = decodeHep(hepPacket(message, { id: 2001, password: 'secret' }));
    assert.deepEqual(decoded, {
      family: 10,
      protocol: 6,
      source: '2001:db8:0:0:0:0:0:ff',
      target: '2001:db8:0:0:0:0:0:1',
      sourcePort: 40_000,
      targetPort: 5061,
      time: 1_795_000_000_123.5,
      kind: 1,
      captureId: 2001,
      key: 'secret',
      correlation: 'abc@d',
      payload: message.text,
    });
    const out = { ...message, direction: 'out' as const, transport: 'udp' as const };
    const four = { ...out, local: { address: '10.0.0.1', port: 5060 }, remote: { address: '10.0.0.2', port: 5070 } };
    const second = decodeHep(hepPacket(four, { id: 1, password: undefined }));
    assert.deepEqual(
      [second.source, second.target, second.protocol, second.key],
      ['10.0.0.1', '10.0.0.2', 17, undefined],
    );
  });

  test('a message larger than a packet is cut', () => {
    const decoded = decodeHep(hepPacket({ ...message, text: 'x'.repeat(70_000) }, { id: 1, password: undefined }));
    assert.equal(decoded.payload.length, MAX_PAYLOAD);
  });
});
