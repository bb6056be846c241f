import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Daemon } from '../../src/daemon/daemon.js';
import { loadLibc } from '../../src/sip/transport/native/libc.js';
import { startCfgDaemon } from '../support/cfg-daemon.js';
import { startDaemon } from '../support/daemon-fixture.js';
import { type Caller, type CallResult, type Gateway, startCaller, startGateway } from '../support/sip-endpoints.js';
import { until } from '../support/until.js';
import { workerPids } from '../support/workers.js';

const skip = 'libc' in (await loadLibc()) ? false : 'the system calls are not available';

const CFG = `#!KAMAILIO
listen=LISTEN
children=2
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "dispatcher.so"
modparam("dispatcher", "list_file", "FOLDER/dispatcher.list")
modparam("dispatcher", "flags", 2)
modparam("dispatcher", "ds_hash_size", 6)
request_route {
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (is_method("CANCEL")) { ds_load_update(); if (t_check_trans()) t_relay(); exit; }
  if (has_totag()) {
    if (is_method("BYE")) ds_load_update();
    if (loose_route()) { t_relay(); exit; }
    if (is_method("ACK")) { if (t_check_trans()) t_relay(); exit; }
    sl_send_reply("404", "Not here");
    exit;
  }
  t_check_trans();
  record_route();
  if (!ds_select_dst("1", "10")) { sl_send_reply("503", "None"); exit; }
  t_on_reply("LOAD");
  t_on_failure("LOAD");
  t_relay();
}
onreply_route[LOAD] {
  ds_load_update();
}
failure_route[LOAD] {
  ds_load_unset();
}
`;

/** Gateways with their limits, in the order of selection. */
const LIMITS = [5, 3];

for (const kind of ['rules', 'kamailio.cfg'] as const) {
  describe(`call load with two workers, by ${kind}`, { skip }, () => {
    const gateways: Gateway[] = [];
    let caller: Caller;
    let daemon: Daemon;
    let proxy: string;
    let stop: () => Promise<void>;

    before(async () => {
      const host = kind === 'rules' ? 30 : 34;
      for (let i = 1; i <= 2; i++) gateways.push(await startGateway({ host: `127.0.4.${host + i}`, name: `gw${i}` }));
      caller = await startCaller({ host: `127.0.4.${host}` });
      const attrs = (i: number) => `duid=${i};maxload=${LIMITS[i]}`;
      if (kind === 'rules') {
        const fixture = await startDaemon(
          {
            workers: 2,
            worker_spread: 'even',
            modparam: { db_url: 'sqlite:./gateways.db' },
            partitions: [{ name: 'default', flavour: 'kamailio' }],
            routing: [{ match: { $rU: '/./' }, select: { set: 1, alg: 10, flags: 'f' } }],
          },
          {
            default: gateways.map(({ uri }, i) => ({ setid: 1, destination: uri, priority: 9 - i, attrs: attrs(i) })),
          },
        );
        daemon = fixture.daemon;
        proxy = `sip:127.0.0.1:${fixture.sipPort}`;
        stop = () => fixture.stop();
        return;
      }
      const served = await startCfgDaemon({
        text: CFG,
        json: { workers: 2, worker_spread: 'even' },
        prepare: (folder) =>
          writeFileSync(
            join(folder, 'dispatcher.list'),
            gateways.map(({ uri }, i) => `1 ${uri} 0 ${9 - i} ${attrs(i)}\n`).join(''),
          ),
      });
      daemon = served.daemon;
      proxy = served.proxy;
      stop = () => served.stop();
    });

    after(async () => {
      caller?.stop();
      for (const each of gateways) each.kill();
      await stop?.();
    });

    const dial = (user: string, options: object = {}): Promise<CallResult> =>
      caller.placeCall({ ruri: `sip:${user}@acme.example`, proxy, ...options });
    const dialAll = (user: string, count: number, options: object = {}): Promise<readonly CallResult[]> =>
      Promise.all(Array.from({ length: count }, (_, i) => dial(`${user}${i}`, options)));
    const invites = (): readonly number[] => gateways.map((each) => each.count('INVITE'));
    const taken = (before: readonly number[]) => invites().map((count, i) => count - (before[i] ?? 0));
    /** Calls in progress by destination, as the daemon counts them. */
    const loads = () => {
      const partition = daemon.engine.partition('');
      const { destinations = [] } = partition?.snapshot.sets.get(1) ?? {};
      return destinations.map((each) => partition?.flavour.loadOf(each)?.load);
    };
    const metric = (name: string) => daemon.metrics.total(name);

    test('each destination gets as many calls as it may have, over both workers together', async () => {
      const start = invites();
      const asked = metric('switchyard_worker_questions_total');
      const results = await dialAll('held', 20, { holdMs: 2500 });
      assert.deepEqual(taken(start), LIMITS);
      assert.deepEqual(results.map(({ status }) => status).sort(), [...Array(8).fill(200), ...Array(12).fill(503)]);
      await until('no call is counted', () => loads().every((load) => load === 0), { show: loads });
      // Rules count a selection that fails in the main process; scripts continue on their own.
      const asking = metric('switchyard_worker_questions_total') - asked;
      assert.equal(asking, kind === 'rules' ? 12 : 0);
    });

    test('calls that are refused, cancelled or ended free capacity, whichever worker receives the message', async () => {
      for (const each of gateways) each.answer = () => 486;
      const refused = await dialAll('busy', 16);
      assert.deepEqual(
        [...new Set(refused.map(({ status }) => status))].filter((status) => status !== 503),
        [486],
      );
      await until('no call is counted', () => loads().every((load) => load === 0), { show: loads });
      for (const each of gateways) each.answer = () => ({ status: 200, ringMs: 5000 });
      const cancelled = await dialAll('gone', 8, { cancelOn: 180 });
      assert.deepEqual([...new Set(cancelled.map(({ status }) => status))], [487]);
      await until('no call is counted', () => loads().every((load) => load === 0), { show: loads });
      for (const each of gateways) each.answer = () => 200;
      for (let round = 0; round < 3; round++) {
        const start = invites();
        const results = await dialAll(`round${round}x`, 8, { holdMs: 1500 });
        assert.deepEqual([...new Set(results.map((each) => `${each.status} ${each.byeStatus}`))], ['200 200']);
        assert.deepEqual(taken(start), LIMITS);
        await until('no call is counted', () => loads().every((load) => load === 0), { show: loads });
      }
    });

    test('the calls that a worker was setting up count no longer when it dies', async () => {
      for (const each of gateways) each.answer = () => ({ status: 200, ringMs: 60_000 });
      const open = dialAll('ringing', 8, { timeoutMs: 6000 }).catch(() => []);
      await until('all are counted', () => loads().join() === LIMITS.join(), { show: loads });
      const workers = await workerPids((command) => daemon.mi.execute(command));
      assert.equal(workers.length, 2);
      for (const pid of workers) process.kill(pid, 'SIGKILL');
      await until('none is counted', () => loads().every((load) => load === 0), { show: loads });
      for (const each of gateways) each.answer = () => 200;
      await until('there is room', async () => (await dial('after')).status === 200, { milliseconds: 30_000 });
      caller.stop();
      await open;
    });
  });
}
