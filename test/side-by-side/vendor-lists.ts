import type { Answer } from '../support/side-by-side.js';
import { answered, type Calls, givenUp } from '../support/two-proxies.js';
import { ANSWERED, type OperatorFile } from './operator-file.js';
import { ADDRESS, DIALPLAN, hashTable, sqliteTables, TRUSTED, writeList } from './tables.js';

/** What a gateway answers by the end of the number: the first one always, the others where the number has 77. */
const BY_END: readonly (readonly [end: string, replies: readonly Answer[]])[] = [
  ['404', [[404, 'Not Found']]],
  ['503', [[503, 'Service Unavailable', 'Retry-After: 5\r\n']]],
  ['500', [[500, 'Broken']]],
  ['486', [[486, 'Busy Here']]],
  ['603', [[603, 'Decline']]],
  ['302', [[302, 'Moved Temporarily']]],
  ['999', [[180, 'Ringing']]],
  ['000', []],
];

const gateway =
  (first: boolean) =>
  (method: string, user: string): readonly Answer[] => {
    if (method !== 'INVITE') return [[202, 'Accepted']];
    const found = BY_END.find(([end]) => user.endsWith(end))?.[1];
    return found !== undefined && (first || user.includes('77')) ? found : ANSWERED;
  };

/** Three gateways: the first answers by the end of the number. */
export const THREE_GATEWAYS = { gw1: gateway(true), gw2: gateway(false), gw3: gateway(false) };

/** A file's usual calls; `to` makes a number that the file accepts. */
export const usualCalls = (to: (end: string) => string): Calls => ({
  answered: [to('1001'), (call) => answered(call)],
  'the first fails': [to('1503'), (call) => answered(call)],
  'all fail': [to('77503'), (call) => call.invite()],
  'an error of the server': [to('1500'), (call) => answered(call)],
  'not found': [to('1404'), (call) => call.invite()],
  busy: [to('1486'), (call) => call.invite()],
  declined: [to('77603'), (call) => call.invite()],
  moved: [to('1302'), (call) => call.invite()],
  silent: [to('1000'), (call) => answered(call)],
  'given up': [to('77999'), givenUp],
  'without a description': [to('1002'), (call) => call.invite({ body: '' })],
  'a private caller': [
    to('1003'),
    (call) => call.invite({ from: '<sip:anonymous@anonymous.invalid>', more: 'Privacy: id\r\n' }),
  ],
  'a number as the caller': [to('1004'), (call) => call.invite({ from: '<sip:+493012345@a.example>' })],
  'a national number': ['0301005', (call) => call.invite()],
  letters: ['bob', (call) => call.invite()],
  'a REGISTER': ['bob', (call) => call.ask('REGISTER')],
  'a MESSAGE': [to('1006'), (call) => call.ask('MESSAGE', { body: 'x' })],
  'an OPTIONS': ['bob', (call) => call.ask('OPTIONS')],
  'an INFO of nobody': ['bob', (call) => call.ask('INFO', { to: ';tag=none' })],
  'no hops left': [to('1007'), (call) => call.ask('INVITE', { hops: 0 })],
});

