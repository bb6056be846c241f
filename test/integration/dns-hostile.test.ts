import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type DaemonProcess, startDaemon } from '../support/daemon-process.js';
import { type Caller, type Gateway, startCaller, startGateway } from '../support/sip-endpoints.js';

/** Encodes a domain name as labels; "@" becomes a compression pointer to the name in the question, at offset 12. */
const name = (text: string): Buffer =>
  text === '@'
    ? Buffer.from([0xc0, 12])
    : Buffer.concat([
        ...text.split('.').map((each) => Buffer.concat([Buffer.from([each.length]), Buffer.from(each, 'latin1')])),
        Buffer.from([0]),
      ]);

const TYPE = { A: 1, CNAME: 5, SRV: 33 } as const;

function record(owner: Buffer, type: keyof typeof TYPE, data: Buffer, length = data.length): Buffer {
  const head = Buffer.alloc(10);
  head.writeUInt16BE(TYPE[type], 0);
  head.writeUInt16BE(1, 2);
  head.writeUInt32BE(60, 4);
  head.writeUInt16BE(length, 8);
  return Buffer.concat([owner, head, data]);
}

function message(query: Buffer, flags: number, answers: readonly Buffer[], counted = answers.length): Buffer {
  const head = Buffer.alloc(12);
  query.copy(head, 0, 0, 2);
  head.writeUInt16BE(flags, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(counted, 6);
  return Buffer.concat([head, query.subarray(12, questionEnd(query)), ...answers]);
}

function questionEnd(query: Buffer): number {
  let at = 12;
  while ((query[at] ?? 0) > 0) at += (query[at] as number) + 1;
  return at + 5;
}

function asked(query: Buffer): { readonly host: string; readonly type: number } {
  const labels: string[] = [];
  let at = 12;
  for (; (query[at] ?? 0) > 0; at += (query[at] as number) + 1) {
    labels.push(query.toString('latin1', at + 1, at + 1 + (query[at] as number)));
  }
  return { host: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1) };
}

const OK = 0x8180;
const TRUNCATED = 0x8380;
const address = (last: number) => Buffer.from([127, 0, 0, last]);

/** Makes the response to a query; undefined: no response. */
type Answerer = (query: Buffer, type: number) => Buffer | undefined;
const BEYOND = Buffer.from([0xc0, 12 + 200]);

const HOSTILE: Readonly<Record<string, Answerer>> = {
  'loop.test': (query) =>
    message(query, OK, [
      record(name('@'), 'CNAME', name('loop2.test')),
      record(name('loop2.test'), 'CNAME', name('loop.test')),
    ]),
  'self.test': (query) => message(query, OK, [record(name('@'), 'CNAME', name('@'))]),
  // The owner's name is a pointer to itself; in outside.test a pointer beyond the end of the message.
  'pointer.test': (query) => {
    const at = questionEnd(query);
    return message(query, OK, [record(Buffer.from([0xc0, at]), 'A', address(71))]);
  },
  'outside.test': (query) => message(query, OK, [record(BEYOND, 'A', address(71))]),
  'cut.test': (query) => message(query, OK, [record(name('@'), 'A', address(71)).subarray(0, 7)]),
  'short.test': (query) => message(query, OK, [record(name('@'), 'A', Buffer.from([127]), 1)]),
  'long.test': (query) => message(query, OK, [record(name('@'), 'A', address(71), 60_000)]),
  'counted.test': (query) => message(query, OK, [], 65_535),
  'empty.test': () => Buffer.alloc(0),
  'garbage.test': (query) => Buffer.concat([query.subarray(0, 2), Buffer.alloc(700, 0xff)]),
  'question.test': (query) => query,
  'truncated.test': (query) => message(query, TRUNCATED, [record(name('@'), 'A', address(71)).subarray(0, 5)]),
  'otherid.test': (query) => {
    const made = message(query, OK, [record(name('@'), 'A', address(71))]);
    made.writeUInt16BE((made.readUInt16BE(0) + 1) & 0xffff, 0);
    return made;
  },
  'silent.test': () => undefined,
};

