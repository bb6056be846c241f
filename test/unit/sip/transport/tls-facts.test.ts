import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { altNamesOf } from '../../../../src/sip/transport/tls-facts.js';

const namesOf = (text: string | undefined): string[] => altNamesOf(text).map(({ kind, name }) => `${kind} ${name}`);

describe('names of a certificate', () => {
  test('are read in their order, also quoted ones', () => {
    const text = 'DNS:one.example, URI:sip:one.example, IP Address:192.0.2.1, DNS:"a\\u002c, b", email:x@one.example';
    assert.deepEqual(namesOf(text), [
      'DNS one.example',
      'URI sip:one.example',
      'IP 192.0.2.1',
      'DNS a,, b',
      'email x@one.example',
    ]);
    assert.deepEqual(namesOf(undefined), []);
    assert.deepEqual(namesOf(''), []);
  });

  test('are not read within a name of another kind', () => {
    assert.deepEqual(namesOf('DirName:CN = DNS:two.example, DNS:one.example'), ['DNS one.example']);
    assert.deepEqual(namesOf('DirName:"CN = x, DNS:two.example", othername:<unsupported>, DNS:one.example'), [
      'DNS one.example',
    ]);
    assert.deepEqual(namesOf('constructor:x, DNS:one.example'), ['DNS one.example']);
  });
});
