import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CORPUS, exercise, mutated } from './mutations.js';

test('no torture message makes a parser throw', () => {
  for (const text of CORPUS) exercise(text);
  assert.ok(CORPUS.length > 50);
});

test('property: no mutation of a torture message makes a parser throw', () => {
  fc.assert(fc.property(mutated, exercise), { numRuns: 2000 });
});

test('property: random octets do not make a parser throw either', () => {
  const octets = fc.array(fc.nat(255), { maxLength: 400 }).map((all) => String.fromCharCode(...all));
  fc.assert(fc.property(octets, exercise), { numRuns: 500 });
  fc.assert(
    fc.property(octets, (text) => exercise(`INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n${text}`)),
    { numRuns: 500 },
  );
});

test('the largest datagram takes milliseconds, whatever it is filled with', () => {
  const size = 65_000;
  const head = 'INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n';
  for (const fill of [
    '\r\n ',
    'a:b\r\n',
    ':',
    ';',
    ',',
    '"',
    '<',
    '\\"',
    'Via: x\r\n',
    'Route: <sip:a>\r\n',
    'Route: a,',
    ' ',
    '\t:',
    '\r\n\r\n',
    'l: 1\r\n',
    ';tag=',
    'From: "\\',
    'v:,',
  ]) {
    for (const start of ['', head, `${head}From: `, `${head}Route: `, `${head.slice(0, -2)};`]) {
      const text = (start + fill.repeat(Math.ceil(size / fill.length))).slice(0, size);
      const began = performance.now();
      exercise(text);
      const took = performance.now() - began;
      assert.ok(took < 250, `${took.toFixed(0)} ms for ${JSON.stringify(start.slice(-10) + fill)}`);
    }
  }
});
