import assert from 'node:assert/strict';
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { exchange } from '../../../src/daemon/http-exchange.js';
import { until } from '../../support/until.js';

/** Bytes of the heap and of buffers, after a collection. */
function held(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

test('an answer with a chunk for each byte takes no more memory than its body', async () => {
  const chunks = 100_000;
  let client: Socket | undefined;
  let asked: ClientRequest | undefined;
  subscribe('http.client.request.start', (message) => {
    asked = (message as { readonly request: ClientRequest }).request;
  });
  const server = createServer((socket) => {
    client = socket;
    socket.on('error', () => undefined);
    socket.once('data', () =>
      socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'1\r\nA\r\n'.repeat(chunks)}`),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const before = held();
    const times = { connectMs: 60_000, totalMs: 60_000 };
    const answer = exchange({
      method: 'GET',
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      headers: [],
      body: undefined,
      ...times,
      maxBytes: 1024 * 1024,
      verify: true,
    });
    await until('all chunks are read', () => (asked?.socket?.bytesRead ?? 0) > 6 * chunks, { milliseconds: 30_000 });
    const more = held() - before;
    client?.write('0\r\n\r\n');
    const got = await answer;
    assert.ok(typeof got !== 'string', String(got));
    assert.equal(got.body, 'A'.repeat(chunks));
    assert.ok(more < 4 * 1024 * 1024, `${more} bytes`);
  } finally {
    client?.destroy();
    server.close();
  }
});
