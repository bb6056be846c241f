import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { unbounded } from '../../src/access/caller.js';
import { systemClock } from '../../src/core/clock.js';
import { nullLogger } from '../../src/core/logger.js';
import { DatagramEndpoint } from '../../src/management/endpoints/datagram.js';
import { FifoEndpoint } from '../../src/management/endpoints/fifo.js';
import { StreamEndpoint } from '../../src/management/endpoints/stream.js';
import { encodeRequest, packetHeader } from '../../src/management/rpc/binrpc-encode.js';
import type { RpcCommand } from '../../src/management/rpc/command.js';
import { binrpcOverDatagrams, binrpcOverStreams, rpcOverFifo } from '../../src/management/rpc/over-endpoints.js';
import { RpcService } from '../../src/management/rpc/service.js';
import { textResult, valuesResult } from '../../src/management/rpc/value.js';
import { ReplyReader, within, writeFifo } from '../support/mi-endpoints.js';

type Ending = { after(run: () => unknown): void };

const COMMANDS: readonly RpcCommand[] = [
  { name: 'ping', help: '', needs: { role: 'viewer' }, run: () => textResult('pong') },
  // More than the buffers of two sockets hold.
  {
    name: 'big',
    help: '',
    needs: { role: 'viewer' },
    run: () => valuesResult(...Array.from({ length: 20_000 }, () => 'x'.repeat(1000))),
  },
  {
    name: 'broken',
    help: '',
    needs: { role: 'viewer' },
    run() {
      throw new TypeError('a fault of ours');
    },
  },
];

function fixture() {
  const refused: string[] = [];
  const waiting: { reason: string; resolve: () => void }[] = [];
  const service = new RpcService(
    COMMANDS,
    {
      served: () => {},
      refuse: (_endpoint, reason) => {
        refused.push(reason);
        for (const each of waiting) if (each.reason === reason) each.resolve();
      },
    },
    nullLogger,
  );
  /** Resolves when something was rejected for this reason. */
  const refusal = (reason: string): Promise<void> =>
    within(
      new Promise((resolve) => {
        waiting.push({ reason, resolve });
        if (refused.includes(reason)) resolve();
      }),
      `refusal ${reason}`,
    );
  return { service, refused, refusal };
}

async function tcp(t: Ending, limits: object = {}) {
  const parts = fixture();
  const config = {
    transport: 'tcp',
    address: '127.0.0.1',
    port: 0,
    text: 'tcp',
    unixMode: 0,
  } as const;
  const endpoint = new StreamEndpoint({
    config,
    protocol: binrpcOverStreams(parts.service, undefined),
    callerFrom: (peer) => unbounded('ctl', peer),
    clock: systemClock,
    logger: nullLogger,
    ...limits,
  });
  await endpoint.start();
  t.after(() => endpoint.stop());
  const client = (): Socket => {
    const socket = connect(Number(endpoint.address?.split(':')[1]), '127.0.0.1');
    socket.on('error', () => {});
    t.after(() => socket.destroy());
    return socket;
  };
  return { ...parts, endpoint, client };
}

/** Writes, and reads until the other end closes or `enough` bytes have come. */
async function talk(socket: Socket, bytes: Uint8Array, enough = Number.POSITIVE_INFINITY): Promise<Buffer> {
  let got = Buffer.alloc(0);
  const done = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      got = Buffer.concat([got, chunk]);
      if (got.length >= enough) resolve();
    });
    socket.once('close', () => resolve());
  });
  socket.write(bytes);
  await within(done, 'an answer');
  socket.removeAllListeners('data');
  return got;
}

const PONG = Buffer.from('pong\0');

