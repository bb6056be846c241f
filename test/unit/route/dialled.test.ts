import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TransportName } from '../../../src/core/uri.js';
import { dialled } from '../../../src/route/dialled.js';
import { noteAddress } from '../../../src/route/secure-addresses.js';
import { FakeClock } from '../../support/fake-clock.js';
import { RecordingSocket } from '../../support/sip-recorder.js';

const socket = (transport: TransportName) => new RecordingSocket(new FakeClock(), transport);
const address = (transport: TransportName, port = 5060) =>
  ({ address: '192.0.2.1', family: 4, port, transport }) as const;

test('the request-URI and the socket decide the transport; a secure one stays secure', () => {
  for (const [uri, from, written, by, transport, port] of [
    // A destination without attributes.
    ['sip:192.0.2.1', 'udp', undefined, undefined, 'udp', 5060],
    ['sip:192.0.2.1', 'udp', 'sip:bob@192.0.2.1', undefined, 'udp', 5060],
    // ds_select_domain keeps the parameters of the request-URI.
    ['sip:192.0.2.1', 'udp', 'sip:bob@192.0.2.1;transport=tcp', undefined, 'tcp', 5060],
    ['sip:192.0.2.1', 'udp', 'sip:bob@192.0.2.1;transport=tls', undefined, 'tls', 5061],
    ['sip:192.0.2.1', 'udp', 'sips:bob@192.0.2.1', undefined, 'tls', 5061],
    ['sip:192.0.2.1:5080', 'udp', 'sip:bob@192.0.2.1:5080;transport=tls', undefined, 'tls', 5080],
    // The socket of a destination.
    ['sip:192.0.2.1', 'udp', undefined, 'tcp', 'tcp', 5060],
    ['sip:192.0.2.1;transport=tcp', 'tcp', undefined, 'udp', 'udp', 5060],
    ['sip:192.0.2.1', 'udp', 'sip:bob@192.0.2.1;transport=tcp', 'udp', 'udp', 5060],
    // A secure transport is never replaced by an insecure one.
    ['sip:192.0.2.1;transport=tls', 'tls', undefined, 'udp', 'tls', 5061],
    ['sips:192.0.2.1', 'tls', undefined, 'tcp', 'tls', 5061],
    ['sip:192.0.2.1;transport=tls', 'tls', 'sip:bob@192.0.2.1;transport=tcp', undefined, 'tls', 5061],
    ['sip:192.0.2.1', 'udp', 'sip:bob@192.0.2.1;transport=tls', 'udp', 'tls', 5061],
  ] as const) {
    const start = address(from, port === 5080 ? 5080 : from === 'tls' ? 5061 : 5060);
    const result = dialled({ uri, address: start }, written, by && socket(by));
    const what = `${uri} ${written} ${by}`;
    assert.deepEqual([result.address?.transport, result.address?.port], [transport, port], what);
    assert.equal(/transport=(\w+)/.exec(result.uri)?.[1] ?? (uri.startsWith('sips') ? 'tls' : 'udp'), transport, what);
  }
});

test('a host name is resolved for that transport, its other parameters stay', () => {
  const to = { uri: 'sip:gw.example.com;lr;transport=tcp;x=y?a=b', address: undefined };
  assert.equal(dialled(to, undefined, socket('udp')).uri, 'sip:gw.example.com;lr;x=y;transport=udp?a=b');
});

test('an unreadable URI is not changed', () => {
  for (const uri of ['nothing', 'tel:+1', 'sip:a;transport=pigeon']) {
    assert.deepEqual(dialled({ uri, address: undefined }, undefined, socket('tcp')), { uri, address: undefined });
  }
});

test('the address of a TLS-only destination is dialled over TLS, whatever the request-URI', () => {
  assert.equal(noteAddress(undefined, 'sip:bob@10.0.0.1', 'sip:10.0.0.1;transport=tcp'), undefined);
  const known = noteAddress(undefined, 'sip:bob@GW.example:5071', 'sips:gw.example:5071');
  assert.ok(known !== undefined);
  assert.deepEqual(
    ['sip:eve@gw.example:5071', 'sip:gw.example:5071;transport=udp', 'sip:gw.example', 'sips:gw.example:5071'].map(
      (each) => known.instead(each),
    ),
    ['tls', 'tls', undefined, undefined],
  );
  noteAddress(known, 'sip:bob@10.0.0.1', 'sips:10.0.0.1;transport=ws');
  assert.equal(known.instead('sip:bob@10.0.0.1'), 'wss');
  noteAddress(known, 'sip:bob@10.0.0.1', 'sip:10.0.0.1');
  assert.equal(known.instead('sip:bob@10.0.0.1'), undefined);
  assert.equal(known.instead('tel:1'), undefined);
});
