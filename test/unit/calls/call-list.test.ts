import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallFilter } from '../../../src/calls/call-filter.js';
import { CallLedger } from '../../../src/calls/call-ledger.js';
import { listCalls } from '../../../src/calls/call-list.js';
import { NO_PRIVACY } from '../../../src/calls/privacy.js';
import { makeDestination } from '../../support/event-fixtures.js';
import { FakeClock } from '../../support/fake-clock.js';
import { hopTo, ListPlan } from '../../support/proxy-fixture.js';
import { parsed, RecordingSocket, requestText, sourceOf } from '../../support/sip-recorder.js';

const hop = hopTo('sip:192.0.2.10', { destination: makeDestination({ uri: 'sip:192.0.2.10:5060' }) });

function setUp(bounds = { ring: 500, dialogs: 500 }) {
  const clock = new FakeClock();
  const ledger = new CallLedger(clock, bounds);
  const socket = new RecordingSocket(clock);
  const source = sourceOf(socket, '192.0.2.1');
  const target = { socket, address: '192.0.2.10', port: 5060, serverName: undefined };
  const call = (callId: string, code: number) => {
    const watch = ledger.relayed(parsed(requestText({ callId })), source, new ListPlan([hop], [], true));
    watch?.sent(hop, target);
    watch?.ended(code, hop);
  };
  const list = async (filter: CallFilter = {}, limit = 1000) =>
    (await listCalls(ledger, filter, { node: 'a', privacy: NO_PRIVACY, limit })).map((each) => each.call_id);
  return { ledger, call, list };
}

test('a listing has the newest calls that match the filter, up to the limit, the oldest of them first', async () => {
  const { call, list } = setUp();
  for (let i = 0; i < 6; i++) call(`c${i}`, i % 2 === 0 ? 200 : 503);
  assert.deepEqual(await list(), ['c0', 'c1', 'c2', 'c3', 'c4', 'c5']);
  assert.deepEqual(await list({}, 2), ['c4', 'c5']);
  assert.deepEqual(await list({ code: '5xx' }), ['c1', 'c3', 'c5']);
  assert.deepEqual(await list({ code: 'failed' }, 1), ['c5']);
  assert.deepEqual(await list({ callId: 'c4' }), ['c4']);
  assert.deepEqual(await list({ callId: 'c' }), [], 'part of a Call-ID does not match');
  assert.deepEqual(await list({ destination: '192.0.2.10', code: '200' }), ['c0', 'c2', 'c4']);
});

test('with `after`, only records that were added or changed later are listed, in that order', async () => {
  const { ledger, call, list } = setUp();
  call('first', 200);
  call('second', 404);
  const { newest } = ledger;
  call('third', 404);
  ledger.byeEnded('first', 'any', 200);
  assert.deepEqual(await list({ after: newest }), ['third', 'first']);
});

test('a record that leaves the ring buffer during a listing is skipped', async () => {
  const { ledger, call, list } = setUp({ ring: 150, dialogs: 10 });
  for (let i = 0; i < 150; i++) call(`c${i}`, 404);
  const listing = list();
  // All records are in the result; those that wait for the next event loop iteration lose their slots to others.
  for (let i = 0; i < 120; i++) call(`later-${i}`, 404);
  const listed = await listing;
  assert.ok(
    listed.every((id) => id.startsWith('c')),
    listed.join(' '),
  );
  assert.ok(listed.length < 150 && listed.length >= 99, String(listed.length));
  assert.equal([...ledger.records()].length, 150);
});
