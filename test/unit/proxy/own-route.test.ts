import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ownRoute } from '../../../src/proxy/own-route.js';
import { removeFirst, routeSet, withoutFirstField } from '../../../src/sip/route-set.js';
import { FakeClock } from '../../support/fake-clock.js';
import { parsed, RecordingSocket, requestText } from '../../support/sip-recorder.js';

const clock = new FakeClock();
const udp = new RecordingSocket(clock);
const udp6 = new RecordingSocket(clock, 'udp', '::1', 5070);
const tcp = new RecordingSocket(clock, 'tcp');
const TOKEN = 'abcdefghijklmnopABCDEF-_0189';

function ownIn(headers: string, socket = udp) {
  return ownRoute(parsed(requestText({ headers })), socket);
}

describe('ownRoute', () => {
  test('a URI that the proxy has written is read as the parser reads it', () => {
    for (const socket of [udp, udp6]) {
      for (const headers of [
        `Route: <sip:${socket.sentBy};lr;dt=${TOKEN}>\r\n`,
        `ROUTE :\r\n  <sip:${socket.sentBy};lr;dt=${TOKEN}>\r\nX: y\r\n`,
      ]) {
        const message = parsed(requestText({ headers }));
        const own = ownRoute(message, socket);
        const values = routeSet(message);
        assert.deepEqual(own, values[0]?.uri);
        assert.equal(own?.params, `;lr;dt=${TOKEN}`);
        assert.deepEqual([withoutFirstField(message)], removeFirst(values, 1));
      }
    }
  });

  test('a URI of another form is left to the parser', () => {
    const uri = `sip:${udp.sentBy};lr;dt=${TOKEN}`;
    for (const headers of [
      '',
      `Route: <${uri}>,<sip:192.0.2.9;lr>\r\n`,
      `Route: <${uri}>\r\nRoute: <sip:192.0.2.9;lr>\r\n`,
      `Route: <${uri}>;x=1\r\n`,
      `Route: <${uri}> \r\n`,
      `Route: <${uri}0>\r\n`,
      `Route: <${uri.slice(0, -1)}>\r\n`,
      `Route: <${uri.slice(0, -1)}>>\r\n`,
      `Route: <${uri.slice(0, -3)};x=>\r\n`,
      `Route: <${uri.slice(0, -1)}?>\r\n`,
      `Route: <sip:${udp.sentBy};dt=${TOKEN};lr>\r\n`,
      `Route: <sip:x@${udp.sentBy};lr;dt=${TOKEN}>\r\n`,
      `Route: <sips:${udp.sentBy};lr;dt=${TOKEN}>\r\n`,
      `Route: <sip:127.0.0.2:5060;lr;dt=${TOKEN}>\r\n`,
    ]) {
      assert.equal(ownIn(headers), undefined, headers);
    }
    assert.equal(ownIn(`Route: <${uri}>\r\n`, tcp), undefined, 'by TCP');
  });

  test('property: the result is undefined or that of the parser, whatever the text', () => {
    const piece = fc.constantFrom('<', '>', ';', ',', ' ', '"', 'sip:', udp.sentBy, ';lr', ';dt=', TOKEN, '\r\n ', 'a');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.boolean(), (pieces, isFramed) => {
        const inside = isFramed ? `<sip:${udp.sentBy};lr;dt=${pieces.join('')}` : pieces.join('');
        const message = parsed(requestText({ headers: `Route: ${inside}\r\n` }));
        const own = ownRoute(message, udp);
        if (own === undefined) return;
        const values = routeSet(message);
        assert.equal(values.length, 1);
        assert.deepEqual(own, values[0]?.uri);
      }),
    );
  });
});
