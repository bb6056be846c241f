import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Destination } from '../../../../src/engine/destination.js';
import { LoadLedger, type TrackedCall } from '../../../../src/engine/kamailio/call-ledger.js';
import { updateCalls } from '../../../../src/engine/kamailio/calls.js';
import { kamailioOf } from '../../../../src/engine/kamailio/flavour.js';
import { liveOf } from '../../../../src/engine/kamailio/live.js';
import { parseRoutes } from '../../../../src/engine/kamailio/select-routes.js';
import type { CountedCall } from '../../../../src/engine/selection.js';
import { KamailioBench, kamailioRows } from '../../../support/kamailio.js';
import { request, stillClock } from '../../../support/partitions.js';

const [A, B, C] = ['sip:10.0.0.1', 'sip:10.0.0.2', 'sip:10.0.0.3'] as const;

function callOf(bench: KamailioBench, callId: string): CountedCall {
  const call = bench.choose(10, { callId })?.context.of(bench.partition)?.call;
  assert.ok(call !== undefined);
  return call;
}

describe('call load', () => {
  test('the destination with the fewest calls is selected; of equal ones the first in the set', () => {
    const bench = new KamailioBench(kamailioRows(['duid=a', 'duid=b', 'duid=c']));
    assert.deepEqual(bench.select(10, { callId: '1' }), [C, B, A]);
    assert.deepEqual(bench.select(10, { callId: '2' }), [B, A, C]);
    assert.deepEqual(bench.select(10, { callId: '3' }), [A, C, B]);
    kamailioOf(bench.partition)?.calls.endByCallId('2');
    assert.equal(bench.select(10, { callId: '4' })?.[0], B);
    assert.deepEqual(bench.loads(), { [C]: 1, [B]: 1, [A]: 1 });
  });

  test('a destination that is full is passed over; if all are full the selection fails', () => {
    const bench = new KamailioBench(kamailioRows(['duid=a;maxload=1', 'duid=b;maxload=2']));
    const firsts = [1, 2, 3, 4].map((i) => bench.select(10, { callId: `${i}` })?.[0]);
    assert.deepEqual(firsts, [B, A, B, undefined]);
    assert.equal(kamailioOf(bench.partition)?.calls.size, 3);
    kamailioOf(bench.partition)?.calls.endByCallId('2');
    assert.equal(bench.select(10, { callId: '5' })?.[0], A);
  });

  test('a destination that is full gets no call by failover', () => {
    const bench = new KamailioBench(kamailioRows(['duid=a', 'duid=b;maxload=1', 'duid=c']));
    assert.deepEqual(bench.select(10, { callId: '1' }), [C, B, A]);
    assert.deepEqual(bench.select(10, { callId: '2' }), [B, A, C]);
    assert.deepEqual(bench.select(10, { callId: '3' }), [A, C]);
    // A request that begins no call does not count and is not limited.
    assert.deepEqual(bench.select(10, { callId: '4', method: 'OPTIONS' }), [C, B, A]);
  });

  test('the default destination gets the calls for which no other has capacity', () => {
    const bench = new KamailioBench(kamailioRows(['duid=a', 'duid=b;maxload=1', 'duid=c;maxload=1']), {
      options: { useDefault: true },
    });
    assert.deepEqual(bench.select(10, { callId: '1' }), [C, B, A]);
    assert.deepEqual(bench.select(10, { callId: '2' }), [B, A]);
    assert.deepEqual(bench.select(10, { callId: '3' }), [A]);
    assert.deepEqual(bench.loads(), { [C]: 1, [B]: 1, [A]: 1 });
  });

  test('a call that tries several groups counts at its current destination only', () => {
    const rows = kamailioRows(['duid=a', 'duid=b']).map((each, i) => ({ ...each, setId: i + 1 }));
    const bench = new KamailioBench(rows);
    const context = bench.engine.context();
    const routes = parseRoutes('1=10;2=10', 0, 0);
    assert.equal(context.selectRoutes(bench.partition, routes, request({ callId: '1' })), 'selected');
    const loads = () =>
      [1, 2].map((id) => liveOf(bench.partition.findAll(id, id === 1 ? A : B)[0] as Destination).calls);
    assert.deepEqual(loads(), [1, 0]);
    context.next(bench.partition);
    assert.deepEqual(loads(), [0, 1]);
    context.of(bench.partition)?.call?.end();
    assert.deepEqual(loads(), [0, 0]);
    assert.equal(kamailioOf(bench.partition)?.calls.size, 0);
  });

  /** Loads of A and B of set 1 and C of set 2. */
  function groupLoads(bench: KamailioBench): string {
    const found = [A, B, C].map((uri) => bench.partition.findAll(uri === C ? 2 : 1, uri)[0] as Destination);
    return found.map((each) => liveOf(each).calls).join(' ');
  }

  /** Loads of A and B of set 1 and C of set 2 after the selection, and after each further target. */
  function loadsOf(compat: 'strict' | 'default', rules: string, attrs = ['duid=a', 'duid=b', 'duid=c']): string[] {
    const rows = kamailioRows(attrs).map((each, i) => ({ ...each, setId: i < 2 ? 1 : 2 }));
    const bench = new KamailioBench(rows, { compat });
    const context = bench.engine.context();
    assert.equal(context.selectRoutes(bench.partition, parseRoutes(rules, 0, 0), request({ callId: '1' })), 'selected');
    const seen: string[] = [];
    let target = context.current(bench.partition);
    for (let i = 0; i < 5 && target !== undefined; i++) {
      seen.push(`${target.host === '10.0.0.1' ? 'A' : target.host === '10.0.0.2' ? 'B' : 'C'} ${groupLoads(bench)}`);
      target = context.next(bench.partition);
    }
    context.of(bench.partition)?.counted?.end();
    assert.equal(groupLoads(bench), '0 0 0');
    return seen;
  }

  test('strict: a later group by call load counts the call at once; on failover the count moves within that group only', () => {
    assert.deepEqual(loadsOf('strict', '2=8;1=10'), ['C 0 1 0', 'B 0 1 0', 'A 1 0 0']);
    assert.deepEqual(loadsOf('strict', '1=10;2=8'), ['B 0 1 0', 'A 1 0 0', 'C 1 0 0']);
    assert.deepEqual(loadsOf('strict', '1=10;2=10'), ['B 0 1 0', 'A 1 0 0', 'C 1 0 0']);
  });

  test('a call counts in a later group by call load once it is sent there', () => {
    assert.deepEqual(loadsOf('default', '2=8;1=10'), ['C 0 0 0', 'B 0 1 0', 'A 1 0 0']);
    assert.deepEqual(loadsOf('default', '1=10;2=8'), ['B 0 1 0', 'A 1 0 0', 'C 0 0 1']);
    const attrs = ['duid=a;maxload=1', 'duid=b', 'duid=c'];
    assert.deepEqual(loadsOf('default', '2=8;1=10', attrs), ['C 0 0 0', 'B 0 1 0', 'A 1 0 0']);
  });

  test('a call that fails over into a later group by call load skips full destinations', () => {
    const rows = kamailioRows(['duid=a;maxload=1', 'duid=b', 'duid=c']).map((each, i) => ({
      ...each,
      setId: i < 2 ? 1 : 2,
    }));
    const bench = new KamailioBench(rows);
    const hosts = [1, 2, 3].map((i) => {
      const context = bench.engine.context();
      const view = request({ callId: `${i}` });
      assert.equal(context.selectRoutes(bench.partition, parseRoutes('2=8;1=10', 0, 0), view), 'selected');
      return [context.next(bench.partition)?.host, context.next(bench.partition)?.host];
    });
    // The first two calls end up at A and, since A is full then, at B.
    assert.deepEqual(hosts, [
      ['10.0.0.2', '10.0.0.1'],
      ['10.0.0.2', undefined],
      ['10.0.0.2', undefined],
    ]);
    assert.equal(groupLoads(bench), '1 2 0');
  });

  test('strict: a call for which the default has the fewest calls counts at the default, as recorded', () => {
    const rows = kamailioRows(['duid=a', 'duid=b', 'duid=c']);
    const bench = new KamailioBench(rows, { compat: 'strict', options: { useDefault: true } });
    const firsts = [1, 2, 3, 4].map((i) => bench.select(10, { callId: `${i}` })?.[0]);
    assert.deepEqual(firsts, [C, B, C, C]);
    assert.deepEqual(bench.loads(), { [C]: 2, [B]: 1, [A]: 1 });
  });

  test('a row without duid is used; a strict partition fails the set, and has counted the call, as recorded', () => {
    const rows = kamailioRows(['', 'duid=b']);
    assert.deepEqual(new KamailioBench(rows).select(10, { callId: '1' }), [B, A]);
    const strict = new KamailioBench(rows, { compat: 'strict' });
    assert.equal(strict.select(10, { callId: '1' }), undefined);
    assert.deepEqual(strict.loads(), { [B]: 1, [A]: 0 });
  });

  test('requests that begin no call count nothing', () => {
    const bench = new KamailioBench(kamailioRows(['duid=a', 'duid=b']));
    for (let i = 0; i < 3; i++) assert.equal(bench.select(10, { callId: `${i}`, method: 'OPTIONS' })?.[0], B);
    assert.equal(kamailioOf(bench.partition)?.calls.size, 0);
  });

  test('on failover the call is counted at the next destination', () => {
    const bench = new KamailioBench(kamailioRows(['duid=a', 'duid=b', 'duid=c']));
    const chosen = bench.choose(10, { callId: '1' });
    assert.deepEqual(bench.loads(), { [C]: 1, [B]: 0, [A]: 0 });
    chosen?.context.next(bench.partition);
    assert.deepEqual(bench.loads(), { [C]: 0, [B]: 1, [A]: 0 });
    chosen?.context.next(bench.partition);
    assert.equal(chosen?.context.next(bench.partition), undefined);
    chosen?.context.of(bench.partition)?.call?.end();
    assert.deepEqual(bench.loads(), { [C]: 0, [B]: 0, [A]: 0 });
  });

  test('the same Call-ID again is the same call', () => {
    const bench = new KamailioBench(kamailioRows(['duid=a', 'duid=b']));
    bench.select(10, { callId: '1' });
    bench.select(10, { callId: '1' });
    assert.deepEqual(bench.loads(), { [B]: 0, [A]: 1 });
    assert.equal(kamailioOf(bench.partition)?.calls.size, 1);
  });

  test('call load survives a reload', () => {
    const rows = kamailioRows(['duid=a', 'duid=b']);
    const bench = new KamailioBench(rows);
    bench.select(10, { callId: '1' });
    bench.load(rows);
    assert.deepEqual(bench.loads(), { [B]: 1, [A]: 0 });
    assert.equal(bench.select(10, { callId: '2' })?.[0], A);
    kamailioOf(bench.partition)?.calls.endByCallId('1');
    assert.equal(bench.select(10, { callId: '3' })?.[0], B);
  });

  test('a destination that comes back keeps its calls', () => {
    const bench = new KamailioBench(kamailioRows(['duid=a', 'duid=b']));
    bench.select(10, { callId: '1' });
    bench.down(B);
    assert.equal(bench.select(10, { callId: '2' })?.[0], A);
    assert.equal(bench.select(10, { callId: '3' })?.[0], A);
    bench.up(B);
    assert.equal(bench.select(10, { callId: '4' })?.[0], B);
    assert.deepEqual(bench.loads(), { [B]: 2, [A]: 2 });
  });
});

