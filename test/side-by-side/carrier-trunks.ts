import { answered } from '../support/two-proxies.js';
import { GATEWAYS, type OperatorFile } from './operator-file.js';
import { ADDRESS, DIALPLAN, hashTable, sqliteTables, TRUSTED, writeList } from './tables.js';
import { talked } from './talks.js';

const customer = (name: string) => `X-Customer: ${name}\r\n`;
const entries = (table: string, values: Readonly<Record<string, string>>): string =>
  `INSERT INTO ${table} (key_name, key_value) VALUES ${Object.entries(values)
    .map(([key, value]) => `('${key}', '${value}')`)
    .join(', ')}`;

export const CARRIER_TRUNKS: OperatorFile = {
  file: 'carrier-trunks-5.6.cfg',
  inOrder: true,
  gateways: GATEWAYS,
  prepare(folder, lane) {
    sqliteTables(folder, lane, [
      ADDRESS,
      "INSERT INTO address (grp, ip_addr, mask, port, tag) VALUES (7, '127.0.0.1', 32, 0, 'acme')",
      TRUSTED,
      "INSERT INTO trusted (src_ip, proto, from_pattern, tag, priority) VALUES ('127.0.0.1', 'any', '^sip:trusted', 't', 0)",
      hashTable('customers'),
      entries('customers', { acme: 'open;-1;', capped: 'open;1;', tech: 'open;-1;77', closed: 'closed;5;' }),
      hashTable('carriers'),
      entries('carriers', { '49': '1', '4930': '1,2', '44': '2', '33': '2,9' }),
      hashTable('rates'),
      entries('rates', { '49': '2', '4930': '1', '44': '12', '882': '90' }),
      DIALPLAN,
      `INSERT INTO dialplan (dpid, pr, match_op, match_exp, match_len, subst_exp, repl_exp, attrs) VALUES
        (1, 1, 1, '^00[1-9]', 0, '^00(.+)$', '\\1', 'abroad'), (1, 2, 1, '^0[1-9]', 0, '^0(.+)$', '49\\1', 'free1'),
        (1, 3, 0, '49900', 0, '', '', 'blocked'), (1, 4, 1, '^49[0-9a-z]+$', 0, '^(.+)$', '\\1', 'home'),
        (2, 1, 1, '^(alice|trusted)$', 0, '^(.+)$', 'person', '')`,
      'CREATE TABLE pl_pipes (id INTEGER PRIMARY KEY, pipeid TEXT, algorithm TEXT, plimit INTEGER)',
      "INSERT INTO pl_pipes (pipeid, algorithm, plimit) VALUES ('unused', 'TAILDROP', 10)",
    ]);
    writeList(folder, lane, 'dispatcher.list', [
      '1 sip:127.0.0.1:GW1_PORT 0 10 carrier=c1;pfx=99',
      '1 sip:127.0.0.1:GW2_PORT 0 5 carrier=c2',
      '2 sip:127.0.0.1:GW2_PORT 0 0 carrier=c3;pfx=00',
    ]);
  },
  calls: {
    'a call of a customer': ['4930123', talked()],
    'with a plus': ['+4917123', (call) => answered(call)],
    'a national number': ['030123', (call) => answered(call)],
    'a number of another country': ['0044123', (call) => answered(call)],
    'a carrier that is not there, the second': ['0033140', (call) => call.invite()],
    'no carrier': ['0099123', (call) => call.invite()],
    'too expensive': ['00882123', (call) => call.invite()],
    'too expensive, of one who is trusted': ['00882123', (call) => call.invite({ from: '<sip:trusted@a.example>' })],
    'a number that is blocked': ['49900', (call) => call.invite()],
    'too short': ['12', (call) => call.invite()],
    letters: ['bob', (call) => call.invite()],
    'a technical prefix': ['774930123', (call) => call.invite({ more: customer('tech') })],
    'without the technical prefix': ['4930123', (call) => call.invite({ more: customer('tech') })],
    'a contract that is closed': ['4930123', (call) => call.invite({ more: customer('closed') })],
    'no contract': ['4930123', (call) => call.invite({ more: customer('nobody') })],
    'one call of a capped customer': ['4930123', (call) => call.invite({ more: customer('capped') })],
    'a registration': ['bob', (call) => call.ask('REGISTER')],
    'a BYE of nobody': ['bob', (call) => call.ask('BYE', { to: ';tag=none' })],
    'a preloaded route': ['bob', (call) => call.ask('MESSAGE', { more: 'Route: <sip:192.0.2.1;lr>\r\n' })],
  },
};
