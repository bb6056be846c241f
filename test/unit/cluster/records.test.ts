import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClusterBus, newCounters } from '../../../src/cluster/bus.js';
import { firstRecord, type Intent } from '../../../src/cluster/record.js';
import { Records } from '../../../src/cluster/records.js';
import { FakeClock } from '../../support/fake-clock.js';
import { seededRandom } from '../../support/partitions.js';

type Commit = Parameters<ClusterBus['commit']>;

function setUp() {
  const clock = new FakeClock();
  const commits: { text: string; expected: number; done: Commit[3] }[] = [];
  const stale: string[] = [];
  const looks: string[] = [];
  const bus = {
    connected: true,
    commit: (_key: string, text: string, expected: number, done: Commit[3]) => commits.push({ text, expected, done }),
    get: (key: string) => looks.push(key),
  } as unknown as ClusterBus;
  const records = new Records({
    node: 'n1',
    clock,
    random: seededRandom(3),
    bus,
    counters: newCounters(),
    generation: () => 'g',
    open: () => true,
    published: () => 0,
    find: () => undefined,
    adopt: () => {},
    recorded: () => {},
    lost: () => {},
    stale: ({ key }) => stale.push(key),
  });
  const record = (v: number) => JSON.stringify({ ...firstRecord('sip:a', '', 'active', 0), v });
  const failure: Intent = { kind: 'failure', origin: 'probe', time: 1, reason: 'x' };
  const submit = (key: string) =>
    records.submit(records.entry(key), failure, { state: 'active', seq: 0 }, firstRecord('sip:a', '', 'active', 0));
  return { clock, commits, stale, looks, records, record, submit };
}

test('a record the bucket has lost is not written again once this node has written a newer one', () => {
  const { commits, stale, records, record, submit } = setUp();
  records.accept('d.p.1.a', 5, record(2), true);
  records.accept('d.p.1.a', 7, record(1), false);
  assert.deepEqual(stale, ['d.p.1.a']);
  submit('d.p.1.a');
  const [{ text, expected, done }] = commits as [(typeof commits)[0]];
  assert.deepEqual([JSON.parse(text).v, expected], [3, 7]);
  done({ kind: 'done', revision: 8 });
  assert.equal(records.entry('d.p.1.a').stale, false);
});

test('a write without an answer is sent again unchanged; if the first one was stored, it counts', () => {
  const { clock, commits, looks, records, submit } = setUp();
  submit('d.p.1.a');
  commits[0]!.done({ kind: 'failed', reason: 'no answer' });
  clock.advance(250);
  assert.deepEqual([commits.length, looks.length], [2, 0]);
  assert.deepEqual([commits[1]!.text, commits[1]!.expected], [commits[0]!.text, commits[0]!.expected]);
  commits[1]!.done({ kind: 'conflict' });
  assert.deepEqual(looks, ['d.p.1.a']);
  records.accept('d.p.1.a', 4, commits[0]!.text, true);
  const entry = records.entry('d.p.1.a');
  assert.deepEqual([entry.queue.length, entry.rev, records.pending.size], [0, 4, 0]);
});

test('while nothing can be committed the oldest change is tried twice a second; when it succeeds, all are sent at once', () => {
  const { clock, commits, submit } = setUp();
  const keys = Array.from({ length: 20 }, (_, i) => `d.p.1.${i}`);
  for (const key of keys) submit(key);
  const fail = () => {
    for (const { done } of commits.splice(0)) done({ kind: 'failed', reason: 'no leader' });
  };
  for (let i = 0; i < 100; i++) {
    fail();
    clock.advance(100);
  }
  fail();
  let tries = 0;
  while (commits.length === 0 && tries < 20) {
    clock.advance(50);
    tries++;
  }
  assert.ok(tries <= 10, `${tries * 50} ms until the next try`);
  // There is a leader again.
  for (const { done } of commits.splice(0, 1)) done({ kind: 'done', revision: 1 });
  assert.ok(commits.length >= keys.length - 2, `${commits.length} of ${keys.length} are sent`);
});
