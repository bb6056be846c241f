import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { EventIds, manualEvent, statusEvent } from '../../../src/events/catalogue.js';
import { encodeDatagramJson, encodeDatagramText, encodeNotification } from '../../../src/events/encode.js';
import { decodeToken, encodeToken, isPublishSubject, subjectOf } from '../../../src/events/subject.js';
import { fixedRandom, flip, makeDestination } from '../../support/event-fixtures.js';

const ids = () => new EventIds('sw1', fixedRandom);

describe('event_datagram, as recorded from OpenSIPS 4.1.0-dev and 2.1.5', () => {
  const ofDefault = statusEvent(
    flip(makeDestination({ partition: 'default', uri: 'sip:127.0.0.52:5060' }), { reason: 'MI command' }),
    ids(),
  );
  const ofP2 = statusEvent(
    flip(makeDestination({ partition: 'p2', setId: 7, uri: 'sip:127.0.0.92:5060', state: 'probing' }), {
      reason: 'MI command',
    }),
    ids(),
  );

  test('JSON has no partition if it is the default one', () => {
    assert.equal(
      encodeDatagramJson(ofDefault, 'default'),
      '{"jsonrpc":"2.0","method":"E_DISPATCHER_STATUS","params":{"group":1,"address":"sip:127.0.0.52:5060","status":"inactive","reason":"MI command"}}',
    );
  });

  test('JSON has any other partition', () => {
    assert.equal(
      encodeDatagramJson(ofP2, 'default'),
      '{"jsonrpc":"2.0","method":"E_DISPATCHER_STATUS","params":{"partition":"p2","group":7,"address":"sip:127.0.0.92:5060","status":"active","reason":"MI command"}}',
    );
  });

  test('the recorded text form of an event is reproduced', () => {
    assert.equal(
      encodeDatagramText(ofDefault, 'default'),
      'E_DISPATCHER_STATUS\ngroup::1\naddress::sip:127.0.0.52:5060\nstatus::inactive\n\n',
    );
    assert.equal(
      encodeDatagramText(ofP2, 'default'),
      'E_DISPATCHER_STATUS\npartition::p2\ngroup::7\naddress::sip:127.0.0.92:5060\nstatus::active\n\n',
    );
  });

  test('the event has the address in the letter case given to MI', () => {
    const event = statusEvent(flip(makeDestination(), { address: 'SIP:127.0.0.51:5060' }), ids());
    assert.match(encodeDatagramJson(event, 'default'), /"address":"SIP:127\.0\.0\.51:5060"/);
  });

  test('a line break in a value forges no parameter', () => {
    const event = manualEvent('E_DISPATCHER_STATUS', { address: 'sip:x\nstatus::active', group: 1 }, ids());
    assert.equal(
      encodeDatagramText(event, undefined),
      'E_DISPATCHER_STATUS\ngroup::1\naddress::sip:x status::active\n\n',
    );
  });
});

describe('notification', () => {
  test('documented parameters come first, then ours; undefined ones are left out', () => {
    const event = statusEvent(flip(makeDestination(), { cause: 'timeout', code: 408 }), ids());
    assert.equal(
      encodeNotification(event),
      '{"jsonrpc":"2.0","method":"E_DISPATCHER_STATUS","params":{"partition":"acme","group":1,' +
        '"address":"sip:10.0.0.2:5060","status":"inactive","reason":"negative probing reply","previous":"active",' +
        '"state":"probing","code":408,"cause":"timeout","seq":1,"time":"2026-11-21T07:00:00.123Z","node":"sw1",' +
        '"id":"sw1:1a2b3c4d:1"}}',
    );
    assert.doesNotMatch(encodeNotification(statusEvent(flip(makeDestination()), ids())), /cause/);
  });
});

describe('subjects', () => {
  test('tokens keep letters, digits, "-" and "_" and encode other characters', () => {
    assert.equal(encodeToken('acme-1_b'), 'acme-1_b');
    assert.equal(encodeToken('a.b *>='), 'a=2Eb=20=2A=3E=3D');
    assert.equal(encodeToken('é'), '=C3=A9');
    assert.equal(encodeToken(''), '=');
  });

  test('every text can be decoded from its token, and no token has a separator of subjects', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const token = encodeToken(text);
        assert.match(token, /^[A-Za-z0-9_=-]+$/);
        assert.equal(decodeToken(token), text);
      }),
    );
    for (const bad of ['', 'a.b', '=4', '=e9', 'a=', ' ']) assert.equal(decodeToken(bad), undefined);
  });

  test('the NATS subject of an event has partition and set', () => {
    const event = statusEvent(flip(makeDestination({ partition: 'a.b', setId: -3 })), ids());
    assert.equal(subjectOf('opensips', event), 'opensips.E_DISPATCHER_STATUS.a=2Eb.-3');
  });

  test('subjects that may be published to are recognised', () => {
    for (const good of ['a', 'ops.alarms.sip']) assert.ok(isPublishSubject(good), good);
    for (const bad of ['', '.', 'a.', 'a..b', 'a.*', '>', 'a b', '$JS.API', '_INBOX.x', 'a\r\nPUB', 'x'.repeat(513)]) {
      assert.ok(!isPublishSubject(bad), bad);
    }
  });
});
