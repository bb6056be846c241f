import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClusterHooks, type ClusterParts } from '../../../src/daemon/cluster-hooks.js';

test('a sharing tag may name its cluster; one of another cluster is none', () => {
  const hooks = new ClusterHooks('edge');
  assert.equal(hooks.tag('vip'), 'backup', 'not loaded yet');
  hooks.parts = { isActive: (tag: string) => tag === 'vip' } as unknown as ClusterParts;
  assert.deepEqual(
    ['vip', 'vip/edge', 'vip / edge', 'other', 'vip/core'].map((name) => hooks.tag(name)),
    ['active', 'active', 'active', 'backup', undefined],
  );
  assert.equal(new ClusterHooks(undefined).tag('vip'), undefined, 'without a cluster');
});
