import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { probeValues, upAfterLoad, upDownOf } from '../../../src/daemon/up-down.js';
import { Engine } from '../../../src/engine/engine.js';
import type { DispatcherEvent } from '../../../src/events/event.js';
import { FakeClock } from '../../support/fake-clock.js';
import { partitionOptions, row, seededRandom } from '../../support/partitions.js';

const engine = new Engine({ clock: new FakeClock(), random: seededRandom() });
const gw = engine.addPartition(partitionOptions({ name: 'gw', flavour: 'kamailio' }));
gw.load([row('sip:192.0.2.1'), row('sip:192.0.2.2', { state: 'inactive', flags: 1 })], { inheritState: true });
engine.addPartition(partitionOptions({ name: 'acme' }));

function event(params: Record<string, string | number>): DispatcherEvent {
  return { name: 'E_DISPATCHER_STATUS', params, key: 'k', id: '1', subject: [] };
}

const DOWN = { partition: 'gw', group: 1, address: 'sip:192.0.2.1', status: 'inactive' };

describe("Kamailio's events of a destination (event_callback_mode)", () => {
  test('event_callback_mode 0 and 2 raise an event for each change', () => {
    for (const mode of [0, 2] as const) {
      assert.equal(upDownOf(event({ ...DOWN, reason: 'MI command' }), engine, mode)?.name, 'dispatcher:dst-down');
      const marked = event({ ...DOWN, status: 'active', reason: 'script function ds_mark()' });
      assert.equal(upDownOf(marked, engine, mode)?.name, 'dispatcher:dst-up');
    }
  });

  test('mode 1 raises none for states that a script sets', () => {
    assert.equal(upDownOf(event({ ...DOWN, reason: 'script function ds_mark()' }), engine, 1), undefined);
    assert.equal(
      upDownOf(event({ ...DOWN, reason: 'negative probing reply' }), engine, 1)?.name,
      'dispatcher:dst-down',
    );
  });

  test('destinations of flavour opensips, and other events, raise none', () => {
    assert.equal(upDownOf(event({ ...DOWN, partition: 'acme' }), engine, 0), undefined);
    assert.equal(upDownOf({ ...event(DOWN), name: 'E_CORE_THRESHOLD' }, engine, 0), undefined);
    assert.equal(upDownOf(event({ partition: 'gw' }), engine, 0), undefined);
  });

  test('the events after a load (event_callback_mode 2) are one for each active destination', () => {
    assert.deepEqual(
      [...upAfterLoad(gw)].map(({ name, params }) => [name, params['address']]),
      [['dispatcher:dst-up', 'sip:192.0.2.1']],
    );
  });

  test('$dsv(...) shows the reply to the probe, as recorded', () => {
    const shown = (params: Record<string, string | number>) => Object.fromEntries(probeValues(params));
    assert.deepEqual(shown({ ...DOWN, code: 404 }), { code: 404, reason: 'Not Found', flags: 1 });
    assert.deepEqual(shown({ ...DOWN, code: 408, cause: 'timeout' }), { code: 408, reason: null, flags: 0 });
    assert.deepEqual(shown({ ...DOWN, reason: 'script function ds_mark()' }), {});
  });
});
