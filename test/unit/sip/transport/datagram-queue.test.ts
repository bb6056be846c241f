import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';
import { HeldClock } from '../../../../src/core/held-clock.js';
import { SipMessage } from '../../../../src/sip/message.js';
import { DatagramQueue } from '../../../../src/sip/transport/datagram-queue.js';
import type { Receiver, SipSocket, Source } from '../../../../src/sip/transport/transport.js';

const source: Source = { socket: {} as SipSocket, address: '127.0.0.1', port: 5060, flow: undefined };
const nextIteration = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A queue with a record of its actions in order. */
function recorded(onReceive: (text: string) => void = () => {}) {
  const queue = new DatagramQueue();
  const steps: string[] = [];
  const sender = {
    transmit: (text: string, address: string, port: number) => {
      steps.push(`sent ${text} to ${address}:${port}`);
    },
  };
  const send = (text: string) => queue.send(sender, text, '127.0.0.1', 5070, undefined);
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
  return { queue, steps, send, receiver, receive: (text: string) => queue.receive(text, source, receiver) };
}

describe('DatagramQueue', () => {
  test('handles all received datagrams in order, then sends all resulting ones in order', async () => {
    const { steps, receive } = recorded();
    receive('a');
    receive('b');
    assert.deepEqual(steps, []);
    await nextIteration();
    assert.deepEqual(steps, [
      'handled a',
      'handled b',
      'sent answer to a to 127.0.0.1:5070',
      'sent answer to b to 127.0.0.1:5070',
    ]);
  });

  test('keeps its shape in V8 when it handles datagrams, so that what is compiled for one queue serves each', () => {
    setFlagsFromString('--allow-natives-syntax');
    const sameShape: (a: object, b: object) => boolean = runInThisContext('(a, b) => %HaveSameMap(a, b)');
    let at = 100.25;
    const used = new DatagramQueue({ gatherMs: 1, now: () => (at += 0.125), sleep: () => {} });
    const unused = new DatagramQueue({ gatherMs: 1 });
    assert.ok(sameShape(used, unused));
    const receiver: Receiver = { ...recorded().receiver, receive() {} };
    for (let i = 0; i < 200; i++) {
      used.receive('a', source, receiver);
      (used as unknown as { run(): void }).run();
    }
    assert.ok((used as unknown as { sleptMs: number }).sleptMs > 0);
    assert.ok(sameShape(used, unused));
  });

  test('datagrams read together are parsed before the first is handled, if the receiver parses', async () => {
    const steps: string[] = [];
    const receiver: Receiver = {
      parse: (text) => {
        steps.push(`parsed ${text}`);
        return text === 'b' ? undefined : new SipMessage(text);
      },
      receive: (text, _source, parsed) => steps.push(`handled ${text} as ${parsed?.text}`),
      garbage() {},
      refused() {},
      undelivered() {},
      connectionBroken() {},
    };
    const queue = new DatagramQueue();
    queue.receive('a', source, receiver);
    queue.receive('b', source, receiver);
    await nextIteration();
    assert.deepEqual(steps, ['parsed a', 'parsed b', 'handled a as a', 'handled b as undefined']);
  });

  test('reports how many datagrams each iteration handled; after a full iteration another follows without a new datagram', async () => {
    const recorded: number[] = [];
    const queue = new DatagramQueue({ handled: (datagrams) => recorded.push(datagrams) });
    const receiver: Receiver = { receive() {}, garbage() {}, refused() {}, undelivered() {}, connectionBroken() {} };
    for (let i = 0; i < 32; i++) queue.receive('x', source, receiver);
    for (let i = 0; i < 4; i++) await nextIteration();
    queue.receive('x', source, receiver);
    for (let i = 0; i < 4; i++) await nextIteration();
    assert.deepEqual(recorded, [32, 0, 1]);
  });

  test('datagrams sent outside of an iteration leave in the queue; a flush sends them at once', async () => {
    const { queue, steps, send } = recorded();
    send('probe');
    assert.deepEqual(steps, []);
    await nextIteration();
    assert.deepEqual(steps, ['sent probe to 127.0.0.1:5070']);
    send('last words');
    queue.flush();
    queue.flush();
    assert.deepEqual(steps.slice(1), ['sent last words to 127.0.0.1:5070']);
  });

  test('datagrams received or sent during an iteration belong to the next one', async () => {
    const { steps, receive } = recorded((text) => {
      if (text === 'a') receive('c');
    });
    receive('a');
    await nextIteration();
    await nextIteration();
    assert.deepEqual(
      steps.filter((each) => each.startsWith('handled')),
      ['handled a', 'handled c'],
    );
  });

  test('a receiver that throws loses its own message only', async (t) => {
    const { steps, receive } = recorded((text) => {
      if (text !== 'bad') return;
      receive('late');
      throw new Error('receiver');
    });
    const caught: unknown[] = [];
    // The runner's listeners would fail the test because of the expected exception.
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => caught.push(error));
    t.after(() => {
      process.removeAllListeners('uncaughtException');
      for (const other of others) process.on('uncaughtException', other);
    });
    for (const text of ['a', 'bad', 'b', 'c']) receive(text);
    await nextIteration();
    await nextIteration();
    await nextIteration();
    assert.equal(caught.length, 1);
    assert.deepEqual(
      steps.filter((each) => each.startsWith('sent')),
      ['a', 'b', 'c', 'late'].map((each) => `sent answer to ${each} to 127.0.0.1:5070`),
    );
  });

  test('the time is constant for eight messages, and advances when all are handled or one throws', async (t) => {
    let time = 0;
    const clock = new HeldClock({ now: () => 0, monotonic: () => ++time, schedule: () => () => {} });
    const queue = new DatagramQueue({ clock });
    const times: number[] = [];
    const receiver: Receiver = {
      receive(text) {
        times.push(clock.monotonic(), clock.monotonic());
        if (text === 'bad') throw new Error('bad');
      },
      garbage() {},
      refused() {},
      undelivered() {},
      connectionBroken() {},
    };
    for (let i = 0; i < 10; i++) queue.receive('x', source, receiver);
    await nextIteration();
    assert.deepEqual(times, [...new Array<number>(16).fill(1), 2, 2, 2, 2]);
    assert.deepEqual([clock.monotonic(), clock.monotonic()], [3, 4]);
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    t.after(() => {
      for (const other of others) process.on('uncaughtException', other);
    });
    const thrown = new Promise((resolve) => process.once('uncaughtException', resolve));
    queue.receive('bad', source, receiver);
    await thrown;
    assert.deepEqual([clock.monotonic(), clock.monotonic()], [6, 7]);
  });

  describe('gathering', () => {
    /** A queue of one millisecond under a test clock; records its sleeps. */
    function paced() {
      let time = 1000;
      const sleeps: number[] = [];
      const queue = new DatagramQueue({
        gatherMs: 1,
        now: () => time,
        sleep: (ms) => {
          sleeps.push(ms);
          time += ms;
        },
      });
      const receiver: Receiver = { receive() {}, garbage() {}, refused() {}, undelivered() {}, connectionBroken() {} };
      /** One queue of `count` datagrams, which begins `after` milliseconds after the end of the last. */
      const round = async (count: number, after: number) => {
        time += after;
        for (let i = 0; i < count; i++) queue.receive('x', source, receiver);
        await nextIteration();
      };
      return { sleeps, round };
    }

    test('starts when 64 datagrams came within 32 milliseconds, and sleeps for the remaining interval', async () => {
      const { sleeps, round } = paced();
      await round(1, 0);
      for (let i = 0; i < 7; i++) await round(9, 0.25);
      assert.deepEqual(sleeps, []);
      await round(9, 0.25);
      await round(9, 0.25);
      assert.deepEqual(sleeps, [0.75, 0.75]);
      // No sleep is left after a long queue, and hardly any after a nearly long one.
      await round(9, 1.5);
      await round(9, 0.95);
      assert.deepEqual(sleeps, [0.75, 0.75]);
    });

    test('does not start after a full iteration, which may have left datagrams unread', async () => {
      const { sleeps, round } = paced();
      for (let i = 0; i < 10; i++) await round(32, 0.25);
      assert.deepEqual(sleeps, []);
      await round(31, 0.25);
      assert.deepEqual(sleeps, [0.75]);
    });

    test('does not start when datagrams are rare, or after a pause', async () => {
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

    test('sleeps for the reported time', async () => {
      const queue = new DatagramQueue({ gatherMs: 10 });
      const receiver: Receiver = { receive() {}, garbage() {}, refused() {}, undelivered() {}, connectionBroken() {} };
      const began = performance.now();
      for (let round = 0; round < 20; round++) {
        for (let i = 0; i < 20; i++) queue.receive('x', source, receiver);
        await nextIteration();
      }
      // The first iterations show that datagrams arrive fast, unless the machine stalls for long.
      assert.ok(performance.now() - began >= 10, 'it never slept');
    });
  });

  describe('pacing', () => {
    const receiver: Receiver = { receive() {}, garbage() {}, refused() {}, undelivered() {}, connectionBroken() {} };

    /** A queue under a test clock and timer, with a socket at which `waiting` datagrams wait. */
    function paced(longestWaitMs = 100) {
      const state = { time: 1000, waiting: 0, watched: true, everyMs: 0, reads: 0, handled: 0, tick: () => {} };
      const queue = new DatagramQueue({
        paceMs: 10,
        now: () => state.time,
        handled: (datagrams) => {
          state.handled += datagrams;
        },
        repeat: (everyMs, run) => {
          Object.assign(state, { everyMs, tick: run });
          return () => Object.assign(state, { everyMs: 0, tick: () => {} });
        },
      });
      const reader = {
        longestWaitMs,
        watch: (watched: boolean) => {
          state.watched = watched;
        },
        read: (receive: (text: string, source: Source, receiver: Receiver) => void) => {
          const count = Math.min(64, state.waiting);
          state.waiting -= count;
          state.reads++;
          for (let i = 0; i < count; i++) receive('x', source, receiver);
          return count;
        },
      };
      queue.addReader(reader);
      /** Advances the clock by `ms` while `perMs` datagrams arrive per millisecond. */
      const run = async (ms: number, perMs: number) => {
        let arrived = 0;
        for (let i = 1; i <= ms; i++) {
          state.time++;
          const now = Math.floor(i * perMs) - arrived;
          arrived += now;
          state.waiting += now;
          if (state.everyMs > 0) {
            if (i % state.everyMs === 0) state.tick();
          } else if (state.waiting > 0) {
            queue.read(reader);
            await nextIteration();
          }
        }
      };
      return { queue, reader, state, run };
    }

    test('at a middle rate sockets are read by a timer, a twelfth as often, and watched again when no datagrams arrive', async () => {
      const { state, run } = paced();
      await run(210, 1.2);
      assert.deepEqual([state.watched, state.everyMs], [false, 10]);
      Object.assign(state, { reads: 0, handled: 0 });
      await run(200, 1.2);
      assert.deepEqual([state.reads, state.handled], [20, 240]);
      await run(250, 0);
      assert.deepEqual([state.watched, state.everyMs, state.waiting], [true, 0, 0]);
    });

    test('datagrams that exceed one reading are read at once, not at the next interval', async () => {
      const { state, run } = paced();
      await run(210, 1.2);
      state.waiting = 200;
      state.tick();
      await nextIteration();
      await nextIteration();
      assert.equal(state.waiting, 0);
    });

    test('at a low and a high rate, and with a small buffer, sockets stay watched', async () => {
      for (const [perMs, longestWaitMs] of [
        [0.4, 100],
        [40, 100],
        [1.2, 1.9],
      ] as const) {
        const { state, run } = paced(longestWaitMs);
        await run(500, perMs);
        assert.deepEqual([state.watched, state.everyMs, state.waiting], [true, 0, 0]);
      }
      const { state, run } = paced(4.5);
      await run(210, 1.2);
      assert.equal(state.everyMs, 4);
    });

    test('the timer also reads a socket that was added later, and stops without sockets', async () => {
      const { queue, reader, state, run } = paced();
      await run(210, 1.2);
      const watched: boolean[] = [];
      const other = { ...reader, watch: (each: boolean) => watched.push(each) };
      queue.addReader(other);
      assert.deepEqual(watched, [false]);
      queue.removeReader(reader);
      assert.equal(state.everyMs, 10);
      queue.removeReader(other);
      assert.equal(state.everyMs, 0);
    });
  });
});
