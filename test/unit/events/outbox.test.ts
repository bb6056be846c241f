import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { nullLogger } from '../../../src/core/logger.js';
import { EventIds, statusEvent } from '../../../src/events/catalogue.js';
import type { DispatcherEvent } from '../../../src/events/event.js';
import { Outbox, type OutboxOptions } from '../../../src/events/outbox.js';
import { fixedRandom, flip, makeDestination } from '../../support/event-fixtures.js';
import { FakeClock } from '../../support/fake-clock.js';

const nextIteration = () => new Promise<void>((resolve) => setImmediate(resolve));

interface Flight {
  readonly event: DispatcherEvent;
  ack(): void;
  fail(): void;
}

/** An outbox whose deliveries the test completes. */
function manual(options: Partial<OutboxOptions> = {}) {
  const clock = new FakeClock();
  const flights: Flight[] = [];
  const outbox = new Outbox({
    name: 'test',
    clock,
    log: nullLogger,
    limit: 100,
    defer: (run) => run(),
    deliver: (event) =>
      new Promise((resolve, reject) => {
        flights.push({ event, ack: resolve, fail: () => reject(new Error('refused')) });
      }),
    ...options,
  });
  return { clock, flights, outbox };
}

function raiser() {
  const ids = new EventIds('sw1', fixedRandom);
  const destinations = new Map<string, ReturnType<typeof makeDestination>>();
  return (uri: string): DispatcherEvent => {
    const destination = destinations.get(uri) ?? makeDestination({ uri });
    destinations.set(uri, destination);
    return statusEvent(flip(destination), ids);
  };
}

const seqs = (flights: readonly Flight[]) =>
  flights.map((each) => `${each.event.params['address']}#${each.event.params['seq']}`);

