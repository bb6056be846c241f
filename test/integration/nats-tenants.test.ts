import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect, type NatsConnection } from 'nats';
import { readSettings } from '../../src/config/load.js';
import { nullLogger } from '../../src/core/logger.js';
import { Daemon } from '../../src/daemon/daemon.js';
import { NatsBench, withoutNats } from '../support/nats-fixtures.js';
import { until } from '../support/until.js';

const PASSWORDS = { SWITCHYARD_PASSWORD: 'p0', ACME_PASSWORD: 'p1', ACME_VIEWER_PASSWORD: 'p2', GLOBEX_PASSWORD: 'p3' };

test('with the NATS credentials of a tenant only its partition can be read and commanded', {
  skip: withoutNats,
  timeout: 60_000,
}, async (t) => {
  Object.assign(process.env, PASSWORDS);
  const bench = new NatsBench(t);
  const config = join(import.meta.dirname, '../../examples/nats-accounts/nats.conf');
  const nats = await bench.server({ args: ['-c', config] });
  const folder = `${await mkdtemp(join(tmpdir(), 'sw-'))}/`;
  for (const name of ['acme', 'globex']) await writeFile(`${folder}${name}.list`, '1 sip:10.0.0.1:5060\n');
  const partition = (name: string) => ({ name, flavour: 'kamailio', db_url: `list:./${name}.list` });
  const { settings } = readSettings(
    {
      listen: ['udp:127.0.0.1:0'],
      partitions: [partition('acme'), partition('globex')],
      events: { nats: { servers: nats.url, user: 'switchyard', pass: PASSWORDS.SWITCHYARD_PASSWORD } },
    },
    { cwd: folder },
  );
  const daemon = new Daemon({ settings, log: nullLogger, drainMs: 20 });
  await daemon.start();
  t.after(async () => {
    await daemon.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const clients: NatsConnection[] = [];
  t.after(async () => {
    for (const each of clients) await each.close();
  });
  const client = async (user: string, pass: string) => {
    const connection = await connect({ servers: nats.url, user, pass });
    clients.push(connection);
    return connection;
  };
  const acme = await client('acme', PASSWORDS.ACME_PASSWORD);
  const globex = await client('globex', PASSWORDS.GLOBEX_PASSWORD);
  const viewer = await client('acme-viewer', PASSWORDS.ACME_VIEWER_PASSWORD);
  const ask = async (from: NatsConnection, subject: string, payload = ''): Promise<string> =>
    from.request(subject, payload, { timeout: 1000 }).then(
      (message) => message.string(),
      (error: Error) => `no answer: ${error.message}`,
    );
  await until('served', async () => (await ask(acme, 'opensips.mi.acme.ds_list')).includes('PARTITIONS'));

  const received: string[] = [];
  for (const subject of ['opensips.>', '>']) {
    globex.subscribe(subject, { callback: (_error, message) => received.push(message.subject) });
  }
  const own: string[] = [];
  acme.subscribe('opensips.>', { callback: (_error, message) => own.push(message.subject) });
  await Promise.all([globex.flush(), acme.flush()]);

  const list = await ask(acme, 'opensips.mi.acme.ds_list');
  assert.match(list, /"name":"acme"/);
  assert.doesNotMatch(list, /globex/);
  const set = JSON.stringify({ state: 'i', group: '1', address: 'sip:10.0.0.1:5060' });
  assert.match(await ask(acme, 'opensips.mi.acme.ds_set_state', set), /"result":"OK"/);
  assert.equal(daemon.engine.partition('acme')?.find(1, 'sip:10.0.0.1:5060')?.health.state, 'inactive');
  await until(
    'received',
    () => own.includes('opensips.E_DISPATCHER_STATUS.acme.1') && own.includes('opensips.audit.acme'),
  );

  // The parameters name another partition, or the request names another command.
  const foreign = JSON.stringify({ state: 'i', group: 'globex:1', address: 'all' });
  assert.match(await ask(acme, 'opensips.mi.acme.ds_set_state', foreign), /Unknown partition/);
  const other = '{"jsonrpc":"2.0","id":1,"method":"ds_reload"}';
  assert.match(await ask(acme, 'opensips.mi.acme.ds_list', other), /Method not found/);
  assert.match(await ask(acme, 'opensips.mi.acme.log_level', '["debug"]'), /Forbidden/);
  // Subjects of other tenants and the subject without a tenant are not reachable.
  for (const subject of ['opensips.mi.globex.ds_list', 'opensips.mi', `opensips.mi.${settings.node}`]) {
    assert.match(await ask(acme, subject, other), /no answer/, subject);
  }
  assert.match(await ask(viewer, 'opensips.mi.acme.ds_list'), /"name":"acme"/);
  assert.match(await ask(viewer, 'opensips.mi.acme.ds_set_state', set), /no answer/);
  assert.equal(daemon.engine.partition('globex')?.find(1, 'sip:10.0.0.1:5060')?.health.state, 'active');
  await globex.flush();
  assert.deepEqual(
    received.filter((subject) => subject.includes('acme')),
    [],
  );
});
