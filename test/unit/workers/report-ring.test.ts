import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FromWorker } from '../../../src/workers/protocol.js';
import { KIND, MAX_NAMES } from '../../../src/workers/report-kinds.js';
import { ReportReader } from '../../../src/workers/report-reader.js';
import { ReportRing } from '../../../src/workers/report-ring.js';
import { ReportWriter } from '../../../src/workers/report-writer.js';
import { Reports } from '../../../src/workers/reports.js';
import { RING_WORDS, SHARED_BYTES } from '../../../src/workers/shared-layout.js';
import { until } from '../../support/until.js';

const memory = new ArrayBuffer(SHARED_BYTES);

/** Both ends of an empty ring. */
function pair() {
  const ring = new ReportRing(memory, 3);
  const read: FromWorker[] = [];
  const failures: unknown[] = [];
  const otherwise: FromWorker[] = [];
  const reader = new ReportReader(
    ring,
    (item) => read.push(item),
    (error) => failures.push(error),
  );
  reader.clear();
  ring.sleep(false);
  let woken = 0;
  const writer = new ReportWriter(
    new ReportRing(memory, 3),
    () => woken++,
    (item) => otherwise.push(item),
  );
  return { ring, reader, writer, read, failures, otherwise, woken: () => woken };
}

const latin1 = (maxLength: number) =>
  fc.string({ maxLength, unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)) });
const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const port = fc.integer({ min: 0, max: 65_535 });
const id = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const at = fc.double({ noNaN: true, noDefaultInfinity: true });
const name = fc.oneof(
  fc.constantFrom('10.0.0.1', 'sip:gw1', 'default'),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
);
const code = fc.integer({ min: 100, max: 699 });
const origin = fc.record(
  { rule: name, partition: name, sets: fc.array(word, { maxLength: 4 }), algorithm: word },
  { requiredKeys: ['rule'], noNullPrototype: true },
);
const destination = fc.tuple(name, word, word, name);
const item = fc.oneof(
  fc.tuple(
    fc.constant('began' as const),
    id,
    at,
    port,
    name,
    port,
    latin1(2500),
    fc.boolean(),
    origin,
    fc.boolean(),
    latin1(80),
    latin1(40),
  ),
  fc.tuple(fc.constant('sent' as const), id, at, fc.tuple(destination, name, port, port)),
  fc.tuple(fc.constant('provisional' as const), id, at, code),
  fc.tuple(fc.constant('failed' as const), id, at, code, fc.boolean(), fc.option(name)),
  fc.tuple(fc.constant('ended' as const), id, at, code, fc.boolean()),
  fc.tuple(fc.constant('byeEnded' as const), latin1(200), latin1(200), code),
  fc.tuple(fc.constant('hopSkipped' as const), id, fc.integer(), destination, code),
  fc.tuple(fc.constant('cancelled' as const), id),
);

test('records are read in the order they were written, wherever the ring ends and however much is read at once', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(item, fc.integer({ min: 0, max: 9 })), { minLength: 1, maxLength: 80 }), (steps) => {
      const { reader, writer, read, failures } = pair();
      // Until the write position has wrapped around.
      const rounds = Math.ceil(300 / steps.length);
      const written: FromWorker[] = [];
      for (let round = 0; round < rounds; round++) {
        for (const [each, pause] of steps) {
          writer.add(each as FromWorker);
          written.push(each as FromWorker);
          if (pause === 0 || written.length % 20 === 0) reader.read();
        }
        reader.read();
      }
      assert.deepEqual(failures, []);
      assert.deepEqual(read, written);
    }),
    { numRuns: 30 },
  );
});

test('records for which the ring has no space follow later, in order', async () => {
  const { reader, writer, read } = pair();
  const text = 'x'.repeat(60_000);
  const all = Array.from(
    { length: 40 },
    (_, i) => ['began', i, 1, 0, 'a', 1, text, true, { rule: `${i}` }, true, 'id', 'tag'] as const,
  );
  for (const each of all) writer.add(each);
  await until('all are read', () => {
    reader.read();
    return read.length === all.length;
  });
  assert.deepEqual(read, all);
});

test('a brain that is far behind gets no further call reports', async () => {
  const { writer, reader, read } = pair();
  const text = 'x'.repeat(60_000);
  for (let i = 0; i < 16; i++) writer.add(['began', i, 1, 0, 'a', 1, text, true, { rule: '' }, true, 'id', 'tag']);
  assert.equal(writer.isBehind, false);
  for (let i = 0; i < 20_000; i++) writer.add(['provisional', i, 1, 180]);
  assert.equal(writer.isBehind, true);
  await until('what was begun is reported', () => {
    reader.read();
    return read.length === 20_016;
  });
  assert.equal(writer.isBehind, false);
});

