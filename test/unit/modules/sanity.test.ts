import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { INVITE, startScript } from '../../support/script-run.js';

/**
 * Checks and URIs, a replacement in an INVITE, and the reply; "": the request is valid, "silent": it is invalid and not
 * answered.
 */
type Row = readonly [checks: number, uris: number, from: string | RegExp, to: string, answer: string];

const FROM = /^From:.*/m;
const TO = /^To:.*/m;
const MORE = 'Content-Length: 0';
const credentials = (values: string) => `Authorization: Digest ${values}\r\n${MORE}`;
const COMPLETE = 'username="a", realm="b", nonce="c", uri="sip:d", response="01"';

const ROWS: readonly Row[] = [
  [2, 7, 'sip:bob@sw.example', 'http://bob', '400 Bad Request URI'],
  [2, 7, 'sip:bob@sw.example', 'tel:+12', ''],
  [2, 7, 'sip:bob@sw.example', 'urn:service:sos', ''],
  [1024, 1, 'sip:bob@sw.example', 'sip:bob@sw.example:99999', '400 Bad Request URI'],
  [1024, 1, 'sip:bob@sw.example', 'sip:bob@@sw.example', '400 Bad Request URI'],
  [1024, 2, 'sip:bob@sw.example', 'im:bob', ''],
  [1024, 7, 'sip:bob@sw.example', 'sip:bob@b@sw.example', '400 Bad Request URI'],
  [2, 7, 'sip:bob@sw.example', 'sip:bob@b@sw.example', '400 Bad Request URI'],
  [1024, 7, 'sip:bob@sw.example', 'sip:bob@sw.example:5060;x=a@b', '400 Bad Request URI'],
  [1024, 7, 'sip:bob@sw.example', 'sip:a:b:c@sw.example', '400 Bad Request URI'],
  [1024, 7, 'sip:bob@sw.example', 'sip:a;x=y@sw.example', ''],
  [1024, 7, FROM, 'From: <sip:a@b@a.example>;tag=x', '400 Invalid From Header'],
  [1024, 7, FROM, 'From: <sip:@a.example>;tag=x', '400 Invalid From Header'],
  [1024, 7, FROM, 'From: "Alice <sip:a@a.example>;tag=x', '400 Invalid From Header'],
  [1024, 7, FROM, 'From: <sip:a@a.example;tag=x', '400 Invalid From Header'],
  [1024, 4, FROM, 'From: <sip:@a.example>;tag=x', ''],
  [1024, 7, FROM, 'From: sip:a@a.example;tag=x', ''],
  [1024, 7, TO, 'To: <mailto:bob>', '400 Ivalid To Header'],
  [1024, 7, TO, 'To: <sip:b@[::1]>', ''],
  [1024, 7, /^Contact:.*/m, 'Contact: <sip:a@>', ''],
  [1024, 15, /^Contact:.*/m, 'Contact: <sip:a@a.example>, <sip:a@>', '400 Bad Contact URI'],
  [1024, 15, /^Contact:.*/m, 'Contact: a b', '400 Bad Contact Header'],
  [1024, 15, /^Contact:.*/m, 'Contact: *', ''],
  [1024, 0, FROM, 'From: <sip:a@a.example>;tag=x', 'silent'],
  [0, 7, FROM, 'From: <sip:a@a.example>;tag=x', 'silent'],
  [128, 7, MORE, `${MORE}\r\nX: y`, ''],
  [128, 7, /$(?!\r)/, 'more', '400 Content-Length mis-match'],
  [256, 7, MORE, `Expires: 3600\r\n${MORE}`, ''],
  [256, 7, MORE, `Expires: 10 x\r\n${MORE}`, ''],
  [256, 7, MORE, `Expires: 10x\r\n${MORE}`, '400 Expires value is illegal'],
  [256, 7, MORE, `Expires: 4294967297\r\n${MORE}`, '400 Expires value is illegal'],
  [256, 7, MORE, `Expires: \r\n${MORE}`, '400 Bad Expires Header'],
  [512, 7, MORE, `Proxy-Require: path, 100rel\r\n${MORE}`, ''],
  [512, 7, MORE, `Proxy-Require: path, foo, bar\r\n${MORE}`, '420 Bad Proxy Require Extension; Unsupported: foo'],
  [512, 7, MORE, `Proxy-Require: \r\n${MORE}`, '400 Bad Proxy Require Header'],
  [2048, 7, MORE, credentials(COMPLETE), ''],
  [2048, 7, MORE, credentials('foo'), '400 Bad Auth Header'],
  [2048, 7, MORE, credentials(COMPLETE.replace(', uri="sip:d"', '')), '400 Bad Auth Credentials'],
  [2048, 7, MORE, credentials(`${COMPLETE}, qop=auth`), '400 Bad Auth Credentials'],
  [2048, 7, MORE, credentials(`${COMPLETE}, qop=auth, nc=1, cnonce=""`), ''],
  [8192, 7, MORE, credentials(COMPLETE.replace('"a"', '""')), '400 Auth Empty User'],
  [8192, 7, MORE, credentials(COMPLETE.replace('"c"', '""')), '400 Auth Empty Nonce'],
  [8192, 7, MORE, credentials(COMPLETE.replace('"01"', '""')), '400 Auth Empty Response'],
  [2048, 7, MORE, `Authorization: Basic x\r\n${MORE}`, 'silent'],
  [8192, 7, MORE, `Authorization: Basic x\r\n${MORE}`, ''],
  [4096, 7, FROM, 'From: <sip:a@a.example>;tag=x;TAG=y', '400 Many From Tag Params'],
  [4096, 7, TO, 'To: <sip:b@b.example>;tag=x; tag=y', '400 Many To Tag Params'],
  [4096, 7, FROM, 'From: "x;tag=1" <sip:a@a.example;tag=2>;tag=x', ''],
  [4096, 7, FROM, 'From: <sip:a@a.example;tag=x', 'silent'],
  // The order in which the original checks.
  [32767, 7, MORE, `Expires: x\r\nProxy-Require: foo\r\n${MORE}`, '400 Expires value is illegal'],
  [32767, 7, MORE, `Proxy-Require: foo\r\n${credentials('foo')}`, '420 Bad Proxy Require Extension; Unsupported: foo'],
];

