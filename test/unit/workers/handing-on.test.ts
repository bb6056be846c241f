import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SipMessage } from '../../../src/sip/message.js';
import { parseMessage } from '../../../src/sip/parse-message.js';
import { markerOf, socketOfRequest } from '../../../src/sip/transport/native/steering.js';
import type { Source } from '../../../src/sip/transport/transport.js';
import { HandingOn } from '../../../src/workers/handing-on.js';
import type { HandedToBrain } from '../../../src/workers/protocol.js';
import { EvenOwners } from '../../../src/workers/request-owners.js';
import { newCounters } from '../../../src/workers/tallies.js';

const SOURCE = { address: '192.0.2.1', port: 5060 } as Source;

/** A Call-ID whose requests belong to the second of two workers. */
const OTHERS = Array.from({ length: 50 }, (_, i) => `c${i}`).find((callId) => socketOfRequest(callId, 2) === 2) ?? '';

const message = (first: string, via: string, body = ''): SipMessage =>
  parseMessage(
    `${first}\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=${via}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: ${OTHERS}\r\nCSeq: 1 OPTIONS\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    true,
  ) as SipMessage;

function handing({ room = true, now = (): number => 0, trusted = '' } = {}) {
  const sent: HandedToBrain[] = [];
  const counters = newCounters();
  const brain = {
    described: (source: Source, text: string): [number, string, number, string] => [
      0,
      source.address,
      source.port,
      text,
    ],
    hand: (item: HandedToBrain) => {
      if (room) sent.push(item);
      return room;
    },
  };
  return {
    sent,
    counters,
    handing: new HandingOn(
      1,
      2,
      brain,
      counters,
      now,
      { has: (address) => address === trusted },
      new EvenOwners(2, undefined),
    ),
  };
}

test('a request and a reply of another worker are passed to it, and count as misdirected, not as received', () => {
  const { sent, counters, handing: on } = handing();
  assert.equal(on.request(message('OPTIONS sip:a@b SIP/2.0', 'z9hG4bK1'), SOURCE), true);
  assert.equal(on.reply(message('SIP/2.0 200 OK', `z9hG4bK12345678${markerOf(2)}`), SOURCE), true);
  assert.deepEqual(
    sent.map(([kind, to]) => [kind, to]),
    [
      ['to', 2],
      ['to', 2],
    ],
  );
  const { layer, misdirected } = counters;
  assert.deepEqual(
    [misdirected.passed.value, misdirected.dropped.value, layer.requestsReceived.value, layer.repliesReceived.value],
    [2, 0, -1, -1],
  );
});

test('two megabytes a second of large messages are passed on, misdirected or for the brain; the rest is dropped', () => {
  const { sent, counters, handing: on } = handing();
  const body = 'x'.repeat(60_000);
  const requests = message('OPTIONS sip:a@b SIP/2.0', 'z9hG4bK1', body);
  for (let i = 0; i < 1000; i++) on.request(requests, SOURCE);
  const first = sent.length;
  assert.ok(first * requests.text.length <= 2 * 1024 * 1024 && first >= 30, `${first} were handed on`);
  on.replyToBrain(message('SIP/2.0 200 OK', 'z9hG4bK1', body), SOURCE);
  assert.equal(sent.length, first);
  assert.equal(counters.misdirected.dropped.value, 1000 - first);
  assert.equal(counters.layer.dropped.value, 1001 - first);
  on.request(message('OPTIONS sip:a@b SIP/2.0', 'z9hG4bK1'), SOURCE);
  assert.equal(sent.length, first + 1, 'those of usual size go on');
});

test('messages for which the brain has no memory are dropped and counted', () => {
  const { counters, handing: on } = handing({ room: false });
  on.request(message('OPTIONS sip:a@b SIP/2.0', 'z9hG4bK1'), SOURCE);
  const { layer, misdirected } = counters;
  assert.deepEqual([misdirected.passed.value, misdirected.dropped.value, layer.dropped.value], [0, 1, 1]);
});

test('4,000 small messages a second of one source are passed on; of a trusted source, and of all together, 20,000', () => {
  let now = 0;
  const { sent, counters, handing: on } = handing({ now: () => now, trusted: '192.0.2.3' });
  const request = message('OPTIONS sip:a@b SIP/2.0', 'z9hG4bK1');
  const flood = (address: string, count: number): number => {
    const before = sent.length;
    for (let i = 0; i < count; i++) assert.equal(on.request(request, { ...SOURCE, address } as Source), true);
    return sent.length - before;
  };
  assert.equal(flood('192.0.2.1', 10_000), 4000);
  assert.equal(flood('192.0.2.2', 1000), 1000, 'another source has its own');
  assert.equal(counters.misdirected.dropped.value, 6000);
  assert.equal(counters.layer.dropped.value, 6000);
  assert.equal(flood('192.0.2.3', 30_000), 15_000);
  now += 1000;
  assert.equal(flood('192.0.2.1', 10_000), 4000);
  assert.equal(flood('192.0.2.3', 30_000), 16_000);
});
