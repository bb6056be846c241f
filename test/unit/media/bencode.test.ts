import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeNg, encodeNg, type NgDictionary, type NgValue } from '../../../src/media/bencode.js';
import { mediaSets, proxiesFor } from '../../../src/media/proxies.js';

const text = fc.string({ maxLength: 20 }).map((each) => Buffer.from(each, 'utf8').toString('latin1'));
const { value } = fc.letrec<{ value: NgValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.integer(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

test('a written value is read as the same value', () => {
  fc.assert(
    fc.property(fc.dictionary(text, value, { maxKeys: 5, noNullPrototype: true }), (written) => {
      assert.deepEqual(decodeNg(encodeNg(written)), { ...written });
    }),
  );
});

test('an example of the protocol is written as its documentation shows it', () => {
  const command: NgDictionary = { command: 'ping', list: [1, 'a'] };
  assert.equal(encodeNg(command), 'd7:command4:ping4:listli1e1:aee');
});

test('random and truncated text is refused, and in little time', () => {
  fc.assert(fc.property(fc.string({ maxLength: 200 }), (garbage) => void decodeNg(garbage)));
  const whole = encodeNg({ a: ['b', { c: 1 }] });
  for (let i = 0; i < whole.length; i++) assert.equal(decodeNg(whole.slice(0, i)), undefined);
  for (const bad of ['i5e', 'le', 'd1:ae', 'd1:a999999999:xe', `d1:a${'l'.repeat(100_000)}`, 'd1:ai1e', 'd1:ai--1ee'])
    assert.equal(decodeNg(bad), undefined, bad.slice(0, 20));
  const large = `d1:al${'i1e'.repeat(30_000)}ee`;
  assert.equal(decodeNg(large), undefined);
});

test('sets are read, and a call stays with one proxy, chosen by weight', () => {
  const sets = mediaSets(['udp:a:1 udp:b:2=3', '5 == udp6:[::1]:9']);
  assert.deepEqual([...sets.keys()], [0, 5]);
  assert.equal(sets.get(5)?.[0]?.host, '::1');
  const set = sets.get(0) ?? [];
  const counts = new Map<string, number>();
  for (let i = 0; i < 4000; i++) {
    const [first] = proxiesFor(set, `call-${i}@x`, 0);
    assert.equal(first, proxiesFor(set, `call-${i}@x`, 0)[0]);
    counts.set(first?.host ?? '', (counts.get(first?.host ?? '') ?? 0) + 1);
  }
  const share = (counts.get('b') ?? 0) / 4000;
  assert.ok(share > 0.65 && share < 0.85, String(share));
  assert.throws(() => mediaSets(['udp:a:99999']), /"udp:a:99999" is not an address/);
});
