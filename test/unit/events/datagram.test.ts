import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { DgramSocket } from 'node-unix-socket';
import { EventIds, statusEvent } from '../../../src/events/catalogue.js';
import { UdpSink, UnixSink } from '../../../src/events/sinks/datagram.js';
import { fixedRandom, flip, makeDestination } from '../../support/event-fixtures.js';

const options = { defaultPartition: () => 'default' };
const event = statusEvent(flip(makeDestination({ partition: 'default' })), new EventIds('sw1', fixedRandom));
const PACKET =
  '{"jsonrpc":"2.0","method":"E_DISPATCHER_STATUS","params":{"group":1,"address":"sip:10.0.0.2:5060","status":"inactive","reason":"negative probing reply"}}';

describe('datagram sinks', () => {
  for (const [family, host, written] of [
    ['udp4', '127.0.0.1', '127.0.0.1'],
    ['udp6', '::1', '[::1]'],
  ] as const) {
    test(`an event is sent over UDP by ${family}`, async () => {
      const receiver = createSocket(family);
      receiver.bind(0, host);
      await once(receiver, 'listening');
      const { port } = receiver.address() as AddressInfo;
      const target = new UdpSink(options).parse(`udp:${written}:${port}`);
      const came = once(receiver, 'message');
      await target.deliver(event);
      assert.equal(String((await came)[0]), PACKET);
      await target.close();
      receiver.close();
    });
  }

  test('an event is sent over UDP in the text form', async () => {
    const receiver = createSocket('udp4');
    receiver.bind(0, '127.0.0.1');
    await once(receiver, 'listening');
    const target = new UdpSink(options).parse(`udp:127.0.0.1:${(receiver.address() as AddressInfo).port}`, 'text');
    const came = once(receiver, 'message');
    await target.deliver(event);
    assert.equal(
      String((await came)[0]),
      'E_DISPATCHER_STATUS\ngroup::1\naddress::sip:10.0.0.2:5060\nstatus::inactive\n\n',
    );
    await target.close();
    receiver.close();
  });

  test('an event is sent to a UNIX socket, and fails while nobody listens', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'events-'));
    const path = join(folder, 'sock');
    const target = new UnixSink(options).parse(`unix:${path}`);
    await assert.rejects(target.deliver(event));
    const receiver = new DgramSocket();
    receiver.bind(path);
    const came = new Promise<Buffer>((resolve) => receiver.on('data', resolve));
    await target.deliver(event);
    assert.equal(String(await came), PACKET);
    await target.close();
    receiver.close();
    await rm(folder, { recursive: true });
  });

  test('refuses targets of another form', () => {
    const udp = new UdpSink(options);
    for (const bad of [
      'udp:127.0.0.1',
      'udp:127.0.0.1:0',
      'udp:127.0.0.1:65536',
      'udp::1234',
      'udp:[zz]:1',
      'udp:::1:9',
      'udp:a b:1',
      'unix:/x',
      'udp:[127.0.0.1]:5',
    ]) {
      assert.throws(() => udp.parse(bad), { code: 'USAGE' }, bad);
    }
    const unix = new UnixSink(options);
    for (const bad of ['unix:', 'unix:relative', `unix:/${'x'.repeat(107)}`, 'unix:/a\0b', 'udp:127.0.0.1:1']) {
      assert.throws(() => unix.parse(bad), { code: 'USAGE' }, bad);
    }
  });
});
