import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSettings } from '../../../src/config/load.js';
import { refusals } from './config-folder.js';

const PARTITION = { name: 'gw', db_url: 'text:./gw', flavour: 'kamailio' };
const read = (mi: object) =>
  readSettings({ http: '127.0.0.1:8085', partitions: [PARTITION], mi }, { cwd: '/etc/sw', env: {} }).settings.mi;

test('ctl sockets are named as in the ctl module', () => {
  const names = ['unixs:run/ctl', 'unix:/run/ctl2', '/run/ctl3', 'unixd:/run/ctl4', 'tcp:127.0.0.1', 'udp:[::1]:2050'];
  const { ctl = [] } = read({ ctl: [...names, 'localhost:2051'].map((socket_name) => ({ socket_name })) });
  assert.deepEqual(
    ctl.map(({ transport, address, port }) => [transport, address, port]),
    [
      ['unixs', '/etc/sw/run/ctl', 0],
      ['unixs', '/run/ctl2', 0],
      ['unixs', '/run/ctl3', 0],
      ['unixd', '/run/ctl4', 0],
      ['tcp', '127.0.0.1', 2049],
      ['udp', '::1', 2050],
      ['udp', 'localhost', 2051],
    ],
  );
});

test('JSON-RPC endpoints have the names of the jsonrpcs module', () => {
  const jsonrpc = {
    fifo_name: 'run/rpc.fifo',
    fifo_mode: '600',
    dgram_socket: 'unix:./rpc.sock',
    dgram_mode: '0666',
    http_root: '/RPC',
    partition: 'gw',
  };
  assert.deepEqual(read({ jsonrpc }).jsonrpc?.[0], {
    fifo: { fifoName: '/etc/sw/run/rpc.fifo', fifoMode: 0o600, replyDir: '/tmp/' },
    datagram: { socketName: '/etc/sw/rpc.sock', unixMode: 0o666 },
    http: { root: 'RPC' },
    partition: 'gw',
    optional: false,
  });
  assert.deepEqual(read({ jsonrpc: {} }).jsonrpc?.[0], {
    fifo: undefined,
    datagram: undefined,
    http: undefined,
    partition: undefined,
    optional: false,
  });
});

test('endpoints that cannot be opened are refused', (t) => {
  const mi = {
    fifo: { fifo_name: './mi' },
    ctl: [
      { socket_name: 'unixs:ctl' },
      { socket_name: 'tcp:h:x' },
      { socket_name: 'udp:h', partition: 'none', open: true },
    ],
    jsonrpc: { fifo_name: 'mi', http_root: 'RPC', dgram_socket: 'sock' },
  };
  const lines = refusals(t, { 'switchyard.json': { mi, partitions: [PARTITION] } });
  assert.match(
    lines.find((line) => line.includes('fifo_name')) ?? '',
    /the pipe ".*\/mi" is that of "mi" "fifo" already$/,
  );
  assert.deepEqual(lines.filter((line) => !line.includes('fifo_name')).sort(), [
    'switchyard.json#/mi/ctl/0/socket_name: expected the path of a UNIX socket after "unixs:", not "ctl"',
    'switchyard.json#/mi/ctl/1/socket_name: bad socket description "tcp:h:x": bad port "x"',
    'switchyard.json#/mi/ctl/2/partition: there is no partition "none"',
    'switchyard.json#/mi/jsonrpc/dgram_socket: expected udp:host:port or the path of a UNIX socket, not "sock"',
    'switchyard.json#/mi/jsonrpc/http_root: needs the listener of the key "http"',
  ]);
});