describe('BINRPC over a stream', () => {
  test('consecutive requests, split anywhere, are answered in order', async (t) => {
    const { client } = await tcp(t);
    const socket = client();
    const bytes = Buffer.concat([1, 2, 3].map((cookie) => encodeRequest(cookie, 'ping')));
    const one = 4 + 1 + 5;
    let got = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      got = Buffer.concat([got, chunk]);
    });
    for (let i = 0; i < bytes.length; i += 5) {
      socket.write(bytes.subarray(i, i + 5));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await within(
      (async () => {
        while (got.length < 3 * one - 3) await once(socket, 'data');
      })(),
      'three answers',
    );
    assert.deepEqual(
      [...got].filter((_, i) => i % (got.length / 3) === 3),
      [1, 2, 3],
    );
    assert.equal(got.toString('latin1').split('pong').length, 4);
  });

  test('garbage, replies, oversized packets and nameless requests are answered with an error and the connection closed', async (t) => {
    const { client, refused } = await tcp(t);
    const cases: [Buffer, RegExp][] = [
      [Buffer.from('GET / HTTP/1.1\r\n\r\n'), /bad request: corrupted packet/],
      [Buffer.concat([packetHeader(1, 5, 1), Buffer.from([0])]), /bad request: corrupted packet/],
      [packetHeader(0, 5, 0xffffffff), /bad request: corrupted packet/],
      [packetHeader(0, 5, 0), /bad request method: end of packet encountered/],
      [Buffer.concat([packetHeader(0, 5, 1), Buffer.from([0])]), /bad request method: record doesn't match type/],
      [Buffer.concat([packetHeader(0, 5, 2), Buffer.from([0x91, 0x10])]), /bad request method: more data needed/],
    ];
    for (const [bytes, answer] of cases) {
      const socket = client();
      assert.match((await talk(socket, bytes)).toString('latin1'), answer);
    }
    assert.equal(refused.filter((reason) => reason === 'malformed').length, cases.length);
    assert.ok((await talk(client(), encodeRequest(1, 'ping'), 10)).includes(PONG));
  });

  test('an unknown command and an internal error leave the connection open', async (t) => {
    const { client } = await tcp(t);
    const socket = client();
    const text = async (method: string) => (await talk(socket, encodeRequest(9, method), 10)).toString('latin1');
    assert.match(await text('nosuch'), /command nosuch not found\0$/);
    assert.match(await text('broken'), /Internal Error\0$/);
    assert.match(await text('ping'), /pong\0$/);
  });

  test('a connection with half a packet is closed after a timeout', async (t) => {
    const { client, refusal } = await tcp(t, { packetTimeout: 50 });
    const socket = client();
    const closed = once(socket, 'close');
    socket.write(encodeRequest(1, 'ping').subarray(0, 6));
    await refusal('half');
    await within(closed, 'the end of the connection');
  });

  test('a client that does not read is disconnected, and delays no other', async (t) => {
    const { client, refusal, endpoint } = await tcp(t, { stallTimeout: 200 });
    const slow = client();
    slow.pause();
    const closed = once(slow, 'close');
    slow.write(encodeRequest(1, 'big'));
    assert.ok((await talk(client(), encodeRequest(1, 'ping'), 10)).includes(PONG));
    await refusal('slow-reader');
    slow.resume();
    await within(closed, 'the end of the slow client');
    assert.ok(endpoint.connectionCount <= 1);
  });

  test('a client that reads slowly gets a long answer whole', async (t) => {
    const { client } = await tcp(t);
    const got = await talk(client(), encodeRequest(1, 'big'), 20_000 * 1004 + 6);
    assert.equal(got.length, 20_000 * 1004 + 7);
  });

  test('with one connection too many, the connection that was idle for longest is closed', async (t) => {
    const { client, refusal } = await tcp(t, { maxConnections: 2, maxPerSource: 2 });
    const first = client();
    await talk(first, encodeRequest(1, 'ping'), 10);
    const second = client();
    await talk(second, encodeRequest(1, 'ping'), 10);
    const closed = once(first, 'close');
    assert.ok((await talk(client(), encodeRequest(1, 'ping'), 10)).includes(PONG));
    await within(closed, 'the first');
    await refusal('busy');
    assert.ok((await talk(second, encodeRequest(1, 'ping'), 10)).includes(PONG));
  });

  test('600 idle connections and as many half requests do not keep another client out', async (t) => {
    const { client } = await tcp(t);
    const idle = Array.from({ length: 600 }, () => client());
    await Promise.all(idle.map((each) => once(each, 'connect')));
    for (const each of idle) each.write(encodeRequest(1, 'ping').subarray(0, 3));
    for (let i = 0; i < 5; i++) {
      assert.ok((await talk(client(), encodeRequest(1, 'ping'), 10)).includes(PONG));
    }
  });

  test('a request that comes byte by byte has one deadline', async (t) => {
    const { client, refusal } = await tcp(t, { packetTimeout: 150 });
    const slow = client();
    const closed = once(slow, 'close');
    const drip = setInterval(() => slow.write('\xa1'.slice(0, 1), 'latin1'), 40);
    t.after(() => clearInterval(drip));
    slow.write(encodeRequest(1, 'ping').subarray(0, 2));
    await Promise.race([within(closed, 'the end'), refusal('half')]);
  });

  test('an idle connection is closed', async (t) => {
    const { client } = await tcp(t, { idleTimeout: 50 });
    await within(once(client(), 'close'), 'the end of the connection');
  });
});

