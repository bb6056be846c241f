import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasPassedHere, Redirects } from '../../../../src/route/rules/redirects.js';
import { LocalSockets } from '../../../../src/sip/local-sockets.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { parsed, RecordingSocket, replyTo, requestText } from '../../../support/sip-recorder.js';

/** A redirection with these header lines. */
const moved = (...lines: string[]) =>
  parsed(replyTo(requestText(), 302, 'b1', lines.map((line) => `${line}\r\n`).join('')));
const redirects = (max = 5, uri = 'sip:bob@example.com', tried: string[] = []) => new Redirects(uri, tried, max);
const all = (from: Redirects) => {
  const uris: string[] = [];
  for (let uri = from.take(); uri !== undefined; uri = from.take()) uris.push(uri);
  return uris;
};

describe('Contacts of a redirection', () => {
  test('are ordered by falling q (default 1), equal ones as listed; expires does not matter', () => {
    const to = redirects(9);
    to.follow(
      moved(
        'Contact: <sip:low@192.0.2.1>;q=0.1;expires=0, "A, <B>" <sip:one@192.0.2.2>',
        'm: sip:half@192.0.2.3;q=0.5',
        'Contact: <sip:also@192.0.2.4;x=;q=0.9>;Q=1.0',
      ),
    );
    assert.deepEqual(all(to), [
      'sip:one@192.0.2.2',
      'sip:also@192.0.2.4;x=;q=0.9',
      'sip:half@192.0.2.3',
      'sip:low@192.0.2.1',
    ]);
  });

  test('are tried once, and not if their URI was tried before', () => {
    const to = redirects(9, 'sip:bob@example.com', ['sip:bob@gw']);
    const followed = to.follow(
      moved('Contact: <sip:bob@example.com>, <sip:bob@gw>, <sip:x@192.0.2.1>, <sip:x@192.0.2.1>'),
    );
    assert.deepEqual(all(to), ['sip:x@192.0.2.1']);
    assert.deepEqual([followed?.followed, followed?.left], [true, undefined]);
    assert.equal(to.follow(moved('Contact: <sip:x@192.0.2.1>')), undefined, 'a circle');
  });

  test('lose the parameters that a request-URI must not have', () => {
    const to = redirects();
    to.follow(
      moved('Contact: <sip:bob@192.0.2.1:5070;transport=tcp;method=INVITE;user=phone?Subject=x&Route=%3Csip:y%3E>'),
    );
    assert.deepEqual(all(to), ['sip:bob@192.0.2.1:5070;transport=tcp;user=phone']);
  });

  test('of a further redirection are tried first, and count as well', () => {
    const to = redirects(3);
    to.follow(moved('Contact: <sip:a@192.0.2.1>, <sip:b@192.0.2.2>;q=0.5'));
    assert.equal(to.take(), 'sip:a@192.0.2.1');
    const followed = to.follow(moved('Contact: <sip:c@192.0.2.3>;q=0.2, <sip:d@192.0.2.4>;q=0.1'));
    assert.deepEqual(all(to), ['sip:c@192.0.2.3', 'sip:b@192.0.2.2']);
    assert.equal(followed?.left?.header('contact'), '<sip:d@192.0.2.4>;q=0.1', 'the rest is left to the caller');
    assert.equal(to.follow(moved('Contact: <sip:e@192.0.2.5>')), undefined, 'no more than three');
  });

  test('remain in the reply if they are no SIP URIs, and the rest of it is unchanged', () => {
    const to = redirects();
    const followed = to.follow(
      moved(
        'Contact: <mailto:bob@example.com>;q=0.3 , <sip:a@192.0.2.1>, "Bob" <tel:+15550100>',
        'X-Other:  kept',
        'Contact: <sip:b@192.0.2.2>',
        'm: <http://example.com/bob>',
      ),
    );
    assert.deepEqual(all(to), ['sip:a@192.0.2.1', 'sip:b@192.0.2.2']);
    const left = followed?.left;
    assert.deepEqual([...(left?.fields() ?? [])].map(({ line, end }) => left?.text.slice(line, end)).slice(5), [
      'Contact: <mailto:bob@example.com>;q=0.3, "Bob" <tel:+15550100>',
      'X-Other:  kept',
      'm: <http://example.com/bob>',
      'Content-Length: 0',
    ]);
  });

  test('a request for sips is only followed to sips', () => {
    const to = redirects(5, 'sips:bob@example.com');
    const followed = to.follow(moved('Contact: <sip:a@192.0.2.1>, <sips:b@192.0.2.2>'));
    assert.deepEqual(all(to), ['sips:b@192.0.2.2']);
    assert.equal(followed?.left?.header('contact'), '<sip:a@192.0.2.1>');
    assert.equal(redirects(5, 'SIPS:b@x').follow(moved('Contact: <sip:a@192.0.2.1>')), undefined);
  });

  test('only a 300, 301 or 302 with a Contact is followed', () => {
    for (const status of [200, 305, 380, 404]) {
      const reply = parsed(replyTo(requestText(), status, 'b1', 'Contact: <sip:a@192.0.2.1>\r\n'));
      assert.equal(redirects().follow(reply), undefined, String(status));
    }
    assert.equal(redirects().follow(moved()), undefined);
    for (const value of ['*', '', '<>', '<sip:>', 'sip:', ',,', '<sip:a b@c>', '"<sip:a@192.0.2.1>']) {
      assert.equal(redirects().follow(moved(`Contact: ${value}`)), undefined, value);
    }
  });
});

test('a request that this proxy has forwarded before is recognised by any of its Vias', () => {
  const sockets = new LocalSockets([new RecordingSocket(new FakeClock(), 'udp', '127.0.0.1', 5060)]);
  const passed = (headers: string) => hasPassedHere(parsed(requestText({ headers })), sockets);
  assert.equal(passed(''), false);
  assert.equal(passed('Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1\r\n'), false);
  assert.equal(passed('Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\n'), true);
  assert.equal(passed('v: SIP/2.0/UDP 192.0.2.1;x="a,b" ,\r\n SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bK1\r\n'), true);
  assert.equal(passed('v: SIP/2.0/UDP 192.0.2.1,, nonsense\r\n'), false);
});
