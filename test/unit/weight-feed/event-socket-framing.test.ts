import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FramingFault, MessageCutter, type SocketMessage } from '../../../src/weight-feed/event-socket-framing.js';

const cut = (...chunks: readonly (string | Buffer)[]): SocketMessage[] => {
  const cutter = new MessageCutter();
  return chunks.flatMap((chunk) => [...cutter.add(Buffer.from(chunk as string))]);
};

describe('messages of an event socket', () => {
  test('have headers, and a body by its length', () => {
    const [first, second, ...rest] = cut(
      'Content-Type: auth/request\n\nContent-Length: 5\r\nContent-Type: text/event-plain\r\n\r\na: b\n\n\n',
    );
    assert.deepEqual([...(first?.headers ?? [])], [['content-type', 'auth/request']]);
    assert.deepEqual([second?.headers.get('content-type'), second?.body, rest], ['text/event-plain', 'a: b\n', []]);
  });

  test('are the same however they are cut into packets', () => {
    const body = 'Event-Name: HEARTBEAT\nIdle-CPU: 50.5\n\n';
    const text = `Content-Type: auth/request\n\n\nContent-Length: ${body.length}\nX: y\n\n${body}Content-Length: 0\n\nA: é\n\n`;
    const bytes = Buffer.from(text);
    const whole = cut(bytes);
    assert.equal(whole.length, 4);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 40 }), (cuts) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const chunks = edges.slice(1).map((edge, i) => bytes.subarray(edges[i], edge));
        assert.deepEqual(cut(...chunks), whole);
      }),
    );
  });

  test('messages of an event socket that never end close the connection', () => {
    assert.throws(() => cut('x'.repeat(9000)), FramingFault);
    assert.throws(() => cut(...Array.from({ length: 9000 }, () => 'x')), FramingFault);
    assert.throws(() => cut(...Array.from({ length: 2000 }, () => 'a: b\n')), FramingFault);
    for (const length of ['65537', '999999999', '-1', '1e3', 'x', '']) {
      assert.throws(() => cut(`Content-Length: ${length}\n\n`), FramingFault, length);
    }
  });

  test('any bytes on an event socket throw nothing, and keep limited memory', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), (chunks) => {
        try {
          cut(...chunks.map((each) => Buffer.from(each)));
        } catch (error) {
          assert.ok(error instanceof FramingFault);
        }
      }),
    );
  });
});
