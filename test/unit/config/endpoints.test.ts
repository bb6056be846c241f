import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstEndpoint } from '../../../src/cli/mi/endpoints.js';
import { endpointsOf } from '../../../src/config/endpoints.js';
import { loadSettings } from '../../../src/config/load.js';
import { configFolder } from './config-folder.js';

const PARTITION = { partitions: [{ name: 'a', db_url: 'text:./a' }] };

test('a client reads the same endpoints as a complete load of the settings', (t) => {
  for (const settings of [
    { mi: { fifo: { fifo_name: './mi' } } },
    {
      mi: { datagram: [{ socket_name: 'udp:127.0.0.1:8080' }, { socket_name: '/run/x.sock' }], http: {} },
      http: '127.0.0.1:80',
    },
    { mi: { http: { root: '/x' } }, http: '[::1]:8085' },
    {},
  ]) {
    const cwd = configFolder(t, { 'switchyard.json': { ...PARTITION, ...settings } });
    const { mi, http } = loadSettings(undefined, { cwd }).settings;
    assert.deepEqual(endpointsOf(undefined, { cwd }), { mi, http });
  }
});

test('a client finds the FIFO, then a datagram socket, then HTTP, whichever the configuration has', (t) => {
  const target = (settings: object) => {
    const cwd = configFolder(t, { 'switchyard.json': { ...PARTITION, ...settings } });
    return firstEndpoint(endpointsOf(undefined, { cwd }) ?? assert.fail())?.target.replace(cwd, '.');
  };
  const http = { http: '0.0.0.0:8085' };
  assert.equal(target({ mi: { fifo: { fifo_name: './mi' }, http: {} }, ...http }), 'fifo:./mi');
  assert.equal(target({ mi: { datagram: [{ socket_name: 'udp:0.0.0.0:8080' }] } }), 'udp:127.0.0.1:8080');
  assert.equal(target({ mi: { datagram: [{ socket_name: './mi.sock' }] } }), 'unix:./mi.sock');
  assert.equal(target({ mi: { http: {} }, ...http }), 'http://127.0.0.1:8085/mi');
  assert.equal(target({}), undefined);
});

test('secrets of other keys need not be in the environment of a client', (t) => {
  const text = `{"modparam": {"db_url": "mysql://a:\${NO_SUCH_SECRET}@h/d"}, "mi": {"fifo": {"fifo_name": "\${RUN}/mi"}}}`;
  const cwd = configFolder(t, { 'switchyard.json': text });
  assert.equal(endpointsOf(undefined, { cwd, env: { RUN: '/run/s' } })?.mi.fifo[0]?.fifoName, '/run/s/mi');
  assert.equal(endpointsOf(undefined, { cwd, env: {} }), undefined);
});

test('problems that only a complete load finds are not reported to a client', (t) => {
  for (const mi of [{ fifo: 5 }, { datagram: [{ socket_name: 'udp:x' }] }, 'x']) {
    const cwd = configFolder(t, { 'switchyard.json': { mi } });
    assert.equal(endpointsOf(undefined, { cwd }), undefined);
  }
});
