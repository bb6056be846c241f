import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { withWebSockets } from '../../../../src/cfg-file/web-sockets.js';
import { parseSocket } from '../../../../src/config/socket.js';
import { createSipSocket, inOpeningOrder, sharePorts } from '../../../../src/sip/transport/create.js';
import type { SipSocket, Source } from '../../../../src/sip/transport/transport.js';
import type { WsSocket } from '../../../../src/sip/transport/ws.js';
import { freePort } from '../../../support/ports.js';
import { until } from '../../../support/until.js';
import { WsPeer } from '../../../support/ws-peer.js';

const OPTIONS =
  'OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:a>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n';

/** TCP socket and WebSocket on one port, and what they receive. */
async function world(t: { after(run: () => unknown): void }) {
  const port = await freePort();
  const received: { readonly text: string; readonly source: Source }[] = [];
  const garbage: string[] = [];
  const receiver = {
    receive: (text: string, source: Source) => void received.push({ text, source }),
    garbage: (reason: string) => void garbage.push(reason),
    connectionBroken() {},
  } as unknown as Parameters<typeof createSipSocket>[1];
  const sockets: SipSocket[] = withWebSockets([`tcp:127.0.0.1:${port} name edge`]).map((each) =>
    createSipSocket(parseSocket(each), receiver),
  );
  sharePorts(sockets);
  for (const each of inOpeningOrder(sockets)) await each.open();
  t.after(() => Promise.all(sockets.map((each) => each.close())));
  return { port, received, garbage, sockets };
}

test('a WebSocket arrives at the port of a TCP socket, and its messages have the WebSocket as their transport', async (t) => {
  const { port, received, sockets } = await world(t);
  const peer = await WsPeer.connect(`ws://127.0.0.1:${port}`, 'sip', { headers: { origin: 'http://any.example' } });
  t.after(() => peer.socket.terminate());
  peer.write(OPTIONS);
  await until('the message', () => received.length > 0);
  const source = received[0]?.source as Source;
  assert.equal(source.socket, sockets[1]);
  assert.equal(source.socket.transport, 'ws');
  assert.equal(source.socket.sentBy, `127.0.0.1:${port}`);
  source.socket.send('SIP/2.0 200 OK\r\n\r\n', source.address, source.port, undefined, source.flow);
  await peer.expect(/^SIP\/2\.0 200/);
  assert.deepEqual(sockets[1]?.counts?.inbound, 1);
  assert.deepEqual(sockets[0]?.counts?.inbound, 0, 'it is no longer a connection of TCP');
});

test('SIP over TCP works at a port that also has WebSockets', async (t) => {
  const { port, received, garbage } = await world(t);
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.write(OPTIONS);
  await until('the message', () => received.length > 0);
  assert.equal(received[0]?.source.socket.transport, 'tcp');
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await until('the end of what is no SIP', () => garbage.length > 0);
});

test('another HTTP request gets 426, half a request is ended in time, and a wrong sub-protocol gets 400', async (t) => {
  const { port, received } = await world(t);
  const ask = (text: string) =>
    new Promise<string>((resolve) => {
      let answer = '';
      const socket = connect(port, '127.0.0.1', () => socket.write(text));
      socket.on('data', (data) => {
        answer += data.toString();
      });
      socket.on('close', () => resolve(answer));
      socket.on('error', () => {});
      t.after(() => socket.destroy());
    });
  assert.match(await ask('GET /x HTTP/1.1\r\nHost: x\r\n\r\n'), /^HTTP\/1\.1 426 /);
  assert.match(await ask('GET /x HTTP/1.1\r\nHost: x\r\n'), /^(?:HTTP\/1\.1 408 |$)/);
  const peer = await WsPeer.connect(`ws://127.0.0.1:${port}`, 'other');
  assert.equal(peer.refusal, 400);
  assert.equal(received.length, 0);
});

test('listeners of TCP and TLS have WebSockets, those of UDP have none', () => {
  assert.deepEqual(withWebSockets(['udp:10.0.0.1:5060', 'tcp:10.0.0.1:80 as a.example:80 name x', 'tls:[::1]:443']), [
    'udp:10.0.0.1:5060',
    'tcp:10.0.0.1:80 as a.example:80 name x',
    'tls:[::1]:443',
    'ws:10.0.0.1:80 as a.example:80 origins any',
    'wss:[::1]:443 origins any',
  ]);
});

test('of the HTTP requests that a peer sends at once the first is handled and answered, and too many end the connection', async (t) => {
  const { port, sockets } = await world(t);
  const urls: string[] = [];
  const web = sockets[1] as WsSocket;
  let isLate = false;
  web.gate = {
    request: async ({ url, reply }) => {
      urls.push(url);
      if (isLate) await new Promise(() => {});
      reply(200, 'OK', 'text/plain', 'hello');
    },
    closed() {},
  };
  const answerTo = async (count: number) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
    socket.on('error', () => {});
    socket.write(Array.from({ length: count }, (_, i) => `GET /${i} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''));
    await once(socket, 'close');
    return text;
  };
  assert.match(await answerTo(20), /^HTTP\/1\.1 200 OK\r\n[\s\S]*hello$/);
  isLate = true;
  assert.equal(await answerTo(1200), '', 'closed before the script answers');
  assert.deepEqual(urls, ['/0', '/0']);
});
