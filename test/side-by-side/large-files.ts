import { answered, type Calls } from '../support/two-proxies.js';
import type { OperatorFile } from './operator-file.js';
import { DIALPLAN, DISPATCHER, hashTable, sqliteTables, TRUSTED, writeList } from './tables.js';
import { talked } from './talks.js';
import { THREE_GATEWAYS, usualCalls } from './vendor-lists.js';

const sized = (text: string) => text.replaceAll('TEXT', 'VARCHAR(128)');
/** A table of acc with the columns of db_extra. */
const written = (name: string) =>
  `CREATE TABLE ${name} (id INTEGER PRIMARY KEY, method VARCHAR(16), from_tag VARCHAR(64), to_tag VARCHAR(64), callid VARCHAR(255),
    sip_code VARCHAR(3), sip_reason VARCHAR(128), time DATETIME, cust VARCHAR(64), vend VARCHAR(64), rate VARCHAR(64), dnis VARCHAR(64), ani VARCHAR(64))`;

/** A class 4 carrier: a prefix names the customer, a rate deck the vendors; topoh, dialogs and records. */
export const WHOLESALE_DECK: OperatorFile = {
  file: 'wholesale-deck-5.6.cfg',
  gateways: THREE_GATEWAYS,
  inOrder: true,
  // Each program has its own hidden text and its own ids of dialogs.
  alike: (text) =>
    text
      .replace(/line=zz[\w.*-]+/g, 'line=zz*')
      .replace(/10\.1\.1\.10;zz[\w.*=-]+/g, '10.1.1.10;zz*')
      .replace(/;dd=[\w.*-]+/g, ';dd=*')
      .replace(/;vsf=[\w.*+/=-]+/g, ';vsf=*'),
  prepare(folder, lane) {
    sqliteTables(folder, lane, [
      'CREATE TABLE address (id INTEGER PRIMARY KEY, grp INTEGER, ip_addr VARCHAR(50), mask INTEGER, port INTEGER, tag VARCHAR(64))',
      "INSERT INTO address (grp, ip_addr, mask, port, tag) VALUES (3, '127.0.0.1', 32, 0, 'acme')",
      sized(TRUSTED),
      sized(DISPATCHER),
      sized(DIALPLAN),
      `INSERT INTO dispatcher (setid, destination, flags, priority, attrs) VALUES (10, 'sip:127.0.0.1:GW1_PORT', 0, 10, 'pfx=77;cli=pai'),
        (20, 'sip:127.0.0.1:GW2_PORT', 0, 5, 'strip=2;cli=from'), (20, 'sip:127.0.0.1:GW3_PORT', 0, 2, 'cli=div'),
        (90, 'sip:127.0.0.1:GW3_PORT', 0, 0, 'cli=rpid')`,
      `INSERT INTO dialplan (dpid, pr, match_op, match_exp, match_len, subst_exp, repl_exp, attrs) VALUES
        (4, 1, 1, '^00[1-9]', 0, '^00(.*)$', '+\\1', 'int'), (4, 2, 1, '^0[1-9]', 0, '^0(.*)$', '+49\\1', 'nat')`,
      sized(hashTable('vendors')),
      "INSERT INTO vendors (key_name, key_value) VALUES ('10::name', 'one'), ('20::name', 'two'), ('90::name', 'last')",
      'CREATE TABLE customers (tech VARCHAR(10), name VARCHAR(20), maxch INTEGER, maxcps INTEGER, cli VARCHAR(20), active INTEGER)',
      "INSERT INTO customers VALUES ('123', 'beta', 3, 5, '0049305555', 1), ('124', 'gone', 3, 5, NULL, 0), ('125', 'small', 0, 5, NULL, 1)",
      'CREATE TABLE deck (id INTEGER PRIMARY KEY, tprefix VARCHAR(32), tvalue VARCHAR(128))',
      `INSERT INTO deck (tprefix, tvalue) VALUES ('49', '10:0.03,20:0.02,90:0.01'), ('4930', '90:3,20:2,10:1'), ('44', '30:9'), ('1', '90:5'),
        ('331', '30:1,10:2')`,
      "INSERT INTO version VALUES ('deck', 1), ('mtrees', 2), ('vendors', 2), ('cdrs', 2)",
      written('acc'),
      written('missed_calls'),
      `CREATE TABLE cdrs (id INTEGER PRIMARY KEY, st DATETIME, en DATETIME, dur FLOAT, ci VARCHAR(64), cust VARCHAR(64), vend VARCHAR(64),
        rate VARCHAR(64))`,
    ]);
  },
  calls: {
    ...usualCalls((end) => `4930${end}`),
    'requests of both sides': ['49891010', talked()],
    'a customer by prefix': ['123#49891201', (call) => answered(call)],
    'a customer who has not paid': ['124#4930123', (call) => call.invite()],
    'a customer without channels': ['125#4930123', (call) => call.invite()],
    'an unknown prefix': ['999#4930123', (call) => call.invite()],
    'a quote in the prefix': ["1'2#4930123", (call) => call.invite()],
    'a blocked prefix': ['499012345', (call) => call.invite()],
    'a blocked number': ['33123456', (call) => call.invite()],
    'a vendor without gateways': ['4412345', (call) => call.invite()],
    'no rate': ['8112345', (call) => call.invite()],
    'a caller with 00': ['49301203', (call) => call.invite({ from: '<sip:0049301@a.example>' })],
  },
};

