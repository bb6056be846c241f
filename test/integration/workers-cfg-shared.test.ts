import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadLibc } from '../../src/sip/transport/native/libc.js';
import { type CfgDaemon, startCfgDaemon } from '../support/cfg-daemon.js';
import { DatagramPeer } from '../support/datagram-peer.js';
import { executeSqlite } from '../support/sqlite-file.js';
import { until } from '../support/until.js';

const skip = 'libc' in (await loadLibc()) ? false : 'the system calls are not available';

const KAMAILIO = `#!KAMAILIO
listen=LISTEN
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "xlog.so"
loadmodule "htable.so"
loadmodule "pipelimit.so"
loadmodule "pike.so"
loadmodule "cfgutils.so"
loadmodule "dispatcher.so"
modparam("dispatcher", "list_file", "FOLDER/dispatcher.list")
modparam("htable", "db_url", "sqlite:///FOLDER/ht.sqlite")
modparam("htable", "htable", "count=>size=8;initval=0;autoexpire=600;dbtable=ht;")
modparam("cfgutils", "lock_set_size", 4)
modparam("pv", "shvset", "seeded=i:7")
modparam("pv", "shvset", "locked=i:0")
modparam("pipelimit", "timer_interval", 600)
modparam("pike", "sampling_time_unit", 600)
modparam("pike", "reqs_density_per_unit", 8)
request_route {
  append_to_reply("X-Process: $pp\\r\\n");
  switch ($rU) {
    case "count":
      $var(n) = $shtinc(count=>all);
      append_to_reply("X-Result: $var(n)\\r\\n");
      break;
    case "locked":
      lock("sum");
      $shv(locked) = $shv(locked) + 1;
      $var(l) = $shv(locked);
      unlock("sum");
      append_to_reply("X-Result: $var(l)\\r\\n");
      break;
    case "forgotten":
      lock("sum");
      append_to_reply("X-Result: $pp\\r\\n");
      break;
    case "kept":
      append_to_reply("X-Result: $sht(count=>set) $sht(count=>row) $shv(seeded) $shv(text)\\r\\n");
      break;
    case "keep":
      $sht(count=>set) = $hdr(X-Value);
      $shv(text) = $hdr(X-Value);
      break;
    case "limited":
      if (!pl_check("all", "taildrop", "10")) { sl_send_reply("503", "Full"); exit; }
      break;
    case "pike":
      if (!pike_check_req()) { sl_send_reply("403", "Too Many"); exit; }
      break;
  }
  sl_send_reply("200", "OK");
}
`;

const OPENSIPS = `
socket=LISTEN
loadmodule "proto_udp.so"
loadmodule "signaling.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "sipmsgops.so"
loadmodule "cfgutils.so"
loadmodule "cachedb_local.so"
loadmodule "ratelimit.so"
loadmodule "gflags.so"
modparam("cfgutils", "shvset", "locked=i:0")
modparam("ratelimit", "timer_interval", 600)
modparam("ratelimit", "limit_per_interval", 1)
route {
  append_to_reply("X-Process: $pp\\r\\n");
  switch ($rU) {
    case "count":
      cache_add("local", "all", 1, 0, $var(n));
      append_to_reply("X-Result: $var(n)\\r\\n");
      break;
    case "locked":
      get_dynamic_lock("sum");
      $shv(locked) = $shv(locked) + 1;
      $var(l) = $shv(locked);
      release_dynamic_lock("sum");
      append_to_reply("X-Result: $var(l)\\r\\n");
      break;
    case "forgotten":
      get_dynamic_lock("sum");
      append_to_reply("X-Result: $pp\\r\\n");
      break;
    case "keep":
      cache_store("local", "set", "$hdr(X-Value)");
      $shv(text) = $hdr(X-Value);
      set_gflag(3);
      break;
    case "kept":
      cache_fetch("local", "set", $var(v));
      if (is_gflag(3)) $var(f) = "set"; else $var(f) = "unset";
      append_to_reply("X-Result: $var(v) $var(f) $shv(text)\\r\\n");
      break;
    case "limited":
      if (!rl_check("all", 10)) { send_reply(503, "Full"); exit; }
      break;
  }
  send_reply(200, "OK");
}
`;

