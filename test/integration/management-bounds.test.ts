import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readSettings } from '../../src/config/load.js';
import { nullLogger } from '../../src/core/logger.js';
import { Daemon } from '../../src/daemon/daemon.js';
import { ReplyReader, within, writeFifo } from '../support/mi-endpoints.js';
import { freePort } from '../support/ports.js';

type Ending = { after(run: () => unknown): void };

/** A daemon with partitions acme and globex on list files, and further settings. */
async function start(t: Ending, settings: Readonly<Record<string, unknown>>, more: readonly object[] = []) {
  const folder = `${await mkdtemp(join(tmpdir(), 'sw-'))}/`;
  await writeFile(`${folder}acme.list`, '1 sip:10.0.0.1:5060\n1 sip:gw:s3cret@10.0.0.2:5060\n');
  await writeFile(`${folder}globex.list`, '1 sip:10.1.0.1:5060\n');
  const http = await freePort();
  const partition = (name: string) => ({ name, flavour: 'kamailio', db_url: `list:./${name}.list` });
  const loaded = readSettings(
    {
      listen: ['udp:127.0.0.1:0'],
      http: `127.0.0.1:${http}`,
      partitions: [partition('acme'), partition('globex'), ...more],
      ...settings,
    },
    { cwd: folder },
  );
  const daemon = new Daemon({ settings: loaded.settings, log: nullLogger, drainMs: 50, firstLoadMs: 300 });
  await daemon.start();
  t.after(async () => {
    await daemon.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const post = async (
    path: string,
    method: string,
    params: unknown,
  ): Promise<{ result?: unknown; error?: { message: string } }> => {
    const response = await fetch(`http://127.0.0.1:${http}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });
    return (await response.json()) as { result?: unknown };
  };
  return { daemon, folder, http, post };
}

test("Kamailio's endpoint of one partition accepts no name of another", async (t) => {
  const { daemon, post } = await start(t, { mi: { jsonrpc: { http_root: 'RPC', partition: 'acme' } } });
  const uri = 'sip:10.1.0.1:5060';
  const state = () => daemon.engine.partition('globex')?.find(1, uri)?.health.state;
  const named = [
    ['dispatcher.set_state', ['ip', 'globex:1', uri]],
    ['dispatcher.list', ['full', 'globex']],
    ['dispatcher.reload', ['globex']],
    ['dispatcher.add', ['globex:1', 'sip:10.9.9.9']],
    ['dispatcher.remove', ['globex:1', uri]],
    ['dispatcher.oclist', ['globex:1']],
    ['dispatcher.set_duid_state', ['i', 'globex:1', 'all']],
  ] as const;
  for (const [method, params] of named) {
    const refused = await post('RPC', method, params);
    const unknown = await post('RPC', method, JSON.parse(JSON.stringify(params).replaceAll('globex', 'nobody')));
    assert.equal(refused.error?.message.replaceAll('globex', 'nobody'), 'Unknown Partition nobody', method);
    assert.deepEqual(unknown.error?.message, 'Unknown Partition nobody', method);
  }
  assert.equal(state(), 'active');
  assert.equal(daemon.engine.partition('globex')?.snapshot.size, 1);
  assert.match(
    JSON.stringify(await post('RPC', 'dispatcher.set_state', ['ip', 'acme:1', 'sip:10.0.0.1:5060'])),
    /state updated/,
  );
});

test("commands do not wait for another partition's database", async (t) => {
  // Accepts connections and never answers, like a hanging database server.
  const held: { destroy(): void }[] = [];
  const silent = createServer((socket) => held.push(socket.on('error', () => {})));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.after(() => {
    for (const each of held) each.destroy();
    silent.close();
  });
  const database = `mysql://u:p@127.0.0.1:${(silent.address() as AddressInfo).port}/db`;
  const mi = {
    fifo: { fifo_name: 'mi', reply_dir: '.' },
    datagram: [{ socket_name: `udp:127.0.0.1:${await freePort()}` }],
    http: {},
  };
  const { folder, post, daemon } = await start(t, { mi }, [{ name: 'hung', db_url: database }]);
  const reload = '{"jsonrpc":"2.0","id":1,"method":"ds_reload","params":{"partition":"hung"}}';
  const version = '{"jsonrpc":"2.0","id":2,"method":"version"}';
  const [address = '', port = ''] = (daemon.miDatagrams[0]?.address ?? '').split(':');
  const client = createSocket('udp4');
  t.after(() => client.close());

  await writeFifo(`${folder}mi`, Array.from({ length: 70 }, (_, i) => `:hung${i}:${reload}\n`).join(''));
  for (let i = 0; i < 70; i++) client.send(reload, Number(port), address);
  const reader = new ReplyReader(`${folder}other`);
  t.after(() => reader.close());
  // The first commands for the hung partition end after five seconds at the earliest: by then all others are answered.
  const began = performance.now();
  await writeFifo(`${folder}mi`, `:other:${version}\n`);
  await reader.until((text) => text.includes('switchyard'), 4500);
  const answer = new Promise<string>((resolve) => {
    client.on('message', (bytes) => {
      if (bytes.includes('Server')) resolve(bytes.toString());
    });
  });
  client.send(version, Number(port), address);
  await within(answer, 'an answer over UDP', 4500);
  assert.ok((await post('mi', 'version', {})).result);
  assert.ok(performance.now() - began < 4500);
  // Beyond a few, requests are rejected at once.
  const refused = await post('mi', 'ds_reload', { partition: 'hung' });
  assert.match(refused.error?.message ?? '', /commands already wait for the database of partition "hung"/);
});

describe('a password in the URI of a destination', () => {
  test('is in no list, no metric and no report; commands accept the masked URI as the name of the destination', async (t) => {
    const { daemon, http, post } = await start(t, { mi: { http: {}, jsonrpc: { http_root: 'RPC' } } });
    const texts = [
      await post('mi', 'ds_list', { full: 2 }),
      await post('mi', 'ds_reload', { report: 1, partition: 'acme' }),
      await post('RPC', 'dispatcher.list', ['full', 'acme']),
      await post('mi', 'ds_set_state', ['i', 'acme:1', 'sip:gw:***@10.0.0.2:5060']),
      await post('mi', 'sr_list_reports', {}),
      await (await fetch(`http://127.0.0.1:${http}/metrics`)).text(),
    ];
    assert.match(JSON.stringify(texts), /sip:gw:\*\*\*@10\.0\.0\.2/);
    assert.doesNotMatch(JSON.stringify(texts), /s3cret/);
    const secret = daemon.engine.partition('acme')?.find(1, 'sip:gw:s3cret@10.0.0.2:5060');
    assert.equal(secret?.health.state, 'inactive');
  });
});

test('one client cannot use up the event subscriptions', async (t) => {
  const { post } = await start(t, { mi: { http: {}, fifo: { fifo_name: 'mi', reply_dir: '.' } } });
  const answers: boolean[] = [];
  for (let i = 0; i < 300; i++) {
    const { result } = await post('mi', 'event_subscribe', ['E_DISPATCHER_STATUS', `udp:127.0.0.1:${20_000 + i}`]);
    answers.push(result === 'OK');
  }
  assert.equal(answers.filter((each) => each).length, 64);
});

test('a partition cannot be called __proto__', () => {
  const inline = '{"db_url":"list:./x","name":"__proto__"}';
  assert.throws(
    () => readSettings({ partitions: [JSON.parse(inline)] }, { cwd: tmpdir() }),
    /cannot have the name "__proto__"/,
  );
  const text = '__proto__: db_url=list:./x';
  assert.throws(() => readSettings({ modparam: { partition: text } }, { cwd: tmpdir() }), /cannot have the name/);
});

test('lists and metrics have the fields that exporters read', async (t) => {
  const { post } = await start(t, { mi: { jsonrpc: { http_root: 'RPC' } } });
  const keys = async (method: string) => Object.keys((await post('RPC', method, [])).result as object);
  assert.equal((await keys('tm.stats')).length, 15);
  assert.equal((await keys('sl.stats')).length, 19);
  assert.deepEqual(await keys('core.shmmem'), ['total', 'free', 'used', 'real_used', 'max_used', 'fragments']);
  assert.equal((await keys('core.tcp_info')).length, 6);
  // A list with one element remains a list.
  assert.ok(Array.isArray((await post('RPC', 'core.psx', [])).result));
});