async function answerOf(head: string, call: string, message: string): Promise<string> {
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'sanity',
    head: `modparam("sanity", "proxy_require", "path, 100rel")\n${head}`,
    script: `if (!${call}) { xlog("wrong\\n"); exit; } xlog("fine\\n");`,
  });
  runner.receive(message);
  const text = runner.sent.find(({ text: each }) => each.startsWith('SIP/2.0 4'))?.text;
  const { lines } = runner;
  await runner.stop();
  if (text === undefined) return lines[0] === 'fine' ? '' : lines[0] === 'wrong' ? 'silent' : 'ended';
  const unsupported = /^Unsupported: .*$/m.exec(text)?.[0].trim();
  return [/^SIP\/2\.0 (.*)$/m.exec(text)?.[1]?.trim(), unsupported].filter((each) => each !== undefined).join('; ');
}

describe('sanity_check() finds the faults that Kamailio finds, and answers as Kamailio does', () => {
  for (const [checks, uris, from, to, answer] of ROWS) {
    test(`checks ${checks}, URIs ${uris} of a message with ${JSON.stringify(to)}`, async () => {
      const call = `sanity_check("${checks}", "${uris}")`;
      assert.equal(
        await answerOf(
          'modparam("sanity", "autodrop", 0)',
          call,
          INVITE.replace(from, () => to),
        ),
        answer,
      );
    });
  }
});

const BROKEN = INVITE.replace(MORE, `Expires: x\r\n${MORE}`);

test('sanity_check() ends the script unless autodrop is 0', async () => {
  assert.equal(await answerOf('modparam("sanity", "noreply", 1)', 'sanity_check()', BROKEN), 'ended');
});

test('with noreply sanity_reply() gives the reply', async () => {
  const head = 'modparam("sanity", "noreply", 1)\nmodparam("sanity", "autodrop", 0)';
  assert.equal(await answerOf(head, 'sanity_check()', BROKEN), 'silent');
  assert.equal(await answerOf(head, '(sanity_check() || sanity_reply())', BROKEN), '400 Expires value is illegal');
});

test('without arguments the documented checks are made, which do not include URIs and duplicate tags', async () => {
  const call = 'sanity_check()';
  assert.equal(await answerOf('', call, INVITE.replace(FROM, 'From: <sip:@a.example>;tag=x;tag=y')), '');
  assert.equal(await answerOf('', call, INVITE.replace(MORE, credentials('foo'))), '400 Bad Auth Header');
});
