import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hashPassword } from '../../src/access/secret.js';
import { readSettings } from '../../src/config/load.js';
import { nullLogger } from '../../src/core/logger.js';
import { Daemon } from '../../src/daemon/daemon.js';
import { freePort } from '../support/ports.js';

test('the console signs in, is known by its cookie, and signs out', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sw-'));
  const http = await freePort();
  const password = await hashPassword('correct horse');
  const { settings } = readSettings(
    {
      listen: ['udp:127.0.0.1:0'],
      http: `127.0.0.1:${http}`,
      mi: { http: {} },
      access: { users: [{ name: 'noc', password, role: 'viewer', partitions: '*' }] },
    },
    { cwd: folder },
  );
  const daemon = new Daemon({ settings, log: nullLogger, drainMs: 20 });
  await daemon.start();
  t.after(async () => {
    await daemon.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const session = (method: string, headers: Record<string, string> = {}, body?: object) =>
    fetch(`http://127.0.0.1:${http}/api/session`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
  assert.equal((await session('GET')).status, 401);
  assert.equal((await session('POST', {}, { name: 'noc', password: 'wrong horse' })).status, 401);
  assert.equal(
    (await session('POST', { origin: 'http://evil.example' }, { name: 'noc', password: 'correct horse' })).status,
    403,
  );
  const signed = await session('POST', {}, { name: 'noc', password: 'correct horse' });
  assert.deepEqual(await signed.json(), { user: 'noc', role: 'viewer', partitions: '*' });
  const set = signed.headers.get('set-cookie') ?? '';
  assert.match(set, /^switchyard_session=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
  const cookie = set.split(';')[0] as string;
  assert.equal((await session('GET', { cookie })).status, 200);
  const mi = await fetch(`http://127.0.0.1:${http}/mi`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie },
    body: '{"jsonrpc":"2.0","id":1,"method":"log_level","params":["debug"]}',
  });
  assert.equal(mi.status, 403);
  assert.equal((await session('DELETE', { cookie })).status, 204);
  assert.equal((await session('GET', { cookie })).status, 401);
});

test('an endpoint that anybody can reach is refused, and the error says what to write', () => {
  const refusal = (settings: object) => {
    try {
      readSettings(settings, { cwd: '/tmp' });
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.match(
    refusal({ http: '0.0.0.0:8085' }),
    /#\/http: anybody who reaches 0.0.0.0 may use it: add users in "access", or write/,
  );
  assert.equal(refusal({ http: { listen: '0.0.0.0:8085', open: true } }), '');
  assert.equal(refusal({ http: '10.0.0.1:8085', access: { users: [] } }), '');
  const datagram = (more: object) => refusal({ mi: { datagram: [{ socket_name: 'udp:10.0.0.1:8080', ...more }] } });
  assert.match(datagram({}), /#\/mi\/datagram\/0: .*"allow" or "as", or "open": true/);
  assert.equal(datagram({ allow: ['10.0.0.0/8'] }), '');
  assert.equal(datagram({ open: true }), '');
  assert.match(datagram({ as: 'noc' }), /as: needs users in "access"/);
  assert.match(refusal({ mi: { ctl: [{ socket_name: 'tcp:[2001:db8::1]' }] } }), /"open": true/);
  assert.match(refusal({ mi: { jsonrpc: { dgram_socket: 'udp:10.0.0.1:8080' } } }), /"open": true/);
  assert.match(refusal({ events: { nats: { servers: 'nats://10.0.0.1' } } }), /"as" or "open": true to "mi" "nats"/);
  assert.equal(refusal({ events: { nats: { servers: 'nats://u:p@10.0.0.1' } } }), '');
});
