import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TextCipher } from '../../../src/modules/topoh/cipher.js';
import { TopologyMask } from '../../../src/modules/topoh/mask.js';
import { ModuleParameters } from '../../../src/script/environment.js';
import { parseReceived } from '../../../src/sip/received.js';
import { headersOf } from '../../support/raw-agent.js';
import { answerTo } from '../../support/script-run.js';

const maskOf = (parameters: Readonly<Record<string, string | number>> = {}) =>
  new TopologyMask(new ModuleParameters(new Map(Object.entries(parameters).map(([name, value]) => [name, [value]]))));

function request(
  method: string,
  uri: string,
  { via = 'SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bKa', callId = 'c@x', more = '' } = {},
): string {
  return [
    `${method} ${uri} SIP/2.0`,
    `Via: ${via}`,
    'From: <sip:a@a.example>;tag=ft',
    'To: <sip:b@b.example>;tag=tt',
    `Call-ID: ${callId}`,
    `CSeq: 1 ${method}`,
    `${more}Content-Length: 0`,
    '',
    '',
  ].join('\r\n');
}

/** A request as forwarded by this proxy: with the marked Via of the proxy on top. */
function relayed(received: string, own = 0): string {
  const direction = /;TH=([du])0/.exec(received)?.[1] ?? '';
  const head = 'Record-Route: <sip:10.0.0.9;lr>\r\n'.repeat(own);
  return received.replace(
    'Via: ',
    `${head}Via: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKours;TH=${direction}${own}\r\nVia: `,
  );
}

/** The reply of a UAS that received this request. */
function replyTo(shown: string, more = ''): string {
  return answerTo(shown, '200 OK').replace('Content-Length', `${more}Content-Length`);
}

/** A forwarded reply: without the proxy's Via. */
const passed = (reply: string): string => reply.replace(/Via: [^\r]*\r\n/, '');

test('a text is enciphered the same way each time, and other text is recognised as not enciphered', () => {
  const cipher = new TextCipher('key');
  for (const text of ['', 'x', 'sip:alice@10.0.0.1:5070;ob', '\xff\x00\r\n'.repeat(300)]) {
    const hidden = cipher.encipher(text);
    assert.match(hidden, /^[\w-]+$/);
    assert.equal(cipher.encipher(text), hidden);
    assert.equal(cipher.decipher(hidden), text);
    assert.equal(new TextCipher('other').decipher(hidden), undefined);
    for (let i = 0; i < Math.min(hidden.length, 40); i++) {
      const other = hidden[i] === 'A' ? 'B' : 'A';
      assert.equal(cipher.decipher(hidden.slice(0, i) + other + hidden.slice(i + 1)), undefined, `letter ${i}`);
    }
    assert.equal(cipher.decipher(`${hidden}A`), undefined);
  }
  assert.equal(cipher.decipher(''), undefined);
  assert.equal(cipher.decipher('A'.repeat(100_000)), undefined);
});

