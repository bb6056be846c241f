import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startCfgDaemon } from '../../support/cfg-daemon.js';
import { freePort } from '../../support/ports.js';
import { INVITE } from '../../support/script-run.js';
import { executeSqlite } from '../../support/sqlite-file.js';
import { until } from '../../support/until.js';

const closing: (() => unknown)[] = [];
after(async () => {
  for (const close of closing.reverse()) await close();
});

/** A cfg file with rows of a dispatcher table, a UDP socket and a TCP socket. */
async function served(rows: (tcp: number) => string, route: string) {
  const tcp = await freePort('127.0.0.1');
  const daemon = await startCfgDaemon({
    text: `socket=LISTEN
socket=tcp:127.0.0.1:${tcp}
loadmodule "proto_udp.so"
loadmodule "proto_tcp.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "signaling.so"
loadmodule "sipmsgops.so"
loadmodule "db_sqlite.so"
loadmodule "dispatcher.so"
modparam("dispatcher", "db_url", "sqlite://FOLDER/db.sqlite")
${route}`,
    prepare: (folder) =>
      executeSqlite(
        join(folder, 'db.sqlite'),
        `CREATE TABLE version (table_name TEXT, table_version INTEGER);
         INSERT INTO version VALUES ('dispatcher', 9);
         CREATE TABLE dispatcher (id INTEGER PRIMARY KEY, setid INTEGER, destination TEXT, socket TEXT, state INTEGER DEFAULT 0,
           probe_mode INTEGER DEFAULT 0, weight TEXT DEFAULT '1', priority INTEGER DEFAULT 0, attrs TEXT DEFAULT '', description TEXT DEFAULT '');
         ${rows(tcp)}`,
      ),
  });
  closing.push(() => daemon.stop());
  const caller = createSocket('udp4');
  closing.push(() => caller.close());
  const send = (text: string): void => {
    caller.send(Buffer.from(text, 'latin1'), daemon.port, '127.0.0.1');
  };
  return { daemon, send };
}

test('a destination that names a TCP socket is sent to over TCP, whatever its URI says', async () => {
  const port = await freePort('127.0.0.1');
  let got = '';
  const gateway = createServer((connection) => {
    connection.on('error', () => undefined);
    connection.on('data', (data) => {
      got += data.toString('latin1');
    });
    closing.push(() => connection.destroy());
  });
  await new Promise<void>((resolve) => gateway.listen(port, '127.0.0.1', resolve));
  closing.push(() => gateway.close());
  const { send } = await served(
    (tcp) =>
      `INSERT INTO dispatcher (setid, destination, socket) VALUES (1, 'sip:127.0.0.1:${port}', 'tcp:127.0.0.1:${tcp}');`,
    'route { ds_select_dst(1, 8, "f"); t_relay(); }',
  );
  send(INVITE);
  await until('the request over TCP', () => got.includes('\r\n\r\n'));
  assert.match(got, /^INVITE sip:bob@sw\.example SIP\/2\.0\r\nVia: SIP\/2\.0\/TCP /);
});

test('attributes that a script attaches to a destination are read by later requests', async () => {
  const { daemon, send } = await served(
    () => `INSERT INTO dispatcher (setid, destination) VALUES (1, 'sip:127.0.0.1:5999'), (2, 'sip:127.0.0.1:5999');`,
    `route {
      ds_get_script_attrs("sip:127.0.0.1:5999", 1, , $var(a)); xlog("$rc [$var(a)]\\n");
      ds_push_script_attrs("slow $rU", "127.0.0.1", 5999, 1); xlog("$rc\\n");
      ds_push_script_attrs("other", "127.0.0.1", 1234, -1); ds_push_script_attrs("nobody", "192.0.2.1", 0, 1); xlog("$rc\\n");
      ds_get_script_attrs("sip:127.0.0.1:5999", 1, , $var(a)); xlog("$rc [$var(a)]\\n");
      ds_get_script_attrs("sip:127.0.0.1:5999", 2, , $var(b)); xlog("$rc [$var(b)]\\n");
      send_reply(480, "x");
    }`,
  );
  send(INVITE);
  await until('five lines', () => daemon.script.length >= 5);
  send(INVITE.replace('z9hG4bK1', 'z9hG4bK2'));
  await until('ten lines', () => daemon.script.length >= 10);
  assert.deepEqual(daemon.script.slice(0, 6), ['1 []', '1', '1', '1 [slow bob]', '1 []', '1 [slow bob]']);
});
