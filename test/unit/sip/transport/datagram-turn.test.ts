import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DatagramTurn } from '../../../../src/sip/transport/datagram-turn.js';
import type { Receiver, SipSocket, Source } from '../../../../src/sip/transport/transport.js';

const source: Source = { socket: {} as SipSocket, address: '127.0.0.1', port: 5060, flow: undefined };
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A turn, and a protocol of what it did, in order. */
function recorded(onReceive: (text: string) => void = () => {}) {
  const turn = new DatagramTurn();
  const steps: string[] = [];
  const sender = {
    transmit: (text: string, address: string, port: number) => {
      steps.push(`sent ${text} to ${address}:${port}`);
    },
  };
  const send = (text: string) => turn.send(sender, text, '127.0.0.1', 5070, undefined);
  const receiver: Receiver = {
    receive(text) {
      steps.push(`handled ${text}`);
      onReceive(text);
      send(`answer to ${text}`);
    },
    garbage() {},
  };
  return { turn, steps, send, hear: (text: string) => turn.receive(text, source, receiver) };
}

describe('DatagramTurn', () => {
  test('handles all that was heard in its order, then sends all that this gave in its order', async () => {
    const { steps, hear } = recorded();
    hear('a');
    hear('b');
    assert.deepEqual(steps, []);
    await nextTurn();
    assert.deepEqual(steps, [
      'handled a',
      'handled b',
      'sent answer to a to 127.0.0.1:5070',
      'sent answer to b to 127.0.0.1:5070',
    ]);
  });

  test('what is sent outside of handling leaves within the turn; a flush sends it at once', async () => {
    const { turn, steps, send } = recorded();
    send('probe');
    assert.deepEqual(steps, []);
    await nextTurn();
    assert.deepEqual(steps, ['sent probe to 127.0.0.1:5070']);
    send('last words');
    turn.flush();
    turn.flush();
    assert.deepEqual(steps.slice(1), ['sent last words to 127.0.0.1:5070']);
  });

  test('what is heard or sent while a turn runs belongs to the next one', async () => {
    const { steps, hear } = recorded((text) => {
      if (text === 'a') hear('c');
    });
    hear('a');
    await nextTurn();
    await nextTurn();
    assert.deepEqual(
      steps.filter((each) => each.startsWith('handled')),
      ['handled a', 'handled c'],
    );
  });

  test('a receiver that throws loses its own message only', async (t) => {
    const { steps, hear } = recorded((text) => {
      if (text === 'bad') throw new Error('receiver');
    });
    const caught: unknown[] = [];
    // The runner's own listeners would fail the test for the exception it is about.
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => caught.push(error));
    t.after(() => {
      process.removeAllListeners('uncaughtException');
      for (const other of others) process.on('uncaughtException', other);
    });
    for (const text of ['a', 'bad', 'b', 'c']) hear(text);
    await nextTurn();
    await nextTurn();
    await nextTurn();
    assert.equal(caught.length, 1);
    assert.deepEqual(
      steps.filter((each) => each.startsWith('sent')),
      ['a', 'b', 'c'].map((each) => `sent answer to ${each} to 127.0.0.1:5070`),
    );
  });
});