/** Answers to a number of requests for one user, each with its own Call-ID, so that both workers get some. */
async function ask(daemon: CfgDaemon, user: string, count: number, lines = ''): Promise<readonly string[]> {
  const peer = await DatagramPeer.open('127.0.1.61');
  const own = Math.random().toString(36).slice(2);
  for (let i = 0; i < count; i++) {
    await peer.send(
      `OPTIONS sip:${user}@acme.example SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.1.61:${peer.port};branch=z9hG4bK${own}${i}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: ${own}${i}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 9\r\n${lines}Content-Length: 0\r\n\r\n`,
      daemon.port,
      '127.0.0.1',
    );
  }
  await until(`${count} answers to ${user}`, () => peer.received.length >= count, { show: () => peer.received.length });
  peer.close();
  return peer.received.map(({ text }) => text);
}

const results = (replies: readonly string[]): string[] =>
  replies.map((each) => /^X-Result: (.*)\r$/m.exec(each)?.[1]?.trim() ?? '');

const codes = (replies: readonly string[], code: number): number =>
  replies.filter((each) => each.startsWith(`SIP/2.0 ${code} `)).length;

for (const [dialect, text] of [
  ['kamailio', KAMAILIO],
  ['opensips', OPENSIPS],
] as const) {
  test(`what a script of ${dialect}.cfg keeps for all calls is shared by two workers`, { skip }, async (t) => {
    const daemon = await startCfgDaemon({
      text,
      json: { workers: 2, worker_spread: 'even' },
      prepare: (folder) => {
        writeFileSync(join(folder, 'dispatcher.list'), '1 sip:127.0.0.1:9\n');
        executeSqlite(
          join(folder, 'ht.sqlite'),
          `CREATE TABLE ht (key_name TEXT, key_type INT, value_type INT, key_value TEXT, expires INT);
           INSERT INTO ht VALUES ('row', 0, 0, 'read', 0);`,
        );
      },
    });
    t.after(() => daemon.stop());
    const processes = async (): Promise<ReadonlySet<string>> => {
      const replies = await ask(daemon, 'other', 16);
      return new Set(replies.map((each) => /^X-Process: (\d+)/m.exec(each)?.[1] ?? ''));
    };
    const bothRun = (): Promise<void> =>
      until('both workers run it, and nobody else', async () => {
        const pids = await processes();
        return pids.size === 2 && !pids.has(String(process.pid));
      });
    await bothRun();
    const counted = results(await ask(daemon, 'count', 60));
    assert.deepEqual(
      counted.map(Number).sort((a, b) => a - b),
      Array.from({ length: 60 }, (_, i) => i + 1),
      'each number was given once',
    );
    for (const round of [0, 1]) {
      const locked = results(await ask(daemon, 'locked', 60));
      assert.deepEqual(
        locked.map(Number).sort((a, b) => a - b),
        Array.from({ length: 60 }, (_, i) => 60 * round + i + 1),
        'what stands between lock and unlock is done by one process at a time',
      );
      // A lock that is not released is held until the process has handled its messages.
      assert.equal(new Set(results(await ask(daemon, 'forgotten', 16))).size, 2);
    }
    await ask(daemon, 'keep', 1, 'X-Value: of one worker\r\n');
    const kept = [...new Set(results(await ask(daemon, 'kept', 12)))];
    assert.deepEqual(
      kept,
      dialect === 'kamailio' ? ['of one worker read 7 of one worker'] : ['of one worker set of one worker'],
    );
    if (dialect === 'opensips') {
      await daemon.daemon.mi.execute('cache_store', { system: 'local', attr: 'set', value: 'by command' });
      assert.deepEqual([...new Set(results(await ask(daemon, 'kept', 12)))], ['by command set of one worker']);
    }
    const limited = await ask(daemon, 'limited', 40);
    assert.deepEqual([codes(limited, 200), codes(limited, 503)], [10, 30], 'the limit holds over both');
    if (dialect === 'kamailio') {
      const sent = await ask(daemon, 'pike', 60);
      const passed = codes(sent, 200);
      // A new source may send somewhat more than the limit, until its complete address is in the tree.
      assert.ok(passed >= 8 && passed <= 20, `${passed} of 60 passed`);
      assert.equal(codes(await ask(daemon, 'pike', 10), 403), 10, 'it is blocked in both');
    }
    const [victim = ''] = await processes();
    process.kill(Number(victim), 'SIGKILL');
    await until('it is replaced', async () => !(await processes()).has(victim));
    await bothRun();
    assert.deepEqual(results(await ask(daemon, 'count', 1)), ['61'], 'what was counted outlives a worker');
  });
}
