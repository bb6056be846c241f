import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cseqOf, FollowedCalls } from '../../../src/trace/followed-calls.js';

const message = (cseq: string): string => `OPTIONS sip:a@b SIP/2.0\r\nCall-ID: a\r\nCSeq: ${cseq}\r\n\r\n`;

test('a transaction is followed by its CSeq for some minutes, a dialog for hours', () => {
  const calls = new FollowedCalls();
  calls.follow('a', '1 INVITE', 0);
  calls.follow('b', undefined, 0);
  assert.equal(calls.wants('a', message('1 INVITE'), 1000), true);
  assert.equal(calls.wants('a', message('1 ACK'), 1000), false);
  assert.equal(calls.wants('a', message('1 INVITE'), 181_000), false);
  assert.equal(calls.wants('b', message('7 BYE'), 3_600_000), true);
  assert.equal(calls.wants('c', message('1 INVITE'), 0), false);
});

test('a dialog that is followed remains so when one of its transactions is followed too', () => {
  const calls = new FollowedCalls();
  calls.follow('a', undefined, 0);
  calls.follow('a', '1 INVITE', 1);
  assert.equal(calls.wants('a', message('2 BYE'), 2), true);
});

test('beyond 20,000 calls the one followed longest is forgotten', () => {
  const calls = new FollowedCalls();
  for (let i = 0; i <= 20_000; i++) calls.follow(`c${i}`, undefined, 0);
  assert.equal(calls.wants('c0', message('1 INVITE'), 1), false);
  assert.equal(calls.wants('c1', message('1 INVITE'), 1), true);
});

test('CSeq is found in any spelling, and only near the beginning', () => {
  assert.equal(cseqOf(message('12   INVITE')), '12 INVITE');
  assert.equal(cseqOf('OPTIONS sip:a@b SIP/2.0\r\ncseq:3 BYE\r\n\r\n'), '3 BYE');
  assert.equal(cseqOf(`OPTIONS sip:a@b SIP/2.0\r\nX: ${'x'.repeat(20_000)}\r\nCSeq: 1 BYE\r\n\r\n`), '');
});

test('long Call-IDs are followed, each by itself, and not kept whole', () => {
  const calls = new FollowedCalls();
  const long = 'x'.repeat(60_000);
  calls.follow(long, undefined, 0);
  assert.equal(calls.wants(long, message('1 INVITE'), 1), true);
  assert.equal(calls.wants(`${long}y`, message('1 INVITE'), 1), false);
  assert.ok(JSON.stringify([...calls.keys]).length < 200);
});
