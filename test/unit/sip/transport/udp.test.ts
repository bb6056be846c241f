import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { constants } from 'node:os';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatagramQueue } from '../../../../src/sip/transport/datagram-queue.js';
import { type Libc, loadLibc } from '../../../../src/sip/transport/native/libc.js';
import type { Receiver, Source, TransportError } from '../../../../src/sip/transport/transport.js';
import { UdpSocket } from '../../../../src/sip/transport/udp.js';

const native = await loadLibc();
/** Ways of reading and sending datagrams, with the same contract. */
const WAYS: readonly (readonly [name: string, libc: (() => Promise<Libc | undefined>) | undefined])[] = [
  ['node:dgram', undefined],
  ...('libc' in native ? [['recvmmsg and sendmmsg', async () => native.libc] as const] : []),
];
let libc: (() => Promise<Libc | undefined>) | undefined;

const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

/** A socket on a port that the system chose, and what it received. */
async function ours(address = '127.0.0.1', advertise?: { host: string; port: number }, queue?: DatagramQueue) {
  const received: { text: string; source: Source }[] = [];
  let wake = () => {};
  const undelivered: { text: string; address: string; port: number }[] = [];
  const receiver: Receiver = {
    connectionBroken() {},
    undelivered: (text, to, port) => {
      undelivered.push({ text, address: to, port });
    },
    receive(text, source) {
      received.push({ text, source });
      wake();
    },
    garbage() {},
    refused() {},
  };
  const options = { address, port: 0, description: `udp:${address}:0`, advertise, libc };
  const socket = new UdpSocket(options, receiver, queue);
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
  return { socket, next, received, undelivered };
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

for (const [way, calls] of WAYS)
  describe(`UdpSocket by ${way}`, () => {
    beforeEach(() => {
      libc = calls;
    });

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

    test('sent-by is the advertised address, else the bound one, in brackets if it is of IPv6', async () => {
      const four = await ours();
      assert.equal(four.socket.sentBy, `127.0.0.1:${four.socket.port}`);
      const six = await ours('::1');
      assert.equal(six.socket.sentBy, `[::1]:${six.socket.port}`);
      const shown = await ours('127.0.0.1', { host: 'sip.example.com', port: 5080 });
      assert.equal(shown.socket.sentBy, 'sip.example.com:5080');
      assert.deepEqual([four.socket.family, six.socket.family, four.socket.reliable], [4, 6, false]);
    });

    test('a port in use is an error that names the socket', async () => {
      const { socket } = await ours();
      const second = new UdpSocket(
        { address: '127.0.0.1', port: socket.port, description: `udp:127.0.0.1:${socket.port}`, libc },
        { receive() {}, garbage() {}, refused() {}, undelivered() {}, connectionBroken() {} },
      );
      await assert.rejects(second.open(), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'TRANSPORT_BIND');
        assert.match(error.message, new RegExp(`udp:127\\.0\\.0\\.1:${socket.port}`));
        return true;
      });
    });

    test('a datagram that is too long, an invalid port and a closed socket are errors reported later, through the callback', async () => {
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

    test('a peer that has closed its port does not close the socket', async () => {
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

    test('a burst arrives whole and in order, in both directions, from several peers', async () => {
      const { socket, next } = await ours();
      const peers = [await peer(), await peer(), await peer()];
      const received: string[] = [];
      for (const each of peers) each.on('message', (data) => received.push(String(data)));
      const sent = Array.from({ length: 90 }, (_, i) => `message ${i} ${'x'.repeat((i % 7) * 700)}`);
      for (const [i, text] of sent.entries()) {
        socket.send(text, '127.0.0.1', (peers[i % 3] as Socket).address().port);
      }
      while (received.length < sent.length) await new Promise((resolve) => setImmediate(resolve));
      const to = (i: number) => sent.filter((_, k) => k % 3 === i);
      assert.deepEqual([...received].sort(), [...sent].sort());
      assert.deepEqual(
        received.filter((text) => to(0).includes(text)),
        to(0),
      );
      for (const [i, text] of sent.entries()) (peers[i % 3] as Socket).send(text, socket.port, '127.0.0.1');
      const ports = new Map<string, number>();
      for (let i = 0; i < sent.length; i++) {
        const { text, source } = await next();
        ports.set(text, source.port);
      }
      assert.deepEqual([...ports.keys()].sort(), [...sent].sort());
      for (const [i, text] of sent.entries()) assert.equal(ports.get(text), (peers[i % 3] as Socket).address().port);
    });

    if (calls !== undefined) {
      test('datagrams that the system does not accept wait, and are sent in order later', async () => {
        const real = await calls();
        let full = 5;
        let refusing = false;
        const other = await peer();
        libc = async () =>
          real && {
            ...real,
            sendmmsg: (fd, headers, count, flags) => {
              refusing = full > 0;
              if (!refusing) return real.sendmmsg(fd, headers, count, flags);
              full--;
              return -1;
            },
            errno: () => (refusing ? constants.errno.EAGAIN : real.errno()),
          };
        const { socket } = await ours();
        const got: string[] = [];
        other.on('message', (data) => got.push(String(data)));
        const sent = Array.from({ length: 100 }, (_, i) => `message ${i} ${i % 10 === 0 ? 'x'.repeat(5000) : ''}`);
        for (const text of sent) socket.send(text, '127.0.0.1', other.address().port);
        while (got.length < sent.length) await new Promise((resolve) => setImmediate(resolve));
        assert.deepEqual(got, sent);
        assert.equal(full, 0);
      });

      test('a socket read by a timer loses nothing, reports errors, and is watched again in silence', async () => {
        let timers = 0;
        let ended = 0;
        const repeat = (everyMs: number, run: () => void) => {
          const timer = setInterval(run, everyMs);
          timers++;
          return () => {
            clearInterval(timer);
            ended++;
          };
        };
        const { socket, next, received, undelivered } = await ours(
          undefined,
          undefined,
          new DatagramQueue({ paceMs: 10, repeat }),
        );
        const other = await peer();
        const gone = await peer();
        const { port } = gone.address();
        gone.close();
        await once(gone, 'close');
        let sent = 0;
        const began = performance.now();
        // Two per millisecond, independent of the length of each sleep.
        for (let passed = 0; timers === 0 && passed < 10_000; passed = performance.now() - began) {
          while (sent <= 2 * passed) other.send(`message ${sent++}`, socket.port, '127.0.0.1');
          await sleep(2);
        }
        assert.ok(timers > 0, 'the timer never began');
        const deadline = Date.now() + 10_000;
        socket.send('refused', '127.0.0.1', port);
        for (let i = 0; i < 4; i++) other.send(`message ${sent++}`, socket.port, '127.0.0.1');
        while ((ended < timers || received.length < sent || undelivered.length === 0) && Date.now() < deadline)
          await sleep(10);
        assert.deepEqual(
          received.splice(0).map(({ text }) => text),
          Array.from({ length: sent }, (_, i) => `message ${i}`),
        );
        assert.deepEqual(undelivered, [{ text: 'refused', address: '127.0.0.1', port }]);
        assert.equal(ended, timers);
        other.send('watched again', socket.port, '127.0.0.1');
        assert.equal((await next()).text, 'watched again');
      });

      test('a refused datagram among others is reported, and the socket does not keep the process busy', async () => {
        const real = await calls();
        let reads = 0;
        libc = async () =>
          real && {
            ...real,
            recvmmsg: (...values) => {
              reads++;
              return real.recvmmsg(...values);
            },
          };
        const { socket, undelivered } = await ours();
        const other = await peer();
        const gone = await peer();
        const { port } = gone.address();
        gone.close();
        await once(gone, 'close');
        socket.send('refused', '127.0.0.1', port);
        socket.send('taken', '127.0.0.1', other.address().port);
        await once(other, 'message');
        await sleep(20);
        assert.deepEqual(undelivered, [{ text: 'refused', address: '127.0.0.1', port }]);
        // Each time the event loop finds the socket readable, one read follows.
        reads = 0;
        await sleep(100);
        assert.equal(reads, 0);
      });

      for (const address of ['127.0.0.1', '::1']) {
        test(`a datagram to a closed port is reported with its first bytes and its destination: ${address}`, async () => {
          const { socket, next, undelivered } = await ours(address);
          const gone = await peer(address);
          const { port } = gone.address();
          gone.close();
          await once(gone, 'close');
          socket.send('INVITE sip:a SIP/2.0', address, port);
          while (undelivered.length === 0) await new Promise((resolve) => setImmediate(resolve));
          assert.deepEqual(undelivered[0], { text: 'INVITE sip:a SIP/2.0', address, port });
          const other = await peer(address);
          for (let i = 0; i < 3; i++) socket.send(`to both ${i}`, address, i === 1 ? other.address().port : port);
          assert.equal(String(((await once(other, 'message')) as [Buffer])[0]), 'to both 1');
          while (undelivered.length < 3) await new Promise((resolve) => setImmediate(resolve));
          other.send('still here', socket.port, address);
          assert.equal((await next()).text, 'still here');
        });
      }
    }
  });
