import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundaryLines, boundaryOf, partsBetween } from '../../../src/core/multipart.js';

test('the boundary is a parameter of multipart types only, quoted or not', () => {
  assert.equal(boundaryOf('multipart/mixed;boundary="a b"'), 'a b');
  assert.equal(boundaryOf('Multipart/Related; x=y ; BOUNDARY = abc ;z'), 'abc');
  assert.equal(boundaryOf('application/sdp;boundary=abc'), undefined);
  assert.equal(boundaryOf(`multipart/mixed;boundary=${'a'.repeat(71)}`), 'a'.repeat(70));
  assert.equal(boundaryOf(undefined), undefined);
});

test('boundary lines end at the closing one, at the end of the body, and at the maximum number of parts', () => {
  assert.deepEqual(boundaryLines('--x\n--x\n--x--\n--x', '--x'), { starts: [0, 4, 8], closed: true });
  assert.deepEqual(boundaryLines('--x\n--x\n--x', '--x', 1, 8), { starts: [4], closed: false });
  assert.deepEqual(boundaryLines('none', '--x'), { starts: [], closed: false });
  assert.equal(boundaryLines('--x\n'.repeat(1000), '--x').starts.length, 65);
});

test('a part extends from one boundary line to the next', () => {
  assert.deepEqual(partsBetween({ starts: [3, 10, 30], closed: true }), [
    { start: 3, end: 10 },
    { start: 10, end: 30 },
  ]);
  assert.deepEqual(partsBetween({ starts: [3], closed: false }), []);
});
