import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { createTables } from '../conformance/runner/tables.js';
import { type CfgDaemon, startCfgDaemon } from '../support/cfg-daemon.js';
import { freePort } from '../support/ports.js';
import { type Caller, type Gateway, startCaller, startGateway } from '../support/sip-endpoints.js';
import { executeSqlite } from '../support/sqlite-file.js';
import { until } from '../support/until.js';

const EXAMPLES = resolve(import.meta.dirname, '../../examples');
const open: (() => unknown)[] = [];
after(async () => {
  for (const close of open.reverse()) await close();
});

const read = (path: string): string => readFileSync(join(EXAMPLES, path), 'latin1');

async function gateway(host: string, port?: number): Promise<Gateway> {
  const started = await startGateway({ host, name: host, ...(port === undefined ? {} : { port }) });
  open.push(() => started.kill());
  return started;
}

async function caller(host: string): Promise<Caller> {
  const started = await startCaller({ host });
  open.push(() => started.stop());
  return started;
}

/** Serves an example; only its listeners and its database are replaced. */
async function serve(options: Parameters<typeof startCfgDaemon>[0]): Promise<CfgDaemon> {
  const text = options.text.replace(/udp:127\.0\.0\.1:5060\b/, 'LISTEN').replace(/^port=5060$/m, 'listen=LISTEN');
  const daemon = await startCfgDaemon({ ...options, text });
  open.push(() => daemon.stop());
  return daemon;
}

/** A table as made by Kamailio's scripts. */
function kamailioTable(
  file: string,
  rows: readonly (readonly [set: number, uri: string, priority: number, attrs: string])[],
): void {
  executeSqlite(
    file,
    `create table version (table_name varchar(32), table_version integer);
     insert into version values ('dispatcher', 4);
     create table dispatcher (id integer primary key, setid integer, destination varchar(192), flags integer default 0,
       priority integer default 0, attrs varchar(128) default '', description varchar(64) default '');
     ${rows.map(([set, uri, priority, attrs]) => `insert into dispatcher (setid, destination, priority, attrs) values (${set}, '${uri}', ${priority}, '${attrs}');`).join('\n')}`,
  );
}

test("OpenSIPS' example 1.32 dispatches the calls of a real table by their Call-ID", async () => {
  const [one, two, other] = [await gateway('127.0.0.51'), await gateway('127.0.0.52'), await gateway('127.0.0.53')];
  const daemon = await serve({
    text: read('opensips/dispatcher/opensips.cfg').replace(
      'sqlite:///var/lib/opensips/opensips.db',
      'sqlite://FOLDER/opensips.db',
    ),
    prepare: (folder) =>
      createTables(join(folder, 'opensips.db'), {
        dispatcher: [
          { set: 2, uri: one.uri },
          { set: 2, uri: two.uri },
          { set: 1, uri: other.uri },
        ],
        address: [],
        domain: [],
      }),
  });
  const uac = await caller('127.0.0.54');
  const results = await Promise.all(
    Array.from({ length: 20 }, () => uac.placeCall({ ruri: 'sip:bob@example.com', proxy: daemon.proxy })),
  );
  assert.deepEqual([...new Set(results.map(({ status }) => status))], [200]);
  assert.equal(one.count('INVITE') + two.count('INVITE'), 20);
  assert.ok(one.count('INVITE') > 2 && two.count('INVITE') > 2, `${one.count('INVITE')} and ${two.count('INVITE')}`);
  assert.equal(other.count('INVITE'), 0);
  await daemon.daemon.mi.execute('ds_set_state', { state: 'i', group: '2', address: one.uri });
  await daemon.daemon.mi.execute('ds_set_state', { state: 'i', group: '2', address: two.uri });
  assert.equal((await uac.placeCall({ ruri: 'sip:bob@example.com', proxy: daemon.proxy })).reason, 'Unable to route');
});

test('the script of the mailing list tries the groups in their order, each destination once, and ends', async () => {
  const port = await freePort('127.0.0.21');
  const hosts = ['127.0.0.21', '127.0.0.22', '127.0.0.23'];
  const gateways = await Promise.all(hosts.map((host) => gateway(host, port)));
  const order: string[] = [];
  for (const each of gateways)
    each.answer = (request) => {
      if (request.method === 'INVITE') order.push(each.host);
      return 503;
    };
  const table = read('kamailio/mailing-list/kamailio.cfg').replace(
    '"list_file", "dispatcher.list"',
    '"db_url", "sqlite://FOLDER/kamailio.db"',
  );
  const daemon = await serve({
    text: table,
    prepare: (folder) =>
      kamailioTable(
        join(folder, 'kamailio.db'),
        gateways.map(({ uri }, i) => [i + 1, uri, 0, `duid=d${i}`]),
      ),
  });
  const uac = await caller('127.0.0.24');
  const refused = await uac.placeCall({ ruri: 'sip:bob@example.com', proxy: daemon.proxy });
  assert.equal(refused.status, 503);
  assert.deepEqual(order, ['127.0.0.22', '127.0.0.21', '127.0.0.23']);
  assert.equal(daemon.script.filter((each) => each.includes('goes on to')).length, 2);
  order.length = 0;
  const [first, second] = gateways as [Gateway, Gateway];
  first.answer = () => 200;
  second.answer = () => 404;
  const busy = await uac.placeCall({ ruri: 'sip:bob@example.com', proxy: daemon.proxy });
  assert.equal(busy.status, 404, 'a status that is no failure of the gateway ends the search');
  second.answer = () => 500;
  const answered = await uac.placeCall({ ruri: 'sip:bob@example.com', proxy: daemon.proxy });
  assert.deepEqual([answered.status, answered.gateway, answered.byeStatus], [200, '127.0.0.21', 200]);
  const given = await uac.placeCall({
    ruri: 'sip:bob@example.com',
    proxy: daemon.proxy,
    headers: { 'x-groups': '1=4' },
  });
  assert.equal(given.gateway, '127.0.0.21');
});

