import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownerOf, rankOwners } from '../../../src/cluster/ownership.js';

const keys = Array.from({ length: 3000 }, (_, i) => `default\n1\nsip:10.0.${i >> 8}.${i & 255}:5060\n`);
const nodes = (...names: string[]) => names.map((name) => ({ name, weight: 1 }));

test('nodes of equal weight own equal shares', () => {
  const counts = new Map<string, number>();
  for (const key of keys) {
    const owner = ownerOf(key, nodes('n1', 'n2', 'n3')) as string;
    counts.set(owner, (counts.get(owner) ?? 0) + 1);
  }
  for (const count of counts.values()) assert.ok(count > 0.3 * keys.length && count < 0.37 * keys.length, `${count}`);
});

test('when a node leaves only its own keys get another owner, and it gets the same ones back', () => {
  for (const key of keys) {
    const before = ownerOf(key, nodes('n1', 'n2', 'n3'));
    const without = ownerOf(key, nodes('n3', 'n1'));
    if (before !== 'n2') assert.equal(without, before);
    assert.equal(ownerOf(key, nodes('n2', 'n3', 'n1')), before);
  }
});

test("a node's share of the destinations follows its weight", () => {
  const weighted = [
    { name: 'n1', weight: 3 },
    { name: 'n2', weight: 1 },
  ];
  const heavy = keys.filter((key) => ownerOf(key, weighted) === 'n1').length / keys.length;
  assert.ok(heavy > 0.72 && heavy < 0.78, `${heavy}`);
});

test('the order of owners says which node takes over when the nodes before it have stopped', () => {
  for (const key of keys.slice(0, 200)) {
    const [first, second, third] = rankOwners(key, nodes('n1', 'n2', 'n3'));
    assert.equal(first, ownerOf(key, nodes('n1', 'n2', 'n3')));
    assert.equal(second, ownerOf(key, nodes(second as string, third as string)));
  }
  assert.equal(ownerOf('key', []), undefined);
});
