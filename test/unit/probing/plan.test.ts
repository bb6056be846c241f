import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Destination } from '../../../src/engine/destination.js';
import { planProbes } from '../../../src/probing/plan.js';
import { DISPATCHER } from '../../support/probing.js';

const to = (attrs: string) => ({ row: { uri: 'sip:gw', socket: '', attrs } }) as unknown as Destination;

test('Contact and header lines come from the settings, and from the attributes of a destination', () => {
  const asked = (attrs: string, contact: boolean, headers: readonly string[]) => {
    const plan = planProbes('p', { ...DISPATCHER, pingContact: contact, pingHeaders: headers }, undefined);
    const { contact: with_, headers: lines } = plan.request(to(attrs), 1000, { probeVia: () => undefined });
    return [with_ ?? false, lines ?? []];
  };
  assert.deepEqual(asked('', false, []), [false, []]);
  assert.deepEqual(asked('', true, ['X: y']), [true, ['X: y']]);
  assert.deepEqual(asked('weight=1;ping_contact=1', false, []), [true, []]);
  assert.deepEqual(asked('ping_contact=0', true, []), [false, []]);
  assert.deepEqual(asked('a=b; ping_header="X-Trunk: 7"', false, ['X: y']), [false, ['X: y', 'X-Trunk: 7']]);
  assert.deepEqual(asked('ping_header=no colon', false, []), [false, []]);
  for (const name of ['Call-ID', 'i', 'VIA', 'Content-Length', 'l', 'CSeq', 'from', 'to', 'Max-Forwards'])
    assert.deepEqual(asked(`ping_header="${name}: 7"`, false, []), [false, []], name);
});
