import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FeedPosition } from '../../../src/cluster/feed.js';

test('messages in order have no gap', () => {
  const feed = new FeedPosition();
  for (const each of [1, 2, 3, 3, 2]) feed.came(each);
  assert.deepEqual([feed.rev, feed.hasGap], [3, false]);
});

test('a gap is found when the next revision comes, and is filled by entries that are read', () => {
  const feed = new FeedPosition();
  for (const each of [1, 3, 4, 6]) feed.came(each);
  assert.deepEqual([feed.rev, feed.hasGap], [1, true]);
  feed.came(2);
  assert.deepEqual([feed.rev, feed.hasGap], [4, true]);
  feed.reach(5);
  assert.deepEqual([feed.rev, feed.hasGap], [6, false]);
  feed.reset();
  assert.equal(feed.rev, 0);
});
