import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { LINUX, loadLibc } from '../../../../src/sip/transport/native/libc.js';
import { MessageArray } from '../../../../src/sip/transport/native/message-array.js';
import { openGroup } from '../../../../src/sip/transport/native/open-group.js';
import type { Descriptor } from '../../../../src/sip/transport/native/open-socket.js';
import { markerOf, socketOfReply, socketOfRequest } from '../../../../src/sip/transport/native/steering.js';

const WORKERS = 4;
const loaded = await loadLibc();
const skip = 'libc' in loaded ? false : loaded.missing;

/** Sends messages to a group and returns, for each socket, what it got. */
async function steered(family: 4 | 6, messages: readonly string[]): Promise<readonly (readonly string[])[]> {
  if (!('libc' in loaded)) throw new Error(loaded.missing);
  const { libc } = loaded;
  const address = family === 4 ? '127.0.0.1' : '::1';
  const group = openGroup(libc, { family, address, port: 0, bufferBytes: 4 * 1024 * 1024 }, WORKERS);
  const sender = createSocket(family === 4 ? 'udp4' : 'udp6');
  try {
    const { port } = group[0] as Descriptor;
    for (const message of messages) {
      await new Promise<void>((resolve, reject) => {
        sender.send(Buffer.from(message, 'latin1'), port, address, (error) => (error ? reject(error) : resolve()));
      });
    }
    const array = new MessageArray(libc, 64, 4096, 32);
    return group.map(({ fd }) => {
      const got: string[] = [];
      for (;;) {
        const count = libc.recvmmsg(fd, array.address, 64, LINUX.MSG_DONTWAIT, null);
        if (count <= 0) return got;
        for (let i = 0; i < count; i++) {
          got.push(array.data.toString('latin1', i * 4096, i * 4096 + array.received(i)));
          array.prepare(i);
        }
      }
    });
  } finally {
    for (const { fd } of group) libc.close(fd);
    sender.close();
    await once(sender, 'close');
  }
}

const request = (method: string, via: string, uri = 'sip:bob@example.com', after = 'From: <sip:a@b>;tag=1\r\n') =>
  `${method} ${uri} SIP/2.0\r\n${via}${after}Call-ID: 1\r\n\r\n`;
const via = (branch: string, rest = ';rport') => `Via: SIP/2.0/UDP 10.0.0.1:5060;branch=${branch}${rest}\r\n`;

for (const family of [4, 6] as const) {
  test(`the kernel and the program agree where a request belongs, and one source spreads (IPv${family})`, {
    skip,
  }, async () => {
    const branches = Array.from({ length: 400 }, (_, i) => `z9hG4bK-4711-${i}-0`);
    const got = await steered(
      family,
      branches.map((each) => request('INVITE', via(each))),
    );
    assert.deepEqual(got[0], []);
    for (let worker = 1; worker <= WORKERS; worker++) {
      const wanted = branches.filter((each) => socketOfRequest(each, WORKERS) === worker);
      assert.deepEqual(
        got[worker],
        wanted.map((each) => request('INVITE', via(each))),
      );
      assert.ok(wanted.length > 50, `worker ${worker} gets ${wanted.length} of 400`);
    }
  });
}

test('CANCEL, and the ACK for a failure, follow their INVITE whatever stands behind the branch', { skip }, async () => {
  for (const branch of ['z9hG4bK7', 'z9hG4bKabc', `z9hG4bK${'x1y2'.repeat(30)}`, 'z9hG4bK']) {
    const messages = [
      request('INVITE', via(branch)),
      request('ACK', via(branch, '')),
      request('CANCEL', via(branch, ',SIP/2.0/UDP 10.0.0.9'), 'sip:b@x', ''),
      request('CANCEL', via(branch, ' ;rport'), 'sip:somebody.with.a.long.name@some.long.host.name.example.org:5062'),
    ];
    const got = await steered(4, messages);
    assert.deepEqual(got[socketOfRequest(branch, WORKERS)], messages, branch);
  }
});

test('the branch of a reply names its process', { skip }, async () => {
  const reply = (marker: string, reason = 'OK') =>
    `SIP/2.0 200 ${reason}\r\n${via(`z9hG4bKabcdefgh${marker}.1234`)}\r\n`;
  const messages = [0, 1, 2, 3, 4].map((each) => reply(markerOf(each), 'x'.repeat(17 * each)));
  assert.deepEqual(
    await steered(4, messages),
    messages.map((each) => [each]),
  );
  assert.deepEqual(
    [0, 1, 4].map((each) => socketOfReply(`z9hG4bKabcdefgh${markerOf(each)}.1234`)),
    [0, 1, 4],
  );
});

test('what names no branch of ours goes to the first socket', { skip }, async () => {
  const messages = [
    '\r\n\r\n',
    'x',
    '',
    `SIP/2.0 200 OK\r\n${via('z9hG4bKabcdefgh!.1')}\r\n`,
    `SIP/2.0 200 OK\r\n${via('z9hG4bKabcdefgh~.1')}\r\n`,
    request('INVITE', via('1234')),
    `INVITE sip:${'b'.repeat(2000)}@x SIP/2.0\r\n${via('z9hG4bK1')}\r\n`,
  ];
  const got = await steered(4, messages);
  assert.deepEqual(got[0], messages);
});

test('an address that another program has is refused', { skip }, async () => {
  if (!('libc' in loaded)) return;
  const other = createSocket('udp4');
  other.bind(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address();
  const options = { family: 4, address: '127.0.0.1', port, bufferBytes: 65_536 } as const;
  assert.throws(() => openGroup(loaded.libc, options, 2), { code: 'EADDRINUSE' });
  const group = openGroup(loaded.libc, { ...options, port: 0 }, 2);
  assert.throws(() => openGroup(loaded.libc, { ...options, port: (group[0] as Descriptor).port }, 2), {
    code: 'EADDRINUSE',
  });
  for (const { fd } of group) loaded.libc.close(fd);
  other.close();
});
