import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadedCfg } from '../../../src/cfg-file/load.js';
import { treeOf } from '../../../src/daemon/prefix-trees.js';
import { PrefixTree } from '../../../src/script/prefix-tree.js';
import { linesOf, startScript } from '../../support/script-run.js';

test('a tree of prefixes finds the values that Kamailio 5.6.3 was recorded to find', () => {
  const tree = new PrefixTree('0123456789', false, true);
  for (const [prefix, value] of ['49=de', '4930=berlin', '1=us', '44=uk1', '44=uk2'].map((each) => each.split('=')))
    assert.equal(tree.add(prefix as string, value as string), undefined);
  assert.match(tree.add('', 'x') ?? '', /1 to 64/);
  assert.match(tree.add('7', '') ?? '', /no value/);
  assert.match(tree.add('49x', 'x') ?? '', /cannot have "x"/);
  const longest = ['4930123', '491', '1', '+49', '49a', '44', '7', ''].map((each) => tree.longest(each));
  assert.deepEqual(longest, ['berlin', 'de', 'us', undefined, undefined, 'uk2', undefined, undefined]);
  assert.deepEqual(tree.all('4930123').values, ['berlin', 'de']);
  assert.deepEqual(tree.all('44').values, ['uk1', 'uk2']);
  assert.deepEqual(tree.all('49a'), { values: ['de'], whole: false });
});

test('values are numbers where required, and a prefix has one value where only one is allowed', () => {
  const tree = new PrefixTree('0123456789', true, false);
  assert.equal(tree.add('49', '12'), undefined);
  assert.match(tree.add('49', '13') ?? '', /already/);
  assert.match(tree.add('50', '12x') ?? '', /not a number/);
  assert.equal(tree.longest('4930'), 12);
});

test('a number as long as a message takes no longer than the longest prefix', () => {
  const tree = new PrefixTree('0123456789', false, false);
  tree.add('9'.repeat(64), 'long');
  assert.equal(tree.longest('9'.repeat(60_000)), 'long');
  assert.match(tree.add('9'.repeat(65), 'longer') ?? '', /64/);
});

test('a look-up gives 256 values at most, however many a prefix has', () => {
  const tree = new PrefixTree('0123456789', false, true);
  for (let i = 0; i < 200_000; i++) tree.add('49', `v${i}`);
  tree.add('4930', 'berlin');
  const { values } = tree.all('493012');
  assert.equal(values.length, 256);
  assert.deepEqual([values[0], values[1], values[255]], ['berlin', 'v0', 'v254']);
  assert.equal(tree.longest('4911'), 'v199999');
});

test('a full tree accepts no more prefixes, and keeps the ones it has', () => {
  const tree = new PrefixTree('0123456789', false, true, 6);
  assert.equal(tree.add('4930', 'berlin'), undefined);
  assert.equal(tree.add('49', 'de'), undefined);
  assert.equal(tree.add('1234', 'us'), 'the tree is full');
  assert.equal(tree.add('1', 'us'), undefined);
  assert.deepEqual(
    ['4930', '4911', '1234'].map((each) => tree.longest(each)),
    ['berlin', 'de', 'us'],
  );
});

test('a tree is made of many rows in several event loop iterations', async () => {
  const rows = Array.from({ length: 10_000 }, (_, i) => ({ tprefix: String(i), tvalue: `v${i}` }));
  const cfg = { modules: new Map() } as unknown as LoadedCfg;
  let iterations = 0;
  let ended = false;
  const again = (): void => {
    iterations++;
    if (!ended) setImmediate(again);
  };
  setImmediate(again);
  const tree = await treeOf(rows, { name: 'a', table: 'b', integers: false }, cfg, assert.fail);
  ended = true;
  assert.ok(iterations >= 4, String(iterations));
  assert.equal(tree.longest('99991'), 'v9999');
});

test('the first rows that a tree cannot hold are named, the others counted', async () => {
  const cfg = { modules: new Map() } as unknown as LoadedCfg;
  const rows = Array.from({ length: 5000 }, (_, i) => ({ tprefix: `x${i}${'x'.repeat(1000)}`, tvalue: 'v' }));
  const reported: [string, string][] = [];
  const source = { name: 'a', table: 'b', integers: false };
  await treeOf(rows, source, cfg, (prefix, reason) => void reported.push([prefix, reason]));
  assert.equal(reported.length, 21);
  assert.ok(reported.every(([prefix]) => prefix.length <= 100));
  assert.deepEqual(reported.at(-1), ['', '4980 further rows are left out']);
});

test('an unknown tree matches nothing; trees of other kinds are refused at load', async () => {
  const lines = await linesOf({
    dialect: 'kamailio',
    modules: 'mtree',
    head: 'modparam("mtree", "mtree", "name=a;dbtable=b")\nmodparam("mtree", "pv_value", "$var(v)")\n',
    script: `request_route {
      $var(r) = mt_match("none", "$rU", "0");
      xlog("$var(r)\\n");
      xlog("end\\n");
    }`,
  });
  assert.deepEqual(lines, ['-1']);
  for (const [text, why] of [
    ['name=a;dbtable=b;type=1', /type 1 are not supported/],
    ['name=a;dbtable=b;multi=1', /several trees/],
  ] as const) {
    const head = `modparam("mtree", "mtree", "${text}")\n`;
    assert.throws(
      () => startScript({ dialect: 'kamailio', modules: 'mtree', head, script: 'request_route { exit; }' }),
      why,
    );
  }
});
