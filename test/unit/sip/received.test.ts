import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseReceived } from '../../../src/sip/received.js';
import { answerTo, INVITE, startScript } from '../../support/script-run.js';

const LINE = 'Contact: <sip:alice@127.0.0.1:5070>\r\n';
const withLine = (line: string): string => INVITE.replace(LINE, `${LINE}${line}`);

describe('a line feed without CR', () => {
  test('ends a header line', () => {
    const message = parseReceived(withLine('Subject: a\nX-Secret: b\n c\r\n'));
    assert.equal(message?.defect, undefined);
    assert.equal(message?.text, withLine('Subject: a\r\nX-Secret: b\r\n c\r\n'));
    assert.deepEqual([message.header('subject'), message.header('x-secret')], ['a', 'b c']);
  });

  test('does not change bodies and messages of another form', () => {
    const body = 'v=0\na=b\r\n\n';
    const text = INVITE.replace('Content-Length: 0\r\n\r\n', `Content-Length: ${body.length}\r\n\r\n${body}`);
    assert.equal(parseReceived(text)?.text, text);
    const loose = text.replace(LINE, `${LINE}Subject: a\nX-Secret: b\r\n`);
    assert.equal(parseReceived(loose)?.body, body);
  });

  test('does not hide a second header of a kind that may be there only once', () => {
    assert.equal(parseReceived(withLine('Subject: a\nFrom: <sip:e@e>;tag=e\r\n'))?.defect, 'more than one From header');
    const length = parseReceived(withLine('Subject: a\nl: 9\r\n'));
    assert.equal(length?.defect, 'more than one Content-Length header');
  });

  test('does not end the header section', () => {
    for (const line of ['Subject: a\n\nX-Secret: b\r\n', '\nX-Secret: b\r\n', 'Subject: a\n\r\nX-Secret: b\r\n'])
      assert.notEqual(parseReceived(withLine(line))?.defect, undefined, JSON.stringify(line));
  });

  test('is not searched in a header section of very many lines', () => {
    assert.notEqual(parseReceived(withLine(`${'a:b\n'.repeat(400)}c:d\r\n`)), undefined);
    for (const line of ['\n', 'a:b\n', 'x\n '])
      assert.equal(parseReceived(withLine(`X: y${line.repeat(10_000)}\r\n`)), undefined, JSON.stringify(line));
  });

  test('ends a status line', () => {
    const text = answerTo(INVITE, '200 OK\nX-Secret: b');
    const reply = parseReceived(text);
    assert.deepEqual([reply?.reason, reply?.header('x-secret')], ['OK', 'b']);
  });
});

describe('a CR without line feed', () => {
  test('is a blank', () => {
    const message = parseReceived(withLine('Subject: a\rX-Secret: b\r\nX-Other\r: c\r\r\n'));
    assert.equal(message?.defect, undefined);
    assert.equal(message?.text, withLine('Subject: a X-Secret: b\r\nX-Other : c \r\n'));
    assert.deepEqual([message.header('x-secret'), message.header('x-other')], [undefined, 'c']);
  });

  test('is a blank in a status line and at the start of a line', () => {
    const reply = parseReceived(answerTo(INVITE, '200 OK\rX-Secret: b'));
    assert.deepEqual([reply?.reason, reply?.header('x-secret')], ['OK X-Secret: b', undefined]);
    const folded = parseReceived(withLine('Subject: a\r\n\rX-Secret: c\r\n'));
    assert.deepEqual([folded?.header('subject'), folded?.header('x-secret')], ['a X-Secret: c', undefined]);
  });

  test('is unchanged in a body', () => {
    const text = INVITE.replace('Content-Length: 0\r\n\r\n', 'Content-Length: 5\r\n\r\na\rb\rc');
    assert.equal(parseReceived(text)?.text, text);
  });
});

describe('the name of a header', () => {
  test('ends in its first line', () => {
    assert.notEqual(parseReceived(withLine('X-Secret\r\n : b\r\n'))?.defect, undefined);
    assert.notEqual(parseReceived(withLine('X-Secret\n : b\r\n'))?.defect, undefined);
  });

  test('has no characters at its ends that others could skip', () => {
    for (const name of [
      'X-Secret\0',
      'X-Secret\0a',
      '\0X-Secret',
      'X-Secret\v',
      '\fX-Secret',
      'X-Secret\x7f ',
      'From\0',
      'X-Secret\xa0',
      '\xa0X-Secret',
      '\xef\xbb\xbfX-Secret',
    ])
      assert.notEqual(parseReceived(withLine(`${name}: b\r\n`))?.defect, undefined, JSON.stringify(name));
  });

  test('may come before a value with control characters', () => {
    const text = withLine('Subject: "a\\\0b" \0 \v\r\n');
    assert.equal(parseReceived(text)?.defect, undefined);
    assert.equal(parseReceived(text)?.text, text);
  });
});

test('a header that follows a line feed within another header is removed by a script like any other', async () => {
  const runner = startScript({
    dialect: 'kamailio',
    script: 'remove_hf("X-Secret"); $du = "sip:127.0.0.1:5090"; t_relay();',
  });
  try {
    runner.receive(withLine('Subject: a\nX-Secret: b\r\n'));
    const invite = () => runner.sent.find(({ text }) => text.startsWith('INVITE'))?.text;
    for (let i = 0; i < 600 && invite() === undefined; i++) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.match(invite() ?? '', /\r\nSubject: a\r\n/);
    assert.doesNotMatch(invite() ?? '', /X-Secret/);
  } finally {
    await runner.stop();
  }
});
