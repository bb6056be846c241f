import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type FrameEvent,
  MAX_BODY_BYTES,
  MAX_HEADER_BYTES,
  StreamFraming,
} from '../../../../src/sip/transport/stream-framing.js';
import { assertLinear } from '../../../support/growth.js';
import { parsed, requestText } from '../../../support/sip-recorder.js';

/** All events for a stream that arrives in these pieces. */
function frames(pieces: readonly string[]): FrameEvent[] {
  const framing = new StreamFraming();
  return pieces.flatMap((piece) => framing.push(piece));
}

function cut(text: string, cuts: readonly number[]): string[] {
  const at = [...new Set(cuts.map((at) => at % (text.length + 1)))].sort((a, b) => a - b);
  return [...at, text.length].map((end, i) => text.slice(i === 0 ? 0 : (at[i - 1] as number), end));
}

describe('StreamFraming (RFC 3261 section 18.3)', () => {
  test('property: any split of the stream gives the same messages and pings', () => {
    const message = fc
      .tuple(fc.stringMatching(/^[a-z\r\n ]{0,40}$/), fc.constantFrom('Content-Length', 'l', 'CONTENT-length', 'L \t'))
      .map(([body, name]) => requestText({ body }).replace('Content-Length', name));
    const between = fc.constantFrom('', '', '\r\n', '\r\n\r\n', '\r\n\r\n\r\n\r\n');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(between, message), { minLength: 1, maxLength: 5 }),
        fc.array(fc.nat(10_000), { maxLength: 12 }),
        (parts, cuts) => {
          const stream = parts.map(([blank, text]) => blank + text).join('');
          const whole = frames([stream]);
          assert.deepEqual(
            whole.filter((each) => each.kind === 'message').map((each) => each.text),
            parts.map(([, text]) => text),
          );
          assert.deepEqual(frames(cut(stream, cuts)), whole);
          assert.deepEqual(frames([...stream]), whole);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('a double CRLF is a ping, a single one is not, also when they arrive in pieces', () => {
    assert.deepEqual(frames(['\r\n\r\n']), [{ kind: 'ping' }]);
    assert.deepEqual(frames(['\r\n']), []);
    assert.deepEqual(frames(['\r', '\n', '\r', '\n']), [{ kind: 'ping' }]);
    assert.deepEqual(frames(['\r\n', '\r\n\r\n', '\r\n']), [{ kind: 'ping' }, { kind: 'ping' }]);
  });

  test('a single CRLF before a message does not make a ping with the next one', () => {
    const text = requestText();
    assert.deepEqual(
      frames([`\r\n${text}\r\n${text}`]).map((each) => each.kind),
      ['message', 'message'],
    );
  });

  test('a message in progress is pending, a complete one is not', () => {
    const framing = new StreamFraming();
    const text = requestText({ body: 'x'.repeat(100) });
    framing.push(text.slice(0, 50));
    assert.equal(framing.pending, 50);
    framing.push(text.slice(50, -1));
    assert.equal(framing.pending, text.length - 1);
    assert.equal(framing.push(text.slice(-1)).length, 1);
    assert.equal(framing.pending, 0);
  });

  const giant = `X: ${'x'.repeat(MAX_HEADER_BYTES)}\r\n`;
  for (const [what, stream, reason, code] of [
    ['no Content-Length', requestText().replace(/Content-Length: 0\r\n/, ''), /no Content-Length/, 400],
    ['one that is not a number', requestText().replace('Length: 0', 'Length: x'), /malformed/, 400],
    ['a negative one', requestText().replace('Length: 0', 'Length: -1'), /malformed/, 400],
    ['two that differ', requestText({ headers: 'l: 5\r\n' }), /two different/, 400],
    ['a body beyond the bound', requestText().replace('Length: 0', `Length: ${MAX_BODY_BYTES + 1}`), /body of/, 413],
    ['a body beyond any bound', requestText().replace('Length: 0', 'Length: 99999999999'), /body of more/, 413],
    ['a request line beyond the bound', `INVITE ${'x'.repeat(MAX_HEADER_BYTES)}`, /header of more/, undefined],
    ['headers that do not end', requestText({ headers: giant }).slice(0, -2), /header of more/, 513],
    ['ended headers beyond the bound', requestText({ headers: giant }), /header of more/, 513],
    ['another protocol', 'GET / HTTP/1.1\r\n\r\n', /not SIP/, undefined],
  ] as const) {
    test(`${what} breaks the stream, and nothing more is read`, () => {
      const framing = new StreamFraming();
      const events = framing.push(stream);
      assert.deepEqual(
        events.map((each) => each.kind),
        ['broken'],
      );
      const [event] = events;
      assert.ok(event?.kind === 'broken');
      assert.match(event.reason, reason);
      assert.equal(event.refused?.code, code);
      if (event.refused !== undefined) {
        const head = parsed(event.refused.text);
        assert.deepEqual([head.method, head.callId], ['INVITE', 'call-1@example.org']);
      }
      assert.deepEqual(framing.push(requestText()), []);
    });
  }

  test('messages before a malformed one are delivered', () => {
    assert.deepEqual(
      frames([`${requestText()}garbage\r\n\r\n`]).map((each) => each.kind),
      ['message', 'broken'],
    );
  });

  test('a folded Content-Length is read', () => {
    const text = requestText({ body: 'abc' }).replace('Content-Length: 3', 'Content-Length:\r\n  3');
    assert.deepEqual(frames([text, requestText()]).length, 2);
  });

  test('a header trickling in byte by byte takes time in proportion to its length', () => {
    const message = (filler: string, length: number) => requestText({ headers: filler.repeat(length / filler.length) });
    const cases = ['X: y\r\n', 'Subject: a\r\n b\r\n', `X: ${'x'.repeat(1000)}\r\n`].map((filler) => ({
      name: JSON.stringify(filler.slice(0, 20)),
      make: (length: number) => message(filler, length),
    }));
    const run = (text: string) => {
      const framing = new StreamFraming();
      let found = 0;
      for (const byte of text) found += framing.push(byte).length;
      assert.equal(found, 1);
    };
    assertLinear('one byte at a time', cases, run, {
      lengths: [8000, 16_000, 32_000, 60_000],
      maxMs: 100,
      noiseMs: 15,
    });
  });

  test('a header that never ends is refused, byte by byte too', () => {
    const framing = new StreamFraming();
    let events: FrameEvent[] = [];
    for (let i = 0; i < MAX_HEADER_BYTES + 2 && events.length === 0; i++) events = framing.push('x');
    assert.equal(events[0]?.kind, 'broken');
  });
});
