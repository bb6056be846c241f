import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type CfgDaemon, startCfgDaemon } from './cfg-daemon.js';
import { freePort } from './ports.js';
import { haveSipp, runSipp, type SippAnswerer, startSippUas } from './sipp.js';
import { executeSqlite } from './sqlite-file.js';
import { until } from './until.js';

export const DIALPLAN = `CREATE TABLE dialplan (id INTEGER PRIMARY KEY, dpid INT, pr INT, match_op INT, match_exp TEXT, match_flags INT,
  subst_exp TEXT, repl_exp TEXT, timerec TEXT, disabled INT DEFAULT 0, attrs TEXT);`;

/** The domain table of OpenSIPS. */
export const DOMAIN = `CREATE TABLE domain (id INTEGER PRIMARY KEY, domain TEXT, attrs TEXT, accept_subdomain INT DEFAULT 0, last_modified TEXT);`;

/** The load_balancer table. */
export const LOAD_BALANCER = `CREATE TABLE load_balancer (id INTEGER PRIMARY KEY, group_id INT, dst_uri TEXT, resources TEXT, probe_mode INT);`;

/** The tables of drouting. */
export const DROUTING = `CREATE TABLE dr_gateways (id INTEGER PRIMARY KEY, gwid TEXT, type INT, address TEXT, strip INT, pri_prefix TEXT, attrs TEXT,
    probe_mode INT, state INT, socket TEXT);
  CREATE TABLE dr_carriers (id INTEGER PRIMARY KEY, carrierid TEXT, gwlist TEXT, flags INT, attrs TEXT);
  CREATE TABLE dr_rules (ruleid INTEGER PRIMARY KEY, groupid TEXT, prefix TEXT, timerec TEXT, priority INT, routeid TEXT, gwlist TEXT, attrs TEXT);
  CREATE TABLE dr_groups (id INTEGER PRIMARY KEY, username TEXT, domain TEXT, groupid INT);`;

const skip = (await haveSipp()) ? false : 'SIPp is not installed';

/** The columns that OpenSIPS's acc module writes, and further ones. */
export const acc = (
  more: string,
) => `CREATE TABLE acc (id INTEGER PRIMARY KEY, method TEXT, from_tag TEXT, to_tag TEXT, callid TEXT, sip_code TEXT,
  sip_reason TEXT, time TEXT, duration INT, ms_duration INT, setuptime INT, created TEXT, ${more});`;

/** A cfg file of an operator, and the calls that are made through it. */
export interface OperatorFile {
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
export const routing = (group: string, more = '') => `
  ${DROUTING}
  INSERT INTO dr_carriers (carrierid, gwlist, flags) VALUES ('all', 'busy,up', 0);
  INSERT INTO dr_rules (groupid, prefix, priority, gwlist) VALUES ('${group}', '49', 0, '#all');
  ${DIALPLAN}
  ${acc('customer TEXT, src_ip TEXT, gateway TEXT, rule_id TEXT')}
  INSERT INTO version VALUES ('dialplan', 5), ('domain', 4);
  ${DOMAIN}
  ${more}`;

/** The usr_preferences table. */
export const PREFERENCES = `CREATE TABLE usr_preferences (id INTEGER PRIMARY KEY, uuid TEXT, username TEXT, domain TEXT, attribute TEXT, type INT DEFAULT 0, value TEXT);`;

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

/** A test for each file: SIPp's calls are answered by a destination, and the script writes what is expected. */
export function sippCalls(files: readonly OperatorFile[]): void {
  for (const { file, way, rows, lines, calls = 2, service, tables: further } of files) {
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
}