test('a request shows neither the Via fields, routers and Contact of its sender, and its reply has them again', () => {
  const mask = maskOf({ mask_ip: '192.0.2.9' });
  const received = mask.received(
    request('INVITE', 'sip:b@b.example', {
      more: 'Via: SIP/2.0/TCP 10.0.0.2;branch=z9hG4bKb, SIP/2.0/UDP 10.0.0.3;branch=z9hG4bKc\r\nRecord-Route: <sip:10.0.0.2;lr>\r\nContact: "A" <sip:a@10.0.0.3>;x=1, sip:a@10.0.0.4\r\n',
    }),
  );
  const shown = mask.sent(relayed(received, 1), undefined);
  assert.doesNotMatch(shown, /10\.0\.0\.[1-4]|TH=/);
  assert.deepEqual(headersOf(shown, 'record-route')[0], '<sip:10.0.0.9;lr>');
  assert.match(
    headersOf(shown, 'contact')[0] ?? '',
    /^"A" <sip:192\.0\.2\.9;line=sr-[\w-]+>;x=1, <sip:192\.0\.2\.9;line=sr-[\w-]+>$/,
  );
  const reply = mask.received(
    replyTo(
      shown.replace('Record-Route:', 'Record-Route: <sip:10.1.0.1;lr>\r\nRecord-Route:'),
      'Contact: <sip:b@10.1.0.2>\r\n',
    ),
  );
  assert.match(reply, /Contact: <sip:b@10\.1\.0\.2>/, 'inside nothing is hidden');
  const back = mask.sent(passed(reply), undefined);
  assert.deepEqual(
    headersOf(back, 'via').map((each) => each.replace(/;.*?(,|$)/g, '$1')),
    ['SIP/2.0/UDP 10.0.0.1:5070', 'SIP/2.0/TCP 10.0.0.2, SIP/2.0/UDP 10.0.0.3'],
  );
  const [hidden = '', ...routes] = headersOf(back, 'record-route');
  assert.match(hidden, /^<sip:192\.0\.2\.9;line=sr-[\w-]+>$/);
  assert.deepEqual(routes, ['<sip:10.0.0.9;lr>', '<sip:10.0.0.2;lr>']);
  assert.doesNotMatch(back, /10\.1\.0|TH=/);
  // A request in the dialog, with the URIs the caller knows.
  const contact = /<([^>]*)>/.exec(headersOf(back, 'contact')[0] ?? '')?.[1] ?? '';
  const within = mask.received(request('BYE', contact, { more: `Route: <sip:10.0.0.9;lr>, ${hidden}\r\n` }));
  assert.match(within, /^BYE sip:b@10\.1\.0\.2 SIP/);
  assert.deepEqual(headersOf(within, 'route'), ['<sip:10.0.0.9;lr>, <sip:10.1.0.1;lr>']);
});

test('each side sees the Record-Route value of its socket, as observed of Kamailio 5.6.3', () => {
  const mask = maskOf({});
  const received = mask.received(request('INVITE', 'sip:b@b.example', { more: 'Record-Route: <sip:10.0.0.2;lr>\r\n' }));
  const both = relayed(received, 2).replace('Record-Route: <sip:10.0.0.9;lr>', 'Record-Route: <sip:10.1.0.9;r2=on;lr>');
  const shown = mask.sent(both, undefined);
  const [first, ...below] = headersOf(shown, 'record-route');
  assert.equal(first, '<sip:10.1.0.9;r2=on;lr>');
  assert.equal(below.length, 2);
  assert.doesNotMatch(below.join(), /10\.0\.0\./);
  const back = mask.sent(passed(mask.received(replyTo(shown))), undefined);
  const [hidden = '', ...routes] = headersOf(back, 'record-route');
  assert.match(hidden, /^<sip:127\.0\.0\.8;line=sr-[\w-]+>$/);
  assert.deepEqual(routes, ['<sip:10.0.0.9;lr>', '<sip:10.0.0.2;lr>']);
  const within = mask.received(request('BYE', 'sip:b@b.example', { more: `Route: <sip:10.0.0.9;lr>, ${hidden}\r\n` }));
  assert.deepEqual(headersOf(within, 'route'), ['<sip:10.0.0.9;lr>, <sip:10.1.0.9;r2=on;lr>']);
});

test('with mask_callid each side has its own Call-ID, in requests, replies of both and our own', () => {
  const mask = maskOf({ mask_callid: 1, callid_prefix: 'H-' });
  const idOf = (text: string) => headersOf(text, 'call-id')[0] ?? '';
  const received = mask.received(request('INVITE', 'sip:b@b.example'));
  const shown = mask.sent(relayed(received), undefined);
  const hidden = idOf(shown);
  assert.match(hidden, /^H-[\w-]+$/);
  const reply = mask.received(replyTo(shown));
  assert.equal(idOf(reply), 'c@x');
  assert.equal(idOf(mask.sent(passed(reply), undefined)), 'c@x');
  assert.equal(idOf(mask.sent(replyTo(received), undefined)), 'c@x', 'a reply of our own to the caller');
  // ACK and CANCEL made by the transaction layer have only the proxy's Via.
  const cancel = request('CANCEL', 'sip:b@b.example', { via: 'SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKours;TH=d0' });
  assert.equal(idOf(mask.sent(cancel, undefined)), hidden);
  const back = mask.received(request('BYE', 'sip:a@a.example', { callId: hidden, via: 'SIP/2.0/UDP 10.1.0.1' }));
  assert.equal(idOf(back), 'c@x');
  assert.equal(idOf(mask.sent(replyTo(back), undefined)), hidden, 'a reply of our own to the callee');
  const toCaller = mask.sent(relayed(back), undefined);
  assert.equal(idOf(toCaller), 'c@x');
  const answer = mask.received(replyTo(toCaller));
  assert.equal(idOf(mask.sent(passed(answer), undefined)), hidden);
});

