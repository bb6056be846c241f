import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type CfgDaemon, startCfgDaemon } from '../support/cfg-daemon.js';
import { freePort } from '../support/ports.js';
import { haveSipp, runSipp, type SippAnswerer, startSippUas } from '../support/sipp.js';
import { executeSqlite } from '../support/sqlite-file.js';
import { until } from '../support/until.js';

/** The dialplan table of OpenSIPS with the columns that are used here. */
const DIALPLAN = `CREATE TABLE dialplan (id INTEGER PRIMARY KEY, dpid INT, pr INT, match_op INT, match_exp TEXT, match_flags INT,
  subst_exp TEXT, repl_exp TEXT, timerec TEXT, disabled INT DEFAULT 0, attrs TEXT);`;

const DOMAIN = `CREATE TABLE domain (id INTEGER PRIMARY KEY, domain TEXT, attrs TEXT, accept_subdomain INT DEFAULT 0, last_modified TEXT);`;

const LOAD_BALANCER = `CREATE TABLE load_balancer (id INTEGER PRIMARY KEY, group_id INT, dst_uri TEXT, resources TEXT, probe_mode INT);`;

/** The tables of drouting. */
const DROUTING = `CREATE TABLE dr_gateways (id INTEGER PRIMARY KEY, gwid TEXT, type INT, address TEXT, strip INT, pri_prefix TEXT, attrs TEXT,
    probe_mode INT, state INT, socket TEXT);
  CREATE TABLE dr_carriers (id INTEGER PRIMARY KEY, carrierid TEXT, gwlist TEXT, flags INT, attrs TEXT);
  CREATE TABLE dr_rules (ruleid INTEGER PRIMARY KEY, groupid TEXT, prefix TEXT, timerec TEXT, priority INT, routeid TEXT, gwlist TEXT, attrs TEXT);
  CREATE TABLE dr_groups (id INTEGER PRIMARY KEY, username TEXT, domain TEXT, groupid INT);`;

const skip = (await haveSipp()) ? false : 'SIPp is not installed';

/** The columns that OpenSIPS's acc module writes, and further ones. */
const acc = (
  more: string,
) => `CREATE TABLE acc (id INTEGER PRIMARY KEY, method TEXT, from_tag TEXT, to_tag TEXT, callid TEXT, sip_code TEXT,
  sip_reason TEXT, time TEXT, duration INT, ms_duration INT, setuptime INT, created TEXT, ${more});`;

interface Served {
  readonly file: string;
  /** Which branch of the script the calls take. */
  readonly way?: string;
  /** Set, URI and priority of the destinations; "UP" answers, "BUSY" rejects with 503. */
  readonly rows: readonly (readonly [set: number, which: 'UP' | 'BUSY', priority: number])[];
  /** Expected script output for a call, in order. */
  readonly lines: readonly RegExp[];
  readonly calls?: number;
  /** The dialled number. */
  readonly service?: string;
  /** Further SQL statements; `uris` are those of the destinations, `caller` is the port of the caller. */
  readonly tables?: (uris: readonly string[], caller: number) => readonly string[];
}

/** Tables of drouting with two gateways; the first one rejects calls. */
const routing = (group: string, more = '') => `
  ${DROUTING}
  INSERT INTO dr_carriers (carrierid, gwlist, flags) VALUES ('all', 'busy,up', 0);
  INSERT INTO dr_rules (groupid, prefix, priority, gwlist) VALUES ('${group}', '49', 0, '#all');
  ${DIALPLAN}
  ${acc('customer TEXT, src_ip TEXT, gateway TEXT, rule_id TEXT')}
  INSERT INTO version VALUES ('dialplan', 5), ('domain', 4);
  ${DOMAIN}
  ${more}`;

const PREFERENCES = `CREATE TABLE usr_preferences (id INTEGER PRIMARY KEY, uuid TEXT, username TEXT, domain TEXT, attribute TEXT, type INT DEFAULT 0, value TEXT);`;

