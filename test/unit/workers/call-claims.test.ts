import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedValues } from '../../../src/core/shared-values.js';
import { socketOfRequest } from '../../../src/sip/transport/native/steering.js';
import { CallClaims } from '../../../src/workers/call-claims.js';

test('all processes know the owner of a claimed call until it is released, unless it is the process that the Call-ID selects', () => {
  const memory = new SharedArrayBuffer(1024 * 1024);
  const [brain, one, two] = [0, 1, 2].map(
    (process) => new CallClaims(new SharedValues(memory, () => 0), process, 2),
  ) as [CallClaims, CallClaims, CallClaims];
  const ofTwo = Array.from({ length: 50 }, (_, i) => `c${i}`).find((id) => socketOfRequest(id, 2) === 2) as string;
  two.claim(ofTwo);
  assert.equal(one.owner(ofTwo), undefined, 'nothing is stored for the process that the Call-ID selects');
  two.release(ofTwo);
  brain.claim(ofTwo);
  assert.deepEqual([one.owner(ofTwo), two.owner(ofTwo), brain.owner(ofTwo)], [0, 0, 0]);
  two.release(ofTwo);
  assert.equal(one.owner(ofTwo), 0, 'only the process that claimed a call releases it');
  brain.release(ofTwo);
  assert.equal(one.owner(ofTwo), undefined);
  one.claim(ofTwo);
  assert.equal(two.owner(ofTwo), 1);
});

test('of two processes that claim the same Call-ID each handles the requests that it receives', () => {
  const memory = new SharedArrayBuffer(1024 * 1024);
  const [brain, one] = [0, 1].map((process) => new CallClaims(new SharedValues(memory, () => 0), process, 1)) as [
    CallClaims,
    CallClaims,
  ];
  one.claim('a');
  assert.equal(one.keeps('a'), true);
  assert.equal(brain.keeps('a'), false);
  // The request came back over a connection.
  brain.claim('a');
  assert.deepEqual([one.owner('a'), brain.owner('a')], [1, 0]);
  one.release('a');
  assert.deepEqual([one.owner('a'), one.keeps('a')], [0, false]);
});

test('claims of a dead process are removed, and those of its successor stay', async () => {
  const memory = new SharedArrayBuffer(8 * 1024 * 1024);
  const [brain, one, two] = [0, 1, 2].map(
    (process) => new CallClaims(new SharedValues(memory, () => 0), process, 2, 1),
  ) as [CallClaims, CallClaims, CallClaims];
  for (let i = 0; i < 5000; i++) two.claim(`of-two-${i}`);
  brain.claim('of-brain');
  const cleared = brain.lost(2);
  const next = new CallClaims(new SharedValues(memory, () => 0), 2, 2, 1, 77);
  next.claim('of-the-next');
  // The successor has a call that the predecessor also had.
  next.claim('of-two-4998');
  await cleared;
  for (const i of [0, 1, 2500, 4999])
    assert.equal(one.owner(`of-two-${i}`), 1, 'calls without a claim belong to the usual process');
  assert.deepEqual([one.owner('of-brain'), one.owner('of-the-next'), one.owner('of-two-4998')], [0, 2, 2]);
});