const of = (side: string, number: string): Calls[string] => [
  number,
  async (call) => {
    const answer = await call.invite({ more: `X-Side: ${side}\r\n` });
    if (answer[8] === '2') call.send('ACK', call.within(answer, 1));
  },
];

/** Teams, trunks that want credentials, and a PBX, with a media proxy between them. */
export const TEAMS_TRUNKS_PBX: OperatorFile = {
  file: 'teams-trunks-pbx-5.6.cfg',
  gateways: {
    ...THREE_GATEWAYS,
    gw1: (method, user, request = '') =>
      method === 'INVITE' && user.endsWith('401') && !/^Authorization:/m.test(request)
        ? [[401, 'Unauthorized', 'WWW-Authenticate: Digest realm="gw.example", nonce="abc", algorithm=MD5\r\n']]
        : THREE_GATEWAYS.gw1(method, user),
  },
  inOrder: true,
  filled: [['":5063"', '":GW3_PORT"']],
  alike: (text) =>
    text.replace(/cnonce=\\?"[^"\\]*\\?"|response=\\?"[^"\\]*\\?"/g, '*').replace(/;(vsf|vst)=[\w.*+/=-]+/g, ';$1=*'),
  prepare(folder, lane) {
    writeList(folder, lane, 'dispatcher.list', [
      '1 sip:127.0.0.1:GW1_PORT 0 10',
      '1 sip:127.0.0.1:GW2_PORT;transport=udp 0 5 a=b',
      '2 sip:127.0.0.1:GW1_PORT 0 9 auth=trunkuser;realm=gw.example',
      '2 sip:127.0.0.1:GW2_PORT 0 3',
      '2 sip:127.0.0.1:GW3_PORT 0 1 duid=c',
      '3 sip:127.0.0.1:GW1_PORT',
      '3 sip:127.0.0.1:GW3_PORT',
    ]);
    writeList(folder, lane, 'groups.txt', ['[0]', '^\\+4930', '^\\+44', '[1]', '^8..$', '^1[0-9]{3}$']);
  },
  calls: {
    ...usualCalls((end) => `0171${end}`),
    'Teams calls a trunk': of('teams', '+49171'),
    'Teams calls a short number': of('teams', '812'),
    'the trunk asks Teams for credentials': of('teams', '+491710401'),
    'the PBX calls Teams': of('pbx', '812'),
    'the PBX calls the emergency number': of('pbx', '112'),
    'all trunks fail': of('pbx', '+4917177503'),
    'a trunk calls Teams': ['0301111', (call) => answered(call)],
    'a trunk calls Teams, which does not know the number': ['03077404', (call) => call.invite()],
    'a REFER outside': [
      '0171',
      (call) => call.ask('REFER', { more: 'Refer-To: "A" <sip:9@x.example?Replaces=a>\r\n' }),
    ],
    'requests of both sides': ['0171222', talked()],
  },
};