/** A response to a query for one name that also holds an address record of another name. */
const poison: Answerer = (query) =>
  message(query, OK, [record(name('good.test'), 'A', address(72)), record(name('@'), 'A', address(71))]);

describe('a hostile name server', () => {
  let udp: Socket;
  let tcp: Server;
  let daemon: DaemonProcess;
  let caller: Caller;
  let good: Gateway;
  let thousand: Gateway;

  before(async () => {
    good = await startGateway({ host: '127.0.0.73', name: 'good' });
    thousand = await startGateway({ host: '127.0.0.74', name: 'thousand' });
    caller = await startCaller({ host: '127.0.0.70' });
    const answer = (query: Buffer, overTcp: boolean): Buffer | undefined => {
      const { host, type } = asked(query);
      const owner = host.replace(/^_sips?\._(?:udp|tcp)\./, '');
      if (host === 'good.test' && type === TYPE.A) return message(query, OK, [record(name('@'), 'A', address(73))]);
      if (host === 'many.test' && type === TYPE.A) {
        if (!overTcp) return message(query, TRUNCATED, []);
        const others = Array.from({ length: 1999 }, (_, i) => record(name('@'), 'A', address(1 + (i % 60))));
        return message(query, OK, [record(name('@'), 'A', address(74)), ...others]);
      }
      if (owner === 'poison.test' && type === TYPE.A) return poison(query, type);
      const made = HOSTILE[owner];
      return made === undefined ? message(query, 0x8183, []) : made(query, type);
    };
    udp = createSocket('udp4');
    udp.on('message', (query: Buffer, peer: RemoteInfo) => {
      const made = answer(query, false);
      if (made !== undefined) udp.send(made, peer.port, peer.address);
    });
    udp.bind(0, '127.0.0.1');
    await once(udp, 'listening');
    const { port } = udp.address();
    tcp = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => {
        const made = answer(data.subarray(2), true) ?? Buffer.alloc(0);
        const length = Buffer.alloc(2);
        length.writeUInt16BE(made.length);
        socket.write(Buffer.concat([length, made]));
      });
    });
    await new Promise<void>((resolve) => tcp.listen(port, '127.0.0.1', resolve));
    daemon = await startDaemon({
      dns: `127.0.0.1:${port}`,
      transports: ['udp', 'tcp'],
      destinations: [[1, 'sip:127.0.0.1:1']],
      settings: { tm: { fr_timeout: 1 }, routing: [{ match: { $rd: '*.test' } }] },
    });
  });

  after(async () => {
    caller?.stop();
    good?.kill();
    thousand?.kill();
    await daemon?.stop();
    udp?.close();
    tcp?.close();
  });

  const call = (ruri: string) => caller.placeCall({ ruri, proxy: `sip:127.0.0.1:${daemon.port}` });

  test('fails only the calls to names that it serves', async () => {
    const names = Object.keys(HOSTILE);
    const ends = names.map(async (each) => [each, (await call(`sip:x@${each}`)).status] as const);
    for (let i = 0; i < 5; i++) {
      const { status, gateway } = await call(`sip:x@good.test:${good.port}`);
      assert.deepEqual([status, gateway], [200, 'good']);
    }
    for (const [each, status] of await Promise.all(ends)) assert.equal(status, 500, each);
    const health = (await (await fetch(`${daemon.http}/health`)).json()) as { status: string };
    assert.equal(health.status, 'ok');
  });

  test('an address record of another name than the one asked for is ignored', async () => {
    await call('sip:x@poison.test:9');
    const { status, gateway } = await call(`sip:x@good.test:${good.port}`);
    assert.deepEqual([status, gateway], [200, 'good']);
  });

  test('the first 32 of 2,000 addresses of a name are tried', async () => {
    const { status, gateway } = await call(`sip:x@many.test:${thousand.port}`);
    assert.deepEqual([status, gateway], [200, 'thousand']);
    const line = daemon
      .log()
      .split('\n')
      .find((each) => each.includes('a name has more DNS records than are used'));
    assert.match(line ?? '', /"host":"many\.test","kind":"A","records":2000,"taken":32/);
  });
});
