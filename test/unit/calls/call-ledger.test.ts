import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { callEntry } from '../../../src/calls/call-entry.js';
import type { CallEntry } from '../../../src/calls/call-entry-types.js';
import { CallLedger, type RecordHandle } from '../../../src/calls/call-ledger.js';
import type { CallRecord } from '../../../src/calls/call-record.js';
import { renderCall } from '../../../src/calls/call-text.js';
import { NO_PRIVACY } from '../../../src/calls/privacy.js';
import type { Clock } from '../../../src/core/clock.js';
import type { NextHop } from '../../../src/proxy/decision.js';
import { makeDestination } from '../../support/event-fixtures.js';
import { FakeClock } from '../../support/fake-clock.js';
import { hopTo, ListPlan, type ProxyFixtureOptions, proxyFixture } from '../../support/proxy-fixture.js';
import { parsed, RecordingSocket, requestText, sourceOf } from '../../support/sip-recorder.js';

const FIRST = '192.0.2.10';
const SECOND = '192.0.2.11';

const bound = (clock: FakeClock): Clock => ({
  now: () => clock.now(),
  monotonic: () => clock.monotonic(),
  schedule: (ms, run) => clock.schedule(ms, run),
});

function setUp(
  hops: readonly (NextHop | readonly NextHop[])[],
  more: Partial<ProxyFixtureOptions> = {},
  bounds = { ring: 10, dialogs: 5 },
  isHeard = true,
) {
  let ledger!: CallLedger;
  const fixture = proxyFixture({
    observer: (clock) => (ledger = new CallLedger(clock, bounds)),
    decide: () => ({ kind: 'relay', plan: Object.assign(new ListPlan(hops, [408, 503], true), { origin: ORIGIN }) }),
    ...more,
  });
  const ended: CallRecord[] = [];
  ledger.onEnd(
    (record) => ended.push(record),
    () => isHeard,
  );
  const entries = (): CallEntry[] => [...ledger.records()].map((each) => callEntry(each, 'sw1', NO_PRIVACY));
  return { ...fixture, ledger, ended, entries };
}

const ORIGIN = { rule: '/routing/0', partition: 'acme', sets: [1], algorithm: 4 };
const gateway = (address: string) => {
  const destination = makeDestination({ uri: `sip:${address}:5060` });
  return hopTo(`sip:${address}`, { destination });
};

/** The figures of a hop's destination, up to date. */
const figuresOf = (ledger: CallLedger, { destination }: NextHop) => destination && ledger.table.of(destination);

