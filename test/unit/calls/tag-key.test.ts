import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tagKey } from '../../../src/calls/tag-key.js';
import { parsed, requestText } from '../../support/sip-recorder.js';

test('the key of a tag does not depend on its position in From', () => {
  const of = (from: string) => parsed(requestText().replace(/From: [^\r]*/, `From: ${from}`));
  const expected = tagKey({ fromTag: 'abc' });
  for (const from of [
    '<sip:a@x>;tag=abc',
    '<sip:a@x>;TAG=abc',
    '<sip:a@x>;tag=abc;x=1',
    '<sip:a@x>;x=1;tag=abc',
    '<sip:a@x>;x="=";tag=abc ',
    'sip:a@x;tag=abc',
    '"tag=" <sip:a@x;tag=y> ; tag = abc',
    '<sip:a@x>;tag=abc;mytag=b',
    '<sip:a@x>;tag=abc;tagged',
  ]) {
    const message = of(from);
    assert.equal(message.fromTag, 'abc', from);
    assert.equal(tagKey(message), expected, from);
  }
  assert.notEqual(tagKey(of('<sip:a@x>;tag=abd')), expected);
  assert.equal(tagKey(of('<sip:a@x>')), tagKey({ fromTag: '' }));
  assert.equal(tagKey(of('<sip:a@x;tag=abc>')), tagKey({ fromTag: '' }));
});
