import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { LINUX, loadLibc } from '../../../../src/sip/transport/native/libc.js';
import { MessageArray } from '../../../../src/sip/transport/native/message-array.js';
import { openGroup, steer } from '../../../../src/sip/transport/native/open-group.js';
import type { Descriptor } from '../../../../src/sip/transport/native/open-socket.js';
import {
  boundsOf,
  markerOf,
  socketByShare,
  socketOfReply,
  socketOfRequest,
} from '../../../../src/sip/transport/native/steering.js';

const WORKERS = 4;
const loaded = await loadLibc();
const skip = 'libc' in loaded ? false : loaded.missing;

/** Sends messages to a group; returns what each socket received. */
async function steered(
  family: 4 | 6,
  messages: readonly string[],
  shares: readonly (readonly number[])[] = [],
): Promise<readonly (readonly string[])[]> {
  if (!('libc' in loaded)) throw new Error(loaded.missing);
  const { libc } = loaded;
  const address = family === 4 ? '127.0.0.1' : '::1';
  const group = openGroup(libc, { family, address, port: 0, bufferBytes: 4 * 1024 * 1024 }, WORKERS);
  const sender = createSocket(family === 4 ? 'udp4' : 'udp6');
  try {
    const { port } = group[0] as Descriptor;
    for (const each of shares) steer(libc, group.slice(0, 1), WORKERS, boundsOf(each));
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

const via = (branch: string, rest = ';rport') => `Via: SIP/2.0/UDP 10.0.0.1:5060;branch=${branch}${rest}\r\n`;
const request = (method: string, callId: string, before = via('z9hG4bK1'), uri = 'sip:bob@example.com') =>
  `${method} ${uri} SIP/2.0\r\n${before}From: <sip:a@b>;tag=1\r\n${callId}\r\nTo: <sip:c@d>\r\n\r\n`;

for (const family of [4, 6] as const) {
  test(`the kernel and the program choose the same process for a request, and the calls of one source go to several (IPv${family})`, {
    skip,
  }, async () => {
    const ids = Array.from({ length: 400 }, (_, i) => `4711-${i}-0@10.0.0.1`);
    const got = await steered(
      family,
      ids.map((each) => request('INVITE', `Call-ID: ${each}`)),
    );
    assert.deepEqual(got[0], []);
    for (let worker = 1; worker <= WORKERS; worker++) {
      const wanted = ids.filter((each) => socketOfRequest(each, WORKERS) === worker);
      assert.deepEqual(
        got[worker],
        wanted.map((each) => request('INVITE', `Call-ID: ${each}`)),
      );
      assert.ok(wanted.length > 50, `worker ${worker} gets ${wanted.length} of 400`);
    }
  });
}

test('workers get requests by their current shares, and replies by their branch', {
  skip,
}, async () => {
  const ids = Array.from({ length: 1000 }, (_, i) => `4711-${i}-0@10.0.0.1`);
  const replies = [1, 2, 3, 4].map((each) => `SIP/2.0 200 OK\r\n${via(`z9hG4bKabcdefgh${markerOf(each)}.1234`)}\r\n`);
  const messages = [...ids.map((each) => request('INVITE', `Call-ID: ${each}`)), ...replies];
  for (const shares of [
    [1, 0, 0, 0],
    [0.7, 0.3, 0, 0],
    [0, 0.2, 0, 0.8],
    [1, 1, 1, 1],
  ]) {
    const got = await steered(4, messages, [[0, 1, 0, 0], shares]);
    const bounds = boundsOf(shares);
    const sum = shares.reduce((all, each) => all + each);
    for (let worker = 1; worker <= WORKERS; worker++) {
      const own = ids.filter((each) => socketByShare(each, bounds) === worker);
      assert.deepEqual(got[worker], [...own.map((each) => request('INVITE', `Call-ID: ${each}`)), replies[worker - 1]]);
      const wanted = (1000 * (shares[worker - 1] as number)) / sum;
      assert.ok(Math.abs(own.length - wanted) < 60, `worker ${worker} gets ${own.length} of ${wanted}`);
    }
  }
  const max = Array.from({ length: 24 }, () => 1);
  assert.equal(new Set(ids.map((each) => socketByShare(each, boundsOf(max)))).size, 24);
});

test('the requests of a dialog come to one socket in order, wherever the Call-ID is in the message and however it is written', {
  skip,
}, async () => {
  for (const callId of ['7', 'a@b', 'x1y2'.repeat(30), `${'long'.repeat(8)}.`, 'z9hG4bKabc', "-.!%*_+`'~()<>:/[]?{}"]) {
    const messages = [
      request('INVITE', `Call-ID: ${callId}`),
      request('ACK', `Call-ID: ${callId}`, via('z9hG4bK2') + via('z9hG4bK3')),
      request('CANCEL', `call-id:${callId}`, via('1234')),
      request('UPDATE', `CALL-ID:${callId}`, via('z9hG4bK5', ',SIP/2.0/UDP 10.0.0.9')),
      ...[0, 1, 2, 3].map((each) =>
        request('INFO', `Call-Id: ${callId}`, via('z9hG4bK6'), `sip:${'b'.repeat(each)}@x`),
      ),
      request('BYE', `Call-ID: ${callId} `, via('z9hG4bK4'), `sip:${'somebody.'.repeat(20)}@example.org:5062`),
    ];
    const got = await steered(4, messages);
    assert.deepEqual(got[socketOfRequest(callId, WORKERS)], messages, callId);
  }
});

test('users, hosts and header fields that contain "Call-ID" are not mistaken for it', { skip }, async () => {
  const callId = 'a84b4c76e66710';
  const messages = ['caller', 'call', 'callcenter.example', 'Recall', 'CALLE', 'call-center'].flatMap((name) =>
    [0, 1, 2, 3].map((each) =>
      request('INVITE', `Call-ID: ${callId}`, `${via('z9hG4bK6')}Subject: ${name}\r\n`, `sip:${'b'.repeat(each)}@x`),
    ),
  );
  const got = await steered(4, messages);
  assert.deepEqual(got[socketOfRequest(callId, WORKERS)], messages);
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

test('a reply without our branch, and a request without a Call-ID in reach, go to the first socket', {
  skip,
}, async () => {
  const messages = [
    '\r\n\r\n',
    'x',
    '',
    `SIP/2.0 200 OK\r\n${via('z9hG4bKabcdefgh!.1')}\r\n`,
    `SIP/2.0 200 OK\r\n${via('z9hG4bKabcdefgh~.1')}\r\n`,
    request('INVITE', 'i: 7'),
    request('INVITE', 'X-Other: z9hG4bK7'),
    request('INVITE', 'Call-ID: 1', via('z9hG4bK1'), `sip:${'b'.repeat(2000)}@x`),
  ];
  const got = await steered(4, messages);
  assert.deepEqual(got[0], messages);
});

test('an address in use by another program is refused', { skip }, async () => {
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
