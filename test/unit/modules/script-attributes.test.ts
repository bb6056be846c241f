import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startCfgDaemon } from '../../support/cfg-daemon.js';
import { INVITE } from '../../support/script-run.js';
import { executeSqlite } from '../../support/sqlite-file.js';

const closing: (() => unknown)[] = [];
after(async () => {
  for (const close of closing.reverse()) await close();
});

const MODULES = 'proto_udp tm sl sipmsgops db_sqlite dispatcher'.split(' ').map((each) => `loadmodule "${each}.so"`);

/** Output of a script for one INVITE, with a set 1 of three equal destinations u1, u2, u3. */
async function written(parameters: string, body: string, more = ''): Promise<readonly string[]> {
  const daemon = await startCfgDaemon({
    text: `socket=LISTEN
${MODULES.join('\n')}
modparam("dispatcher", "db_url", "sqlite://FOLDER/db.sqlite")
${parameters}
route { ${body} xlog("end\\n"); }
${more}`,
    prepare: (folder) =>
      executeSqlite(
        join(folder, 'db.sqlite'),
        `CREATE TABLE version (table_name TEXT, table_version INTEGER);
         INSERT INTO version VALUES ('dispatcher', 9);
         CREATE TABLE dispatcher (id INTEGER PRIMARY KEY, setid INTEGER, destination TEXT, socket TEXT, state INTEGER DEFAULT 0,
           probe_mode INTEGER DEFAULT 0, weight TEXT DEFAULT '1', priority INTEGER DEFAULT 0, attrs TEXT DEFAULT '', description TEXT DEFAULT '');
         INSERT INTO dispatcher (setid, destination, attrs) VALUES
           (1, 'sip:u1@127.0.1.1', 'a1'), (1, 'sip:u2@127.0.1.2', 'a2'), (1, 'sip:u3@127.0.1.3', 'a3');`,
      ),
  });
  closing.push(() => daemon.stop());
  const caller = createSocket('udp4');
  closing.push(() => caller.close());
  caller.send(Buffer.from(INVITE, 'latin1'), daemon.port, '127.0.0.1');
  for (let i = 0; i < 2000 && !daemon.script.includes('end'); i++) await new Promise((done) => setTimeout(done, 5));
  return daemon.script.filter((each) => each !== 'end');
}

test('script_attrs_avp has the attributes of each destination, and an empty string for none', async () => {
  const lines = await written(
    'modparam("dispatcher", "script_attrs_avp", "$avp(sat)")',
    `ds_push_script_attrs("hello", "127.0.1.2", 5060, 1);
     ds_select_dst(1, 8, "f"); xlog("$du [$avp(sat)]\\n");
     ds_next_dst(); xlog("$du [$avp(sat)]\\n");
     ds_next_dst(); xlog("$du [$avp(sat)]\\n");`,
  );
  assert.deepEqual(lines, ['sip:127.0.1.1 []', 'sip:127.0.1.2 [hello]', 'sip:127.0.1.3 []']);
});

test('algorithm 10 asks the route of the file that algo_route names; round robin goes on from the first position', async () => {
  const lines = await written(
    'modparam("dispatcher", "algo_route", "score")',
    ['4', '4', '10', '4', '4'].map((alg) => `ds_select_dst(1, ${alg}); xlog("$du\\n");`).join('\n'),
    `route[score] {
       xlog("asked for $param(dst_uri) $param(attrs) [$param(script_attrs)]\\n");
       if ($param(dst_uri) =~ "u3") return (1);
       return (7);
     }`,
  );
  assert.deepEqual(lines, [
    'sip:127.0.1.1',
    'sip:127.0.1.2',
    'asked for sip:u1@127.0.1.1 a1 []',
    'asked for sip:u2@127.0.1.2 a2 []',
    'asked for sip:u3@127.0.1.3 a3 []',
    'sip:127.0.1.3',
    'sip:127.0.1.1',
    'sip:127.0.1.2',
  ]);
});
