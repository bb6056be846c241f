import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listingOrder } from '../../../../src/management/rpc/set-order.js';

// Recorded from Kamailio 5.6.3: set ids in the order of the list file, and in the order of dispatcher.list.
const LINES = `1 130 183 271 14 238 127 26 80 57 190 240 126 194 278 52 293 127 6 110 208 143 93 199 81 36 71 227 64 67 0 2 107
  110 84 85 148 160 101 276 104 93 100 196 152 11 184 212 84 74 135 33 169 154 300 1 173 33 158 181 156`;
const LISTED = `0 2 1 11 14 6 33 36 57 52 67 74 71 64 26 81 85 84 100 101 93 107 127 126 110 104 80 135 143 152 156 158 154 148
  169 181 173 184 183 160 196 194 208 227 212 199 240 276 271 300 293 278 238 190 130`;

const numbers = (text: string): number[] => text.trim().split(/\s+/).map(Number);

test('sets are listed in the recorded order', () => {
  assert.deepEqual(listingOrder(numbers(LINES)), numbers(LISTED));
  assert.deepEqual(listingOrder([1, 1, 2, 3]), [1, 3, 2]);
  assert.deepEqual(listingOrder([]), []);
});

test('each set is listed once, whatever their number and order', () => {
  const ids = Array.from({ length: 5000 }, (_, i) => i);
  assert.deepEqual(
    listingOrder(ids).sort((a, b) => a - b),
    ids,
  );
});
