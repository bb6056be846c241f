import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseUri } from '../../../src/core/uri.js';
import { applyEdits } from '../../../src/sip/reply.js';
import { isLoose, removeFirst, routeValues, uriOf } from '../../../src/sip/route-set.js';
import { parsed, requestText } from '../../support/sip-recorder.js';

function routesIn(headers: string) {
  return routeValues(parsed(requestText({ headers })), 'route');
}

describe('routeValues', () => {
  test('routeValues has the values of all fields in order, however they are grouped', () => {
    const values = routesIn('Route: <sip:a;lr>,<sip:b;lr> ,\r\n <sip:c;lr>\r\nX: y\r\nROUTE : <sip:d>;x="a,<b>"\r\n');
    assert.deepEqual(
      values.map((each) => each.text),
      ['sip:a;lr', 'sip:b;lr', 'sip:c;lr', 'sip:d'],
    );
    assert.deepEqual(
      values.map((each) => each.inField),
      [3, 3, 3, 1],
    );
    assert.deepEqual(
      values.map((each) => each.uri?.host),
      ['a', 'b', 'c', 'd'],
    );
    assert.equal(values[3]?.value, '<sip:d>;x="a,<b>"');
  });

  test('commas in quotes and brackets do not separate', () => {
    const values = routesIn('Route: "x, \\" y" <sip:a,b@h;lr>, <sip:c>\r\n');
    assert.deepEqual(
      values.map((each) => each.text),
      ['sip:a,b@h;lr', 'sip:c'],
    );
  });

  test('no more Route values than the limit are read', () => {
    const headers = `Route: ${Array.from({ length: 100 }, (_, i) => `<sip:h${i}>`).join(',')}\r\n`;
    assert.equal(routesIn(headers).length, 64);
    assert.equal(routeValues(parsed(requestText({ headers })), 'route', 3).length, 3);
  });

  test('a Route value that is not a SIP URI has no parsed URI', () => {
    assert.deepEqual(
      routesIn('Route: <http://x>, nonsense\r\n').map((each) => each.uri),
      [undefined, undefined],
    );
  });
});

test('uriOf extracts the URI from the text around it', () => {
  for (const [value, uri] of [
    ['<sip:a@b;x=1>;y=2', 'sip:a@b;x=1'],
    ['sip:a@b;x=1', 'sip:a@b'],
    ['Name <sip:a@b>', 'sip:a@b'],
    ['"<sip:no> \\" " < sip:a@b >', 'sip:a@b'],
    ['<sip:a@b', 'sip:a@b'],
    ['', ''],
  ] as const) {
    assert.equal(uriOf(value), uri);
  }
});

test('isLoose looks for the lr parameter, whatever its value', () => {
  for (const [uri, loose] of [
    ['sip:a;lr', true],
    ['sip:a;lr=on', true],
    ['sip:a;LR', true],
    ['sip:a;lrx', false],
    ['sip:a', false],
  ] as const) {
    assert.equal(isLoose(parseUri(uri) ?? assert.fail()), loose);
  }
});

test('property: removing the first n values leaves the rest, and nothing else changes', () => {
  const value = fc
    .tuple(
      fc.constantFrom('', '"a, b" ', 'Name '),
      fc.integer({ min: 1, max: 99 }),
      fc.constantFrom('', ';x=y', ';q="1,2"'),
    )
    .map(([name, n, params]) => `${name}<sip:h${n}.example.com;lr>${params}`);
  const separator = fc.constantFrom(
    ',',
    ', ',
    ' ,',
    ',\r\n ',
    '\r\nRoute: ',
    '\r\nroute:',
    '\r\nX-Between: 1\r\nRoute: ',
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(value, separator), { minLength: 1, maxLength: 8 }), fc.nat(9), (parts, count) => {
      const field = parts.map(([text, by], i) => (i === parts.length - 1 ? text : text + by)).join('');
      const message = parsed(requestText({ headers: `Route: ${field}\r\n` }));
      const before = routeValues(message, 'route');
      assert.equal(before.length, parts.length);
      const after = parsed(applyEdits(message.text, 0, removeFirst(before, count)));
      assert.equal(after.defect, undefined);
      assert.deepEqual(
        routeValues(after, 'route').map((each) => each.value),
        before.slice(count).map((each) => each.value),
      );
      assert.equal(after.headerCount('x-between'), message.headerCount('x-between'));
      assert.equal(after.headerCount('content-length'), 1);
    }),
    { numRuns: 300 },
  );
});