const FILES: readonly Served[] = [
  {
    file: 'class4-switch-2.1.cfg',
    way: 'a partner calls the core',
    rows: [
      [1, 'BUSY', 0],
      [1, 'UP', 0],
    ],
    calls: 4,
    service: '004930123',
    lines: [
      /^c4-1 starts$/,
      / acme caller -> \+4930123 by sip:127/,
      / next core sip:127.* after 503$/,
      / answered by 127\.0\.0\.1, acme$/,
      / BYE from downstream after \d+, partner acme$/,
    ],
    tables: () => [
      `INSERT INTO address (grp, ip, mask, port, proto, context_info) VALUES (10, '127.0.0.1', 32, 0, 'any', 'id=acme;cps=50;max=20');
       INSERT INTO version VALUES ('dialplan', 5);
       ${DIALPLAN}
       INSERT INTO dialplan (dpid, pr, match_op, match_exp, match_flags, subst_exp, repl_exp, attrs) VALUES (2, 1, 1, '^00[1-9]', 0, '^00(.*)$', '+\\1', 'ok');
       ${PREFERENCES}
       ${acc('partner TEXT, carrier TEXT, rule TEXT, ani TEXT, dnis TEXT')}
       ${DROUTING}`,
    ],
  },
  {
    file: 'class4-switch-2.1.cfg',
    way: 'the core calls out',
    rows: [
      [9, 'BUSY', 0],
      [9, 'UP', 0],
    ],
    calls: 3,
    service: '030123',
    lines: [
      / normal call \(0\) caller -> 4930123 by busy of all, rule 1 /,
      / busy said 503$/,
      / again call \(2\) caller -> 4930123 by up of all, rule 1 /,
    ],
    tables: ([busy = '', up = ''], caller) => [
      `INSERT INTO dispatcher (setid, destination) VALUES (1, 'sip:127.0.0.1:${caller}');
       INSERT INTO version VALUES ('dialplan', 5);
       ${DIALPLAN}
       ${PREFERENCES}
       ${acc('partner TEXT, carrier TEXT, rule TEXT, ani TEXT, dnis TEXT')}
       ${DROUTING}
       INSERT INTO dr_gateways (gwid, type, address, strip, pri_prefix, attrs) VALUES ('busy', 1, '${busy}', 0, '', 'ring=20'), ('up', 1, '${up}', 0, '', 'pai=yes');
       INSERT INTO dr_carriers (carrierid, gwlist, flags) VALUES ('all', 'busy,up', 0);
       INSERT INTO dr_rules (groupid, prefix, priority, gwlist, attrs) VALUES ('7', '49', 0, '#all', 'r1');`,
    ],
  },
  {
    file: 'media-farm-3.2.cfg',
    rows: [
      [60, 'BUSY', 0],
      [60, 'UP', 0],
    ],
    service: '8123',
    lines: [
      / counted$/,
      / conf on sip:127/,
      / gave 503$/,
      / next server sip:127/,
      / bye of downstream, service conf, \d+ s$/,
    ],
    tables: ([busy = '', up = '']) => [
      `${LOAD_BALANCER}
       INSERT INTO load_balancer (group_id, dst_uri, resources, probe_mode) VALUES (1, '${busy}', 'calls=30;conf=15', 0), (1, '${up}', 'calls=20;conf=5', 0);`,
    ],
  },
  {
    file: 'teams-edge-3.4.cfg',
    way: 'the PBX calls Teams',
    rows: [
      [1, 'BUSY', 10],
      [1, 'UP', 0],
    ],
    service: '030123',
    lines: [/ sip:\+4930123@127\.0\.0\.1.* by sip:127.* over udp$/i],
    tables: () => [
      `INSERT INTO address (grp, ip, mask, port, proto, context_info) VALUES (2, '127.0.0.1', 32, 0, 'any', 'pbx');`,
    ],
  },
  {
    file: 'hidden-sbc-3.6.cfg',
    way: 'a trunk calls the core',
    rows: [
      [1, 'BUSY', 10],
      [1, 'UP', 0],
    ],
    lines: [/^1 numbers blocked$/, / leg 1: sip:.* by sip:127/, / BYE downstream of trunk acme \(5\)$/],
    tables: () => [
      `INSERT INTO address (grp, ip, mask, port, proto, context_info) VALUES (0, '127.0.0.1', 32, 0, 'any', '{"name":"acme","cps":50,"burst":20,"channels":10}');
       CREATE TABLE blocked (number TEXT);
       INSERT INTO blocked VALUES ('0900');
       ${acc('uuid TEXT, trunk_in TEXT, trunk_out TEXT, mos TEXT').replace('TABLE acc', 'TABLE cdrs')}`,
    ],
  },
  {
    file: 'residential-nat-2.3.cfg',
    way: 'the exchange calls itself',
    rows: [
      [1, 'BUSY', 0],
      [1, 'UP', 0],
    ],
    calls: 4,
    service: '4930123',
    lines: [],
    tables: () => [
      `INSERT INTO version VALUES ('domain', 4);
       ${DOMAIN}
       INSERT INTO domain (domain) VALUES ('127.0.0.1');
       CREATE TABLE dbaliases (alias_username TEXT, alias_domain TEXT, username TEXT, domain TEXT);
       CREATE TABLE grp (username TEXT, domain TEXT, grp TEXT);
       ${PREFERENCES}
       ${acc('src_user TEXT, src_dom TEXT')}
       ${DROUTING}`,
    ],
  },
  {
    file: 'trunk-guard-3.1.cfg',
    rows: [
      [1, 'BUSY', 10],
      [1, 'UP', 0],
    ],
    service: '4930123',
    lines: [/ call 1 of acme at 0\.5$/, / 503, next is sip:127/, / \d+ s cost /],
    tables: () => [
      `INSERT INTO address (grp, ip, mask, port, proto, context_info) VALUES (3, '127.0.0.1', 32, 0, 'any', 'acme');
       ${PREFERENCES}
       INSERT INTO usr_preferences (username, attribute, type, value) VALUES ('acme', 'cps', 2, '40');
       CREATE TABLE rates (prefix TEXT, rate TEXT);
       INSERT INTO rates VALUES ('49', '0.5'), ('4', '9');`,
    ],
  },
  {
    file: 'residential-options-3.4.cfg',
    rows: [[9, 'UP', 0]],
    calls: 3,
    lines: [/^new branch at sip:4930123@127\.0\.0\.1:\d+$/, /^incoming reply$/],
    tables: ([up = ''], caller) => [
      routing(
        '0',
        `INSERT INTO dr_gateways (gwid, type, address, strip, pri_prefix) VALUES ('up', 1, '${up}', 0, ''), ('in', 1, 'sip:127.0.0.1:${caller}', 0, '');
         INSERT INTO domain (domain) VALUES ('127.0.0.1');
         CREATE TABLE dbaliases (id INTEGER PRIMARY KEY, alias_username TEXT, alias_domain TEXT, username TEXT, domain TEXT);
         INSERT INTO dialplan (dpid, pr, match_op, match_exp, match_flags, subst_exp, repl_exp, attrs) VALUES (0, 1, 1, '^.*$', 0, '^.*$', '+4930123', '');`,
      ),
    ],
  },
  {
    file: 'trunking-limits-3.5.cfg',
    rows: [
      [9, 'BUSY', 0],
      [9, 'UP', 0],
    ],
    calls: 3,
    service: '004930123',
    lines: [
      /^trunk is up, maintenance is 0$/,
      / rule 1 prefix 49 gateway busy carrier all to sip:4930123@/,
      / rule 1 prefix 49 gateway up carrier all to sip:4930123@/,
      / branch 1 to /,
      / acme hangs up after \d+ s, downstream$/,
    ],
    tables: ([busy = '', up = '']) => [
      routing(
        '1',
        `INSERT INTO dr_gateways (gwid, type, address, strip, pri_prefix) VALUES ('busy', 1, '${busy}', 0, ''), ('up', 1, '${up}', 0, '');
         INSERT INTO address (grp, ip, mask, port, proto, context_info) VALUES (1, '127.0.0.1', 32, 0, 'any', 'acme');
         CREATE TABLE customers (name TEXT, channels INT, cps INT);
         INSERT INTO customers VALUES ('acme', 20, 50);`,
      ),
    ],
  },
  {
    file: 'load-balancer-2.4.cfg',
    rows: [
      [1, 'BUSY', 0],
      [1, 'UP', 0],
    ],
    lines: [/^call .* goes to sip:127\.0\.0\.1:/],
    calls: 4,
  },
  {
    file: 'old-style-1.8.cfg',
    rows: [
      [1, 'UP', 0],
      [1, 'UP', 0],
    ],
    lines: [],
    calls: 2,
  },
  {
    file: 'failover-1.11.cfg',
    rows: [
      [2, 'BUSY', 10],
      [2, 'UP', 0],
    ],
    lines: [/^INVITE .* to 127\.0\.0\.1, attributes \[/],
    calls: 3,
  },
  {
    file: 'statistics-3.4.cfg',
    rows: [
      [1, 'BUSY', 10],
      [1, 'UP', 0],
    ],
    lines: [/^lb1:NOTICE:started at /],
  },
  { file: 'sharing-tags-3.3.cfg', rows: [[1, 'UP', 0]], lines: [] },
  { file: 'mi-http-3.3.cfg', rows: [[1, 'UP', 0]], lines: [/^balancer starts$/] },
  { file: 'unused-modules-3.6.cfg', rows: [[1, 'UP', 0]], lines: [] },
  {
    file: 'guarded-edge-3.5.cfg',
    rows: [
      [1, 'UP', 0],
      [2, 'UP', 0],
    ],
    lines: [/"from": ?"caller"/],
    calls: 6,
  },
  {
    file: 'drouting-2.4.cfg',
    rows: [
      [9, 'BUSY', 0],
      [9, 'UP', 0],
    ],
    lines: [],
    calls: 3,
    tables: ([busy = '', up = '']) => [
      `${DROUTING}
       INSERT INTO dr_gateways (gwid, type, address, strip, pri_prefix) VALUES ('busy', 1, '${busy}', 0, ''), ('up', 1, '${up}', 0, ''),
         ('customer', 2, '127.0.0.1:1', 0, '');`,
      `INSERT INTO dr_carriers (carrierid, gwlist, flags) VALUES ('all', 'busy,up', 0);
       INSERT INTO dr_rules (groupid, prefix, priority, gwlist) VALUES ('0', '', 0, '#all');
       ${acc('customer TEXT, gateway TEXT, rule TEXT')}`,
    ],
  },
  {
    file: 'load-balancer-module-2.1.cfg',
    rows: [
      [9, 'BUSY', 0],
      [9, 'UP', 0],
    ],
    lines: [/^Selected destination is: sip:127\.0\.0\.1:/, /^new destination is: sip:127\.0\.0\.1:/],
    tables: ([busy = '', up = '']) => [
      `${LOAD_BALANCER}
       INSERT INTO load_balancer (group_id, dst_uri, resources, probe_mode) VALUES (1, '${busy}', 'pstn=30', 0), (1, '${up}', 'pstn=20', 0);`,
    ],
  },
  { file: 'cluster-pair-3.4.cfg', rows: [[1, 'UP', 0]], lines: [] },
  { file: 'events-rest-3.1.cfg', rows: [[1, 'UP', 0]], lines: [/^no answer of the routing service/] },
  {
    file: 'trunks-limits-3.1.cfg',
    rows: [
      [1, 'BUSY', 10],
      [1, 'UP', 0],
    ],
    lines: [/^\[.*\] branch 0 to /, /^\[.*\] ended after \d+ s by downstream$/],
    tables: () => [
      `CREATE TABLE dispatcher_in AS SELECT * FROM dispatcher;
       INSERT INTO version VALUES ('dispatcher_in', 9);
       INSERT INTO address (grp, ip, mask, port, proto, context_info) VALUES (2, '127.0.0.1', 32, 0, 'any', 'customer');`,
    ],
  },
  {
    file: 'carrier-edge-2.4.cfg',
    rows: [
      [1, 'BUSY', 10],
      [1, 'UP', 0],
    ],
    lines: [/^edge started$/, /^call of carrier c1$/, /^branch 1 to /],
    tables: () => [
      `INSERT INTO address (grp, ip, mask, port, proto, context_info) VALUES (1, '127.0.0.1', 32, 0, 'any', 'c1');`,
    ],
  },
  {
    file: 'trunk-carriers-3.4.cfg',
    rows: [
      [1, 'BUSY', 10],
      [1, 'UP', 0],
    ],
    lines: [/^in dialog BYE of .* dir=downstream/, /^dialog .* ended$/],
    tables: () => [
      `INSERT INTO version VALUES ('ds_carriers', 9), ('trunk_addresses', 5), ('dialplan', 5);
       CREATE VIEW ds_carriers AS SELECT * FROM dispatcher;
       CREATE TABLE trunk_addresses (id INTEGER PRIMARY KEY, grp INTEGER, ip TEXT, mask INTEGER, port INTEGER, proto TEXT, pattern TEXT, context_info TEXT);
       INSERT INTO trunk_addresses (grp, ip, mask, port, proto, context_info) VALUES (1, '127.0.0.1', 32, 0, 'any', '{"trunk":"t1","cps":50,"channels":20}');
       ${DIALPLAN}`,
    ],
  },
  {
    file: 'trunk-fraud-3.4.cfg',
    rows: [
      [1, 'BUSY', 10],
      [1, 'UP', 0],
    ],
    service: '4930222',
    lines: [/^started at /, /^fraud \S+ total calls 1$/, /^dialog 4 -> 5$/],
    tables: ([busy = '', up = '']) => [
      `${DROUTING}
       INSERT INTO dr_gateways (gwid, type, address, strip, pri_prefix, attrs) VALUES ('busy', 1, '${busy}', 0, '', 'a'), ('up', 1, '${up}', 0, '9', 'b');
       INSERT INTO dr_carriers (carrierid, gwlist, flags) VALUES ('all', 'busy,up', 0);
       INSERT INTO dr_rules (groupid, prefix, priority, gwlist, attrs) VALUES ('1', '49', 0, '#all', 'gold;2');
       ${DIALPLAN}
       INSERT INTO dialplan (dpid, pr, match_op, match_exp, match_flags, subst_exp, repl_exp) VALUES (1, 1, 1, '^[0-9]+$', 0, '^([0-9]+)$', '\\1');
       CREATE TABLE fraud_detection (ruleid INTEGER PRIMARY KEY, profileid INT, prefix TEXT, start_hour TEXT, end_hour TEXT, daysoftheweek TEXT,
         cpm_warning INT, cpm_critical INT, call_duration_warning INT, call_duration_critical INT, total_calls_warning INT, total_calls_critical INT,
         concurrent_calls_warning INT, concurrent_calls_critical INT, sequential_calls_warning INT, sequential_calls_critical INT);
       INSERT INTO fraud_detection VALUES (1, 1, '49', '00:00', '23:59', 'Mon-Sun', 300, 500, 7200, 13200, 1, 2000, 30, 50, 50, 100);
       INSERT INTO version VALUES ('dialplan', 5), ('dr_gateways', 6), ('dr_carriers', 3), ('dr_rules', 4), ('dr_groups', 2), ('fraud_detection', 1);`,
    ],
  },
  {
    file: 'services-3.1.cfg',
    rows: [
      [1, 'BUSY', 0],
      [1, 'UP', 0],
    ],
    calls: 3,
    lines: [/ talks to gold after \d tries$/],
    tables: () => [
      `${PREFERENCES}
       INSERT INTO usr_preferences (username, attribute, value) VALUES ('caller', 'plan', 'gold');
       CREATE TABLE limits (username TEXT, calls INT);
       INSERT INTO limits VALUES ('caller', 50);
       CREATE TABLE dbaliases (alias_username TEXT, alias_domain TEXT, username TEXT, domain TEXT);
       CREATE TABLE grp (username TEXT, domain TEXT, grp TEXT);
       CREATE TABLE speed_dial (username TEXT, domain TEXT, sd_username TEXT, sd_domain TEXT, new_uri TEXT);`,
    ],
  },
  {
    file: 'hosted-pbx-2.4.cfg',
    rows: [
      [1, 'BUSY', 10],
      [1, 'UP', 0],
    ],
    lines: [],
    tables: () => [acc('caller_id TEXT, callee_id TEXT, src_ip TEXT, dst_ip TEXT')],
  },
  {
    file: 'trunk-routing-3.1.cfg',
    rows: [
      [20, 'BUSY', 10],
      [20, 'UP', 0],
    ],
    lines: [/^trunk router starts$/, /: 503 .* of 127\.0\.0\.1$/, /BYE from the downstream side of customer acme /],
    tables: () => [
      `INSERT INTO address (grp, ip, mask, port, proto, context_info) VALUES (1, '127.0.0.1', 32, 0, 'any', 'id=acme;cps=50;max=20;set=20');
       INSERT INTO version VALUES ('dialplan', 5);
       ${DIALPLAN}`,
    ],
  },
  {
    file: 'hidden-border-3.3.cfg',
    rows: [
      [1, 'BUSY', 10],
      [1, 'UP', 0],
    ],
    lines: [/ BYE downstream of customer acme \(/],
    tables: () => [
      `INSERT INTO version VALUES ('dispatcher_core', 9);
       CREATE VIEW dispatcher_core AS SELECT * FROM dispatcher;
       INSERT INTO address (grp, ip, mask, port, proto, pattern, context_info) VALUES (1, '127.0.0.1', 32, 0, 'any', '*',
         '{"id":"acme","limits":{"channels":20},"blocked":["0900"]}');`,
    ],
  },
  {
    file: 'pbx-farm-3.2.cfg',
    rows: [
      [60, 'BUSY', 0],
      [60, 'UP', 0],
    ],
    lines: [/^call of .* goes to sip:127\.0\.0\.1:/, /^again at sip:127\.0\.0\.1:/],
    tables: ([busy = '', up = '']) => [
      `${LOAD_BALANCER}
       INSERT INTO load_balancer (group_id, dst_uri, resources, probe_mode) VALUES (1, '${busy}', 'calls=30;conf=5', 0), (1, '${up}', 'calls=20;conf=5', 0);`,
    ],
  },
  {
    file: 'wholesale-router-2.4.cfg',
    rows: [
      [9, 'BUSY', 0],
      [9, 'UP', 0],
    ],
    calls: 3,
    lines: [
      /^softswitch ready, maintenance is 0$/,
      / is carried to 4930199$/,
      /-> 4930123 by busy /,
      / busy answered 503$/,
      /-> 4930123 by up /,
    ],
    tables: ([busy = '', up = '']) => [
      `INSERT INTO address (grp, ip, mask, port, proto, context_info) VALUES (1, '127.0.0.1', 32, 0, 'any', 'id=c1;cps=50;channels=20;prefix=');
       INSERT INTO version VALUES ('dialplan', 5);
       ${DIALPLAN}
       INSERT INTO dialplan (dpid, pr, match_op, match_exp, match_flags, subst_exp, repl_exp, attrs) VALUES (1, 1, 1, '^.*$', 0, '^.*$', '4930123', 'ok');
       CREATE TABLE lnp (number TEXT, lrn TEXT);
       INSERT INTO lnp VALUES ('4930123', '4930199');
       ${DROUTING}
       INSERT INTO dr_gateways (gwid, type, address, strip, pri_prefix, attrs) VALUES ('busy', 1, '${busy}', 0, '', 'timer=7'), ('up', 1, '${up}', 0, '', '');
       INSERT INTO dr_rules (groupid, prefix, priority, gwlist) VALUES ('0', '49', 0, 'busy=90,up=1');
       ${acc('customer_id TEXT, vendor_id TEXT, ani TEXT, dnis TEXT')}`,
    ],
  },
  {
    file: 'trunk-hybrid-3.1.cfg',
    rows: [
      [2, 'BUSY', 10],
      [2, 'UP', 0],
    ],
    calls: 3,
    lines: [/ call 1 of office west$/, / next trunk sip:127/, / ended by the caller, office west, reason <null>$/],
    tables: () => [
      `INSERT INTO version VALUES ('domain', 4);
       ${DOMAIN}
       INSERT INTO domain (domain, attrs) VALUES ('127.0.0.1', 'office=west;number=4930500');
       CREATE TABLE numbers (number TEXT, office TEXT, host TEXT, port INT, codecs TEXT);`,
    ],
  },
  {
    file: 'media-path-3.4.cfg',
    // Each call draws one: the probability that all eight begin with UP is 1 in 6,000.
    rows: [
      [1, 'BUSY', 10],
      [1, 'BUSY', 10],
      [1, 'UP', 0],
    ],
    calls: 8,
    lines: [/ core again: sip:127\.0\.0\.1:/, / media: <null> bytes, MOS <null>$/],
  },
  {
    file: 'tenant-hub-3.4.cfg',
    rows: [
      [1, 'BUSY', 10],
      [1, 'UP', 0],
    ],
    lines: [
      /^1 tenants$/,
      / preferences of caller: \{"order":"weights","plan":"gold"\}$/,
      /^gateway of caller gave 503: /,
      / BYE in dialog .*, downstream, tenant caller$/,
    ],
    tables: () => [
      `INSERT INTO version VALUES ('ds_red', 9), ('ds_blue', 9);
       CREATE VIEW ds_red AS SELECT * FROM dispatcher;
       CREATE VIEW ds_blue AS SELECT * FROM dispatcher WHERE setid = 77;
       CREATE TABLE tenants (name TEXT, cps INT, channels INT, part TEXT);
       INSERT INTO tenants VALUES ('caller', 50, 20, 'red');
       CREATE TABLE tenant_prefs (username TEXT, attribute TEXT, value TEXT);
       INSERT INTO tenant_prefs VALUES ('caller', 'order', 'weights'), ('caller', 'plan', 'gold');`,
    ],
  },
];

function path(file: string): string {
  return fileURLToPath(new URL(`../fixtures/opensips/${file}`, import.meta.url));
}

/** The file with only its addresses, databases and management ports replaced. */
async function asServed(file: string): Promise<string> {
  const management = await freePort('127.0.0.1');
  const second = await freePort('127.0.0.1');
  const text = readFileSync(path(file), 'utf8')
    .replace(/^port=.*\n/gm, '')
    .replace(/^(listen|socket)\s*=\s*(?:udp:)?127\.0\.0\.1(?::5060)?(.*)$/m, '$1=LISTEN$2')
    .replace(/^socket\s*=\s*udp:127\.0\.0\.1:5080/m, 'socket=SECOND')
    .replace(/^(?:listen|socket)\s*=\s*(?!LISTEN|SECOND).*$/gm, '')
    .replace(/udp:127\.0\.0\.1:5080|SECOND/g, `udp:127.0.0.1:${second}`)
    .replace(/(?:mysql|sqlite|postgres|text):\/\/[^";\s]*/g, 'sqlite://FOLDER/db.sqlite')
    .replace(/^modparam\("(?:tls_mgm|rtpengine)", "(?!rtpengine_tout).*\n/gm, '')
    .replace(/\/(?:tmp|run\/opensips)\/\w*fifo/g, 'FOLDER/fifo')
    .replace(/\/run\/opensips\/\w+\.sock/g, 'FOLDER/mi.sock')
    .replace('"udp:127.0.0.1:5060"', '"LISTEN"')
    .replace(/"port", 8888/, `"port", ${management}`)
    .replace(/udp:127\.0\.0\.1:8080/, `udp:127.0.0.1:${await freePort('127.0.0.1')}`);
  return text;
}

function tables(folder: string, rows: readonly string[]): void {
  executeSqlite(
    join(folder, 'db.sqlite'),
    `CREATE TABLE version (table_name TEXT, table_version INTEGER);
     INSERT INTO version VALUES ('dispatcher', 9), ('address', 5);
     CREATE TABLE dispatcher (id INTEGER PRIMARY KEY, setid INTEGER, destination TEXT, socket TEXT, state INTEGER DEFAULT 0,
       probe_mode INTEGER DEFAULT 0, weight TEXT DEFAULT '1', priority INTEGER DEFAULT 0, attrs TEXT DEFAULT '', description TEXT DEFAULT '');
     CREATE TABLE address (id INTEGER PRIMARY KEY, grp INTEGER, ip TEXT, mask INTEGER, port INTEGER, proto TEXT, pattern TEXT, context_info TEXT);
     ${rows.join('\n')}`,
  );
}

for (const { file, way, rows, lines, calls = 2, service, tables: further } of FILES) {
  test(`SIPp calls through ${file}${way === undefined ? '' : `: ${way}`}`, { skip }, async (t) => {
    const open: (() => unknown)[] = [];
    // At once: idle SIPp processes and daemons of thirty files take the time of those that follow.
    t.after(async () => {
      for (const close of open.reverse()) await close();
    });
    const answerers = new Map<string, SippAnswerer>();
    const inserts: string[] = [];
    const uris: string[] = [];
    for (const [i, [set, which, priority]] of rows.entries()) {
      const answerer = await startSippUas(
        which === 'BUSY'
          ? { scenario: 'uas-reject', values: { status: 503, reason: 'Service Unavailable' } }
          : { scenario: 'uas-answer' },
      );
      uris.push(answerer.uri);
      answerers.set(`${which} ${i}`, answerer);
      open.push(() => answerer.stop());
      inserts.push(
        `INSERT INTO dispatcher (setid, destination, priority) VALUES (${set}, '${answerer.uri}', ${priority});`,
      );
    }
    const caller = await freePort();
    const daemon: CfgDaemon = await startCfgDaemon({
      text: await asServed(file),
      prepare: (folder) => tables(folder, [...(further?.(uris, caller).slice() ?? []), ...inserts]),
    });
    open.push(() => daemon.stop());
    const result = await runSipp({
      scenario: 'uac-call',
      calls,
      rate: 20,
      port: caller,
      target: `127.0.0.1:${daemon.port}`,
      ...(service === undefined ? {} : { service }),
    });
    assert.deepEqual([result.ok, result.failed], [calls, 0], `${result.errors.join('\n')}\n${daemon.log.join('\n')}`);
    let answered = 0;
    for (const [which, each] of answerers) if (which.startsWith('UP')) answered += (await each.stop()).ok;
    assert.equal(answered, calls);
    // Output of a worker comes through the daemon's log.
    for (const line of lines) {
      await until(`${line} in the lines`, () => daemon.script.some((each) => line.test(each)), {
        show: () => daemon.script,
      });
    }
  });
}