test('registrations, requests of the proxy itself and messages that it has not hidden are unchanged', () => {
  const mask = maskOf({ mask_callid: 1 });
  const register = request('REGISTER', 'sip:b.example', { more: 'Contact: <sip:a@10.0.0.1>\r\n' });
  assert.equal(mask.received(register), register);
  const own = request('OPTIONS', 'sip:gw.example');
  assert.equal(mask.sent(own, undefined), own);
  const forged = request('INFO', 'sip:127.0.0.8;line=sr-AAAAAAAAAAAAAAAA', { callId: '!!:AAAAAAAAAAAAAAAA' });
  const seen = mask.received(forged);
  assert.match(seen, /^INFO sip:127\.0\.0\.8;line=sr-AAAAAAAAAAAAAAAA SIP/);
  assert.match(seen, /Call-ID: !!:AAAA/);
  for (const text of ['', 'x', 'INVITE', '\r\n\r\n', 'SIP/2.0 200 OK\r\n\r\n']) {
    assert.equal(mask.received(text), text);
    assert.equal(mask.sent(text, undefined), text);
  }
});

test('a mark written by a peer has no effect, and no mark leaves', () => {
  const mask = maskOf();
  const via = 'SIP/2.0/UDP 10.0.0.1;TH=rd9.9;branch=z9hG4bKa';
  const received = mask.received(request('INVITE', 'sip:b@b.example', { via, more: 'Contact: <sip:c@10.0.0.1>\r\n' }));
  assert.equal(received.match(/TH=[^;\r]*/g)?.join(), 'TH=d0');
  assert.doesNotMatch(mask.sent(relayed(received), undefined), /TH=|10\.0\.0\.1/);
  assert.doesNotMatch(mask.sent(replyTo(received), undefined), /TH=/);
});

test('a line feed does not hide a mark written by a peer, and a malformed message stays malformed', () => {
  const mask = maskOf();
  const hidden = (line: string) =>
    mask.received(request('INVITE', 'sip:b@b.example').replace('Via: ', `Subject: a\n${line}\r\nVia: `));
  const received = hidden('Via: SIP/2.0/UDP 10.0.0.1;TH=rd9.9;branch=z9hG4bKb');
  assert.deepEqual(
    headersOf(received, 'via').map((each) => /TH=[^;]*/.exec(each)?.[0]),
    ['TH=d0', undefined],
  );
  assert.notEqual(parseReceived(hidden('\nX: b'))?.defect, undefined);
});

test('parameters that cannot stand in a message are refused', () => {
  assert.throws(() => maskOf({ uparam_name: 'a;b' }), /"a;b" is not a name/);
  assert.throws(() => maskOf({ vparam_prefix: 'a b' }), /"a b" is not a name/);
  assert.throws(() => maskOf({ mask_ip: 'a>b' }), /mask_ip "a>b" is not an address/);
  assert.throws(() => maskOf({ callid_prefix: 'a b' }), /callid_prefix "a b"/);
});

test('the first 256 hidden values of a message are shown, the others stay as they are', () => {
  const mask = maskOf();
  const cipher = new TextCipher('_static_value_');
  const hidden = (i: number) =>
    `SIP/2.0/UDP 127.0.0.8;branch=z9hG4bKsr-${cipher.encipher(`SIP/2.0/UDP 10.0.0.${i % 250};branch=z9hG4bK${i}`)}`;
  const below = Array.from({ length: 200 }, (_, i) => `Via: ${hidden(i)}\r\n`).join('');
  const route = `<sip:127.0.0.8;line=sr-${cipher.encipher('sip:10.0.0.1;lr')}>`;
  const routes = `Record-Route: ${route}\r\n`.repeat(128);
  const reply = `SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKo\r\n${below}${routes}Content-Length: 0\r\n\r\n`;
  const shown = mask.received(reply);
  assert.ok(headersOf(shown, 'record-route').every((each) => each === '<sip:10.0.0.1;lr>'));
  // The proxy's own, and those that remain of 256 after 128 routes.
  assert.equal(
    headersOf(shown, 'via').findIndex((via) => via.includes(' 127.0.0.8;')),
    129,
  );
});
