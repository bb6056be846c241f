import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseUri, type SipUri } from '../../../src/core/uri.js';
import { LocalSockets } from '../../../src/sip/local-sockets.js';
import { FakeClock } from '../../support/fake-clock.js';
import { RecordingSocket } from '../../support/sip-recorder.js';

const clock = new FakeClock();
const udp = new RecordingSocket(clock, 'udp', '127.0.0.1', 5060);
const tcp = new RecordingSocket(clock, 'tcp', '127.0.0.1', 5060);
const udp6 = new RecordingSocket(clock, 'udp', '::1', 5070);
const nat = Object.assign(new RecordingSocket(clock, 'udp', '10.0.0.1', 5060), { sentBy: 'Proxy.Example.com:5080' });
const sockets = new LocalSockets([udp, tcp, udp6, nat]);

const uri = (text: string) => parseUri(text) ?? assert.fail(text);

test('isOurs knows bound and advertised names, default ports, any letter case', () => {
  for (const ours of [
    'sip:127.0.0.1',
    'sip:x@127.0.0.1:5060;lr',
    'sip:[::1]:5070',
    'sip:10.0.0.1',
    'sip:proxy.example.COM:5080',
  ]) {
    assert.equal(sockets.isOurs(uri(ours)), true, ours);
  }
  for (const other of ['sip:127.0.0.1:5061', 'sips:127.0.0.1', 'sip:[::1]', 'sip:proxy.example.com', 'sip:127.0.0.2']) {
    assert.equal(sockets.isOurs(uri(other)), false, other);
  }
});

test('a name with a final dot is the same name', () => {
  const named = new LocalSockets([udp, nat], [], ['sbc.example.net', 'gw.example.net.:5070', 'Dotted.Example.net.']);
  for (const ours of [
    'sip:proxy.example.com.:5080',
    'sip:sbc.example.net.;lr',
    'sip:gw.example.net:5070',
    'sip:gw.example.net.:5070',
    'sip:dotted.example.net',
  ]) {
    assert.equal(named.isOurs(uri(ours)), true, ours);
  }
  for (const other of ['sip:sbc.example.net..', 'sip:.', 'sip:gw.example.net.:5060', 'sip:example.net.']) {
    const parsed = parseUri(other);
    assert.equal(parsed !== undefined && named.isOurs(parsed), false, other);
  }
  assert.equal(named.byUri(uri('sip:proxy.example.com.:5080')), nat);
});

test('a socket on all addresses is known by any address of this machine', () => {
  const everywhere = new LocalSockets([new RecordingSocket(clock, 'udp', '0.0.0.0', 5090)]);
  assert.equal(everywhere.isOurs(uri('sip:127.0.0.1:5090')), true);
  assert.equal(everywhere.isOurs(uri('sip:[::1]:5090')), false, 'of its family');
  assert.equal(everywhere.isOurs(uri('sip:127.0.0.1:5091')), false);
});

test('byUri finds the socket of the transport in the URI', () => {
  assert.equal(sockets.byUri(uri('sip:127.0.0.1:5060')), udp);
  assert.equal(sockets.byUri(uri('sip:127.0.0.1;transport=TCP')), tcp);
  assert.equal(sockets.byUri(uri('sip:proxy.example.com:5080')), nat);
  assert.equal(sockets.byUri(uri('sip:proxy.example.com:5080;transport=tcp')), undefined);
});

test('named accepts descriptions with or without transport', () => {
  assert.equal(sockets.named('udp:127.0.0.1:5060'), udp);
  assert.equal(sockets.named('TCP:127.0.0.1:5060'), tcp);
  assert.equal(sockets.named('127.0.0.1:5060'), udp);
  assert.equal(sockets.named('udp:[::1]:5070'), udp6);
  assert.equal(sockets.named('udp:127.0.0.9:5060'), undefined);
});

test('without a port the first socket of the address is meant; names are matched in any letter case', () => {
  assert.equal(sockets.named('udp:127.0.0.1'), udp);
  assert.equal(sockets.named('10.0.0.1'), nat);
  assert.equal(sockets.named('udp:[::1]'), udp6);
  assert.equal(sockets.named('tls:127.0.0.1'), undefined);
  const named = new LocalSockets([udp, tcp], [undefined, 'Edge']);
  assert.equal(named.called('edge'), tcp);
  assert.equal(named.called('other'), undefined);
});

test('choose prefers the socket that received the request, and changes transport or family if needed', () => {
  assert.equal(sockets.choose({ transport: 'udp', family: 4 }, nat), nat);
  assert.equal(sockets.choose({ transport: 'tcp', family: 4 }, nat), tcp);
  assert.equal(sockets.choose({ transport: 'udp', family: 6 }, nat), udp6);
  assert.equal(sockets.choose({ transport: 'udp', family: 4 }, undefined), udp);
  assert.equal(sockets.choose({ transport: 'tcp', family: 6 }, udp), undefined);
});

test('refresh reads the ports that the system has chosen', () => {
  const late = new LocalSockets([]);
  assert.deepEqual([late.all.length, late.transports], [0, []]);
  late.refresh([udp, tcp]);
  assert.deepEqual(late.transports, ['udp', 'tcp']);
  assert.equal(late.isOursAt('127.0.0.1', 5060), true);
});

test('aliases are names of this host, with their port, or with each port of its sockets', () => {
  const own = new LocalSockets(
    [udp],
    [],
    ['Proxy.Example.com', 'other.example:5090', '[2001:db8::1]:5070', '2001:db8::2'],
  );
  const ours = (text: string) => own.isOurs(parseUri(text) as SipUri);
  for (const uri of [
    'sip:proxy.example.com',
    'sip:proxy.example.com:5060;lr',
    'sips:proxy.example.com',
    'sip:other.example:5090',
    'sip:[2001:db8::1]:5070',
    'sip:[2001:db8::2]',
  ]) {
    assert.ok(ours(uri), uri);
  }
  for (const uri of ['sip:proxy.example.com:5999', 'sip:other.example', 'sip:[2001:db8::1]', 'sip:example.com']) {
    assert.ok(!ours(uri), uri);
  }
});

test('an address over ws is reached from a preferred wss socket, or if there is no ws socket', () => {
  const [ws, wss] = [
    new RecordingSocket(clock, 'ws', '127.0.0.1', 8080),
    new RecordingSocket(clock, 'wss', '127.0.0.1', 8443),
  ];
  const over = { transport: 'ws', family: 4 } as const;
  assert.equal(new LocalSockets([udp, wss]).choose(over, udp), wss);
  const both = new LocalSockets([ws, wss]);
  assert.equal(both.choose(over, undefined), ws);
  assert.equal(both.choose(over, wss), wss);
  assert.equal(both.choose({ transport: 'wss', family: 4 }, ws), wss);
});
