import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { countDestinations } from '../../../src/engine/count.js';
import { fnmatch, matchLong, ShellPattern } from '../../../src/engine/fnmatch.js';
import { findInList } from '../../../src/engine/in-list.js';
import type { Partition } from '../../../src/engine/partition.js';
import { assertLinear } from '../../support/growth.js';
import { engineWith, partitionOptions, row } from '../../support/partitions.js';

function partitionWith(...table: ReturnType<typeof row>[]): Partition {
  const partition = engineWith([partitionOptions()]).partition('') as Partition;
  partition.load(table, { inheritState: true });
  return partition;
}

describe('being in a list', () => {
  test('depends on address and port; port 0 matches any, on either side', () => {
    const partition = partitionWith(
      row('sip:10.0.0.1'),
      row('sips:10.0.0.2'),
      row('sip:10.0.0.3:0'),
      row('sip:[::1]:5063'),
    );
    const found = (ip: string, port?: number) => findInList(partition, { ip, port })?.row.uri;
    assert.equal(found('10.0.0.1', 5060), 'sip:10.0.0.1');
    assert.equal(found('10.0.0.1', 5061), undefined);
    assert.equal(found('10.0.0.1'), 'sip:10.0.0.1');
    assert.equal(found('10.0.0.2', 5061), 'sips:10.0.0.2');
    assert.equal(found('10.0.0.3', 12345), 'sip:10.0.0.3:0');
    for (const ip of ['::1', '[::1]', '0:0::1']) assert.equal(found(ip, 5063), 'sip:[::1]:5063');
    for (const ip of ['', 'localhost', '10.0.0.9', '10.0.0.01']) assert.equal(found(ip), undefined);
  });

  test('sets are looked through newest first, destinations in order', () => {
    const partition = partitionWith(
      row('sip:10.0.0.1', { setId: 4, attrs: 'old' }),
      row('sip:10.0.0.1', { setId: 2, attrs: 'low' }),
      row('sip:10.0.0.1;lr', { setId: 2, attrs: 'high', priority: 1 }),
    );
    assert.equal(findInList(partition, { ip: '10.0.0.1' })?.row.attrs, 'high');
    assert.equal(findInList(partition, { ip: '10.0.0.1', setId: -1, pattern: 'l*' })?.row.attrs, 'low');
    assert.equal(findInList(partition, { ip: '10.0.0.1', setId: 4 })?.row.attrs, 'old');
    assert.equal(findInList(partition, { ip: '10.0.0.1', setId: 5 }), undefined);
  });

  test('a destination with a host name is found by its current addresses', () => {
    const partition = partitionWith(row('sip:gw.example'), row('sip:10.0.0.1'));
    assert.equal(findInList(partition, { ip: '10.0.0.7' }), undefined);
    const named = partition.find(1, 'sip:gw.example');
    assert.ok(named !== undefined);
    named.resolved = [
      { family: 4, address: '10.0.0.7', port: 5060, transport: 'udp' },
      { family: 6, address: 'fe80::7', port: 5070, transport: 'udp' },
    ];
    assert.equal(findInList(partition, { ip: '10.0.0.7', port: 5060 }), named);
    assert.equal(findInList(partition, { ip: 'FE80:0::7', port: 5070 }), named);
    assert.equal(findInList(partition, { ip: '10.0.0.7', port: 5070 }), undefined);
    named.resolved = [];
    assert.equal(findInList(partition, { ip: '10.0.0.7' }), undefined);
  });
});

test('counts by state; without states all are counted', () => {
  const partition = partitionWith(
    row('sip:a'),
    row('sip:b', { state: 'inactive' }),
    row('sip:c', { state: 'probing' }),
    row('sip:d'),
  );
  const counts = { a: 2, I: 1, '2': 1, ap: 3, '1 0': 3, '': 4, x: 4, aip: 4 };
  for (const [filter, count] of Object.entries(counts))
    assert.equal(countDestinations(partition, 1, filter), count, filter);
  assert.equal(countDestinations(partition, 9, 'a'), undefined);
});

