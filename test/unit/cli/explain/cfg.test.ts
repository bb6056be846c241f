import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { explainCfg } from '../../../../src/cli/explain/cfg.js';
import { executeSqlite, selectSqlite } from '../../../support/sqlite-file.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-explain-cfg-'));
after(() => rmSync(folder, { recursive: true }));

const HEAD = `#!KAMAILIO
listen=udp:127.0.0.1:5060
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "xlog.so"
loadmodule "dispatcher.so"
modparam("dispatcher", "list_file", "${join(folder, 'dispatcher.list')}")
`;

const INVITE = `INVITE sip:bob@sw.example SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1
Max-Forwards: 70
From: <sip:alice@caller.example>;tag=ft
To: <sip:bob@sw.example>
Call-ID: a@caller.example
CSeq: 1 INVITE
Content-Length: 0

`;

async function run(main: string, json = false, more = '') {
  const cfg = join(folder, 'kamailio.cfg');
  writeFileSync(join(folder, 'dispatcher.list'), '1 sip:127.0.0.1:5071\n');
  writeFileSync(cfg, `${HEAD}${more}request_route {\n${main}\n}\nroute[RELAY] {\n  t_relay();\n}\n`);
  let out = '';
  const io = { out: (text: string) => void (out += text), err: () => undefined, stdin: Readable.from([]) };
  const status = await explainCfg({ cfg, json }, INVITE, io);
  return { status, out };
}

test('each statement is shown with its values, and the request as it would be sent', async () => {
  const { status, out } = await run(
    'if ($rU == "alice") exit;\n$var(x) = 1;\nxlog("L_INFO", "to $rU");\nds_select_dst("1", "4");\nroute(RELAY);',
  );
  assert.equal(status, 0);
  assert.match(out, /kamailio\.cfg:9 {2}if \(\$rU == "alice"\) exit;\n {4}no: \$rU = bob\n/);
  assert.match(out, /kamailio\.cfg:10 {2}\$var\(x\) = 1;\n {4}assigns: \$var\(x\) = 1\n/);
  assert.match(out, /kamailio\.cfg:13 {2}route\(RELAY\);\n {4}enters\n/);
  assert.match(out, /kamailio\.cfg:16 {4}t_relay\(\);\n {4}returns 1\n/);
  assert.match(out, /sends to 127\.0\.0\.1:5071: INVITE sip:bob@sw\.example SIP\/2\.0\n/);
});

test('a request that is refused gives status 1; JSON has the steps', async () => {
  const { status, out } = await run('sl_send_reply("404", "None");', true);
  assert.equal(status, 1);
  const { steps, sent } = JSON.parse(out);
  assert.deepEqual(
    steps.map(({ line, result }: { line: number; result: string }) => [line, result]),
    [[9, 'returns 1']],
  );
  assert.equal(sent[0].line, 'SIP/2.0 404 None');
});

