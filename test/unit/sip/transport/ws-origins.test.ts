import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { parseSocket } from '../../../../src/config/socket.js';
import { createSipSocket } from '../../../../src/sip/transport/create.js';

/** The status of an upgrade with these header fields; 101 when it was accepted. */
async function upgrade(
  t: { after(run: () => unknown): void },
  description: string,
  headers: Record<string, string>,
): Promise<number> {
  const receiver = { receive() {} } as unknown as Parameters<typeof createSipSocket>[1];
  const socket = createSipSocket(parseSocket(description), receiver);
  await socket.open();
  t.after(() => socket.close());
  const client = new WebSocket(`ws://127.0.0.1:${socket.port}`, 'sip', { headers });
  return new Promise((resolve) => {
    client.on('open', () => {
      client.terminate();
      resolve(101);
    });
    client.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    client.on('error', () => {});
  });
}

const LISTENER = 'ws:127.0.0.1:0';

test('a WebSocket accepts pages of its own origin and clients that are not browsers, unless configured otherwise', async (t) => {
  assert.equal(await upgrade(t, LISTENER, {}), 101);
  assert.equal(await upgrade(t, LISTENER, { origin: 'http://evil.example' }), 403);
  assert.equal(await upgrade(t, LISTENER, { origin: 'null' }), 403);
  assert.equal(await upgrade(t, LISTENER, { host: '127.0.0.1:5', origin: 'http://127.0.0.1:5' }), 101);
  // A name that an attacker resolves to our address.
  assert.equal(await upgrade(t, LISTENER, { host: 'evil.example', origin: 'http://evil.example' }), 403);
});

test('a WebSocket accepts the listed origins, or any if configured', async (t) => {
  const listed = `${LISTENER} origins https://phone.example,https://b.example:8443`;
  assert.equal(await upgrade(t, listed, { origin: 'https://phone.example' }), 101);
  assert.equal(await upgrade(t, listed, { origin: 'https://PHONE.example' }), 101);
  assert.equal(await upgrade(t, listed, { origin: 'http://phone.example' }), 403);
  assert.equal(await upgrade(t, `${LISTENER} origins any`, { origin: 'http://evil.example' }), 101);
});

test('origins are accepted in the description of a WebSocket only', () => {
  assert.deepEqual(parseSocket('wss:10.0.0.1 as a.example name edge origins same').origins, 'same');
  assert.throws(() => parseSocket('udp:10.0.0.1 origins any'), /"origins" is for ws and wss/);
  assert.throws(() => parseSocket('ws:10.0.0.1 origins phone.example'), /not an origin/);
});
