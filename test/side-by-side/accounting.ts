import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lane } from '../support/side-by-side.js';
import { selectSqlite } from '../support/sqlite-file.js';
import { answered, givenUp } from '../support/two-proxies.js';
import { GATEWAYS, type OperatorFile } from './operator-file.js';
import { sqliteTables, writeList } from './tables.js';
import { talked } from './talks.js';

const ACC = 'method TEXT, from_tag TEXT, to_tag TEXT, callid TEXT, sip_code TEXT, sip_reason TEXT, time TEXT';
const EXTRA =
  'src_user TEXT, src_domain TEXT, src_ip TEXT, dst_ouser TEXT, dst_user TEXT, dst_domain TEXT, leg_from TEXT, leg_to TEXT';

/** Rows of a table as texts, in the order of their Call-IDs. */
function rows(lane: Lane, query: string): string[] {
  return selectSqlite(join(lane.folder, 'kamailio.sqlite'), query).map((row) => JSON.stringify(Object.values(row)));
}

/** Waits until the rows of all calls have been written and no more are added. */
async function written(lane: Lane): Promise<void> {
  const all = () => [
    ...rows(
      lane,
      `SELECT 'acc', callid, method, from_tag, to_tag <> '', sip_code, sip_reason, src_user, src_domain, src_ip, dst_ouser, dst_user, dst_domain, leg_from, leg_to
        FROM acc ORDER BY callid, sip_code, method, leg_from`,
    ),
    ...rows(
      lane,
      `SELECT 'missed', callid, method, sip_code, sip_reason, src_user, dst_ouser, dst_user FROM missed_calls ORDER BY callid, sip_code, method`,
    ),
    ...rows(
      lane,
      `SELECT 'cdr', caller, callee, target, length(started) > 0, took < 3 FROM cdrs ORDER BY caller, callee, target`,
    ),
  ];
  let before = -1;
  for (let now = all(); now.length !== before; now = all()) {
    before = now.length;
    await sleep(500);
  }
  for (const row of all()) lane.note('rows-of-the-tables', row);
}

export const ACCOUNTING: OperatorFile = {
  file: 'accounting-5.6.cfg',
  inOrder: true,
  gateways: GATEWAYS,
  prepare(folder, lane) {
    sqliteTables(folder, lane, [
      `CREATE TABLE acc (id INTEGER PRIMARY KEY, ${ACC}, ${EXTRA})`,
      `CREATE TABLE missed_calls (id INTEGER PRIMARY KEY, ${ACC}, ${EXTRA})`,
      'CREATE TABLE cdrs (id INTEGER PRIMARY KEY, started TEXT, ended TEXT, took REAL, caller TEXT, callee TEXT, target TEXT)',
      'CREATE TABLE subscribers (name TEXT, calls INTEGER, blocked TEXT)',
      `INSERT INTO subscribers VALUES ('alice', 5, '0900'), ('single', 1, NULL), ('o''neil', 2, '')`,
      'CREATE TABLE legs (id INTEGER PRIMARY KEY, name TEXT, leg_from TEXT, leg_to TEXT)',
      `INSERT INTO legs (name, leg_from, leg_to) VALUES ('legs', 'one', 'two'), ('legs', 'two', 'three')`,
    ]);
    writeList(folder, lane, 'dispatcher.list', [
      '1 sip:127.0.0.1:GW1_PORT 0 10 name=first',
      '1 sip:127.0.0.1:GW2_PORT 0 5 name=second',
    ]);
  },
  calls: {
    'an answered call': ['bob', talked()],
    'a caller who is not in the table': ['bob', (call) => call.invite({ from: '<sip:stranger@a.example>' })],
    'a blocked number': ['0900123', (call) => call.invite()],
    'the first call of one with one': ['bob', (call) => call.invite({ from: '<sip:single@a.example>' })],
    'the second call of one with one': ['bob', (call) => call.invite({ from: '<sip:single@a.example>' })],
    'a name with an apostrophe': ['bob', (call) => call.invite({ from: "<sip:o'neil@a.example>" })],
    'two legs': [
      'bob',
      async (call) => {
        const from = '<sip:legs@a.example>';
        const answer = await call.invite({ from });
        call.send('ACK', { from, ...call.within(answer, 1) });
        await call.ask('BYE', { from, ...call.within(answer, 2) });
      },
    ],
    'the first fails': ['over', (call) => answered(call)],
    'both fail': ['failnone', (call) => call.invite()],
    'not found': ['faillost', (call) => call.invite()],
    busy: ['busy', (call) => call.invite()],
    'busy, of those that are counted as failed': ['failbusy', (call) => call.invite()],
    'given up': ['ring', givenUp],
    'a message that is billed': ['bob', (call) => call.ask('MESSAGE', { from: '<sip:billed@a.example>', body: 'x' })],
    'a message that is not': ['bob', (call) => call.ask('MESSAGE', { body: 'x' })],
    'how many calls there are': ['bob', (call) => call.ask('OPTIONS')],
    'a registration': ['bob', (call) => call.ask('REGISTER')],
    'a BYE of nobody': ['bob', (call) => call.ask('BYE', { to: ';tag=none' })],
    'rows of the tables': [
      'bob',
      async (call, lane) => {
        await call.ask('OPTIONS', { branch: 'rows' });
        await written(lane);
      },
    ],
  },
};
