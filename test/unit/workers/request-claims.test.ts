import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedValues } from '../../../src/core/shared-values.js';
import type { SipMessage } from '../../../src/sip/message.js';
import { CallClaims } from '../../../src/workers/call-claims.js';
import { RequestClaims } from '../../../src/workers/request-claims.js';
import { ClaimingOwners } from '../../../src/workers/request-owners.js';
import { SHARED_BYTES } from '../../../src/workers/shared-layout.js';

const memory = new SharedArrayBuffer(SHARED_BYTES);
const MINUTE = 60_000;

function claims({ now = (): number => 0 } = {}): RequestClaims {
  return new RequestClaims(memory, [17, 4], now);
}

test('a request is known to all processes by its Call-ID and CSeq number, and belongs to the first that claims it', () => {
  const [one, two] = [claims(), claims()];
  assert.equal(one.find('a', 1), 0);
  assert.equal(one.claim('a', 1, 1), 1);
  assert.equal(two.claim('a', 1, 2), 1, 'who comes later learns who has it');
  assert.deepEqual([two.find('a', 1), two.find('a', 2), two.find('b', 1)], [1, 0, 0]);
});

test('a claim is kept for five minutes, also when its clock wraps round', () => {
  let now = 123 * 4000;
  const kept = claims({ now: () => now });
  kept.claim('long', 1, 3);
  for (let i = 0; i < 5; i++) {
    now += MINUTE;
    assert.equal(kept.find('long', 1), 3, `after ${i + 1} minutes`);
  }
  now += 5000;
  assert.equal(kept.find('long', 1), 0);
  assert.equal(kept.claim('long', 1, 2), 2);
});

test('requests of an ended worker are no longer claimed, and those of others still are', () => {
  const kept = claims();
  for (let i = 0; i < 1000; i++) kept.claim(`lost-${i}`, 1, (i % 2) + 4);
  kept.lost(4);
  const left = Array.from({ length: 1000 }, (_, i) => kept.find(`lost-${i}`, 1));
  assert.deepEqual(new Set(left.filter((_, i) => i % 2 === 0)), new Set([0]));
  assert.deepEqual(new Set(left.filter((_, i) => i % 2 === 1)), new Set([5]));
});

test('almost all of a quarter of a million claims are kept; of more the oldest are lost', () => {
  let now = 0;
  const kept = claims({ now: () => now });
  const many = 250_000;
  for (let i = 0; i < many; i++) {
    if (i % 1000 === 0) now += 400;
    kept.claim(`many-${i}`, 7, 1);
  }
  let found = 0;
  for (let i = 0; i < many; i++) found += kept.find(`many-${i}`, 7);
  assert.ok(found > 0.97 * many, `${found} of ${many}`);
  for (let i = 0; i < 3 * many; i++) kept.claim(`more-${i}`, 7, 2);
  assert.equal(kept.find(`more-${3 * many - 1}`, 7), 2);
});

test('an ACK and a CANCEL go to the process with the INVITE and claim nothing; a new request is claimed by the process named for it', () => {
  const request = (method: string, callId: string, cseqNumber: number, toTag = '') =>
    ({ method, callId, cseqNumber, toTag }) as SipMessage;
  const of = (worker: number) => new ClaimingOwners(claims(), undefined, () => worker);
  const [one, two] = [of(1), of(2)];
  assert.equal(one.owner(request('INVITE', 'call', 1)), 1);
  // The share of worker 2 has grown: the following requests come to it.
  assert.equal(two.owner(request('INVITE', 'call', 1)), 1);
  assert.equal(two.owner(request('CANCEL', 'call', 1)), 1);
  assert.equal(two.owner(request('ACK', 'call', 1, 'b')), 1);
  assert.equal(two.owner(request('BYE', 'call', 2, 'b')), 2, 'a transaction of its own');
  assert.equal(one.owner(request('BYE', 'call', 2, 'b')), 2);
  assert.equal(two.owner(request('CANCEL', 'none', 1)), 2);
  assert.equal(one.owner(request('INVITE', 'none', 1)), 1);
});

test('a request within a call goes to the process that keeps it, even with the CSeq number of another request', () => {
  const request = (method: string, cseqNumber: number, toTag: string) =>
    ({ method, callId: 'challenged', cseqNumber, toTag }) as SipMessage;
  const values = new SharedArrayBuffer(1024 * 1024);
  const [one, two] = [1, 2].map((worker) => {
    const calls = new CallClaims(new SharedValues(values, () => 0), worker, 2, 1);
    return { calls, owners: new ClaimingOwners(claims(), calls, () => worker) };
  }) as [{ calls: CallClaims; owners: ClaimingOwners }, { calls: CallClaims; owners: ClaimingOwners }];
  // Answered with 407; then the shares change, and the second worker keeps the call.
  assert.equal(one.owners.owner(request('INVITE', 1, '')), 1);
  assert.equal(two.owners.owner(request('INVITE', 2, '')), 2);
  assert.equal(one.owners.owner(request('ACK', 1, 'b')), 1);
  two.calls.claim('challenged');
  for (const { owners } of [one, two]) assert.equal(owners.owner(request('BYE', 1, 'a')), 2, 'the CSeq of the callee');
  assert.equal(two.owners.owner(request('ACK', 1, 'b')), 1, 'a copy of the ACK of the 407');
  two.calls.release('challenged');
  assert.equal(one.owners.owner(request('INVITE', 2, '')), 2);
});
