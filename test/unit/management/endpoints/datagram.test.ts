import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { DgramSocket } from 'node-unix-socket';
import type { DatagramEndpoint } from '../../../../src/management/endpoints/datagram.js';
import { datagramEndpoint, within } from '../../../support/mi-endpoints.js';
import { type MiFixture, makeMiFixture, makeRow } from '../../../support/mi-fixture.js';

function open(socketName: string, fixture: MiFixture = makeMiFixture()): DatagramEndpoint {
  return datagramEndpoint(fixture.handler, { socketName, unixMode: 0o620 });
}

async function ask(endpoint: DatagramEndpoint, request: string): Promise<string> {
  const socket = createSocket('udp4');
  try {
    const received = once(socket, 'message');
    socket.send(request, Number(endpoint.address?.split(':').at(-1)), '127.0.0.1');
    const [bytes] = (await within(received, request)) as [Buffer];
    return bytes.toString();
  } finally {
    socket.close();
  }
}

describe('MI datagram', () => {
  test('says so when an answer does not fit into a datagram', async () => {
    const rows = Array.from({ length: 2000 }, (_, i) => makeRow({ setId: 1, uri: `sip:10.0.${i >> 8}.${i & 255}` }));
    const endpoint = open('udp:127.0.0.1:0', makeMiFixture({ rows: { default: rows } }));
    await endpoint.start();
    const answer = await ask(endpoint, '{"jsonrpc":"2.0","id":"a","method":"ds_list"} trailing');
    assert.match(
      answer,
      /^\{"jsonrpc":"2\.0","error":\{"code":500,"message":"Answer too long","data":".*"\},"id":"a"\}$/,
    );
    assert.equal(await ask(endpoint, ':ds_list:\n'), '500 Answer too long\n');
    assert.match(
      await ask(endpoint, '{"jsonrpc":"2.0","id":1,"method":"ds_list","params":{"group":"7"}}'),
      /"SETS":\[\]/,
    );
    await endpoint.stop();
  });

  test('does not start on an invalid or used address', async () => {
    for (const name of [
      'udp:127.0.0.1',
      'tcp:127.0.0.1:1',
      'udp:127.0.0.1:99999',
      'udp:192.0.2.1:0',
      'relative.sock',
    ]) {
      const endpoint = open(name);
      await assert.rejects(endpoint.start(), { code: 'TRANSPORT_BIND' }, name);
      await endpoint.stop();
    }
    const first = open('udp:127.0.0.1:0');
    await first.start();
    await assert.rejects(open(`udp:${first.address}`).start(), { code: 'TRANSPORT_BIND' });
    await first.stop();
    await first.stop();
  });

  test('takes over a UNIX socket that was left behind, and removes its own', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mi-unix-'));
    const path = join(folder, 'mi.sock');
    const left = new DgramSocket();
    left.bind(path);
    left.close();
    assert.ok(existsSync(path));
    const endpoint = open(path);
    await endpoint.start();
    assert.equal(statSync(path).mode & 0o777, 0o620);
    await endpoint.stop();
    assert.equal(existsSync(path), false);
    writeFileSync(path, 'precious');
    await assert.rejects(open(path).start(), /the path exists and is not a socket/);
    await rm(folder, { recursive: true });
  });

  test('runs a command of a UNIX client that cannot be answered', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mi-unix-'));
    const path = join(folder, 'mi.sock');
    const fixture = makeMiFixture();
    const endpoint = open(path, fixture);
    await endpoint.start();
    const changed = new Promise<void>((resolve) => fixture.engine.states.onChange(() => resolve()));
    const client = new DgramSocket();
    const bytes = Buffer.from(':ds_set_state:\ni\n5\nsip:127.0.0.11:5060\n');
    client.sendTo(bytes, 0, bytes.length, path);
    await within(changed, 'state change');
    client.close();
    await endpoint.stop();
    await rm(folder, { recursive: true });
  });
});
