import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadLibc } from '../../src/sip/transport/native/libc.js';
import { startDaemon } from '../support/daemon-fixture.js';
import { DatagramPeer } from '../support/datagram-peer.js';
import { startCaller, startGateway } from '../support/sip-endpoints.js';

import { until } from '../support/until.js';
import { workerPids } from '../support/workers.js';

const skip = 'libc' in (await loadLibc()) ? false : 'the system calls are not available';
const PEER = '127.0.1.43';

test('the first worker gets all new requests while it has capacity, and always those of its transactions', {
  skip,
}, async (t) => {
  const gateway = await startGateway({ host: '127.0.1.41', name: 'gw' });
  const caller = await startCaller({ host: '127.0.1.42' });
  const peer = await DatagramPeer.open(PEER);
  const daemon = await startDaemon(
    {
      workers: 2,
      modparam: { db_url: 'sqlite:./gateways.db' },
      routing: [{ match: {}, select: { set: 1, alg: 4 }, record_route: true }],
    },
    { default: [{ setid: 1, destination: gateway.uri }] },
  );
  t.after(async () => {
    caller.stop();
    peer.close();
    gateway.kill();
    await daemon.stop();
  });
  const metric = async (name: string, labels: string): Promise<number> => {
    const text = await (await fetch(`http://127.0.0.1:${daemon.httpPort}/metrics`)).text();
    const line = text.split('\n').find((each) => each.startsWith(name) && each.includes(labels)) ?? '';
    return Number(line.slice(line.lastIndexOf(' ')));
  };
  const workers = () => workerPids((command) => daemon.daemon.mi.execute(command));
  const calls = async (count: number): Promise<string[]> => {
    const results = await Promise.all(
      Array.from({ length: count }, (_, i) =>
        caller.placeCall({ ruri: `sip:${i}@acme.example`, proxy: `sip:127.0.0.1:${daemon.sipPort}` }),
      ),
    );
    return [...new Set(results.map((each) => `${each.status} ${each.byeStatus}`))];
  };
  const share = (worker: number) => metric('switchyard_worker_share', `"${worker}"`);
  const shareIs = (worker: number, value: number) =>
    until(`the share of worker ${worker} is ${value}`, async () => (await share(worker)) === value, {
      milliseconds: 30_000,
      show: () => share(worker),
    });
  await shareIs(1, 1);
  assert.deepEqual(await calls(10), ['200 200']);
  assert.equal(await metric('switchyard_worker_requests_total', '"2"'), 0);

  // Six calls ring in the first worker, which is then stopped: new requests go to the second.
  gateway.answer = () => ({ status: 200, ringMs: 60_000 });
  const ids = Array.from({ length: 6 }, (_, i) => `ring${i}`);
  const request = (method: string, id: string, tag = '') =>
    `${method} sip:bob@acme.example SIP/2.0\r\nVia: SIP/2.0/UDP ${PEER}:${peer.port};branch=z9hG4bK${id}\r\n` +
    `From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>${tag}\r\nCall-ID: ${id}\r\nCSeq: 1 ${method}\r\nMax-Forwards: 9\r\n` +
    `Contact: <sip:a@${PEER}:${peer.port}>\r\nContent-Length: 0\r\n\r\n`;
  const send = (text: string) => peer.send(text, daemon.sipPort, '127.0.0.1');
  const invites = gateway.count('INVITE');
  for (const id of ids) await send(request('INVITE', id));
  for (const id of ids) await peer.expect(new RegExp(`^SIP/2\\.0 180 [\\s\\S]*Call-ID: ${id}`, 'i'));
  const [first, second] = await workers();
  process.kill(first as number, 'SIGSTOP');
  try {
    await shareIs(2, 1);
  } finally {
    process.kill(first as number, 'SIGCONT');
  }
  for (const id of ids) {
    await send(request('INVITE', id));
    await send(request('CANCEL', id));
  }
  // Unless this took so long that the first worker has its share again.
  if ((await share(2)) === 1) {
    await until(
      'they are handed on',
      async () => (await metric('switchyard_worker_misdirected_total', 'handed_on')) >= 12 || (await share(2)) < 1,
      {
        show: async () => [
          await metric('switchyard_worker_misdirected_total', 'handed_on'),
          await share(1),
          await share(2),
          gateway.count('INVITE') - invites,
          gateway.count('CANCEL'),
        ],
      },
    );
  }
  for (const id of ids) {
    const { text } = await peer.expect(new RegExp(`^SIP/2\\.0 487 [\\s\\S]*Call-ID: ${id}`, 'i'));
    const tag = /^To: [^\r]*(;tag=[^;\r]+)/im.exec(text)?.[1];
    await send(request('ACK', id, tag));
  }
  await until('all are cancelled', () => gateway.count('CANCEL') === 6);
  assert.equal(gateway.count('INVITE') - invites, 6, 'no copy was taken for another call');
  assert.deepEqual(await workers(), [first, second]);

  gateway.answer = () => 200;
  assert.deepEqual(await calls(10), ['200 200']);
  // When a worker is killed the others take new requests, and its successor does so later.
  process.kill(first as number, 'SIGKILL');
  await until('a line in the log', () => daemon.logged(/worker has died/).length === 1);
  assert.deepEqual(await calls(10), ['200 200']);
  await until(
    'its successor takes over',
    async () => {
      await calls(1);
      return (await share(1)) > 0;
    },
    { milliseconds: 60_000 },
  );
  assert.deepEqual(await calls(10), ['200 200']);
});
