import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedValues } from '../../../src/core/shared-values.js';
import { socketOfRequest } from '../../../src/sip/transport/native/steering.js';
import { CallClaims } from '../../../src/workers/call-claims.js';

test('a call that another process keeps than its Call-ID names is known to all until it has ended', () => {
  const memory = new SharedArrayBuffer(1024 * 1024);
  const [brain, one, two] = [0, 1, 2].map(
    (process) => new CallClaims(new SharedValues(memory, () => 0), process, 2),
  ) as [CallClaims, CallClaims, CallClaims];
  const ofTwo = Array.from({ length: 50 }, (_, i) => `c${i}`).find((id) => socketOfRequest(id, 2) === 2) as string;
  two.claim(ofTwo);
  assert.equal(one.owner(ofTwo), undefined, 'where the Call-ID says it nothing is kept');
  brain.claim(ofTwo);
  assert.deepEqual([one.owner(ofTwo), two.owner(ofTwo), brain.owner(ofTwo)], [0, 0, 0]);
  two.release(ofTwo);
  assert.equal(one.owner(ofTwo), 0, 'only who claims it releases it');
  brain.release(ofTwo);
  assert.equal(one.owner(ofTwo), undefined);
  one.claim(ofTwo);
  assert.equal(two.owner(ofTwo), 1);
});
