import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PrefixTree } from '../../../src/script/prefix-tree.js';
import { linesOf, startScript } from '../../support/script-run.js';

test('a tree of prefixes finds what Kamailio 5.6.3 was recorded to find', () => {
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

test('values are numbers where they must be, and a prefix has one where it may have one only', () => {
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

test('a tree that is not there matches nothing; trees of other kinds are refused at load', async () => {
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
