import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Engine } from '../../../../src/engine/engine.js';
import { findFromList } from '../../../../src/engine/kamailio/from-list.js';
import { KAMAILIO_DEFAULTS } from '../../../../src/engine/kamailio/options.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { partitionOptions, row, seededRandom } from '../../../support/partitions.js';

/** Whether requests from the first and the second address of a name are recognised as from its destination. */
function found(compat: 'default' | 'strict', matchAll: boolean | undefined): readonly boolean[] {
  const engine = new Engine({ clock: new FakeClock(), random: seededRandom() });
  const kamailio = { ...KAMAILIO_DEFAULTS, dns: { matchAll } };
  const partition = engine.addPartition(partitionOptions({ name: 'gw', flavour: 'kamailio', compat, kamailio }));
  partition.load([row('sip:a2.test:7500')], {
    inheritState: true,
    resolve: () =>
      ['192.0.2.1', '192.0.2.2'].map((address) => ({ family: 4, address, port: 7500, transport: 'udp' as const })),
  });
  const query = { port: 5060, transport: 'udp', socket: '', setId: 1, mode: 3 } as const;
  return ['192.0.2.1', '192.0.2.2'].map((ip) => findFromList(partition, { ...query, ip }) !== undefined);
}

describe('ds_is_from_list of a name with two addresses (ds_dns_match_all)', () => {
  test('any of them matches; in a strict partition only the first, as recorded', () => {
    assert.deepEqual(found('default', undefined), [true, true]);
    assert.deepEqual(found('strict', undefined), [true, false]);
  });

  test('the parameter decides if it is set', () => {
    for (const compat of ['default', 'strict'] as const) {
      assert.deepEqual(found(compat, true), [true, true]);
      assert.deepEqual(found(compat, false), [true, false]);
    }
  });
});