/** Vendors by the longest prefix, from lists in a hash table; each attempt has its own number and timeout. */
export const VENDOR_LISTS: OperatorFile = {
  file: 'vendor-lists-5.6.cfg',
  gateways: THREE_GATEWAYS,
  inOrder: true,
  prepare(folder, lane) {
    sqliteTables(folder, lane, [
      'CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(20), tech VARCHAR(20), cps INTEGER, plan VARCHAR(20), clir INTEGER, active INTEGER)',
      `INSERT INTO customers (name, tech, cps, plan, clir, active) VALUES ('alfa', '9001', 1000, 'gold', 0, 1), ('beta', '9002', 1, 'base', 1, 1),
        ('gamma', 'none', 1000, 'base', 0, 1), ('delta', '77', 1000, 'gold', 1, 1)`,
      hashTable('pfx'),
      `INSERT INTO pfx (key_name, key_value) VALUES ('gold::49', '1:10,2:20,3:5'), ('gold::4930', '1:10,9:3,3:5,2:2'), ('any::44', '3:1'),
        ('any::49', '1:1,2:2'), ('any::1', '9:1')`,
      'CREATE TABLE vendors (id INTEGER PRIMARY KEY, host VARCHAR(40), port INTEGER, pre VARCHAR(20), strip INTEGER, tmo INTEGER)',
      `INSERT INTO vendors VALUES (1, '127.0.0.1', GW1_PORT, '00', 0, 1500), (2, '127.0.0.1', GW2_PORT, NULL, 2, NULL),
        (3, '127.0.0.1', GW3_PORT, '', 0, 1000)`,
    ]);
  },
  calls: {
    ...usualCalls((end) => `90010049${end}`),
    'a prefix with a number sign': ['77#4930123', (call) => call.invite()],
    'an unknown customer': ['78#49891503', (call) => call.invite()],
    'no route': ['900181123456', (call) => call.invite()],
    'no vendor': ['90011555123456', (call) => call.invite()],
    'the first of a second': ['900244123456', (call) => call.invite()],
    'one too many of a second': ['900244123457', (call) => call.invite()],
    'a longer prefix': ['900100493012345', (call) => call.invite()],
    'a tel URI': ['90010049301234', (call) => call.invite({ uri: 'tel:+4930123456' })],
  },
};

/** Channels by customer in dialog profiles, calls a second in pipes of a table, CDRs, and a media proxy. */
export const CHANNEL_LIMITS: OperatorFile = {
  file: 'channel-limits-5.6.cfg',
  gateways: THREE_GATEWAYS,
  inOrder: true,
  prepare(folder, lane) {
    writeList(folder, lane, 'dispatcher.list', [
      '5 sip:127.0.0.1:GW2_PORT 0 10 plus=1',
      '5 sip:127.0.0.1:GW1_PORT 0 9 plus=0',
      '5 sip:127.0.0.1:GW3_PORT 0 8 third',
    ]);
    const sized = (text: string) => text.replaceAll('TEXT', 'VARCHAR(128)');
    const written = (name: string) =>
      `CREATE TABLE ${name} (id INTEGER PRIMARY KEY, method VARCHAR(16), from_tag VARCHAR(64), to_tag VARCHAR(64), callid VARCHAR(255),
        sip_code VARCHAR(3), sip_reason VARCHAR(128), time DATETIME, src_ip VARCHAR(64), peer VARCHAR(64))`;
    sqliteTables(folder, lane, [
      sized(ADDRESS),
      sized(TRUSTED),
      sized(DIALPLAN),
      "INSERT INTO address (grp, ip_addr, mask, port, tag) VALUES (1, '127.0.0.1', 32, 0, 'acme|12|600')",
      'CREATE TABLE pl_pipes (id INTEGER PRIMARY KEY, pipeid VARCHAR(64), algorithm VARCHAR(32), plimit INTEGER)',
      "INSERT INTO pl_pipes (pipeid, algorithm, plimit) VALUES ('acme', 'TAILDROP', 1000)",
      `INSERT INTO dialplan (dpid, pr, match_op, match_exp, match_len, subst_exp, repl_exp, attrs) VALUES
        (1, 1, 1, '^\\+[1-9][0-9]{5,}$', 0, '^\\+(.*)$', '\\1', 'e164'), (1, 2, 1, '^00[1-9]', 0, '^00(.*)$', '\\1', ''),
        (1, 3, 1, '^0[1-9]', 0, '^0(.*)$', '49\\1', ''), (2, 1, 1, '^\\+?([0-9]{6,})$', 0, '^\\+?([0-9]+)$', '\\1', '')`,
      written('acc'),
      written('missed_calls'),
      'CREATE TABLE acc_cdrs (id INTEGER PRIMARY KEY, start_time DATETIME, end_time DATETIME, duration FLOAT, ci VARCHAR(64), peer VARCHAR(64), gw VARCHAR(64))',
    ]);
  },
  calls: usualCalls((end) => `+4930${end}`),
};