describe('UNIX sockets', () => {
  const endpoint = (path: string) =>
    new StreamEndpoint({
      config: {
        transport: 'unixs',
        address: path,
        port: 0,
        text: `unixs:${path}`,
        unixMode: 0o600,
      },
      protocol: binrpcOverStreams(fixture().service, undefined),
      callerFrom: () => unbounded('ctl'),
      clock: systemClock,
      logger: nullLogger,
    });

  test('a stale socket file is replaced; another file or the socket of a running server stays', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'sw-'));
    t.after(() => rm(folder, { recursive: true }));
    const path = join(folder, 'ctl');
    const listen = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    const { signal } = spawnSync(process.execPath, ['-e', listen], { timeout: 20_000 });
    assert.equal(signal, 'SIGKILL');
    assert.ok(existsSync(path));
    const replaced = endpoint(path);
    await replaced.start();
    await replaced.stop();

    await writeFile(path, 'precious');
    await assert.rejects(endpoint(path).start(), /the path exists and is not a socket/);
    await rm(path);

    const other = createServer();
    other.listen(path);
    await once(other, 'listening');
    t.after(() => other.close());
    await assert.rejects(endpoint(path).start(), /another process listens on it/);
  });
});

test('UDP: garbage is answered, an answer too long is replaced by one that says so', async (t) => {
  const { service, refused } = fixture();
  const endpoint = new DatagramEndpoint({
    config: { socketName: 'udp:127.0.0.1:0', unixMode: 0 },
    protocol: binrpcOverDatagrams(service, undefined),
    callerFrom: (peer) => unbounded('ctl', peer),
    logger: nullLogger,
  });
  await endpoint.start();
  t.after(() => endpoint.stop());
  const client = createSocket('udp4');
  t.after(() => client.close());
  const ask = async (bytes: Buffer): Promise<string> => {
    const answer = once(client, 'message');
    client.send(bytes, Number(endpoint.address?.split(':')[1]), '127.0.0.1');
    const [text] = (await within(answer, 'an answer')) as [Buffer];
    return text.toString('latin1');
  };
  assert.match(await ask(Buffer.from('garbage')), /corrupted packet/);
  assert.match(await ask(encodeRequest(1, 'ping').subarray(0, 6)), /corrupted packet/);
  assert.match(await ask(encodeRequest(1, 'big')), /does not fit into a datagram/);
  assert.match(await ask(encodeRequest(1, 'ping')), /pong\0$/);
  assert.deepEqual(refused, ['malformed', 'malformed', 'answer-too-long']);
});

test('FIFO: half requests, bad reply names and clients that do not read do not delay others', async (t) => {
  const folder = `${await mkdtemp(join(tmpdir(), 'sw-'))}/`;
  t.after(() => rm(folder, { recursive: true }));
  const { service, refusal, refused } = fixture();
  const endpoint = new FifoEndpoint({
    config: { fifoName: `${folder}rpc`, fifoMode: 0o600, replyDir: folder },
    protocol: rpcOverFifo(service, undefined),
    what: 'JSON-RPC FIFO',
    caller: () => unbounded('jsonrpc-fifo'),
    clock: systemClock,
    logger: nullLogger,
    halfTimeout: 100,
    openTimeout: 100,
  });
  await endpoint.start();
  t.after(() => endpoint.stop());
  const reader = new ReplyReader(`${folder}reply`);
  t.after(() => reader.close());
  const request = (reply: string, method = 'ping') =>
    `${JSON.stringify({ jsonrpc: '2.0', method, reply_name: reply, id: 1 })}\n`;
  await writeFifo(`${folder}rpc`, request('../reply') + request('.hidden') + request('nobody') + request('rpc/x'));
  await writeFifo(`${folder}rpc`, `{"jsonrpc":"2.0","method":"pi\n`);
  await refusal('half');
  await refusal('reply-fifo');
  await writeFifo(`${folder}rpc`, request('reply'));
  const text = await reader.until((each) => each.endsWith('\n}'));
  assert.equal(text, '{\n\t"jsonrpc":\t"2.0",\n\t"result":\t"pong",\n\t"id":\t1\n}');
  assert.equal(refused.filter((reason) => reason === 'reply-name').length, 3);
});