test('two media gateways share the calls; while one refuses calls or is switched off, the other gets all', async () => {
  const [one, two] = [await gateway('127.0.0.31'), await gateway('127.0.0.32')];
  const daemon = await serve({
    text: read('kamailio/media-gateways-failover/kamailio.cfg')
      .replace('"ds_ping_interval", 10', '"ds_ping_interval", 1')
      .replace('sqlite:///var/lib/kamailio/kamailio.db', 'sqlite://FOLDER/kamailio.db'),
    prepare: (folder) =>
      kamailioTable(join(folder, 'kamailio.db'), [
        [1, one.uri, 0, ''],
        [1, two.uri, 0, ''],
      ]),
  });
  const uac = await caller('127.0.0.33');
  const callOnce = () => uac.placeCall({ ruri: 'sip:1111111@example.com', proxy: daemon.proxy });
  const shared = [await callOnce(), await callOnce(), await callOnce(), await callOnce()];
  assert.deepEqual(shared.map(({ gateway: name }) => name).sort(), [
    '127.0.0.31',
    '127.0.0.31',
    '127.0.0.32',
    '127.0.0.32',
  ]);
  assert.ok(shared.every(({ byeStatus }) => byeStatus === 200));
  one.answer = (request) => (request.method === 'INVITE' ? 404 : 200);
  const moved = [await callOnce(), await callOnce()];
  assert.deepEqual(
    moved.map(({ gateway: name }) => name),
    ['127.0.0.32', '127.0.0.32'],
  );
  await until('the line comes', () => daemon.script.includes('Trying next destination'));
  one.answer = () => 200;
  const answer = await daemon.daemon.callRpc('dispatcher.set_state', ['dx', 1, one.uri]);
  assert.ok('result' in answer, JSON.stringify(answer));
  const before = one.count('INVITE');
  assert.deepEqual([(await callOnce()).gateway, (await callOnce()).gateway], ['127.0.0.32', '127.0.0.32']);
  assert.equal(one.count('INVITE'), before);
  await until('the one in use is probed', () => two.count('OPTIONS') > 0);
});

test('thirty gateways have the same number of calls, and a call that ends or is refused counts no longer', async () => {
  const port = await freePort('127.0.1.1');
  const gateways: Gateway[] = [];
  for (let i = 1; i <= 30; i++) gateways.push(await gateway(`127.0.1.${i}`, port));
  const daemon = await serve({
    text: read('kamailio/call-load-30-gateways/kamailio.cfg'),
    prepare: (folder) => {
      copyFileSync(join(EXAMPLES, 'kamailio/call-load-30-gateways/dispatcher.list'), join(folder, 'dispatcher.list'));
      const list = join(folder, 'dispatcher.list');
      const text = readFileSync(list, 'latin1').replace(/(127\.0\.1\.\d+):5060/g, `$1:${port}`);
      writeFileSync(list, text);
    },
  });
  const uac = await caller('127.0.0.34');
  const loads = async (): Promise<number[]> => {
    const answer = JSON.stringify(
      await daemon.daemon.mi.execute('ds_list', { full: '1' }).catch(() => daemon.daemon.mi.execute('ds_list')),
    );
    return [...answer.matchAll(/"load":\s*"?(\d+)/g)].map((match) => Number(match[1]));
  };
  const held = Array.from({ length: 60 }, () =>
    uac.placeCall({ ruri: 'sip:bob@example.com', proxy: daemon.proxy, holdMs: 5000 }),
  );
  await until('all calls are up', () => gateways.every(({ activeCalls }) => activeCalls === 2), {
    show: () => gateways.map(({ activeCalls }) => activeCalls),
  });
  const results = await Promise.all(held);
  assert.ok(results.every(({ status, byeStatus }) => status === 200 && byeStatus === 200));
  await until('no call is left', async () => (await loads()).every((each) => each === 0), { show: loads });
  for (const each of gateways) each.answer = () => 486;
  assert.equal((await uac.placeCall({ ruri: 'sip:bob@example.com', proxy: daemon.proxy })).status, 486);
  await until('the refused call is taken back', async () => (await loads()).every((each) => each === 0), {
    show: loads,
  });
});
