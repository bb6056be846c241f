import type { Answer } from '../support/side-by-side.js';
import { answered, givenUp } from '../support/two-proxies.js';
import { ANSWERED, type OperatorFile } from './operator-file.js';
import { DIALPLAN, hashTable, sqliteTables, TRUSTED, writeList } from './tables.js';
import { talked } from './talks.js';

/** The address table with the column types that the original requires. */
const ADDRESS =
  'CREATE TABLE address (id INTEGER PRIMARY KEY, grp INTEGER, ip_addr VARCHAR(50), mask INTEGER, port INTEGER, tag VARCHAR(64))';
const prefixes = (name: string, rows: readonly string[]): string[] => [
  `CREATE TABLE ${name} (tprefix VARCHAR(32), tvalue VARCHAR(128))`,
  `INSERT INTO ${name} VALUES ${rows.join(', ')}`,
];

/** Replies of the first gateway by the end of the number. */
const BY_END: readonly (readonly [end: string, replies: readonly Answer[]])[] = [
  ['503', [[503, 'Service Unavailable']]],
  ['403', [[403, 'No Credit']]],
  ['486', [[486, 'Busy Here']]],
  ['604', [[604, 'Does Not Exist']]],
  ['603', [[603, 'Decline']]],
  ['302', [[302, 'Moved Temporarily']]],
  ['999', [[180, 'Ringing']]],
];

/** A wholesale switch: customers by tech prefix, carriers by the longest prefix of the number. */
export const CLASS4_SWITCH: OperatorFile = {
  file: 'class4-switch-5.6.cfg',
  gateways: {
    gw1(method, user) {
      if (method !== 'INVITE') return [[202, 'Accepted']];
      return BY_END.find(([end]) => user.endsWith(end))?.[1] ?? ANSWERED;
    },
    gw2: (_method, user) =>
      user.endsWith('55503') ? [[500, 'Broken']] : user.endsWith('999') ? [[180, 'Ringing']] : ANSWERED,
  },
  inOrder: true,
  prepare(folder, lane) {
    writeList(folder, lane, 'dispatcher.list', [
      '11 sip:127.0.0.1:GW1_PORT 0 10 prefix=00;pai=1',
      '12 sip:127.0.0.1:GW2_PORT 0 10',
      '13 sip:127.0.0.1:GW1_PORT 0 10 prefix=',
      '13 sip:127.0.0.1:GW2_PORT 0 5 pai=1',
    ]);
    sqliteTables(folder, lane, [
      "INSERT INTO version VALUES ('mtree', 1), ('mtrees', 2)",
      ADDRESS,
      "INSERT INTO address (grp, ip_addr, mask, port, tag) VALUES (1, '127.0.0.1', 32, 0, 'loop')",
      TRUSTED,
      DIALPLAN,
      `INSERT INTO dialplan (dpid, pr, match_op, match_exp, match_len, subst_exp, repl_exp, attrs) VALUES ${[
        "(1, 1, 1, '^\\+[1-9]', 0, '^\\+(.*)$', '\\1', '')",
        "(1, 2, 1, '^00[1-9]', 0, '^00(.*)$', '\\1', '')",
        "(1, 3, 1, '^0[1-9]', 0, '^0(.*)$', '49\\1', '')",
        "(1, 4, 1, '^[1-9]', 0, '^(.*)$', '\\1', '')",
        "(11, 1, 1, '^49', 0, '^49(.*)$', '0\\1', '')",
        "(13, 1, 0, '4930000', 0, '', '112', '')",
      ].join(', ')}`,
      hashTable('customers'),
      `INSERT INTO customers (key_name, key_value) VALUES ${[
        "('7001', 'big;10;50;3600;0')",
        "('7002', 'small;1;50;600;90')",
        "('7003', 'slow;10;1;600;0')",
      ].join(', ')}`,
      ...prefixes('lcr_routes', ["('49', '11,12')", "('4930', '13,11')", "('44', '12')", "('1', '99,13,11')"]),
      ...prefixes('lcr_rates', ["('49', '20')", "('4930', '15')", "('44', '100')"]),
    ]);
  },
  calls: {
    'a ping': ['', (call) => call.ask('OPTIONS', { uri: 'sip:c4.sw.example' })],
    'to Germany': ['700149891234', talked()],
    'to Berlin': ['7001+49301234', talked()],
    'with zeros': ['70010049891234', (call) => answered(call)],
    'a national number': ['7001089123456', (call) => answered(call)],
    'a number of its own': ['70014930000', (call) => call.invite()],
    'an unknown prefix': ['6001491234', (call) => call.invite()],
    'no such route': ['700181234567', (call) => call.invite()],
    'not a number': ['7001abc', (call) => call.invite()],
    'too short': ['7001491', (call) => call.invite()],
    'without a rate': ['700112125551', (call) => answered(call)],
    'too expensive': ['70024412345', (call) => call.invite()],
    'one channel': [
      '700249301234',
      async (call, lane) => {
        const answer = await call.invite();
        call.send('ACK', call.within(answer, 1));
        await lane.call('one-channel-more', '700249301234').invite();
        await call.ask('BYE', call.within(answer, 2));
      },
    ],
    'the channel again': ['700249301234', (call) => answered(call)],
    'a number as the caller': ['7001491234567', (call) => answered(call, 'X-Internal: 1\r\nP-Foo: 2\r\n')],
    anonymous: ['7001491234567', (call) => call.invite({ from: '"A" <sip:anonymous@a.example>' })],
    'a caller with a number': ['7001491234567', (call) => call.invite({ from: '<sip:4930777@a.example>' })],
    'a gateway fails': ['70014930123503', (call) => call.invite()],
    'a carrier fails': ['70014989123503', (call) => call.invite()],
    'no credit': ['70014989123403', (call) => call.invite()],
    'all fail': ['700149301255503', (call) => call.invite()],
    busy: ['70014930123486', (call) => call.invite()],
    'does not exist': ['70014930123604', (call) => call.invite()],
    declined: ['70014930123603', (call) => call.invite()],
    moved: ['70014930123302', (call) => call.invite()],
    'given up': ['70014930123999', givenUp],
    'a REGISTER': ['7001', (call) => call.ask('REGISTER')],
    'a MESSAGE': ['7001', (call) => call.ask('MESSAGE', { body: 'x' })],
    'an INFO of nobody': ['7001', (call) => call.ask('INFO', { to: ';tag=none' })],
    'no hops left': ['700149891234', (call) => call.ask('INVITE', { hops: 0 })],
  },
};
