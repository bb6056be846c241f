import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nullLogger } from '../../../src/core/logger.js';
import { EventIds, scriptEvent, scriptKind, statusEvent } from '../../../src/events/catalogue.js';
import type { DispatcherEvent, EventSink, EventTarget } from '../../../src/events/event.js';
import { EventPublisher, type PublisherOptions } from '../../../src/events/publisher.js';
import { fixedRandom, flip, makeDestination } from '../../support/event-fixtures.js';
import { FakeClock } from '../../support/fake-clock.js';

const nextIteration = () => new Promise<void>((resolve) => setImmediate(resolve));
const EVENT = 'E_DISPATCHER_STATUS';

/** A sink "fake:name" that records what it receives; "fake:dead" never completes, "fake:broken" always fails. */
function setUp(options: Partial<Pick<PublisherOptions, 'maxSubscribers' | 'kinds'>> = {}) {
  const clock = new FakeClock();
  const got = new Map<string, DispatcherEvent[]>();
  const closed: string[] = [];
  const sink: EventSink = {
    scheme: 'fake',
    parse(target, form = 'json'): EventTarget {
      const list: DispatcherEvent[] = [];
      got.set(`${target} ${form}`, list);
      return {
        description: target,
        async deliver(event) {
          if (target === 'fake:broken') throw new Error('broken');
          if (target === 'fake:dead') return new Promise(() => {});
          list.push(event);
        },
        async close() {
          closed.push(`${target} ${form}`);
        },
      };
    },
  };
  const publisher = new EventPublisher({ clock, log: nullLogger, sinks: [sink], defer: (run) => run(), ...options });
  const ids = new EventIds('sw1', fixedRandom);
  const destination = makeDestination();
  const raise = () => {
    const event = statusEvent(flip(destination), ids);
    publisher.raise(event);
    return event;
  };
  return { clock, got, closed, publisher, raise, sink, ids };
}