test('a brain that is behind by few calls with long texts gets no further call reports either', async () => {
  const { writer, reader, read } = pair();
  const text = 'x'.repeat(65_000);
  let begun = 0;
  // Seven of them fill the ring; the others wait, up to 32 MB.
  while (!writer.isBehind && begun < 1000) writer.add(['refused', 0, 'a', 1, text, 403, String(begun++), null]);
  assert.ok(begun > 500 && begun < 530, `after ${begun} of 65,000 characters`);
  await until('what was written is read', () => {
    reader.read();
    return read.length === begun;
  });
  assert.equal(writer.isBehind, false);
});

test('the table of names starts anew after a megabyte of characters', () => {
  const { ring, writer } = pair();
  const names: number[] = [];
  const say = (user: number) => {
    writer.add(['sent', 1, 1, [['p', 1, 0, `sip:${user}${'x'.repeat(30_000)}`], 'a', 1, 0]]);
    ring.read((kind, at) => {
      if (kind === KIND.name) names.push(ring.words[at + 1] as number);
    });
  };
  for (let i = 0; i < 30; i++) say(i);
  const before = names.length;
  say(3);
  assert.equal(names.length, before, 'what is known is not said again');
  for (let i = 30; i < 40; i++) say(i);
  assert.deepEqual(
    names.filter((number) => number === 0).length,
    2,
    'the numbers begin again, and the reader forgets the names of before',
  );
  const later = names.length;
  say(3);
  assert.equal(names.length, later + 1, 'it is said again');
});

test('records are read with more names than the table can have, some longer than a record', () => {
  const { reader, writer, read } = pair();
  for (let i = 0; i < 3 * MAX_NAMES; i++) {
    const sent = ['sent', i, 1, [['p', 1, 0, `sip:${i}`], `10.0.${i >> 8}.${i & 255}`, 5060, 0]] as const;
    writer.add(sent);
    reader.read();
    assert.deepEqual(read.pop(), sent);
  }
  writer.add([
    'began',
    1,
    1,
    0,
    'a',
    1,
    'text',
    true,
    { rule: 'r', sets: new Array<number>(50_000).fill(7) },
    false,
    '',
    '',
  ]);
  writer.add(['sent', 1, 1, [['p', 1, 0, `sip:${'é'.repeat(80_000)}`], 'a', 1, 0]]);
  reader.read();
  assert.deepEqual(read[0], ['began', 1, 1, 0, 'a', 1, 'text', true, { rule: '' }, false, '', '']);
  assert.equal(read.length, 2);
});

test('an item larger than the ring is sent through the channel', () => {
  const { writer, otherwise, read, reader } = pair();
  const large = ['log', 'warn', { text: 'x'.repeat(4 * RING_WORDS) }, 'large'] as const;
  writer.add(large);
  reader.read();
  assert.deepEqual([otherwise, read], [[large], []]);
});

test('a ring that has no record at the expected position is skipped and logged', () => {
  const { ring, reader, writer, read } = pair();
  writer.add(['ended', 1, 1, 200, true]);
  ring.words[0] = 0;
  assert.throws(() => reader.read(), /no record/);
  writer.add(['ended', 2, 1, 200, true]);
  reader.read();
  assert.deepEqual(read, [['ended', 2, 1, 200, true]]);
});

test('the brain reads while there are records, then sleeps until it is woken', async (t) => {
  const own = new ArrayBuffer(SHARED_BYTES);
  const read: FromWorker[] = [];
  let looks = 0;
  const reports = new Reports({
    memory: own,
    workers: 1,
    totals: [{ value: 0 }],
    receive: (_worker, each) => read.push(each),
    failed: assert.ifError,
    looked: () => looks++,
  });
  t.after(() => reports.stop());
  let woken = 0;
  const wake = () => {
    woken++;
    reports.read(1);
  };
  const writer = new ReportWriter(new ReportRing(own, 1), wake, () => assert.fail('it fits'));
  writer.add(['cancelled', 1]);
  assert.equal(woken, 1, 'it slept');
  writer.add(['cancelled', 2]);
  assert.equal(woken, 1, 'it looks anyway');
  await until('both are read', () => read.length === 2);
  await until('it has looked for some time', () => looks >= 10);
  const before = looks;
  await until('it sleeps again', () => {
    if (woken === 1) writer.remind();
    return woken === 2;
  });
  assert.ok(looks - before < 100);
});
