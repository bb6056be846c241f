import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type DestinationRecord,
  decideAgain,
  firstRecord,
  type Intent,
  nextRecord,
  parseRecord,
} from '../../../src/cluster/record.js';

const by = { node: 'n2', generation: 'g1', published: 0 };

function intent(kind: Intent['kind'], over: Partial<Intent> = {}): Intent {
  return { kind, origin: kind === 'set' ? 'mi' : 'probe', time: 0, reason: kind, ...over };
}

test('of two writes at once the state of an operator overrides the verdict of a probe', () => {
  assert.equal(decideAgain('inactive', intent('failure')), 'inactive');
  assert.equal(decideAgain('inactive', intent('success')), 'inactive');
  assert.equal(decideAgain('probing', intent('set', { to: 'active' })), 'active');
  assert.equal(decideAgain('active', intent('failure')), 'probing');
  assert.equal(decideAgain('probing', intent('failure')), 'probing');
  assert.equal(decideAgain('probing', intent('success')), 'active');
});

test('a change of usability adds an edge with the next number; one between unusable states does not', () => {
  const first = firstRecord('sip:a', '', 'active', 4);
  const off = nextRecord(first, intent('failure', { code: 408, cause: 'timeout' }), 'probing', by);
  assert.deepEqual([off.v, off.q, off.st, off.w, off.c, off.x], [1, 5, 'probing', 'n2', 408, 'timeout']);
  assert.deepEqual(
    off.ev.map(({ q, st, pv, s, n, g }) => [q, st, pv, s, n, g]),
    [[5, 'inactive', 'active', 'probing', 'n2', 'g1']],
  );
  const word = nextRecord(off, intent('set', { to: 'inactive' }), 'inactive', by);
  assert.deepEqual([word.v, word.q, word.ev.length, word.op, word.ov], [2, 5, 1, { st: 'inactive', by: 'mi' }, 2]);
  assert.equal(word.c, undefined, 'what belonged to the change before is gone');
});

test('edges known to be stored are removed from the record; of more than eight the oldest are merged', () => {
  let record = firstRecord('sip:a', '', 'active', 0);
  for (let i = 0; i < 11; i++) {
    const up = i % 2 === 1;
    record = nextRecord(record, intent('set', { to: up ? 'active' : 'inactive' }), up ? 'active' : 'inactive', by);
  }
  assert.equal(record.ev.length, 8);
  assert.deepEqual([record.ev[0]?.q, record.ev[0]?.pv, record.ev.at(-1)?.q], [4, 'active', 11]);
  const noted = nextRecord(record, intent('published', { origin: 'cluster' }), record.st, { ...by, published: 9 });
  assert.deepEqual([noted.told, noted.ev.map(({ q }) => q), noted.v], [9, [10, 11], 12]);
});

test("an operator's state stays until something else decides", () => {
  const off = nextRecord(firstRecord('sip:a', '', 'active', 0), intent('set', { to: 'active' }), 'active', by);
  const down = nextRecord(off, intent('failure'), 'probing', by);
  assert.equal(down.op, undefined);
  assert.equal(down.ov, 1);
});

test('fields of a later version survive a rewrite', () => {
  const later = { ...firstRecord('sip:a', '', 'active', 0), later: { x: [1] } };
  assert.deepEqual(nextRecord(later, intent('failure'), 'probing', by)['later'], { x: [1] });
});

test('a node that cannot reach a destination is noted once, by name', () => {
  let record: DestinationRecord = firstRecord('sip:a', '', 'active', 0);
  for (const reason of ['n1@1', 'n2@2', 'n1@3']) record = nextRecord(record, intent('skip', { reason }), 'active', by);
  assert.deepEqual(record.skip, ['n2@2', 'n1@3']);
});

test('a record is read as it was written; another text is refused', () => {
  const record = nextRecord(firstRecord('sip:a', 'udp:x', 'active', 0), intent('failure'), 'probing', by);
  assert.deepEqual(parseRecord(JSON.stringify(record)), record);
  for (const change of [
    { v: -1 },
    { st: 'up' },
    { q: 1.5 },
    { told: null },
    { a: 7 },
    { ev: {} },
    { ev: [{ q: 1 }] },
    { ov: 'x' },
    { skip: 'n1' },
  ]) {
    assert.equal(parseRecord(JSON.stringify({ ...record, ...change })), undefined, JSON.stringify(change));
  }
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      parseRecord(text);
    }),
  );
});