describe('publisher', () => {
  test('events of a script that wait are not merged: each reports another call', async () => {
    const cdr = { name: 'E_ACC_CDR', params: [] };
    const { publisher, got, ids } = setUp({ kinds: () => [scriptKind(cdr, 0)] });
    publisher.subscribe(cdr.name, 'fake:1');
    const calls = Array.from({ length: 1500 }, (_, i) => `call ${i}`);
    for (const callid of calls) publisher.notify(scriptEvent(cdr.name, new Map([['callid', callid]]), ids));
    const list = got.get('fake:1 json') ?? [];
    for (let i = 0; i < 2000 && list.length < calls.length; i++) await nextIteration();
    assert.deepEqual(
      list.map(({ params }) => params['callid']),
      calls,
    );
  });

  test('subscribers are listed as recorded: newest first, remaining seconds, "expired" after expire 0', () => {
    const { publisher, clock } = setUp();
    publisher.subscribe(EVENT, 'fake:1');
    publisher.subscribe(EVENT, 'fake:2', 120);
    publisher.subscribe(EVENT, 'fake:3', 60);
    assert.deepEqual(publisher.subscribers(), {
      Events: [
        {
          name: EVENT,
          id: 0,
          Subscribers: [
            { socket: 'fake:3', expire: 60, ttl: 60 },
            { socket: 'fake:2', expire: 120, ttl: 120 },
            { socket: 'fake:1', expire: 3600, ttl: 3600 },
          ],
        },
      ],
    });
    clock.advance(1500);
    assert.deepEqual(publisher.subscribers(EVENT, 'fake:2'), {
      Event: { name: EVENT, id: 0, Subscriber: { socket: 'fake:2', expire: 120, ttl: 119 } },
    });
    publisher.subscribe(EVENT, 'fake:2', 0);
    assert.deepEqual(publisher.subscribers(EVENT), {
      Event: {
        name: EVENT,
        id: 0,
        Subscribers: [
          { socket: 'fake:3', expire: 60, ttl: 59 },
          { socket: 'fake:2', expire: 0, ttl: 'expired' },
          { socket: 'fake:1', expire: 3600, ttl: 3599 },
        ],
      },
    });
    assert.equal(publisher.subscribers('E_NOPE'), undefined);
    assert.equal(publisher.subscribers(EVENT, 'fake:9'), undefined);
  });

  test('events reach the subscribed until they expire, and are gone from the list with the next event', async () => {
    const { publisher, clock, got, raise, closed } = setUp();
    publisher.subscribe(EVENT, 'fake:1', 10);
    publisher.subscribe(EVENT, 'fake:2', 100, 'text');
    raise();
    await nextIteration();
    clock.advance(10_000);
    raise();
    await nextIteration();
    assert.equal(got.get('fake:1 json')?.length, 1);
    assert.equal(got.get('fake:2 text')?.length, 2);
    await nextIteration();
    assert.deepEqual(closed, ['fake:1 json']);
    assert.equal(publisher.stats().subscribers, 1);
  });

  test('subscribing again renews; in another form it changes the form', async () => {
    const { publisher, clock, got, raise } = setUp();
    publisher.subscribe(EVENT, 'fake:1', 10);
    clock.advance(9000);
    publisher.subscribe(EVENT, 'fake:1', 10);
    clock.advance(9000);
    raise();
    await nextIteration();
    publisher.subscribe(EVENT, 'fake:1', 10, 'text');
    raise();
    await nextIteration();
    assert.equal(got.get('fake:1 json')?.length, 1);
    assert.equal(got.get('fake:1 text')?.length, 1);
    assert.equal(publisher.stats().subscribers, 1);
  });

  test('a subscriber that is gone and one that fails do not affect others, and keep a limited number of events', async () => {
    const { publisher, clock, got, raise } = setUp();
    for (const name of ['dead', 'broken', 'good']) publisher.subscribe(EVENT, `fake:${name}`, 10_000_000);
    for (let i = 0; i < 3000; i++) {
      raise();
      if (i % 100 === 0) await clock.advanceAsync(1000);
    }
    await nextIteration();
    assert.ok((got.get('fake:good json')?.length ?? 0) >= 1024);
    const { depth } = publisher.stats();
    assert.ok(depth <= 2 * 1024, String(depth));
    const stopped = publisher.stop(100);
    await clock.advanceAsync(200, 50);
    await stopped;
    assert.equal(clock.pending, 0);
  });

  test('refuses unknown events, unknown sockets, and too many subscribers', () => {
    const { publisher } = setUp({ maxSubscribers: 2 });
    const refused = { code: 'USAGE' };
    assert.throws(() => publisher.subscribe('E_NOPE', 'fake:1'), refused);
    assert.throws(() => publisher.subscribe(EVENT, 'bogus'), refused);
    assert.throws(() => publisher.subscribe(EVENT, 'ftp:1'), refused);
    assert.throws(() => publisher.subscribe(EVENT, 'fake:1', -1), refused);
    assert.throws(() => publisher.subscribe(EVENT, 'fake:1', 1.5), refused);
    publisher.subscribe(EVENT, 'fake:1', 0);
    assert.equal(publisher.stats().subscribers, 0);
    publisher.subscribe(EVENT, 'fake:1');
    publisher.subscribe(EVENT, 'fake:2');
    assert.throws(() => publisher.subscribe(EVENT, 'fake:3'), refused);
    publisher.subscribe(EVENT, 'fake:2', 5);
  });

  test('a configured target gets every event without subscribing', async () => {
    const { publisher, got, raise, sink } = setUp();
    publisher.addTarget(sink.parse('fake:conf'));
    raise();
    await nextIteration();
    assert.equal(got.get('fake:conf json')?.length, 1);
    assert.deepEqual(publisher.events(), { Events: [{ name: EVENT, id: 0 }] });
  });
});
