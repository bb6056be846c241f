import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { WarmUpPeers } from '../../../src/daemon/warm-up-sockets.js';

test('the sockets of warm-up calls are bound to the loopback address', async () => {
  const peers = await WarmUpPeers.open();
  const { caller, gateways } = peers.ports(5060);
  assert.equal(new Set([caller, ...gateways]).size, 3);
  const bound = (await readFile('/proc/net/udp', 'latin1')).split('\n').map((line) => line.trim().split(/\s+/)[1]);
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0');
  for (const port of [caller, ...gateways]) {
    assert.deepEqual(
      bound.filter((each) => each?.endsWith(`:${hex(port)}`)),
      [`0100007F:${hex(port)}`],
    );
  }
  peers.close();
});

test('a peer takes only what comes from the proxy', async () => {
  const peers = await WarmUpPeers.open();
  const other = await WarmUpPeers.open();
  const { caller, gateways } = peers.ports(0);
  const [first, second] = [other.ports(0).caller, other.ports(0).gateways[0]];
  const taken: [string, number][] = [];
  // The sockets are unreferenced.
  const alive = setInterval(() => {}, 1000);
  const done = new Promise<void>((resolve) =>
    peers.listen(first, (text, port) => {
      taken.push([text, port]);
      if (taken.length === 2) resolve();
    }),
  );
  other.send('from another', second, caller);
  other.send('one', first, caller);
  other.send('two', first, gateways[1]);
  await done;
  clearInterval(alive);
  assert.deepEqual(taken.sort(), [
    ['one', caller],
    ['two', gateways[1]],
  ]);
  peers.close();
  other.close();
});
