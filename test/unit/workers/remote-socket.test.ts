import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TransportError } from '../../../src/sip/transport/transport.js';
import type { FromWorker } from '../../../src/workers/protocol.js';
import { RemoteSends, RemoteSocket } from '../../../src/workers/remote-socket.js';

const REFUSED: TransportError = { cause: 'refused', message: 'nobody listens' };
const options = { transport: 'tls', host: '192.0.2.1', port: 5061, text: 'tls:192.0.2.1:5061' } as const;

function socketThat(takes: () => boolean = () => true) {
  const items: FromWorker[] = [];
  const sends = new RemoteSends((item) => takes() && items.push(item) > 0);
  return { items, sends, socket: new RemoteSocket(options, 2, sends) };
}

test('messages for a socket with connections go to the brain, with the host name', () => {
  const { items, socket } = socketThat();
  socket.send('INVITE ...', '192.0.2.9', 5061, undefined, undefined, 'gw.example');
  assert.deepEqual(items, [['send', 1, 2, '192.0.2.9', 5061, 'gw.example', 'INVITE ...']]);
  assert.deepEqual([socket.transport, socket.reliable, socket.sentBy], ['tls', true, '192.0.2.1:5061']);
});

test('only the sender of a message is informed, once, that it could not be sent', () => {
  const { sends, socket } = socketThat();
  const informed: string[] = [];
  for (const name of ['a', 'b'])
    socket.send('text', '192.0.2.9', 1, ({ message }) => informed.push(`${name} ${message}`));
  for (const id of [2, 2, 7]) sends.failed(id, REFUSED);
  assert.deepEqual(informed, ['b nobody listens']);
});

test('the senders of the last 5,000 messages are informed, and senders before the last 10,000 are not', () => {
  const { sends, socket } = socketThat();
  let informed = 0;
  for (let i = 0; i < 20_000; i++) socket.send('text', '192.0.2.9', 1, () => informed++);
  for (let id = 15_001; id <= 20_000; id++) sends.failed(id, REFUSED);
  assert.equal(informed, 5000);
  for (let id = 1; id <= 10_000; id++) sends.failed(id, REFUSED);
  assert.equal(informed, 5000);
});

test('while too many bytes wait for the brain a message fails, after the call', async () => {
  const { socket } = socketThat(() => false);
  const errors: string[] = [];
  socket.send('text', '192.0.2.9', 1, ({ cause }) => errors.push(cause));
  assert.equal(errors.length, 0);
  await Promise.resolve();
  assert.deepEqual(errors, ['send']);
});

test('a reply received by the brain has its source address, and a connection that the worker does not know', () => {
  const { socket } = socketThat();
  const { flow, address } = socket.sourceOf('192.0.2.9', 5061);
  assert.deepEqual([flow?.open, address], [false, '192.0.2.9']);
});
