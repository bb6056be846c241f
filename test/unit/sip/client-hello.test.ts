import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { serverNameIn } from '../../../src/sip/transport/client-hello.js';

/** The first bytes a client sends. */
async function helloFor(servername: string | undefined): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const client = connect({
    port: address.port,
    host: '127.0.0.1',
    ...(servername === undefined ? {} : { servername }),
  });
  client.on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [data] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return data;
}

/** The same ClientHello in records of `size` bytes each. */
function inRecords(hello: Buffer, size: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 5; at < hello.length; at += size) {
    const part = hello.subarray(at, Math.min(hello.length, at + size));
    parts.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part);
  }
  return Buffer.concat(parts);
}

test('the server name of a ClientHello is found, in one record or several', async () => {
  const hello = await helloFor('edge.example');
  assert.deepEqual(serverNameIn(hello), { name: 'edge.example' });
  assert.deepEqual(serverNameIn(inRecords(hello, 100)), { name: 'edge.example' });
  assert.deepEqual(serverNameIn(Buffer.concat([hello, Buffer.from('more')])), { name: 'edge.example' });
  assert.deepEqual(serverNameIn(await helloFor(undefined)), { name: undefined });
});

test('an incomplete ClientHello needs more bytes; an endless one, or one with too many records, is too long', async () => {
  const hello = await helloFor('edge.example');
  for (const whole of [hello, inRecords(hello, 100)])
    for (let length = 0; length < whole.length; length++) assert.equal(serverNameIn(whole.subarray(0, length)), 'more');
  assert.equal(serverNameIn(inRecords(hello, 1)), 'too many');
  const endless = Buffer.alloc(20_000);
  endless.set([22, 3, 1, 255, 255, 1, 255, 255, 255]);
  assert.equal(serverNameIn(endless), 'too many');
});

test('bytes of another form, or a ClientHello with wrong lengths, have no name', async () => {
  assert.deepEqual(serverNameIn(Buffer.from('OPTIONS sip:a SIP/2.0\r\n')), { name: undefined });
  assert.deepEqual(serverNameIn(Buffer.from([22, 3, 1, 0, 0, 1])), { name: undefined });
  const hello = await helloFor('edge.example');
  let seed = 7;
  for (let i = 0; i < 5000; i++) {
    const changed = Buffer.from(hello);
    for (let k = 0; k < 3; k++) {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      changed[9 + ((seed >>> 8) % (changed.length - 9))] = seed & 255;
    }
    const found = serverNameIn(changed);
    assert.ok(typeof found === 'object' && (found.name ?? '').length <= hello.length);
  }
});
