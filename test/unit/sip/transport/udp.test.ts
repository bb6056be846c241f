import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, test } from 'node:test';
import type { Receiver, Source, TransportError } from '../../../../src/sip/transport/transport.js';
import { UdpSocket } from '../../../../src/sip/transport/udp.js';

const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

/** A socket of ours on a port of the system's choosing, and what it received. */
async function ours(address = '127.0.0.1', advertise?: { host: string; port: number }) {
  const received: { text: string; source: Source }[] = [];
  let wake = () => {};
  const receiver: Receiver = {
    receive(text, source) {
      received.push({ text, source });
      wake();
    },
    garbage() {},
    refused() {},
  };
  const socket = new UdpSocket({ address, port: 0, description: `udp:${address}:0`, advertise }, receiver);
  await socket.open();
  opened.push(socket);
  const next = async () => {
    while (received.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return received.shift() ?? assert.fail();
  };
  return { socket, next };
}

async function peer(address = '127.0.0.1'): Promise<Socket> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.bind(0, address);
  await once(socket, 'listening');
  let open = true;
  socket.once('close', () => {
    open = false;
  });
  opened.push({ close: () => open && socket.close() });
  return socket;
}

describe('UdpSocket', () => {
  for (const address of ['127.0.0.1', '::1']) {
    test(`sends and receives whole datagrams, every octet as it is: ${address}`, async () => {
      const { socket, next } = await ours(address);
      const other = await peer(address);
      const octets = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));
      const big = octets.repeat(200);
      socket.send(big, address, other.address().port);
      const [data, from] = (await once(other, 'message')) as [Buffer, { port: number; address: string }];
      assert.equal(data.toString('latin1'), big);
      assert.deepEqual([from.address, from.port], [address, socket.port]);
      other.send(Buffer.from(octets, 'latin1'), socket.port, address);
      const { text, source } = await next();
      assert.equal(text, octets);
      assert.deepEqual([source.address, source.port, source.flow], [address, other.address().port, undefined]);
      assert.equal(source.socket, socket);
    });
  }

  test('sent-by is the bound address with brackets where they are due, or what is advertised', async () => {
    const four = await ours();
    assert.equal(four.socket.sentBy, `127.0.0.1:${four.socket.port}`);
    const six = await ours('::1');
    assert.equal(six.socket.sentBy, `[::1]:${six.socket.port}`);
    const shown = await ours('127.0.0.1', { host: 'sip.example.com', port: 5080 });
    assert.equal(shown.socket.sentBy, 'sip.example.com:5080');
    assert.deepEqual([four.socket.family, six.socket.family, four.socket.reliable], [4, 6, false]);
  });

  test('a port that is taken is an error that names the socket', async () => {
    const { socket } = await ours();
    const second = new UdpSocket(
      { address: '127.0.0.1', port: socket.port, description: `udp:127.0.0.1:${socket.port}` },
      { receive() {}, garbage() {}, refused() {} },
    );
    await assert.rejects(second.open(), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'TRANSPORT_BIND');
      assert.match(error.message, new RegExp(`udp:127\\.0\\.0\\.1:${socket.port}`));
      return true;
    });
  });

  test('errors come later, through the callback: too long, an impossible port, closed', async () => {
    const { socket } = await ours();
    const failure = (text: string, port: number) =>
      new Promise<TransportError>((resolve) => {
        let returned = false;
        socket.send(text, '127.0.0.1', port, (error) => {
          assert.equal(returned, true);
          resolve(error);
        });
        returned = true;
      });
    assert.equal((await failure('x'.repeat(70_000), 5060)).cause, 'send');
    assert.equal((await failure('x', 70_000)).cause, 'send');
    await socket.close();
    assert.equal((await failure('x', 5060)).cause, 'send');
    await socket.close();
  });

  test('a peer that is gone does not take the socket down', async () => {
    const { socket, next } = await ours();
    const gone = await peer();
    const { port } = gone.address();
    gone.close();
    await once(gone, 'close');
    for (let i = 0; i < 5; i++) socket.send('x', '127.0.0.1', port);
    const other = await peer();
    other.send('still here', socket.port, '127.0.0.1');
    assert.equal((await next()).text, 'still here');
  });
});