describe('call records', () => {
  test('times of records follow a change of the system clock within a second', () => {
    let ahead = 0;
    const clock = new FakeClock(1000);
    const set = { ...bound(clock), now: () => clock.now() + ahead };
    const ledger = new CallLedger(set);
    const times = () => [...ledger.records()].map(({ time }) => time);
    const refuse = () =>
      ledger.refused(parsed(requestText()), sourceOf(new RecordingSocket(clock)), 404, 'Not Found', ORIGIN);
    refuse();
    ahead = 60_000;
    clock.advance(1000);
    refuse();
    ahead = 0;
    clock.advance(1000);
    refuse();
    assert.deepEqual(times(), [1000, 62_000, 3000]);
  });

  test('a call that fails over is one record with each try, its code and its time', () => {
    const world = setUp([gateway(FIRST), gateway(SECOND)]);
    world.call({ callId: 'one' });
    world.clock.advance(30);
    world.answer(world.sentTo(FIRST)[0] as string, 503);
    assert.equal(world.entries().length, 0, 'no record before the final reply');
    world.clock.advance(20);
    world.answer(world.sentTo(SECOND)[0] as string, 180, 'b');
    world.clock.advance(50);
    world.answer(world.sentTo(SECOND)[0] as string, 486, 'b');
    const [entry] = world.entries();
    const { from, to, time, source, ...rest } = entry as CallEntry;
    assert.deepEqual(rest, {
      seq: 1,
      node: 'sw1',
      method: 'INVITE',
      call_id: 'one',
      ruri: rest.ruri,
      partition: 'acme',
      sets: [1],
      algorithm: 4,
      rule: '/routing/0',
      tries: [
        {
          destination: `sip:${FIRST}:5060`,
          partition: 'acme',
          set: 1,
          address: `udp:${FIRST}:5060`,
          code: 503,
          after_ms: 0,
          ms: 30,
          first_ms: 30,
        },
        {
          destination: `sip:${SECOND}:5060`,
          partition: 'acme',
          set: 1,
          address: `udp:${SECOND}:5060`,
          code: 486,
          after_ms: 30,
          ms: 70,
          first_ms: 20,
        },
      ],
      code: 486,
      ms: 100,
      ring_ms: 50,
    });
    assert.match(from, /^sip:/);
    assert.match(to, /^sip:/);
    assert.equal(source, 'udp:192.0.2.1:5060');
    assert.match(time, /^2023-/);
    assert.equal(world.ended.length, 1);
  });

  for (const [who, fromTag] of [
    ['caller', 'a'],
    ['callee', 'b'],
  ] as const) {
    test(`an answered call has its duration, and the ${who} as who hung up, once its BYE is accepted`, () => {
      const world = setUp([gateway(FIRST)]);
      world.call({ callId: 'talk', fromTag: 'a' });
      world.answer(world.sentTo(FIRST)[0] as string, 200, 'b');
      assert.equal(world.entries()[0]?.in_progress, true);
      assert.equal(world.ended.length, 0, 'it is handed on when the call ends');
      world.clock.advance(61_000);
      const toTag = fromTag === 'a' ? 'b' : 'a';
      const route = 'Route: <sip:127.0.0.1:5060;lr>\r\n';
      const bye = (branch: string, code: number) => {
        world.call({ method: 'BYE', callId: 'talk', fromTag, toTag, uri: `sip:${FIRST}`, branch, headers: route });
        const sent = world.sentTo(FIRST).filter((text) => text.startsWith('BYE'));
        world.clock.advance(100);
        world.answer(sent.at(-1) as string, code, toTag);
      };
      bye('z9hG4bKchallenged', 407);
      assert.equal(world.entries()[0]?.in_progress, true, 'a challenged BYE ends nothing');
      world.clock.advance(900);
      bye('z9hG4bKbye', 200);
      const [entry] = world.entries();
      assert.deepEqual([entry?.in_progress, entry?.duration_ms, entry?.hung_up], [undefined, 62_000, who]);
      assert.equal(entry?.seq, 2, 'a change has a number of its own');
      assert.equal(world.ended.length, 1);
      assert.equal(world.ledger.inDialog, 0);
    });
  }

  test('a request that is forwarded statelessly leaves a record, its retransmission none', () => {
    const hop = gateway(FIRST);
    const decide = () => ({ kind: 'stateless' as const, hop, recordRoute: false, edits: [], origin: ORIGIN });
    const world = setUp([], { decide });
    for (let i = 0; i < 2; i++) world.call({ callId: 'quick', branch: 'z9hG4bKquick' });
    world.call({ method: 'CANCEL', callId: 'quick', branch: 'z9hG4bKquick' });
    const [entry, ...others] = world.entries();
    assert.equal(others.length, 0);
    const { code, stateless, rule, partition, tries } = entry as CallEntry;
    assert.deepEqual([code, stateless, rule, partition], [0, true, '/routing/0', 'acme']);
    assert.deepEqual(
      tries.map(({ destination, address }) => [destination, address]),
      [[`sip:${FIRST}:5060`, `udp:${FIRST}:5060`]],
    );
    assert.equal(world.ended.length, 1);
    assert.match(renderCall(entry as CallEntry), /forwarded statelessly\n[\s\S]*1\. sip:192\.0\.2\.10:5060 \(udp:/);
    assert.equal(world.ledger.inDialog, 0);
  });

  test('a destination that stays silent and a caller who cancels are distinguished', () => {
    const world = setUp([gateway(FIRST), gateway(SECOND)]);
    world.call({ callId: 'gone' });
    world.clock.advance(6000);
    world.answer(world.sentTo(SECOND)[0] as string, 180, 'b');
    world.call({ method: 'CANCEL', callId: 'gone' });
    const cancel = world.sentTo(SECOND).find((text) => text.startsWith('CANCEL')) as string;
    world.answer(cancel, 200, 'b');
    world.answer(world.sentTo(SECOND)[0] as string, 487, 'b');
    const [entry] = world.entries();
    const [silent, ringing] = entry?.tries ?? [];
    assert.deepEqual([silent?.code, silent?.local, silent?.cause], [408, true, 'timeout']);
    assert.deepEqual([ringing?.code, ringing?.local], [487, undefined]);
    assert.deepEqual([entry?.code, entry?.cancelled], [487, true]);
  });

  test('the record of a request that is answered without being dispatched has the reason', () => {
    const origin = { ...ORIGIN, failure: 'no active destination' };
    const world = setUp([], { decide: () => ({ kind: 'reply', code: 503, reason: 'Service Unavailable', origin }) });
    world.call();
    world.call({ maxForwards: '0', branch: 'z9hG4bKhops', callId: 'hops' });
    const entries = world.entries();
    assert.deepEqual(
      entries.map(({ code, reason, rule, tries }) => ({ code, reason, rule, tries })),
      [
        { code: 503, reason: 'no active destination', rule: '/routing/0', tries: [] },
        { code: 483, reason: 'Too Many Hops', rule: undefined, tries: [] },
      ],
    );
    assert.equal(world.ledger.counters.refused, 2);
  });

  test('a destination that is not allowed is listed as skipped', () => {
    const allowed = (address: { readonly address: string }) => address.address !== FIRST;
    const plan = () => Object.assign(new ListPlan([gateway(FIRST), gateway(SECOND)], [503], true, allowed));
    const world = setUp([], { decide: () => ({ kind: 'relay', plan: plan() }) });
    world.call();
    world.answer(world.sentTo(SECOND)[0] as string, 200, 'b');
    const tries = world.entries()[0]?.tries ?? [];
    assert.deepEqual([tries[0]?.cause, tries[0]?.address, tries[0]?.code], ['blacklisted', undefined, 473]);
    assert.equal(tries[1]?.code, 200);
  });

  test('records and calls in progress are bounded in number; a call dropped from the list ends as "unknown"', () => {
    const world = setUp([gateway(FIRST)], {}, { ring: 3, dialogs: 2 });
    for (let i = 0; i < 5; i++) {
      world.call({ callId: `call-${i}`, branch: `z9hG4bK${i}` });
      world.answer(world.sentTo(FIRST).at(-1) as string, 200, 'b');
    }
    const ids = () => world.entries().map((each) => `${each.call_id} ${each.hung_up ?? '-'}`);
    assert.deepEqual(ids(), ['call-2 unknown', 'call-3 -', 'call-4 -']);
    assert.equal(world.ledger.inDialog, 2);
    assert.deepEqual(
      world.ended.map((each) => each.hungUp),
      ['unknown', 'unknown', 'unknown'],
    );
    world.ledger.stop();
    assert.equal(world.ended.length, 5, 'at the end every record has been handed on once');
  });

  test('figures of ended calls are current also without a listener', () => {
    const reads: ((world: ReturnType<typeof setUp>) => unknown)[] = [
      ({ ledger }) => [...ledger.records()].map(({ hungUp }) => hungUp),
      ({ ledger }) => ledger.handles().map((each) => ledger.read(each)?.hungUp),
      ({ ledger }) => ledger.newest,
      ({ ledger }) => ledger.inDialog,
      ({ ledger }) => ledger.table.used(() => true).map(({ figures }) => figures.inProgress),
    ];
    const expected = [['callee', undefined], ['callee', undefined], 3, 1, [1]];
    for (const [i, read] of reads.entries()) {
      const world = setUp([gateway(FIRST)], {}, { ring: 10, dialogs: 5 }, false);
      for (const callId of ['one', 'two']) {
        world.call({ callId, branch: `z9hG4bK${callId}` });
        world.answer(world.sentTo(FIRST).at(-1) as string, 200, 'b');
      }
      world.ledger.byeEnded('one', 'another', 200);
      assert.deepEqual(read(world), expected[i]);
    }
  });

  test('a listener that begins to want records gets those of requests that have ended before, too', () => {
    const world = setUp([gateway(FIRST)], {}, { ring: 10, dialogs: 5 }, false);
    const received: string[] = [];
    let isWanted = false;
    world.ledger.onEnd(
      (record) => received.push(callEntry(record, 'sw1', NO_PRIVACY).call_id),
      () => isWanted,
    );
    const fail = (callId: string) => {
      world.call({ callId, branch: `z9hG4bK${callId}` });
      world.answer(world.sentTo(FIRST).at(-1) as string, 404, 'b');
    };
    fail('before');
    isWanted = true;
    world.ledger.askListeners();
    fail('after');
    assert.deepEqual(received, ['before', 'after']);
    isWanted = false;
    fail('last');
    assert.deepEqual(received, ['before', 'after']);
  });

  test('a BYE for an earlier call with the same Call-ID does not end a later one', () => {
    for (const isHeard of [true, false]) {
      const world = setUp([gateway(FIRST)], {}, { ring: 10, dialogs: 5 }, isHeard);
      const take = (branch: string) => {
        world.call({ callId: 'again', branch });
        world.answer(world.sentTo(FIRST).at(-1) as string, 200, 'b');
      };
      take('z9hG4bK1');
      world.clock.advance(10);
      const bye = requestText({ method: 'BYE', callId: 'again', toTag: 'b' });
      const watch = world.ledger.relayed(parsed(bye), world.caller, new ListPlan([gateway(FIRST)]));
      world.clock.advance(10);
      take('z9hG4bK2');
      watch?.ended(200, undefined);
      assert.deepEqual(
        world.entries().map((each) => each.hung_up),
        ['unknown', undefined],
      );
      assert.equal(world.ledger.inDialog, 1);
    }
  });

  test('refused requests have a ring buffer of their own, and do not displace calls', () => {
    let refuse = false;
    const world = setUp([], {
      decide: () =>
        refuse
          ? { kind: 'reply', code: 404, reason: 'Not Found', origin: { rule: '', failure: 'no rule matched' } }
          : { kind: 'relay', plan: new ListPlan([gateway(FIRST)]) },
    });
    world.call({ callId: 'good' });
    world.answer(world.sentTo(FIRST)[0] as string, 200, 'b');
    refuse = true;
    for (let i = 0; i < 1200; i++) {
      world.clock.advance(1);
      world.call({ callId: `flood-${i}`, branch: `z9hG4bKf${i}` });
      world.clock.advance(40);
    }
    const ids = world.entries().map((each) => each.call_id);
    assert.equal(ids.length, 1001);
    assert.equal(ids[0], 'good');
    assert.equal(world.ledger.counters.unmatched, 1200);
  });

  test('a call in progress keeps its request when its record leaves the ring buffer; one that has ended does not', () => {
    const world = setUp([gateway(FIRST)], {}, { ring: 4, dialogs: 5 });
    const take = (callId: string, status: number, body = '') => {
      world.call({ callId, branch: `z9hG4bK${callId}`, body });
      world.answer(world.sentTo(FIRST).at(-1) as string, status, 'b');
    };
    take('goes-on', 200);
    take('failed', 404);
    const [, failed] = world.ledger.handles() as [RecordHandle, RecordHandle];
    assert.match(world.ledger.read(failed)?.text ?? '', /Call-ID: failed\r\n/i);
    for (let i = 0; i < 200; i++) take(`later-${i}`, 404, 'x'.repeat(2000));
    assert.equal(world.ledger.read(failed), undefined);
    world.ledger.configure({ ring: 2, dialogs: 5 });
    assert.deepEqual(
      world.entries().map((each) => each.call_id),
      ['later-198', 'later-199'],
    );
    world.ended.length = 0;
    world.ledger.byeEnded('goes-on', 'another', 200);
    assert.deepEqual(
      world.ended.map((each) => [callEntry(each, 'sw1', NO_PRIVACY).call_id, each.hungUp]),
      [['goes-on', 'callee']],
    );
  });

  test('the fields that a list shows are kept of a request with a long header', () => {
    const world = setUp([gateway(FIRST)]);
    world.call({
      callId: 'far',
      headers: `X-Long: ${'x'.repeat(30_000)}\r\n`,
      uri: `sip:${'9'.repeat(600)}@example.com`,
    });
    world.answer(world.sentTo(FIRST)[0] as string, 404, 'b');
    const [record] = [...world.ledger.records()];
    assert.ok((record?.text.length ?? 0) < 4096);
    const [entry] = world.entries();
    assert.deepEqual([entry?.call_id, entry?.method, entry?.ruri.length], ['far', 'INVITE', 616]);
    assert.match(entry?.from ?? '', /^sip:/);
    assert.match(entry?.to ?? '', /^sip:/);
  });

  test('the first 256 characters of the reason of a refusal are kept', () => {
    const decide = () => ({ kind: 'reply', code: 404, reason: 'x'.repeat(60_000), origin: ORIGIN }) as const;
    const world = setUp([], { decide });
    world.call();
    assert.equal(world.entries()[0]?.reason, 'x'.repeat(256));
  });

  test('reports about a request after its final reply are ignored', () => {
    const world = setUp([gateway(FIRST)]);
    const { ledger, udp, caller } = world;
    const hop = gateway(FIRST);
    const plan = Object.assign(new ListPlan([hop]), { origin: ORIGIN });
    const watch = ledger.relayed(parsed(requestText({ callId: 'late' })), caller, plan);
    const target = { socket: udp, address: FIRST, port: 5060, serverName: undefined };
    watch?.sent(hop, target);
    watch?.ended(503, undefined);
    watch?.failed(hop, { code: 503, local: false });
    watch?.sent(gateway(SECOND), target);
    watch?.ended(200, hop);
    const [entry, ...others] = world.entries();
    assert.deepEqual([entry?.code, entry?.tries.length, others.length], [503, 1, 0]);
    assert.equal(figuresOf(ledger, hop)?.inProgress, 0);
  });

  test('of a long request only the beginning is kept', () => {
    const world = setUp([gateway(FIRST)]);
    world.call({ body: 'x'.repeat(30_000), callId: 'long' });
    world.answer(world.sentTo(FIRST)[0] as string, 404, 'b');
    const [record] = [...world.ledger.records()];
    assert.ok((record?.text.length ?? 0) < 4096);
    assert.equal(world.entries()[0]?.call_id, 'long');
  });
});

describe('figures of destinations', () => {
  test('calls, outcomes, failovers, calls in progress and times are counted by destination', () => {
    const [first, second] = [gateway(FIRST), gateway(SECOND)];
    const world = setUp([first, second]);
    const figures = (hop: NextHop) => figuresOf(world.ledger, hop);
    world.call({ callId: 'f' });
    assert.equal(figures(first)?.inProgress, 1);
    world.clock.advance(40);
    world.answer(world.sentTo(FIRST)[0] as string, 503);
    world.clock.advance(40);
    world.answer(world.sentTo(SECOND)[0] as string, 180, 'b');
    world.clock.advance(400);
    world.answer(world.sentTo(SECOND)[0] as string, 200, 'b');
    assert.deepEqual(
      [figures(first)?.calls, figures(first)?.outcomes[5], figures(first)?.failovers, figures(first)?.inProgress],
      [1, 1, 1, 0],
    );
    assert.deepEqual(
      [figures(second)?.calls, figures(second)?.outcomes[2], figures(second)?.failovers, figures(second)?.inProgress],
      [1, 1, 0, 1],
    );
    assert.deepEqual([figures(second)?.first.sum, figures(second)?.final.sum], [40, 440]);
    const route = 'Route: <sip:127.0.0.1:5060;lr>\r\n';
    world.call({ method: 'BYE', callId: 'f', toTag: 'b', uri: `sip:${SECOND}`, branch: 'z9hG4bKbye', headers: route });
    world.answer(world.sentTo(SECOND).findLast((text) => text.startsWith('BYE')) as string, 200, 'b');
    assert.equal(figures(second)?.inProgress, 0);
  });

  test('figures contain each step of a call in progress, whenever they are read', () => {
    const hop = gateway(FIRST);
    const shown = (world: ReturnType<typeof setUp>) => {
      const { calls, inProgress, outcomes, first, final } = figuresOf(world.ledger, hop) ?? assert.fail();
      return [calls, inProgress, outcomes[2], first.sum, final.sum];
    };
    const expected = [
      [1, 1, 0, 0, 0],
      [1, 1, 0, 40, 0],
      [1, 1, 1, 40, 440],
    ];
    // Read after each step, and not before this one.
    for (const readFrom of [0, 1, 2]) {
      const world = setUp([hop], {}, { ring: 10, dialogs: 5 }, false);
      const invite = () => world.sentTo(FIRST)[0] as string;
      const steps = [
        () => world.call({ callId: 'steps' }),
        () => world.answer(invite(), 180, 'b'),
        () => world.answer(invite(), 200, 'b'),
      ];
      for (const [i, step] of steps.entries()) {
        step();
        if (i >= readFrom) assert.deepEqual(shown(world), expected[i]);
        world.clock.advance(i === 0 ? 40 : 400);
      }
    }
  });

  test('a quantile lies inside the bucket of its share', () => {
    const world = setUp([gateway(FIRST)]);
    const { first } = world.ledger.table.of(makeDestination());
    for (let i = 0; i < 95; i++) first.observe(20);
    for (let i = 0; i < 5; i++) first.observe(700);
    assert.ok((first.quantile(0.5) ?? 0) > 10 && (first.quantile(0.5) ?? 0) <= 25);
    assert.ok((first.quantile(0.99) ?? 0) > 500 && (first.quantile(0.99) ?? 0) <= 1000);
  });
});
