import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { announceOverload } from '../../src/engine/kamailio/overload.js';
import type { Partition } from '../../src/engine/partition.js';
import { writeTable } from '../support/daemon-process.js';
import { type KamailioDaemon, runTool, startKamailioDaemon } from '../support/kamailio-daemon.js';
import { requireTool } from '../support/servers.js';

const LIST = [
  '1 sip:127.0.0.1:7001 0 10 duid=gw1;weight=60',
  '1 sip:127.0.0.1:7002 0 10 duid=gw2;weight=40',
  '2 sip:127.0.0.1:7004 8',
];

type Ending = { after(run: () => Promise<void>): void };

async function daemonFor(t: Ending, options: Partial<Parameters<typeof startKamailioDaemon>[0]> = {}) {
  const daemon = await startKamailioDaemon({ list: LIST, ...options });
  t.after(() => daemon.stop());
  return daemon;
}

/** URI and state letters of each destination that kamcmd lists, in order. */
async function listed(kamcmd: string, daemon: KamailioDaemon): Promise<string[]> {
  const text = await runTool(kamcmd, ['-s', daemon.ctl, 'dispatcher.list', 'short']);
  return [...text.matchAll(/URI: (\S+)\n\t*FLAGS: (..)/g)].map(([, uri, flags]) => `${uri} ${flags}`);
}

