import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type CfgDaemon, startCfgDaemon, wrote } from '../support/cfg-daemon.js';
import { RawAgent } from '../support/raw-agent.js';
import { executeSqlite } from '../support/sqlite-file.js';

const open: (() => unknown)[] = [];
after(async () => {
  for (const close of open.reverse()) await close();
});

async function agent(): Promise<RawAgent> {
  const made = await RawAgent.open('127.0.0.1');
  open.push(() => made.close());
  return made;
}

interface Row {
  readonly set: number;
  readonly uri: string;
  readonly socket?: string;
}

async function serve(head: string, main: string, rows: readonly Row[], partition = ''): Promise<CfgDaemon> {
  const daemon = await startCfgDaemon({
    text: `${head}
loadmodule "signaling.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "db_sqlite.so"
loadmodule "dispatcher.so"
${partition === '' ? 'modparam("dispatcher", "db_url", "sqlite://FOLDER/db.sqlite")' : partition}
route {
${main}
}
`,
    prepare: (folder) => {
      const own = /udp:127\.0\.0\.1:\d+/.exec(readFileSync(join(folder, 'proxy.cfg'), 'utf8'))?.[0] ?? '';
      executeSqlite(
        join(folder, 'db.sqlite'),
        `CREATE TABLE version (table_name TEXT, table_version INTEGER);
         INSERT INTO version VALUES ('dispatcher', 9);
         CREATE TABLE dispatcher (id INTEGER PRIMARY KEY, setid INTEGER, destination TEXT, socket TEXT, state INTEGER DEFAULT 0,
           probe_mode INTEGER DEFAULT 0, weight TEXT DEFAULT '1', priority INTEGER DEFAULT 0, attrs TEXT DEFAULT '', description TEXT DEFAULT '');
         ${rows.map(({ set, uri, socket = '' }) => `INSERT INTO dispatcher (setid, destination, socket) VALUES (${set}, '${uri}', '${socket.replace('LISTEN', own)}');`).join('\n')}`,
      );
    },
  });
  open.push(() => daemon.stop());
  return daemon;
}

test('a file for OpenSIPS 2.1 has partition, sets and limits of a selection in its strings', async () => {
  const [caller, first, second] = [await agent(), await agent(), await agent()];
  const daemon = await serve(
    'debug=3\nchildren=4\nlisten=LISTEN',
    `if (!ds_select_dst("part4 : 2,3", "0,8", "fuD M 5, fu M 2")) { sl_send_reply("500", "None"); exit; }
     ds_count("part4:2", "a", "$var(n)");
     if (ds_is_in_list("$dd", "$dp", "part4:2")) xlog("listed $var(n)");
     t_relay();`,
    [
      { set: 2, uri: first.uri },
      { set: 3, uri: second.uri },
    ],
    'modparam("dispatcher", "partition", "part4: db_url = sqlite://FOLDER/db.sqlite; table_name = dispatcher")',
  );
  caller.send(caller.request('INVITE', 'sip:bob@example.com', { callId: 'lists@x' }), daemon.port);
  first.answer(await first.next('INVITE'), 200, 'OK');
  await caller.next('200');
  await wrote(daemon, ['listed 1']);
});

test('the socket of a destination decides the transport', async () => {
  const [caller, gateway] = [await agent(), await agent()];
  const daemon = await serve(
    'stderror_enabled=no\nsocket=LISTEN\nloadmodule "proto_udp.so"',
    'if (!ds_select_dst(1, 0)) { send_reply(500, "None"); exit; } xlog("$du"); t_relay();',
    [{ set: 1, uri: `${gateway.uri};transport=tcp`, socket: 'LISTEN' }],
  );
  caller.send(caller.request('INVITE', 'sip:bob@example.com', { callId: 'socket@x' }), daemon.port);
  gateway.answer(await gateway.next('INVITE'), 200, 'OK');
  await caller.next('200');
});
