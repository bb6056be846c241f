import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PvarScope, type PvarValue } from '../../../src/pvar/context.js';
import { compileFormat } from '../../../src/pvar/format.js';
import { INVITE, pvarMessage } from '../../support/pvar-message.js';

/** Applies each transformation to `value` and compares the results. */
function table(value: PvarValue, cases: Readonly<Record<string, PvarValue>>): void {
  const scope = new PvarScope(pvarMessage(INVITE));
  if (value !== null) scope.vars.set('v', value);
  scope.vars.set('two', 2);
  for (const [transformation, expected] of Object.entries(cases)) {
    assert.equal(compileFormat(`$(var(v)${transformation})`).evaluateValue(scope), expected, transformation);
  }
}

describe('class s', () => {
  test('length, parts and positions are found', () => {
    table('one;two;three', {
      '{s.len}': 13,
      '{s.substr,4,3}': 'two',
      '{s.substr,-5,0}': 'three',
      '{s.substr,$var(two),1}': 'e',
      '{s.substr,50,1}': '',
      '{s.select,0,;}': 'one',
      '{s.select,-1,;}': 'three',
      '{s.select,9,;}': '',
      '{s.select,1,;}{s.len}': 3,
      '{s.index,two}': 4,
      '{s.index,two,5}': -1,
      '{s.index,e,-1}': 12,
      '{s.rindex,e}': 12,
      '{s.rindex,e,11}': 11,
      '{s.index,nothing}': -1,
      '{s.reverse}': 'eerht;owt;eno',
    });
    table('a,b,c', { '{s.select,1,,}': 'b' });
    table('a b c', { '{s.select,2, }': 'c' });
  });

  test('numbers are converted and calculated with', () => {
    table('42abc', { '{s.int}': 42, '{s.hex2dec}': 0x42abc });
    table('abc', { '{s.int}': 0 });
    table(255, { '{s.dec2hex}': 'ff', '{s.len}': 3 });
  });

  test('letter case and blanks are changed; bytes that are not ASCII are not', () => {
    table(' \tÀbC\xa0 ', { '{s.trim}': 'ÀbC\xa0', '{s.triml}': 'ÀbC\xa0 ', '{s.trimr}': ' \tÀbC\xa0' });
    table('ÀbC', { '{s.tolower}': 'Àbc', '{s.toupper}': 'ÀBC' });
  });

  test('texts are padded to a length', () => {
    table('7', { '{s.fill.left,0,3}': '007', '{s.fill.right,x,3}': '7xx', '{s.width,3}': '7  ' });
    table('12345', { '{s.width,3}': '123' });
  });

  test('texts are encoded and decoded', () => {
    table('a b@"c"', {
      '{s.escape.user}': 'a%20b%40%22c%22',
      '{s.escape.user}{s.unescape.user}': 'a b@"c"',
      '{s.escape.param}{s.unescape.param}': 'a b@"c"',
      '{s.escape.common}': 'a b@\\"c\\"',
      '{s.escape.common}{s.unescape.common}': 'a b@"c"',
      '{s.encode.hexa}{s.decode.hexa}': 'a b@"c"',
      '{s.b64encode}{s.b64decode}': 'a b@"c"',
      '{s.xor,key}{s.xor,key}': 'a b@"c"',
    });
    table('abc', {
      '{s.md5}': '900150983cd24fb0d6963f7d28e17f72',
      '{s.encode.hexa}': '616263',
      '{s.b64encode}': 'YWJj',
    });
  });

  test('null gives null', () => {
    table(null, { '{s.len}': null, '{uri.user}{s.len}': null });
  });
});

describe('classes over SIP texts', () => {
  test('class uri has the parts of a URI', () => {
    table('sip:bob:pw@example.com:5070;transport=tcp;lr;user=phone;maddr=1.2.3.4?Subject=x', {
      '{uri.user}': 'bob',
      '{uri.passwd}': 'pw',
      '{uri.host}': 'example.com',
      '{uri.port}': '5070',
      '{uri.params}': 'transport=tcp;lr;user=phone;maddr=1.2.3.4',
      '{uri.param,Transport}': 'tcp',
      '{uri.param,none}': null,
      '{uri.headers}': 'Subject=x',
      '{uri.transport}': 'tcp',
      '{uri.uparam}': 'phone',
      '{uri.maddr}': '1.2.3.4',
      '{uri.lr}': '',
      '{uri.ttl}': null,
      '{uri.schema}': 'sip',
    });
    table('sip:example.com', { '{uri.port}': null, '{uri.user}': null, '{uri.transport}': null, '{uri.proto}': 'udp' });
    table('no uri', { '{uri.host}': null });
  });

  test('class param has the parameters of a list', () => {
    table('a=1;b="x;y";c', {
      '{param.value,b}': 'x;y',
      '{param.value,c}': '',
      '{param.value,d}': null,
      '{param.exist,c}': 1,
      '{param.exist,d}': 0,
      '{param.valueat,0}': '1',
      '{param.name,-1}': 'c',
      '{param.count}': 3,
    });
  });

  test('classes csv, nameaddr and via have the parts of their texts', () => {
    table('a, "b,c", d', { '{csv.count}': 3, '{csv.value,1}': '"b,c"', '{csv.value,-1}': 'd', '{csv.value,9}': null });
    table('"B, C" <sip:b@x;lr>;tag=1;q', {
      '{nameaddr.name}': '"B, C"',
      '{nameaddr.uri}': 'sip:b@x;lr',
      '{nameaddr.uri}{uri.host}': 'x',
      '{nameaddr.param,tag}': '1',
      '{nameaddr.params}': 'tag=1;q',
    });
    table('SIP/2.0/UDP [2001:db8::1]:5062;branch=z9;received=1.2.3.4;rport, SIP/2.0/TCP x', {
      '{via.transport}': 'UDP',
      '{via.host}': '[2001:db8::1]',
      '{via.port}': '5062',
      '{via.branch}': 'z9',
      '{via.received}': '1.2.3.4',
      '{via.param,branch}': 'z9',
      '{via.version}': '2.0',
    });
    table('garbage', { '{via.host}': null });
  });
});