describe('kamcmd', () => {
  test('kamcmd works over every kind of socket', async (t) => {
    const kamcmd = requireTool(t, 'kamcmd');
    if (kamcmd === undefined) return;
    const daemon = await daemonFor(t);
    const { ctl, ctlDatagram, port } = daemon;
    const sockets = [`unixs:${ctl}`, `unix:${ctl}`, ctl, `unixd:${ctlDatagram}`, `tcp:127.0.0.1:${port}`];
    for (const socket of [...sockets, `udp:127.0.0.1:${port}`, `127.0.0.1:${port}`]) {
      const text = await runTool(kamcmd, ['-D', daemon.folder, '-s', socket, 'dispatcher.list']);
      assert.match(text, /^\{\n\tNRSETS: 2\n.*\tDUID: gw1\n.*SOCKET: <null string>\n.*\}\n$/s, socket);
    }
  });

  test('commands about the core and the system are answered', async (t) => {
    const kamcmd = requireTool(t, 'kamcmd');
    if (kamcmd === undefined) return;
    const { ctl, daemon } = await daemonFor(t);
    const ask = (...args: string[]) => runTool(kamcmd, ['-s', ctl, ...args]);
    assert.match(await ask('core.uptime'), /^\{\n\tnow: \w{3} .*\n\tup_since: .*\n\tuptime: \d+\n\}\n$/);
    assert.match(
      await ask('-f', '%v %v\n', 'core.ps'),
      new RegExp(`^${process.pid} switchyard\n${process.pid} SIP receiver udp:`),
    );
    assert.match(await ask('core.psx'), new RegExp(`PID: ${process.pid}\n`));
    assert.equal(await ask('core.echo', 'a', '5', 'b c'), 'a\n5\nb c\n');
    assert.equal(
      await ask('system.methodHelp', 'core.psx'),
      'Returns the detailed description of running processes.\n',
    );
    assert.match(await ask('core.sockets_list'), new RegExp(`port: ${daemon.sockets.all[0]?.port}\n`));
    assert.match(await ask('stats.fetchn', 'dispatcher:active_destinations'), /dispatcher\.active_destinations: 3\n/);
    assert.match(await ask('stats.get_statistics', 'dispatcher:'), /^dispatcher:active_destinations = 3$/m);
  });

  test('answers that exporters ask for have the members of 5.6 in its order, all of them integers', async (t) => {
    const kamcmd = requireTool(t, 'kamcmd');
    if (kamcmd === undefined) return;
    const { ctl } = await daemonFor(t);
    const members = {
      'tm.stats':
        'current waiting total total_local rpl_received rpl_generated rpl_sent 6xx 5xx 4xx 3xx 2xx created freed delayed_free',
      'sl.stats': '200 202 2xx 300 301 302 3xx 400 401 403 404 407 408 483 4xx 500 5xx 6xx xxx',
      'core.shmmem': 'total free used real_used max_used fragments',
      'core.tcp_info':
        'readers max_connections max_tls_connections opened_connections opened_tls_connections write_queued_bytes',
    };
    for (const [command, names] of Object.entries(members)) {
      const lines = (await runTool(kamcmd, ['-s', ctl, command])).split('\n').slice(1, -2);
      assert.equal(lines.map((line) => line.trim().split(':')[0]).join(' '), names, command);
      for (const line of lines) assert.match(line, /: [0-9]+$/, command);
    }
  });

  test('a state that is set decides about calls; a reload takes it back', async (t) => {
    const kamcmd = requireTool(t, 'kamcmd');
    if (kamcmd === undefined) return;
    const gw = await daemonFor(t);
    const ask = (...args: string[]) => runTool(kamcmd, ['-s', gw.ctl, ...args]);
    await ask('dispatcher.set_state', 'dx', '1', 'sip:127.0.0.1:7001');
    const health = gw.daemon.engine.partition('gw')?.find(1, 'sip:127.0.0.1:7001')?.health;
    assert.equal(health?.state, 'inactive');
    assert.deepEqual(await listed(kamcmd, gw), [
      'sip:127.0.0.1:7004 AP',
      'sip:127.0.0.1:7002 AX',
      'sip:127.0.0.1:7001 DX',
    ]);
    await writeFile(gw.list, `${[...LIST, '1 sip:127.0.0.1:7009'].join('\n')}\n`);
    assert.equal(await ask('dispatcher.reload'), 'Ok. Dispatcher successfully reloaded.\n');
    assert.deepEqual(await listed(kamcmd, gw), [
      'sip:127.0.0.1:7004 AP',
      'sip:127.0.0.1:7002 AX',
      'sip:127.0.0.1:7001 AX',
      'sip:127.0.0.1:7009 AX',
    ]);
  });

  test('changes of the list in memory keep its order; one that cannot be made is refused with the reason', async (t) => {
    const kamcmd = requireTool(t, 'kamcmd');
    if (kamcmd === undefined) return;
    const gw = await daemonFor(t);
    const ask = (...args: string[]) => runTool(kamcmd, ['-s', gw.ctl, ...args]);
    const before = await listed(kamcmd, gw);
    assert.match(await ask('dispatcher.add', '1', '::::'), /^error: 500 - Adding Destination Failed: .+\n$/);
    assert.equal(
      await ask('dispatcher.add', '3', '127.0.0.1:7010', '8', '3', 'duid=x'),
      'Ok. Dispatcher destination added.\n',
    );
    assert.match(await ask('dispatcher.add', '3', 'sip:127.0.0.1:7010'), /it is there already/);
    assert.ok((await listed(kamcmd, gw)).includes('sip:127.0.0.1:7010 AP'));
    await ask('dispatcher.remove', '3', 'sip:127.0.0.1:7010');
    assert.deepEqual(await listed(kamcmd, gw), before);
  });

  test('probing is switched off and on', async (t) => {
    const kamcmd = requireTool(t, 'kamcmd');
    if (kamcmd === undefined) return;
    const { ctl, daemon } = await daemonFor(t);
    const probing = async (): Promise<unknown> => {
      const answer = (await daemon.mi.execute('ds_ping_active')) as { PingState: number };
      return answer.PingState;
    };
    await runTool(kamcmd, ['-s', ctl, 'dispatcher.ping_active', '0']);
    assert.equal(await probing(), 0);
    await runTool(kamcmd, ['-s', ctl, 'dispatcher.ping_active', '1']);
    assert.equal(await probing(), 1);
  });

  test('latency statistics are listed where they are kept', async (t) => {
    const kamcmd = requireTool(t, 'kamcmd');
    if (kamcmd === undefined) return;
    const { ctl } = await daemonFor(t, {
      list: ['1 sip:127.0.0.1:7001 0 0 latency=25'],
      modparam: { ds_ping_latency_stats: 1 },
    });
    const text = await runTool(kamcmd, ['-s', ctl, 'dispatcher.list', 'short']);
    assert.match(text, /LATENCY: \{\n\t*AVG: 25\S*\n\t*STD: 0\n\t*EST: 25\S*\n\t*MAX: 25\n\t*TIMEOUT: 0\n/);
  });

  test('without a name a command is about the first partition of flavour kamailio; others are named', async (t) => {
    const kamcmd = requireTool(t, 'kamcmd');
    if (kamcmd === undefined) return;
    const other = { name: 'other', db_url: 'text:./none' };
    const gw = await daemonFor(t, { partitions: [other] });
    const ask = (...args: string[]) => runTool(kamcmd, ['-s', gw.ctl, ...args]);
    assert.equal((await listed(kamcmd, gw)).length, 3);
    assert.equal(await ask('dispatcher.list', 'short', 'other'), 'error: 500 - No Destination Sets\n');
    assert.equal(await ask('dispatcher.list', 'short', 'nobody'), 'error: 500 - Unknown Partition nobody\n');
    assert.equal(
      await ask('dispatcher.set_state', 'ip', 'gw:2', 'sip:127.0.0.1:7004'),
      'Ok. Dispatcher state updated.\n',
    );
    assert.ok((await listed(kamcmd, gw)).includes('sip:127.0.0.1:7004 IP'));
  });
});

test('states of a partition of flavour opensips are shown and set with the nearest letters', async (t) => {
  const kamcmd = requireTool(t, 'kamcmd');
  if (kamcmd === undefined) return;
  const folder = await mkdtemp(join(tmpdir(), 'sw-'));
  const table = join(folder, 'db');
  t.after(() => rm(folder, { recursive: true }));
  await writeTable(table, [[1, 'sip:127.0.0.1:7101']]);
  const gw = await daemonFor(t, { partitions: [{ name: 'other', db_url: `text://${table}` }] });
  const ask = (...args: string[]) => runTool(kamcmd, ['-s', gw.ctl, ...args]);
  const letters = async () => /FLAGS: (..)/.exec(await ask('dispatcher.list', 'short', 'other'))?.[1];
  assert.equal(await letters(), 'AX');
  for (const [state, shown] of [
    ['ix', 'IX'],
    ['ip', 'IP'],
    ['ap', 'AX'],
    ['dx', 'IX'],
    ['ax', 'AX'],
  ] as const) {
    await ask('dispatcher.set_state', state, 'other:1', 'sip:127.0.0.1:7101');
    assert.equal(await letters(), shown, state);
  }
  const { health } = gw.daemon.engine.partition('other')?.find(1, 'sip:127.0.0.1:7101') ?? {};
  assert.equal(health?.state, 'active');
});

test('overload control is listed with its bounds', async (t) => {
  const kamcmd = requireTool(t, 'kamcmd');
  if (kamcmd === undefined) return;
  const { ctl, daemon } = await daemonFor(t, {
    list: ['1 sip:127.0.0.1:7001 0 0 ocmin=5;ocmax=80;ocrate=30', '2 sip:127.0.0.1:7002'],
  });
  const ask = (set: string) => runTool(kamcmd, ['-s', ctl, 'dispatcher.oclist', set]);
  assert.equal(
    await ask('1'),
    '{\n\tgroup: 1\n\turi: sip:127.0.0.1:7001\n\tflags: 0\n\tpriority: 0\n\tocrate: 30\n\tocidx: 0\n\tocseq: 0\n' +
      '\toctime_sec: 0\n\toctime_usec: 0\n\tocmin: 5\n\tocmax: 80\n}\n',
  );
  assert.equal(await ask('9'), 'error: 404 - Destination Group Not Found\n');
  const answer = (await daemon.callRpc('dispatcher.oclist', [1])) as { result: { uri: string }[] };
  assert.deepEqual(
    answer.result.map(({ uri }) => uri),
    ['sip:127.0.0.1:7001'],
  );
  const partition = daemon.engine.partition('gw') as Partition;
  announceOverload(partition, 1, 'sip:127.0.0.1:7001', { rate: 90, time: 60_000, seq: 7 });
  const text = await ask('1');
  assert.match(text, /ocrate: 80\n\tocidx: 0\n\tocseq: 7\n/);
  const seconds = Number(/octime_sec: (\d+)/.exec(text)?.[1]);
  assert.ok(Math.abs(seconds - Date.now() / 1000 - 60) < 30, text);
});

describe('kamctl', () => {
  test('rpc, dispatcher, uptime and stats are answered over the FIFO', async (t) => {
    const kamctl = requireTool(t, 'kamctl');
    if (kamctl === undefined) return;
    const gw = await daemonFor(t);
    const ask = (...args: string[]) => runTool(kamctl, args, { RPCFIFOPATH: gw.fifo, HOME: gw.folder });
    const json = async (...args: string[]): Promise<Record<string, unknown>> =>
      JSON.parse((await ask(...args)).replace(/^\s*\[?\w*\]?.*?(?=\{)/s, '')) as Record<string, unknown>;
    const set = await json('rpc', 'dispatcher.set_state', 'ip', '1', 'sip:127.0.0.1:7001');
    assert.equal(set['result'], 'Ok. Dispatcher state updated.');
    const dump = (await json('dispatcher', 'dump'))['result'] as { NRSETS: number };
    assert.equal(dump.NRSETS, 2);
    assert.equal((await json('dispatcher', 'reload'))['result'], 'Ok. Dispatcher successfully reloaded.');
    assert.ok('uptime' in ((await json('uptime'))['result'] as object));
    assert.ok(
      ((await json('stats'))['result'] as string[]).some((line) => /^dispatcher:active_destinations = 3$/.test(line)),
    );
    assert.ok(((await json('srv', 'rpclist'))['result'] as string[]).includes('dispatcher.list'));
    assert.match(String((await json('srv', 'version'))['result']), /^switchyard [0-9.]+ \(\w+\/linux\) $/);
    assert.equal(gw.refused('jsonrpc-fifo', 'malformed'), 0);
  });

  test('simultaneous commands each get their own answer', async (t) => {
    const kamctl = requireTool(t, 'kamctl');
    if (kamctl === undefined) return;
    const gw = await daemonFor(t);
    const texts = await Promise.all(
      ['one', 'two', 'three'].map((word) =>
        runTool(kamctl, ['rpc', 'core.echo', word], { RPCFIFOPATH: gw.fifo, HOME: gw.folder }),
      ),
    );
    for (const [i, word] of ['one', 'two', 'three'].entries()) assert.ok(texts[i]?.includes(`"${word}"`), texts[i]);
  });
});

test("Kamailio's JSON-RPC is answered over HTTP", async (t) => {
  const { httpPort } = await daemonFor(t);
  const post = (body: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${httpPort}/RPC`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
  const answer = await post(
    '{"jsonrpc":"2.0","method":"dispatcher.set_state","params":["ix","1","sip:127.0.0.1:7001"],"id":9}',
  );
  // A set in quotes, as kamcli sends all its parameters.
  assert.deepEqual(await answer.json(), { jsonrpc: '2.0', result: 'Ok. Dispatcher state updated.', id: 9 });
  const bad = await post('not json');
  assert.equal(bad.status, 400);
  assert.equal(((await bad.json()) as { error: { code: number } }).error.code, -32700);
  assert.equal((await post(`{"a":"${'x'.repeat(70_000)}"}`)).status, 413);
  assert.equal((await fetch(`http://127.0.0.1:${httpPort}/RPC`)).status, 405);
});

test('the control sockets are removed when the daemon stops', async (t) => {
  const kamcmd = requireTool(t, 'kamcmd');
  if (kamcmd === undefined) return;
  const gw = await startKamailioDaemon({ list: LIST });
  await gw.daemon.stop();
  assert.deepEqual([gw.ctl, gw.ctlDatagram, gw.fifo, gw.socket].filter(existsSync), []);
  await assert.rejects(runTool(kamcmd, ['-s', join(gw.folder, 'ctl'), 'core.version']), /ended with 255/);
  await gw.stop();
});