describe('the ledger of calls', () => {
  test('a call that is never ended is forgotten after its time', () => {
    const bench = new KamailioBench(kamailioRows(['duid=a']));
    const [destination] = bench.partition.findAll(1, A);
    assert.ok(destination !== undefined);
    const clock = stillClock();
    const ledger = new LoadLedger({ clock, expire: () => 100, initExpire: () => 10 });
    ledger.begin('starting', destination);
    ledger.begin('answered', destination)?.confirm();
    clock.time += 9_999;
    assert.equal(ledger.expire(), 0);
    clock.time += 1;
    assert.equal(ledger.expire(), 1);
    assert.equal(liveOf(destination).calls, 1);
    clock.time += 90_000;
    assert.equal(ledger.expire(), 1);
    assert.equal(liveOf(destination).calls, 0);
    assert.equal(ledger.size, 0);
  });

  test('at most maxCalls calls are counted', () => {
    const bench = new KamailioBench(kamailioRows(['duid=a']));
    const [destination] = bench.partition.findAll(1, A);
    assert.ok(destination !== undefined);
    const ledger = new LoadLedger({ clock: stillClock(), maxCalls: 2 });
    assert.ok(ledger.begin('1', destination));
    assert.ok(ledger.begin('2', destination));
    assert.equal(ledger.begin('3', destination), undefined);
    ledger.endByCallId('1');
    assert.ok(ledger.begin('3', destination));
  });

  test('a handle of an ended call has no effect', () => {
    const bench = new KamailioBench(kamailioRows(['duid=a', 'duid=b']));
    const call = callOf(bench, '1');
    call.end();
    call.end();
    call.confirm();
    call.moveTo(bench.partition.find(1, A) ?? assert.fail());
    assert.deepEqual(bench.loads(), { [B]: 0, [A]: 0 });
    assert.equal(kamailioOf(bench.partition)?.calls.size, 0);
  });

  test('BYE and CANCEL end a call, only a 2xx to its INVITE confirms it', () => {
    const bench = new KamailioBench(kamailioRows(['duid=a']));
    const calls = kamailioOf(bench.partition)?.calls ?? assert.fail();
    callOf(bench, '1');
    const isConfirmed = (ledger: typeof calls) => (ledger.get('1') as TrackedCall | undefined)?.confirmed;
    updateCalls(calls, '1', 'INVITE', 180);
    updateCalls(calls, '1', 'BYE', 200);
    assert.equal(isConfirmed(calls), false);
    updateCalls(calls, '1', 'INVITE', 200);
    assert.equal(isConfirmed(calls), true);
    updateCalls(calls, '1', 'BYE');
    assert.deepEqual(bench.loads(), { [A]: 0 });
  });

  test('whatever happens, the loads equal the calls', () => {
    const step = fc.record({
      what: fc.constantFrom('begin', 'next', 'confirm', 'end', 'bye', 'down', 'up', 'reload'),
      n: fc.nat(5),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const rows = kamailioRows(['duid=a;maxload=3', 'duid=b', 'duid=c']);
        const bench = new KamailioBench(rows);
        const calls = kamailioOf(bench.partition)?.calls ?? assert.fail();
        const contexts = new Map<number, ReturnType<KamailioBench['choose']>>();
        for (const { what, n } of steps) {
          const context = contexts.get(n)?.context;
          const call = context?.of(bench.partition)?.call;
          const uri = [A, B, C][n % 3] as string;
          if (what === 'begin') contexts.set(n, bench.choose(10, { callId: `${n}` }));
          else if (what === 'next') context?.next(bench.partition);
          else if (what === 'confirm') call?.confirm();
          else if (what === 'end') call?.end();
          else if (what === 'bye') updateCalls(calls, `${n}`, 'BYE');
          else if (what === 'down') bench.down(uri);
          else if (what === 'up') bench.up(uri);
          else bench.load(rows);
          const sum = Object.values(bench.loads()).reduce((a, b) => a + b, 0);
          assert.equal(sum, calls.size);
          assert.ok(Object.values(bench.loads()).every((load) => load >= 0));
        }
        for (let n = 0; n <= 5; n++) calls.endByCallId(`${n}`);
        assert.deepEqual(Object.values(bench.loads()), [0, 0, 0]);
      }),
      { numRuns: 200 },
    );
  });
});