test('the tables of the modules are read: addresses, domains, gateways', async () => {
  const database = join(folder, 'tables.db');
  executeSqlite(
    database,
    `CREATE TABLE address (id INTEGER PRIMARY KEY, grp INT, ip TEXT, mask INT, port INT, proto TEXT, pattern TEXT, context_info TEXT);
     INSERT INTO address (grp, ip, mask, port, proto) VALUES (1, '127.0.0.1', 32, 0, 'any');
     CREATE TABLE dr_gateways (id INTEGER PRIMARY KEY, gwid TEXT, type INT, address TEXT, strip INT, pri_prefix TEXT);
     INSERT INTO dr_gateways (gwid, type, address, strip, pri_prefix) VALUES ('g', 1, 'sip:127.0.0.1:5071', 0, '9');
     CREATE TABLE dr_carriers (id INTEGER PRIMARY KEY, carrierid TEXT, gwlist TEXT, flags INT);
     CREATE TABLE dr_rules (ruleid INTEGER PRIMARY KEY, groupid TEXT, prefix TEXT, priority INT, gwlist TEXT);
     INSERT INTO dr_rules (groupid, prefix, priority, gwlist) VALUES ('0', '', 0, 'g');
     CREATE TABLE dr_groups (id INTEGER PRIMARY KEY, username TEXT, domain TEXT, groupid INT);`,
  );
  const cfg = join(folder, 'opensips.cfg');
  writeFileSync(
    cfg,
    `#!OPENSIPS
socket=udp:127.0.0.1:5060
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "permissions.so"
loadmodule "drouting.so"
modparam("permissions", "db_url", "sqlite://${database}")
modparam("drouting", "db_url", "sqlite://${database}")
route {
  if (!check_source_address(1)) { sl_send_reply(403, "Forbidden"); exit; }
  do_routing(0);
  t_relay();
}
`,
  );
  let out = '';
  const io = { out: (text: string) => void (out += text), err: () => undefined, stdin: Readable.from([]) };
  assert.equal(await explainCfg({ cfg }, INVITE, io), 0);
  assert.match(out, /sends to 127\.0\.0\.1:5071: INVITE sip:9bob@127\.0\.0\.1:5071 SIP\/2\.0\n/);
});

test('startup routes have run before, databases are read only, and neither is shown', async () => {
  const db = join(folder, 'explain.sqlite');
  executeSqlite(
    db,
    "CREATE TABLE tenants (name TEXT); INSERT INTO tenants VALUES ('acme'); CREATE TABLE seen (name TEXT);",
  );
  const cfg = join(folder, 'opensips.cfg');
  writeFileSync(
    cfg,
    `#!OPENSIPS
socket=udp:127.0.0.1:5060
loadmodule "proto_udp.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "db_sqlite.so"
loadmodule "sqlops.so"
loadmodule "cachedb_local.so"
modparam("sqlops", "db_url", "sqlite://${db}")
startup_route {
  sql_query("select name from tenants", "$avp(name)");
  cache_store("local", "tenant", "$avp(name)");
  sql_query("insert into seen values ('startup')");
  xlog("started\\n");
}
route {
  cache_fetch("local", "tenant", $var(tenant));
  sql_query("insert into seen values ('request')");
  sl_send_reply(404, "$var(tenant)");
}
`,
  );
  let out = '';
  const io = { out: (text: string) => void (out += text), err: () => undefined, stdin: Readable.from([]) };
  await explainCfg({ cfg }, INVITE, io);
  assert.match(out, /sends to 127\.0\.0\.1:5070: SIP\/2\.0 404 acme\n/);
  assert.doesNotMatch(out, /started|startup/);
  assert.match(out, /insert into seen values \('request'\)"\);\n {4}returns -1/);
  assert.deepEqual(selectSqlite(db, 'SELECT * FROM seen'), []);
});

test('no password is shown: of a URL, of a URI, nor that for the digest of uac_auth()', async () => {
  const head = 'loadmodule "pv.so"\nloadmodule "uac.so"\nloadmodule "http_client.so"\n';
  const params = ['username', 'password', 'realm'].map(
    (each) => `modparam("uac", "auth_${each}_avp", "$avp(a${each[0]})")`,
  );
  for (const json of [false, true]) {
    const { out } = await run(
      [
        '$avp(ap) = "hunter2";',
        "$avp(ap)='hunter2'; $var(y) = 1;",
        '$du = "sip:u:hunter2@127.0.0.1:5072";',
        '$ru = "sip:bob:hunter2@sw.example";',
        'http_client_query("http://u:hunter2@127.0.0.1:1/", "$var(r)");',
        'xlog("L_INFO", "$du");',
        't_relay();',
      ].join('\n'),
      json,
      `${head}${params.join('\n')}\n`,
    );
    assert.match(out, /127\.0\.0\.1:5072/);
    assert.doesNotMatch(out, /hunter2/);
  }
});
