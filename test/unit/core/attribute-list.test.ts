import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readAttributes } from '../../../src/core/attribute-list.js';

const read = (text: string) => Object.fromEntries(readAttributes(text));

describe('attributes of a destination', () => {
  test('are separated by semicolons or commas', () => {
    const wanted = { prefix: '9', strip: '2', pstn: '' };
    for (const text of [
      'prefix=9;strip=2;pstn',
      'prefix=9,strip=2,pstn',
      ' prefix = 9 ; strip= 2,,; pstn ',
      'PREFIX=9,Strip=2;pstn,',
    ]) {
      assert.deepEqual(read(text), wanted, text);
    }
  });

  test('values in quotes may have both, and of two with one name the first counts', () => {
    assert.deepEqual(read(`pstn,prefix="9",h='a;b, c';h=2`), { pstn: '', prefix: '9', h: 'a;b, c' });
    assert.deepEqual(read('ping_header="Contact: <sip:a;x=1>, <sip:b>";ping_contact=0'), {
      ping_header: 'Contact: <sip:a;x=1>, <sip:b>',
      ping_contact: '0',
    });
  });

  test('a text that is not a list throws nothing', () => {
    assert.deepEqual(read(''), {});
    assert.deepEqual(read('=x;;,a="b'), { a: '"b' });
    assert.deepEqual(read('a=b=c'), { a: 'b=c' });
  });

  test('property: a value written in quotes is read as written', () => {
    const name = fc.stringMatching(/^[a-z_]{1,8}$/);
    const value = fc.stringMatching(/^[ -!#-~]{0,20}$/);
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(name, value), { selector: ([each]) => each }),
        fc.constantFrom(';', ','),
        (pairs, apart) => {
          const text = pairs.map(([each, held]) => `${each}="${held}"`).join(apart);
          assert.deepEqual([...readAttributes(text)], pairs);
        },
      ),
    );
  });
});
