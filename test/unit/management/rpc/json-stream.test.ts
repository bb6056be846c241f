import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { JsonStream, MAX_TEXT, type StreamItem } from '../../../../src/management/rpc/json-stream.js';

const feed = (stream: JsonStream, text: string): StreamItem[] => stream.push(Buffer.from(text));
const shown = (items: readonly StreamItem[]): string[] =>
  items.map((item) => (item.kind === 'text' ? item.text : `(${item.reason})`));

describe('requests on a FIFO', () => {
  test('may be on one line, on several lines, or several on one line', () => {
    const stream = new JsonStream();
    assert.deepEqual(shown(feed(stream, '{"a":1}\n')), ['{"a":1}']);
    assert.deepEqual(shown(feed(stream, '{\n "a": "}"\n}\n\n{"b":2}{"c":"\\"{"}')), [
      '{\n "a": "}"\n}',
      '{"b":2}',
      '{"c":"\\"{"}',
    ]);
    assert.equal(stream.waiting, false);
  });

  test('requests that arrive in pieces are complete', () => {
    const requests = ['{"a":"é€"}', '{"b":{"c":[1,2]}}', '{"d":"\\\\"}'];
    const bytes = Buffer.from(requests.join('\n'));
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 8 }), (cuts) => {
        const stream = new JsonStream();
        const items: StreamItem[] = [];
        let from = 0;
        for (const cut of [...cuts.sort((a, b) => a - b), bytes.length]) {
          items.push(...stream.push(bytes.subarray(from, cut)));
          from = cut;
        }
        assert.deepEqual(shown(items), requests);
      }),
    );
  });

  test('a line that is not a request is dropped, the next one is read', () => {
    const stream = new JsonStream();
    assert.deepEqual(shown(feed(stream, 'garbage {"x":1}\n{"a":1}\n')), ['(malformed)', '{"a":1}']);
  });

  test('an incomplete request is dropped after a timeout, and the one after it is run', () => {
    const stream = new JsonStream();
    assert.deepEqual(feed(stream, '{"method":"core.\n{"jsonrpc":"2.0"}\n'), []);
    assert.equal(stream.waiting, true);
    assert.deepEqual(shown(stream.expire()), ['(half)', '{"jsonrpc":"2.0"}']);
    assert.equal(stream.waiting, false);
    assert.deepEqual(shown(feed(stream, '{"a":1}')), ['{"a":1}']);
  });

  test('requests on a FIFO that are too long or nested too deeply are refused', () => {
    const stream = new JsonStream();
    assert.deepEqual(shown(feed(stream, `{"a":"${'x'.repeat(MAX_TEXT)}`)), ['(oversized)']);
    assert.deepEqual(shown(feed(stream, 'xx"}\n{"a":1}')), ['{"a":1}']);
    assert.deepEqual(shown(feed(stream, `${'{"a":'.repeat(100)}\n{"b":1}`)), ['(malformed)', '{"b":1}']);
  });

  test('any bytes leave the next request readable', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }), (chunks) => {
        const stream = new JsonStream();
        for (const chunk of chunks) stream.push(chunk);
        stream.expire();
        assert.equal(stream.waiting, false);
        assert.deepEqual(shown(feed(stream, '{"a":1}\n')), ['{"a":1}']);
      }),
    );
  });
});
