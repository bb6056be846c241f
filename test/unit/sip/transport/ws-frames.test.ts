import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSocket } from '../../../../src/config/socket.js';
import { createSipSocket } from '../../../../src/sip/transport/create.js';
import { until } from '../../../support/until.js';
import { WsPeer } from '../../../support/ws-peer.js';

/** A client of a WebSocket listener, and what the listener received. */
async function connected(t: { after(run: () => unknown): void }) {
  const received: string[] = [];
  const garbage: string[] = [];
  const receiver = {
    receive: (text: string) => received.push(text),
    garbage: (reason: string) => garbage.push(reason),
  } as unknown as Parameters<typeof createSipSocket>[1];
  const socket = createSipSocket(parseSocket('ws:127.0.0.1:0'), receiver);
  await socket.open();
  t.after(() => socket.close());
  const peer = await WsPeer.connect(`ws://127.0.0.1:${socket.port}`);
  return { peer, received, garbage };
}

const KINDS = ['ping', 'pong'] as const;

for (const kind of KINDS) {
  test(`a peer that sends thousands of ${kind}s is cut off, one that sends hundreds is not`, async (t) => {
    const { peer, received, garbage } = await connected(t);
    for (let i = 0; i < 400; i++) peer.socket[kind]();
    peer.socket.send('OPTIONS sip:a SIP/2.0\r\n\r\n');
    await until('the message', () => received.length === 1);
    for (let i = 0; i < 5000; i++) peer.socket[kind]();
    await until('the end of the connection', () => peer.closed);
    assert.deepEqual(garbage, ['too many pings and pongs']);
  });
}

test('a message comes in a thousand frames at most', async (t) => {
  const { peer, received, garbage } = await connected(t);
  const send = (frames: number) => {
    for (let i = 1; i <= frames; i++) peer.socket.send('a', { fin: i === frames });
  };
  send(1000);
  await until('the message', () => received.length === 1);
  send(5000);
  await until('the end of the connection', () => peer.closed);
  assert.deepEqual([received.map((each) => each.length), garbage.length], [[1000], 1]);
});
