import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Destination } from '../../../src/engine/destination.js';
import type { Partition } from '../../../src/engine/partition.js';
import { weightOf } from '../../../src/engine/weight.js';
import { NatsWeightFeed } from '../../../src/weight-feed/nats.js';
import { FakeClock } from '../../support/fake-clock.js';
import { engineWith, partitionOptions, row } from '../../support/partitions.js';
import { recordingLog } from '../../support/recording-log.js';

const A = 'sip:10.0.0.1';

async function feed() {
  const engine = engineWith([partitionOptions(), partitionOptions({ name: 'k', flavour: 'kamailio' })]);
  const partition = engine.partition('') as Partition;
  partition.load([row(A, { weight: 10 }), row(A, { weight: 10, socket: 'udp:127.0.0.1:5060' })], {
    inheritState: true,
  });
  engine.partition('k')?.load([row(A)], { inheritState: true });
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  let say: ((text: string) => void) | undefined;
  const subscribe = (subject: string, listen: (text: string) => void) => {
    assert.equal(subject, 'opensips.weight');
    say = listen;
    return () => {
      say = undefined;
    };
  };
  const own = new NatsWeightFeed({ engine, subject: 'opensips.weight', subscribe, maxWeight: () => 1000, clock, log });
  await own.start();
  const weights = () => partition.findAll(1, A).map((each: Destination) => weightOf(each));
  return {
    own,
    clock,
    lines,
    weights,
    say: (text: unknown) => say?.(typeof text === 'string' ? text : JSON.stringify(text)),
  };
}

describe('weights from messages', () => {
  test('may be a weight, a load, or the weight of the row again, and hold for every socket', async () => {
    const { own, say, weights, lines } = await feed();
    const to = { partition: 'default', set: 1, address: 'SIP:10.0.0.1' };
    say({ ...to, weight: 3 });
    assert.deepEqual(weights(), [3, 3]);
    say({ set: '1', address: A, sessions: 250, max_sessions: 1000, idle_cpu: 50 });
    assert.deepEqual(weights(), [375, 375]);
    say({ ...to, weight: null });
    assert.deepEqual(weights(), [10, 10]);
    await own.stop();
    say({ ...to, weight: 3 });
    assert.deepEqual(weights(), [10, 10]);
    assert.deepEqual(lines, []);
  });

  test('unusable messages are ignored and logged once a minute', async () => {
    const { say, weights, lines, clock } = await feed();
    const to = { partition: '', set: 1, address: A };
    const bad: readonly (readonly [unknown, string])[] = [
      ['{', 'not JSON'],
      ['[]', 'not a JSON object'],
      [{ ...to, partition: 7, weight: 1 }, 'partition is not a string'],
      [{ ...to, set: 'x', weight: 1 }, 'set is not a whole number'],
      [{ ...to, address: null, weight: 1 }, 'address is not a string'],
      [{ ...to, weight: -1 }, 'weight is not a whole number between 0 and 2147483647'],
      [{ ...to, weight: '7' }, 'weight is not a whole number between 0 and 2147483647'],
      [{ ...to }, 'neither weight nor sessions, max_sessions and idle_cpu'],
      [{ ...to, sessions: 1, max_sessions: 0, idle_cpu: 5 }, 'neither weight nor sessions, max_sessions and idle_cpu'],
      [{ ...to, partition: 'nope', weight: 1 }, 'no such partition'],
      [{ ...to, partition: 'k', weight: 1 }, 'partitions of flavour kamailio have weights in attributes'],
      [{ ...to, set: 2, weight: 1 }, 'no such destination in that set'],
      [{ ...to, address: 'x'.repeat(5000), weight: 1 }, 'longer than 4096 characters'],
    ];
    for (const [text, reason] of bad) {
      say(text);
      assert.equal(lines.at(-1)?.fields['reason'], reason);
      clock.advance(60_000);
    }
    assert.deepEqual(weights(), [10, 10]);
    const logged = lines.length;
    for (let i = 0; i < 100; i++) say('{');
    assert.equal(lines.length, logged + 1);
    clock.advance(60_000);
    say('{');
    assert.equal(lines.at(-1)?.fields['refused'], 100);
  });
});