describe('outbox', () => {
  test('sends events of different keys at once, oldest first, and one event of a key at a time', async () => {
    const { flights, outbox } = manual({ window: 2 });
    const raise = raiser();
    for (const uri of ['sip:a', 'sip:a', 'sip:b', 'sip:c']) outbox.add(raise(uri));
    assert.deepEqual(seqs(flights), ['sip:a#1', 'sip:b#1']);
    flights[1]?.ack();
    await nextIteration();
    assert.deepEqual(seqs(flights), ['sip:a#1', 'sip:b#1', 'sip:c#1'], 'the second of a waits for the first');
    flights[0]?.ack();
    await nextIteration();
    assert.equal(seqs(flights)[3], 'sip:a#2');
  });

  test('tries again with growing pauses, while the later events of the key wait', async () => {
    const { clock, flights, outbox } = manual({ backoff: { first: 100, max: 300 } });
    const raise = raiser();
    outbox.add(raise('sip:a'));
    outbox.add(raise('sip:a'));
    for (const pause of [100, 200, 300, 300]) {
      const before = flights.length;
      flights.at(-1)?.fail();
      await nextIteration();
      clock.advance(pause - 1);
      assert.equal(flights.length, before);
      clock.advance(1);
      assert.equal(flights.length, before + 1);
    }
    assert.deepEqual([...new Set(seqs(flights))], ['sip:a#1']);
    flights.at(-1)?.ack();
    await nextIteration();
    assert.equal(seqs(flights).at(-1), 'sip:a#2');
    assert.equal(outbox.stats().retries, 4);
  });

  test('tries a delivery that never ends again after a time; its late end changes nothing', async () => {
    const { clock, flights, outbox } = manual({ attemptTimeout: 1000 });
    outbox.add(raiser()('sip:a'));
    clock.advance(1100);
    assert.equal(flights.length, 2);
    flights[0]?.ack();
    await nextIteration();
    assert.equal(outbox.depth, 1);
    flights[1]?.ack();
    await nextIteration();
    assert.deepEqual([outbox.depth, outbox.stats().published, clock.pending], [0, 1, 0]);
  });

  test('sends nothing while the connection is closed, and at once when it is open', async () => {
    const { clock, flights, outbox } = manual({ ready: false });
    const raise = raiser();
    outbox.add(raise('sip:a'));
    clock.advance(60_000);
    assert.equal(flights.length, 0);
    assert.equal(outbox.lag(), 60_000);
    outbox.setReady(true);
    assert.equal(flights.length, 1);
    outbox.setReady(false);
    outbox.setReady(true);
    assert.equal(flights.length, 2, 'what was under way is sent again');
    flights[1]?.ack();
    await nextIteration();
    assert.equal(outbox.stats().published, 1);
  });

  test('reports when a destination has nothing left, and when something of it is refused, not when the connection is closed', async () => {
    const settled: string[] = [];
    const { flights, outbox } = manual({ settled: (key) => settled.push(key) });
    const raise = raiser();
    const first = raise('sip:a');
    for (const event of [first, raise('sip:a')]) outbox.add(event);
    assert.ok(outbox.holds(first.key));
    flights[0]?.ack();
    await nextIteration();
    assert.deepEqual(settled, [], 'the second is still there');
    outbox.setReady(false);
    assert.deepEqual(settled, []);
    outbox.setReady(true);
    flights[2]?.fail();
    await nextIteration();
    assert.deepEqual(settled, [first.key]);
    outbox.setReady(false);
    outbox.setReady(true);
    flights[3]?.ack();
    await nextIteration();
    assert.deepEqual([settled.length, outbox.holds(first.key)], [2, false]);
  });

  test('a delivery that always fails does not cause a log line for each success of others', async () => {
    const said: string[] = [];
    const note = (_fields: object, message: string) => void said.push(message);
    const { clock, flights, outbox } = manual({ log: { ...nullLogger, warn: note, info: note } });
    const raise = raiser();
    outbox.add(raise('sip:bad'));
    flights[0]?.fail();
    await nextIteration();
    for (let i = 0; i < 3; i++) {
      outbox.add(raise(`sip:good${i}`));
      flights.at(-1)?.ack();
      await nextIteration();
    }
    assert.equal(said.length, 1);
    clock.advance(5000);
    flights.at(-1)?.ack();
    await nextIteration();
    assert.deepEqual([said.length, outbox.depth], [2, 0], 'all is well again');
  });

  test('at the limit events of one destination are merged; an event that was sent keeps its id', () => {
    const { flights, outbox } = manual({ limit: 3, window: 1 });
    const raise = raiser();
    for (const uri of ['sip:a', 'sip:a', 'sip:b', 'sip:a', 'sip:a']) outbox.add(raise(uri));
    assert.equal(seqs(flights)[0], 'sip:a#1');
    assert.deepEqual([outbox.depth, outbox.stats().coalesced], [3, 2]);
  });

  test('a merged event has the last state and the first previous one', async () => {
    const { flights, outbox } = manual({ limit: 1, ready: false });
    const raise = raiser();
    const raised = [raise('sip:a'), raise('sip:a'), raise('sip:a'), raise('sip:a')];
    for (const event of raised) outbox.add(event);
    outbox.setReady(true);
    assert.equal(flights.length, 1);
    assert.deepEqual(flights[0]?.event, {
      ...raised[3],
      params: { ...raised[3]?.params, previous: 'active', status: 'active' },
    });
    assert.deepEqual(Object.keys(flights[0]?.event.params ?? {}), Object.keys(raised[3]?.params ?? {}));
  });

  test('with a hard limit the oldest events are dropped and counted', () => {
    const { outbox, flights } = manual({ limit: 4, hardLimit: 4, ready: false });
    const raise = raiser();
    for (let i = 0; i < 500; i++) outbox.add(raise(`sip:${i}`));
    assert.deepEqual([outbox.depth, outbox.stats().dropped], [4, 496]);
    outbox.setReady(true);
    assert.deepEqual(seqs(flights), ['sip:496#1', 'sip:497#1', 'sip:498#1', 'sip:499#1']);
  });

  test('with a limit on attempts an event is dropped and the next one sent', async () => {
    const { clock, flights, outbox } = manual({ maxAttempts: 2 });
    const raise = raiser();
    outbox.add(raise('sip:a'));
    outbox.add(raise('sip:a'));
    flights[0]?.fail();
    await nextIteration();
    clock.advance(100);
    flights[1]?.fail();
    await nextIteration();
    assert.deepEqual(seqs(flights), ['sip:a#1', 'sip:a#1', 'sip:a#2']);
    assert.equal(outbox.stats().dropped, 1);
  });

  test('drain returns the number of events left; stop leaves no timer', async () => {
    const { clock, flights, outbox } = manual();
    outbox.add(raiser()('sip:a'));
    const late = outbox.drain(500);
    clock.advance(500);
    assert.equal(await late, 1);
    const done = outbox.drain(500);
    flights[0]?.ack();
    assert.equal(await done, 0);
    outbox.add(raiser()('sip:b'));
    assert.equal(outbox.stop(), 1);
    assert.equal(clock.pending, 0);
    outbox.add(raiser()('sip:b'));
    assert.equal(outbox.stats().dropped, 2);
  });

  const script = fc.record({
    limit: fc.integer({ min: 1, max: 40 }),
    window: fc.integer({ min: 1, max: 6 }),
    steps: fc.array(
      fc.oneof(
        { weight: 6, arbitrary: fc.record({ do: fc.constant('raise' as const), n: fc.nat(4) }) },
        { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), n: fc.integer({ min: 1, max: 3000 }) }) },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('way' as const), n: fc.nat(1) }) },
      ),
      { maxLength: 120 },
    ),
    fates: fc.array(fc.constantFrom('ack', 'lost', 'ack lost', 'hang', 'hang after arrival', 'throw'), {
      maxLength: 60,
    }),
  });

  test('whatever fails, each event arrives once by id, in the order of its destination, unless merged', async () => {
    await fc.assert(
      fc.asyncProperty(script, async ({ limit, window, steps, fates }) => {
        const clock = new FakeClock();
        const arrived: DispatcherEvent[] = [];
        const underWay = new Set<string>();
        let sent = 0;
        const outbox = new Outbox({
          name: 'test',
          clock,
          log: nullLogger,
          limit,
          window,
          attemptTimeout: 1000,
          defer: (run) => run(),
          async deliver(event) {
            assert.ok(!underWay.has(event.key), 'one at a time per key');
            const fate = fates[sent++] ?? 'ack';
            if (fate === 'throw') throw new Error(fate);
            if (fate === 'ack' || fate === 'ack lost' || fate === 'hang after arrival') arrived.push(event);
            if (fate === 'hang' || fate === 'hang after arrival') return new Promise(() => {});
            underWay.add(event.key);
            await nextIteration();
            underWay.delete(event.key);
            if (fate !== 'ack') throw new Error(fate);
          },
        });
        const raise = raiser();
        const raised: DispatcherEvent[] = [];
        for (const step of steps) {
          if (step.do === 'raise') {
            const event = raise(`sip:${step.n}`);
            raised.push(event);
            outbox.add(event);
          } else if (step.do === 'wait') await clock.advanceAsync(step.n, 500);
          else if (underWay.size === 0) outbox.setReady(step.n === 1);
        }
        while (underWay.size > 0) await nextIteration();
        outbox.setReady(true);
        for (let i = 0; i < 2000 && outbox.depth > 0; i++) await clock.advanceAsync(5000);
        assert.equal(outbox.depth, 0);

        const unique = [...new Map(arrived.map((event) => [event.id, event])).values()];
        const { coalesced, published } = outbox.stats();
        assert.equal(unique.length + coalesced, raised.length);
        assert.equal(published, unique.length);
        const last = new Map<string, DispatcherEvent>();
        for (const event of unique) {
          const before = last.get(event.key);
          assert.ok(Number(event.params['seq']) > Number(before?.params['seq'] ?? 0), 'in order');
          assert.equal(
            event.params['previous'],
            before?.params['status'] ?? 'active',
            'previous is what was published before',
          );
          last.set(event.key, event);
        }
        for (const event of raised) {
          const final = raised.findLast((each) => each.key === event.key);
          assert.equal(last.get(event.key)?.id, final?.id, 'the last state arrives');
        }
        assert.equal(clock.pending, 0);
      }),
      { numRuns: 150 },
    );
  });
});
