import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '../../../src/core/clock.js';
import { HepSender, type HepTarget } from '../../../src/trace/hep-sender.js';
import { FakeClock } from '../../support/fake-clock.js';
import { type LogLine, recordingLog } from '../../support/recording-log.js';
import { until } from '../../support/until.js';

const MESSAGE = {
  direction: 'in' as const,
  transport: 'udp' as const,
  local: { address: '127.0.0.1', port: 5060 },
  remote: { address: '127.0.0.1', port: 5070 },
  callId: 'a@b',
  time: 1_700_000_000_000,
  text: `OPTIONS sip:a@b SIP/2.0\r\nSubject: ${'x'.repeat(20_000)}\r\n\r\n`,
};

async function serving(accept: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    socket.on('error', () => {});
    accept(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as { port: number }).port };
}

function target(port: number, transport: HepTarget['transport'] = 'tcp', host = '127.0.0.1'): HepTarget {
  return { transport, host, port, oneIn: 1, id: 1, password: undefined };
}

const warnings = (lines: readonly LogLine[]): readonly LogLine[] => lines.filter(({ level }) => level === 'warn');

test('a capture server that does not read costs a bounded amount of memory, one line, and a new connection', async () => {
  const sockets: Socket[] = [];
  const { server, port } = await serving((socket) => sockets.push(socket));
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const sender = new HepSender(target(port), clock, log);
  await sender.start();
  try {
    await until('a connection', () => lines.some(({ message }) => message.startsWith('connected')));
    for (let i = 0; i < 2000; i++) sender.capture(MESSAGE);
    assert.ok(sender.counters.dropped > 1000, `${sender.counters.dropped}`);
    assert.equal(warnings(lines).length, 1);
    assert.equal(warnings(lines)[0]?.fields.cause, 'it does not read');
    // Bytes go into the buffers of the system for a moment; from then on none are taken.
    for (let i = 0; i < 50 && sockets.length < 2; i++) {
      clock.advance(10_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.ok(sockets.length >= 2, 'connected again');
  } finally {
    await sender.stop();
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});

test('a capture server that closes each connection is tried less and less often, with two lines a minute', async () => {
  let accepted = 0;
  const { server, port } = await serving((socket) => {
    accepted++;
    socket.destroy();
  });
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const sender = new HepSender(target(port), clock, log);
  await sender.start();
  try {
    for (let tried = 1; tried <= 5; tried++) {
      const before = clock.monotonic();
      await until(`connection ${tried}`, () => {
        if (accepted >= tried) return true;
        clock.advance(100);
        return false;
      });
      const ms = clock.monotonic() - before;
      assert.ok(tried === 1 || ms >= 250 * 2 ** (tried - 1), `connection ${tried} after ${ms} ms`);
    }
    assert.ok(lines.length <= 2, `${lines.length} lines`);
  } finally {
    await sender.stop();
    server.close();
  }
});

test('a TLS server that never completes its handshake is given up after a while', async () => {
  const sockets: Socket[] = [];
  const { server, port } = await serving((socket) => sockets.push(socket));
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const sender = new HepSender(target(port, 'tls'), clock, log);
  await sender.start();
  try {
    await until('a connection', () => sockets.length === 1);
    sender.capture(MESSAGE);
    for (let i = 0; i < 50 && sockets.length < 2; i++) {
      clock.advance(5000);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.ok(sockets.length >= 2, 'connected again');
    assert.ok(warnings(lines).length <= 5);
    assert.equal(sender.counters.dropped, 1);
  } finally {
    await sender.stop();
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});

test('the name of a capture server is looked up once, not for each datagram', async () => {
  const { log, lines } = recordingLog();
  const sender = new HepSender(target(9, 'udp', 'name.invalid'), systemClock, log);
  await sender.start();
  try {
    for (let i = 0; i < 3000; i++) sender.capture(MESSAGE);
    assert.deepEqual(sender.counters, { sent: 0, dropped: 3000 });
    assert.equal(warnings(lines).length, 1);
  } finally {
    await sender.stop();
  }
});
