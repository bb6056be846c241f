import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readSettings } from '../../src/config/load.js';
import { Daemon } from '../../src/daemon/daemon.js';
import { replyTo, requestText } from '../support/sip-recorder.js';
import { writingLogger } from '../support/written-lines.js';

/** The log, line by line as in a file. */
const lines: string[] = [];
const log = writingLogger((fields, message) => {
  lines.push(JSON.stringify({ ...fields, message }));
});

let daemon: Daemon;
let peer: Socket;
const received: string[] = [];

before(async () => {
  peer = createSocket('udp4');
  peer.on('message', (data) => received.push(data.toString('latin1')));
  peer.bind(0, '127.0.0.1');
  await once(peer, 'listening');
  const { settings } = readSettings(
    {
      listen: ['udp:127.0.0.1:0'],
      partitions: [],
      tm: { fr_timeout: 1, t1: 50, t2: 100, t4: 100 },
      routing: [{ match: {}, relay: 'stateful' }],
    },
    { cwd: '/tmp' },
  );
  daemon = new Daemon({ settings, log, drainMs: 50 });
  await daemon.start();
});

after(async () => {
  await daemon.stop();
  peer.close();
});

/** Sends texts slowly enough that all arrive, and returns the log lines written meanwhile. */
async function flood(make: (i: number) => string, count = 1000): Promise<string[]> {
  lines.length = 0;
  const port = daemon.sockets.all[0]?.port ?? 0;
  for (let i = 0; i < count; i++) {
    peer.send(Buffer.from(make(i), 'latin1'), port, '127.0.0.1');
    if (i % 50 === 49) await sleep(5);
  }
  await sleep(200);
  return lines;
}

const via = (i: number) => `SIP/2.0/UDP 127.0.0.1:${peer.address().port};branch=z9hG4bKf${i}`;

function assertBounded(logged: readonly string[], max: number): void {
  assert.ok(logged.length <= max, `${logged.length} lines: ${logged[0]}`);
  assert.ok(logged.join('').length < 10_000, `${logged.join('').length} bytes`);
}

test('requests to destinations that cannot be reached do not flood the log', async () => {
  const uri = `sip:${'u'.repeat(1500)}@[2001:db8::1]`;
  const logged = await flood((i) => requestText({ method: 'OPTIONS', uri, via: via(i), callId: `f${i}@x` }));
  assert.match(logged[0] ?? '', /cannot be reached/);
  assertBounded(logged, 10);
});

test('replies that do not match their request do not flood the log', async () => {
  received.length = 0;
  const uri = `sip:bob@127.0.0.1:${peer.address().port}`;
  await flood(() => requestText({ uri, via: via(0), callId: 'call@x' }), 1);
  const sent = received.find((each) => each.startsWith('INVITE')) ?? '';
  const logged = await flood((i) => replyTo(sent, 200).replace('Call-ID: call@x', `Call-ID: ${i}@x`));
  assert.match(logged[0] ?? '', /does not match/);
  assertBounded(logged, 1);
});

test('datagrams that are not SIP, and broken messages, do not flood the log', async () => {
  assertBounded(await flood((i) => 'x'.repeat(i)), 0);
  assertBounded(await flood((i) => `INVITE sip:a SIP/2.0\r\nVia: ${via(i)}\r\n${'X'.repeat(i)}\r\n\r\n`), 0);
});
