import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applied, lengthChange, MessageEdits } from '../../../src/script/edits.js';
import { outgoingReply, rewritten } from '../../../src/script/outgoing.js';
import type { SipMessage } from '../../../src/sip/message.js';
import { parseMessage } from '../../../src/sip/parse-message.js';

const BODY = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\n';
const REPLY =
  'SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKa\r\nVia: SIP/2.0/UDP 127.0.0.2;branch=z9hG4bKb\r\n' +
  `From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: e\r\nCSeq: 1 INVITE\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

const edit = fc
  .tuple(fc.nat(BODY.length), fc.nat(BODY.length), fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'b') }))
  .map(([a, b, text]) => ({ start: Math.min(a, b), end: Math.max(a, b), text }));

test('the change of length equals that of the text, however edits overlap', () => {
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 8 }), (edits) => {
      assert.equal(lengthChange(edits), applied(BODY, 0, edits).length - BODY.length);
    }),
  );
});

test('Content-Length is that of the body, however its edits overlap', () => {
  const message = parseMessage(REPLY) as SipMessage;
  const lengthOf = (text: string) => Number(/Content-Length: (\S+)/.exec(text)?.[1]);
  const bodyOf = (text: string) => text.slice(text.indexOf('\r\n\r\n') + 4);
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 8 }), (edits) => {
      const moved = edits.map(({ start, end, text }) => ({
        start: start + message.bodyStart,
        end: end + message.bodyStart,
        text,
      }));
      for (const text of [outgoingReply(message, moved), rewritten(message, moved)]) {
        assert.equal(lengthOf(text), bodyOf(text).length);
      }
    }),
  );
});

test('several replacements in a body give the same text at once as one after the other', () => {
  const offsets = fc.uniqueArray(fc.nat(30), { maxLength: 8 }).map((all) => all.sort((a, b) => a - b));
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 8 }), offsets, (earlier, at) => {
      const replacements = Array.from({ length: at.length >> 1 }, (_, i) => ({
        start: at[2 * i] as number,
        end: at[2 * i + 1] as number,
        text: `<${i}>`,
      }));
      const [together, single] = [new MessageEdits(), new MessageEdits()];
      for (const each of earlier) for (const edits of [together, single]) edits.add(each);
      together.replaceInBody(replacements);
      for (const each of replacements) single.replaceInBody([each]);
      assert.deepEqual(together.list, single.list);
    }),
  );
});