describe('a shell pattern', () => {
  const cases: readonly [string, string, boolean][] = [
    ['', '', true],
    ['*', '', true],
    ['*', '.a/b', true],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['a*b*c', 'axxbxxc', true],
    ['a*b*c', 'axxcxxb', false],
    ['[ab]3-[!9]', 'b3-0', true],
    ['[ab]3-[!9]', 'b3-9', false],
    ['[^x]', 'x', false],
    ['[a-c]x', 'bx', true],
    ['[]]', ']', true],
    ['[a-]', '-', true],
    ['[', '[', true],
    ['[a', '[a', true],
    ['\\*', '*', true],
    ['\\*', 'x', false],
    ['[\\]]', ']', true],
    ['\\', '\\', false],
    ['A', 'a', false],
  ];
  for (const [pattern, text, matches] of cases) {
    test(`"${pattern}" ${matches ? 'matches' : 'does not match'} "${text}"`, () => {
      assert.equal(fnmatch(pattern, text), matches);
    });
  }

  test('of stars, question marks and letters matches as the regular expression of the same meaning', () => {
    const part = fc.constantFrom('*', '?', 'a', 'b');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), fc.stringMatching(/^[ab]{0,10}$/), (parts, text) => {
        const source = parts.map((each) => (each === '*' ? '.*' : each === '?' ? '.' : each)).join('');
        assert.equal(fnmatch(parts.join(''), text), new RegExp(`^${source}$`).test(text));
      }),
      { numRuns: 500 },
    );
  });

  test('a long pattern over a long text matches as a short one does', () => {
    for (const [pattern, text, matches] of cases) assert.equal(matchLong(pattern, text), matches, pattern);
    const part = fc.constantFrom('*', '?', 'a', 'b', '[', ']', '[ab]', '[!a]', '[^', '[a-b]', '-', '\\', '\\*', '!');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 10 }), fc.stringMatching(/^[ab*[\]!-]{0,8}$/), (parts, text) => {
        const pattern = parts.join('');
        assert.equal(matchLong(pattern, text), fnmatch(pattern, text), pattern);
      }),
      { numRuns: 3000 },
    );
  });

  test('a pattern of half a message over the names of thousands of header fields takes no more than 10 ms', () => {
    const patterns = ['*', '*x', '*?', '?', '[xy]*', '{"a":['].map((unit) => ({
      name: unit,
      make: (length: number) => unit.repeat(length / 2 / unit.length),
    }));
    patterns.push({ name: 'one long bracket', make: (length) => `*[${'x'.repeat(length / 2)}]*x` });
    assertLinear(
      'names',
      patterns,
      (pattern) => {
        const glob = new ShellPattern(pattern);
        for (let i = 0; i < 8000; i++) glob.matches('x');
      },
      { maxMs: 10, noiseMs: 4 },
    );
  });

  test('elements between two stars are looked for in time that does not grow with their number', () => {
    const patterns = [
      `*?${'a'.repeat(60)}b*`,
      `*${'a?'.repeat(30)}b*`,
      `*${'[ab]'.repeat(31)}c*`,
      `*?${'a'.repeat(31)}b*`,
    ];
    for (const pattern of patterns) {
      const cases = [{ name: pattern, make: (length: number) => 'a'.repeat(length) }];
      assertLinear('one pattern', cases, (text) => void matchLong(pattern, text));
      assert.equal(matchLong(pattern, `${'a'.repeat(500)}b`), !pattern.includes('['));
      assert.equal(matchLong(pattern, `c${'a'.repeat(500)}bbcb`), true);
    }
  });

  test('half a message over the other half takes no more than 5 ms', () => {
    const units = ['a', '*a', '*aab', '{"a":[', '[', '[\\]', '[!', '?', '*?', '[a-', '\\', '*[ab]', '*'];
    const patterns = units.map((unit) => ({
      name: unit,
      make: (length: number) => unit.repeat(length / 2 / unit.length),
    }));
    patterns.push(
      { name: 'one long bracket', make: (length) => `*[${'a'.repeat(length / 2)}]*z` },
      { name: 'brackets without end', make: (length) => `*${'['.repeat(Math.sqrt(length) * 2)}` },
    );
    for (const text of ['a', 'ab', '[']) {
      assertLinear(`over ${text}`, patterns, (pattern) => void fnmatch(pattern, text.repeat(32_000 / text.length)));
    }
  });

  test('brackets without end in a short pattern take no longer than characters', () => {
    // The fastest of several runs: a run that another process disturbed is not significant.
    const times = Array.from({ length: 5 }, () => {
      const began = process.cpuUsage();
      assert.equal(fnmatch(`*${'['.repeat(508)}`, `${'['.repeat(508)}x`), false);
      return process.cpuUsage(began).user;
    });
    assert.ok(Math.min(...times) < 200_000, 'it took 0.6 s when each looked for its end');
  });

  test('always ends and never throws', () => {
    assert.equal(fnmatch('*a'.repeat(200), 'a'.repeat(5000)), true);
    assert.equal(fnmatch(`${'*a'.repeat(50)}b`, 'a'.repeat(2000)), false);
    fc.assert(fc.property(fc.string(), fc.string(), (pattern, text) => void fnmatch(pattern, text)));
  });
});
