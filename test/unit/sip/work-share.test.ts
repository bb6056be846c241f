import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PeerTables } from '../../../src/sip/peer-tables.js';
import { WorkShare } from '../../../src/sip/work-share.js';
import { newCounters } from '../../../src/workers/tallies.js';
import { recordingLog } from '../../support/recording-log.js';

const HOSTILE = '198.51.100.66';
const GOOD = '192.0.2.7';

/** A process with a clock; `slow`: real milliseconds for one of processor time; `step`: of the processor clock. */
function process(trusted: readonly string[] = [], slow = 1, step = 0) {
  const counters = newCounters();
  const { log, lines } = recordingLog();
  const set = { has: (address: string) => trusted.includes(address) };
  const at = { now: 0, cpu: 0, idle: 0 };
  const clocks = {
    now: () => at.now,
    cpu: () => (step === 0 ? at.cpu : Math.floor(at.cpu / step) * step),
    idle: () => at.idle,
  };
  const work = new WorkShare(new PeerTables(counters.tables, set, log), set, clocks);
  const taken = new Map<string, number>();
  /** One request; returns whether it was refused. Refusing takes 0.05 ms. */
  const request = (address: string, characters: number, ms: number): boolean => {
    const measured = work.measures(characters);
    if (measured) work.begin();
    const refused = work.refuses(address);
    const cost = refused ? 0.05 : ms;
    at.cpu += cost;
    at.now += cost * slow;
    if (!refused) taken.set(address, (taken.get(address) ?? 0) + cost);
    if (measured) work.spent(address);
    return refused;
  };
  const rest = (ms: number): void => {
    at.now += ms;
    at.idle += ms;
  };
  return { request, rest, at, taken, counters, lines };
}

for (const slow of [1, 10]) {
  test(`expensive requests of one source take no more than half of the time, also with one ${slow}th of a processor`, () => {
    const { request, at, taken, counters } = process([], slow);
    let good = 0;
    while (at.cpu < 20_000) {
      request(HOSTILE, 60_000, 60);
      for (let i = 0; i < 5; i++) if (request(GOOD, 900, 0.2)) good++;
    }
    const part = (taken.get(HOSTILE) ?? 0) / at.cpu;
    assert.ok(part < 0.6, `${part}`);
    assert.equal(good, 0, 'refused of the others');
    assert.ok(counters.tables.expressions.value > 1000);
  });
}

test('hundreds of requests of three milliseconds each take no more than half of the time', () => {
  const { request, at, taken } = process();
  let good = 0;
  while (at.cpu < 20_000) {
    for (let i = 0; i < 10; i++) request(HOSTILE, 15_000, 3);
    for (let i = 0; i < 5; i++) if (request(GOOD, 900, 0.2)) good++;
  }
  const part = (taken.get(HOSTILE) ?? 0) / at.cpu;
  assert.ok(part < 0.6, `${part}`);
  assert.equal(good, 0, 'refused of the others');
});

test('a busy trunk is not refused, however many requests it sends, nor is a source of few expensive ones', () => {
  const busy = process();
  while (busy.at.cpu < 5000) assert.equal(busy.request(GOOD, 3000, 0.4), false);
  const slower = process();
  // One in fifty has a pause of the garbage collector.
  for (let i = 0; slower.at.cpu < 5000; i++) assert.equal(slower.request(GOOD, 3000, i % 50 === 0 ? 12 : 1), false);
  const few = process();
  for (let i = 0; i < 100; i++) {
    assert.equal(few.request(HOSTILE, 60_000, 60), false);
    few.rest(60);
  }
});

test('a trusted source is never refused', () => {
  const { request, at } = process([HOSTILE]);
  while (at.cpu < 5000) assert.equal(request(HOSTILE, 60_000, 60), false);
});

test('where processor time advances in steps of ten milliseconds, a busy trunk of large requests is not refused', () => {
  const coarse = process([], 1, 10);
  while (coarse.at.cpu < 5000) assert.equal(coarse.request(GOOD, 3000, 0.4), false);
});

test('cheap requests between expensive ones do not increase the share of a source', () => {
  const { request, at, taken } = process();
  while (at.cpu < 20_000) {
    request(HOSTILE, 60_000, 60);
    for (let i = 0; i < 30; i++) request(HOSTILE, 400, 0.2);
    request(GOOD, 900, 0.2);
  }
  assert.ok((taken.get(HOSTILE) ?? 0) / at.cpu < 0.65, `${(taken.get(HOSTILE) ?? 0) / at.cpu}`);
});
