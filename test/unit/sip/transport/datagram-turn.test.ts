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
    refused() {},
    undelivered() {},
    connectionBroken() {},
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

  test('tells how many each turn handled; a full one is followed by another, though nothing came', async () => {
    const told: number[] = [];
    const turn = new DatagramTurn({ handled: (datagrams) => told.push(datagrams) });
    const receiver: Receiver = { receive() {}, garbage() {}, refused() {}, undelivered() {}, connectionBroken() {} };
    for (let i = 0; i < 32; i++) turn.receive('x', source, receiver);
    for (let i = 0; i < 4; i++) await nextTurn();
    turn.receive('x', source, receiver);
    for (let i = 0; i < 4; i++) await nextTurn();
    assert.deepEqual(told, [32, 0, 1]);
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
      if (text !== 'bad') return;
      hear('late');
      throw new Error('receiver');
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
      ['a', 'b', 'c', 'late'].map((each) => `sent answer to ${each} to 127.0.0.1:5070`),
    );
  });

  describe('gathering', () => {
    /** A turn of one millisecond under a clock of ours, and the sleeps it took. */
    function paced() {
      let time = 1000;
      const sleeps: number[] = [];
      const turn = new DatagramTurn({
        gatherMs: 1,
        now: () => time,
        sleep: (ms) => {
          sleeps.push(ms);
          time += ms;
        },
      });
      const receiver: Receiver = { receive() {}, garbage() {}, refused() {}, undelivered() {}, connectionBroken() {} };
      /** One turn of `count` datagrams, `after` milliseconds from the last one's end. */
      const round = async (count: number, after: number) => {
        time += after;
        for (let i = 0; i < count; i++) turn.receive('x', source, receiver);
        await nextTurn();
      };
      return { sleeps, round };
    }

    test('begins when 64 datagrams came within 32 milliseconds, and sleeps out what is left of the turn', async () => {
      const { sleeps, round } = paced();
      await round(1, 0);
      for (let i = 0; i < 7; i++) await round(9, 0.25);
      assert.deepEqual(sleeps, []);
      await round(9, 0.25);
      await round(9, 0.25);
      assert.deepEqual(sleeps, [0.75, 0.75]);
      // Nothing is left to sleep out of a turn that was long, and hardly anything of one that nearly was.
      await round(9, 1.5);
      await round(9, 0.95);
      assert.deepEqual(sleeps, [0.75, 0.75]);
    });

    test('never after a full turn, which may have left datagrams unread', async () => {
      const { sleeps, round } = paced();
      for (let i = 0; i < 10; i++) await round(32, 0.25);
      assert.deepEqual(sleeps, []);
      await round(31, 0.25);
      assert.deepEqual(sleeps, [0.75]);
    });

    test('not where datagrams come slowly, nor after a silence', async () => {
      const { sleeps, round } = paced();
      for (let i = 0; i < 200; i++) await round(1, 0.6);
      assert.deepEqual(sleeps, []);
      for (let i = 0; i < 20; i++) await round(9, 0.25);
      const some = sleeps.length;
      assert.ok(some > 0);
      await round(1, 40);
      for (let i = 0; i < 50; i++) await round(1, 0.6);
      assert.equal(sleeps.length, some);
    });

    test('sleeps for real as long as it says', async () => {
      const turn = new DatagramTurn({ gatherMs: 10 });
      const receiver: Receiver = { receive() {}, garbage() {}, refused() {}, undelivered() {}, connectionBroken() {} };
      const began = performance.now();
      for (let round = 0; round < 20; round++) {
        for (let i = 0; i < 20; i++) turn.receive('x', source, receiver);
        await nextTurn();
      }
      // The first turns show that datagrams come fast; on a machine that is held up for long they do not.
      assert.ok(performance.now() - began >= 10, 'it never slept');
    });
  });
});
