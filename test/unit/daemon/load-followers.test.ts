import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextIteration } from '../../../src/core/event-loop.js';
import { type FollowingParts, LoadFollowers } from '../../../src/daemon/load-followers.js';
import type { Partition } from '../../../src/engine/partition.js';

const [A, B] = [{ name: 'a' }, { name: 'b' }] as unknown as [Partition, Partition];

/** Followers with parts that record what they are asked to do. */
function followersWithJournal() {
  const journal: string[] = [];
  const note =
    (what: string) =>
    (partition?: Partition): void => {
      journal.push(partition === undefined ? what : `${what} ${partition.name}`);
    };
  const parts = {
    tables: { blacklists: { rebuildInSlices: note('blacklists') } },
    routing: { loaded: note('routes') },
    script: undefined,
    cluster: { parts: { loaded: note('cluster') } },
    hooks: { parts: { changed: () => journal.push('workers') } },
    prober: { refresh: () => journal.push('prober') },
    events: { weightFeeds: [{ refresh: () => journal.push('weights') }], syncStates: () => journal.push('states') },
  } as unknown as FollowingParts;
  return { followers: new LoadFollowers(() => parts), journal };
}

test('a follower of all partitions runs once for the loads of one event loop iteration', async () => {
  const { followers, journal } = followersWithJournal();
  followers.loaded(A);
  followers.loaded(B);
  assert.deepEqual(journal, ['blacklists a', 'workers', 'cluster a', 'blacklists b', 'workers', 'cluster b']);
  journal.length = 0;
  await nextIteration();
  assert.deepEqual(journal, ['prober', 'weights', 'states']);
  followers.loaded(A);
  await nextIteration();
  assert.equal(journal.filter((each) => each === 'prober').length, 2);
});

test('a route script learns of a load only in a daemon that serves', () => {
  const { followers, journal } = followersWithJournal();
  followers.loaded(A);
  assert.ok(!journal.includes('routes a'));
  followers.serving = true;
  followers.loaded(A);
  assert.ok(journal.includes('routes a'));
});
