import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nearest } from '../../../src/core/nearest.js';

describe('the name that was probably meant', () => {
  const known = ['ds_select_dst', 'ds_select_domain', 'ds_next_dst', 'RELAY', 'sl'];

  test('differs by few insertions, deletions, replacements and swaps', () => {
    const meant = ['ds_select_dts', 'ds_slect_domain', 'ds_nextt_dst', 'relay', 'Realy', 'ls'];
    const found = ['ds_select_dst', 'ds_select_domain', 'ds_next_dst', 'RELAY', 'RELAY', 'sl'];
    assert.deepEqual(
      meant.map((name) => nearest(name, known)),
      found,
    );
  });

  test('is undefined where no name is close', () => {
    for (const name of ['', 'x', 'nosuchfunction', 'ds_', 'a'.repeat(65)])
      assert.equal(nearest(name, known), undefined, name);
  });

  test('has the same first letter if names differ in letter case only; letters whose lower case is longer cause no error', () => {
    assert.equal(nearest('Foo', ['foo', 'fOO', 'FOO']), 'FOO');
    assert.equal(nearest('\u0130'.repeat(64), ['\u0130'.repeat(64), 'i'.repeat(64)]), '\u0130'.repeat(64));
  });
});
