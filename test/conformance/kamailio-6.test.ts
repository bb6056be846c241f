import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KamailioDaemon, type KamailioDaemonOptions, startKamailioDaemon } from '../support/kamailio-daemon.js';

/** Listings of the same list file, recorded from Kamailio 6.2.0-dev1 and 5.6.3. */

async function daemonFor(
  t: { after(run: () => Promise<void>): void },
  options: KamailioDaemonOptions,
): Promise<KamailioDaemon> {
  const daemon = await startKamailioDaemon(options);
  t.after(() => daemon.stop());
  return daemon;
}

/** The targets of the first set. */
async function listed({ daemon }: KamailioDaemon, ...params: string[]): Promise<Record<string, unknown>[]> {
  const { result } = (await daemon.callRpc('dispatcher.list', params)) as {
    result: { RECORDS: { SET: { TARGETS: { DEST: Record<string, unknown> }[] } }[] };
  };
  return result.RECORDS[0]?.SET.TARGETS.map((each) => each.DEST) ?? [];
}

const ROW = '3 sip:127.0.0.1:7003 0 1 duid=a;maxload=5;weight=50;rweight=20';
const LATENCY = { AVG: 0, STD: 0, EST: 0, MAX: 0, TIMEOUT: 0 };
const modparam = { ds_ping_latency_stats: 1, ds_hash_size: 6 };

test('dispatcher.list answers with latency and call load as 5.6 does', async (t) => {
  const it = await daemonFor(t, { list: [ROW], compat: 'strict', modparam });
  const [shown] = await listed(it);
  assert.equal(
    JSON.stringify(shown),
    JSON.stringify({
      URI: 'sip:127.0.0.1:7003',
      FLAGS: 'AX',
      PRIORITY: 1,
      ATTRS: {
        BODY: 'duid=a;maxload=5;weight=50;rweight=20',
        DUID: 'a',
        MAXLOAD: 5,
        WEIGHT: 50,
        RWEIGHT: 20,
        SOCKET: null,
        SOCKNAME: null,
        OBPROXY: null,
      },
      LATENCY,
      RUNTIME: { DLGLOAD: 0 },
    }),
  );
});

test('dispatcher.list answers as 6 does', async (t) => {
  const it = await daemonFor(t, {
    list: ['3 sip:127.0.0.1:7013 0 2', ROW],
    compat: 'strict',
    modparam,
    partition: { version: '6' },
  });
  const [, shown] = await listed(it);
  const { IUID, ...rest } = shown ?? assert.fail();
  assert.match(String(IUID), new RegExp(`^dspt-[0-9a-f]{8}-${process.pid.toString(16)}-2-3$`));
  assert.equal(
    JSON.stringify(rest),
    JSON.stringify({
      IDX: 1,
      URI: 'sip:127.0.0.1:7003',
      FLAGS: 'AX',
      PRIORITY: 1,
      ATTRS: {
        BODY: 'duid=a;maxload=5;weight=50;rweight=20',
        DUID: 'a',
        PROBING_COUNT: 0,
        MAXLOAD: 5,
        WEIGHT: 50,
        RWEIGHT: 20,
        SOCKET: null,
        SOCKNAME: null,
        PING_SOCKET: null,
        OBPROXY: null,
        OCMIN: 0,
        OCMAX: 100,
      },
      LATENCY,
      RUNTIME: { DLGLOAD: 0 },
    }),
  );
});

test('dispatcher.list with "full" answers as 6 does for a row without attributes', async (t) => {
  const it = await daemonFor(t, { list: ['1 sip:127.0.0.1:7001'], modparam, partition: { version: '6' } });
  const [shown] = await listed(it, 'full');
  const { IUID, ...rest } = shown ?? assert.fail();
  assert.equal(
    JSON.stringify(rest),
    JSON.stringify({
      IDX: 0,
      URI: 'sip:127.0.0.1:7001',
      FLAGS: 'AX',
      PRIORITY: 0,
      HOST: '127.0.0.1',
      IPADDR: '127.0.0.1',
      PORT: 7001,
      PROTOID: 1,
      DNSTIME_SEC: 0,
      DNSTIME_USEC: 0,
      OCRATE: 0,
      OCIDX: 0,
      OCSEQ: 0,
      OCTIME_SEC: 0,
      OCTIME_USEC: 0,
      ATTRS: {
        BODY: null,
        DUID: null,
        PROBING_COUNT: 0,
        MAXLOAD: 0,
        WEIGHT: 0,
        RWEIGHT: 0,
        SOCKET: null,
        SOCKNAME: null,
        PING_SOCKET: null,
        OBPROXY: null,
        OCMIN: 0,
        OCMAX: 100,
      },
      LATENCY,
      RUNTIME: { DLGLOAD: 0 },
    }),
  );
});

test('ds_attrs_none gives rows without attributes the attributes none=yes', async (t) => {
  const it = await daemonFor(t, {
    list: ['1 sip:127.0.0.1:7001'],
    modparam: { ds_attrs_none: 1 },
    partition: { version: '6' },
  });
  const [shown] = await listed(it);
  const { ATTRS } = shown ?? assert.fail();
  assert.equal((ATTRS as Record<string, unknown>)['BODY'], 'none=yes');
});

test('a load continues the identifiers of the load before it', async (t) => {
  const it = await daemonFor(t, {
    list: Array.from({ length: 20 }, (_, i) => `1 sip:127.0.0.1:${7001 + i} 0 0`),
    partition: { version: '6' },
  });
  const counters = async () => (await listed(it)).map((each) => String(each['IUID']).split('-')[3]).reverse();
  const first = await counters();
  assert.deepEqual([first[0], first[9], first[19]], ['1', 'a', '41']);
  await it.daemon.callRpc('dispatcher.reload', []);
  assert.equal((await counters())[0], '51');
});
