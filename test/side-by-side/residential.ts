import type { Lane, TestCall } from '../support/side-by-side.js';
import { answered, type Calls, givenUp } from '../support/two-proxies.js';
import { GATEWAYS, type OperatorFile } from './operator-file.js';
import { LOCATION, sqliteTables, writeList } from './tables.js';
import { talked } from './talks.js';

const HOME = 'sip:sw.example';
const ALICE = '"Alice" <sip:alice@sw.example>';

const registers =
  (user: string, contact: string, more = ''): Calls[string][1] =>
  (call: TestCall, lane: Lane) =>
    call.ask('REGISTER', { uri: HOME, from: `<sip:${user}@sw.example>`, contact: lane.named(contact), more });
const calls =
  (options: object = {}): Calls[string][1] =>
  (call) =>
    call.invite({ from: ALICE, ...options });
const by = (user: string) => calls({ from: `<sip:${user}@sw.example>` });

/** Subscribers at home: features by star codes, forwarding, contacts one after the other, a mailbox. */
export const RESIDENTIAL: OperatorFile = {
  file: 'residential-5.6.cfg',
  gateways: GATEWAYS,
  inOrder: true,
  prepare(folder, lane) {
    sqliteTables(folder, lane, [
      LOCATION,
      'CREATE TABLE usr_preferences (id INTEGER PRIMARY KEY, uuid VARCHAR(64), username VARCHAR(64), domain VARCHAR(64), attribute VARCHAR(64), type INTEGER DEFAULT 0, value VARCHAR(128))',
      `INSERT INTO usr_preferences (username, domain, attribute, type, value) VALUES ('bob', 'sw.example', 'vm', 0, '1'), ('carl', 'sw.example', 'vm', 0, '1'), ('kim', 'sw.example', 'vm', 0, '1'),
        ('dora', 'sw.example', 'fwd_busy', 0, 'erik'), ('dora', 'sw.example', 'fwd_noans', 0, '+4930777'), ('fred', 'sw.example', 'fwd_all', 0, '+4930888')`,
      'CREATE TABLE dbaliases (id INTEGER PRIMARY KEY, alias_username VARCHAR(64), alias_domain VARCHAR(64), username VARCHAR(64), domain VARCHAR(64))',
      "INSERT INTO dbaliases (alias_username, alias_domain, username, domain) VALUES ('4989100', 'sw.example', 'bob', 'sw.example'), ('robert', 'sw.example', 'bob', 'sw.example')",
      'CREATE TABLE speed_dial (id INTEGER PRIMARY KEY, username VARCHAR(64), domain VARCHAR(64), sd_username VARCHAR(64), sd_domain VARCHAR(64), new_uri VARCHAR(128), fname VARCHAR(64), lname VARCHAR(64), description VARCHAR(64))',
      "INSERT INTO speed_dial (username, domain, sd_username, sd_domain, new_uri, fname, lname, description) VALUES ('alice', 'sw.example', '22', 'sw.example', 'sip:bob@sw.example', '', '', ''), ('alice', 'sw.example', '33', 'sw.example', 'sip:+4930123@sw.example', '', '', '')",
      'CREATE TABLE barred (owner VARCHAR(64), prefix VARCHAR(64))',
      "INSERT INTO barred VALUES ('bob', 'spam'), ('erik', '')",
    ]);
    writeList(folder, lane, 'dispatcher.list', [
      '1 sip:127.0.0.1:GW1_PORT 0 10',
      '1 sip:127.0.0.1:GW2_PORT 0 5',
      '2 sip:127.0.0.1:GW2_PORT',
    ]);
  },
  alike: (text) => text.replace(/;expires=\d+/g, ';expires=*'),
  calls: {
    'nobody is there': ['alice', calls()],
    'a mailbox of one who is away': ['bob', talked({ from: ALICE })],
    'bob registers': ['bob', registers('bob', '<sip:bob@127.0.0.1:GW1_PORT>;q=0.8')],
    'bob registers again': ['bob', registers('bob', '<sip:bob-busy@127.0.0.1:GW1_PORT>;q=0.4;expires=10')],
    'bob registers a third': [
      'bob',
      registers('bob', '<sip:bob@127.0.0.1:GW2_PORT>;q=0.2;methods="INVITE, ACK, BYE, CANCEL"'),
    ],
    'bob asks': ['bob', (call) => call.ask('REGISTER', { uri: HOME, contact: '', more: '' })],
    'alice registers': ['alice', registers('alice', '<sip:alice-ring@127.0.0.1:GW1_PORT>', 'Expires: 90000\r\n')],
    'five contacts': [
      'many',
      registers(
        'many',
        '<sip:1@192.0.2.1>, <sip:2@192.0.2.1>, <sip:3@192.0.2.1>, <sip:4@192.0.2.1>, <sip:5@192.0.2.1>',
      ),
    ],
    'barred from registering': ['barred', registers('barred', '<sip:x@127.0.0.1:GW1_PORT>')],
    'behind NAT': ['nat', registers('nat', '<sip:nat@10.0.0.9:5060>')],
    'to bob, all at once': ['bob', (call) => answered(call)],
    'to bob, one after the other': ['bob', calls({ more: 'X-Serial: 1\r\n' })],
    'to bob, talked': ['bob', talked({ from: ALICE })],
    'by an alias': ['robert', calls()],
    'by a number': ['4989100', calls()],
    'by a short number': ['22', calls()],
    'by a short number of nobody': ['44', calls()],
    'by a short number outside': ['33', calls()],
    'a barred caller': ['bob', by('spammer')],
    'a message to bob': ['bob', (call) => call.ask('MESSAGE', { from: ALICE, body: 'x' })],
    'a number, registered': ['+4930123', talked({ from: ALICE })],
    'a number with 00': ['0044123456', calls()],
    'a number of a stranger': ['+4930123', by('zoe')],
    'a number, the first fails': ['+49301over', calls()],
    'a number that is silent': ['00493012399', calls()],
    'dora has no contact': ['dora', calls()],
    'dora is busy': [
      'dora',
      async (call, lane) => {
        await registers('dora', '<sip:dora-busy@127.0.0.1:GW1_PORT>')(call, lane);
        await call.invite({ from: ALICE, cseq: 5 });
      },
    ],
    'erik registers': ['erik', registers('erik', '<sip:erik@127.0.0.1:GW2_PORT>')],
    'dora is busy, erik answers': ['dora', calls()],
    'erik takes no calls': ['erik', calls()],
    'dora does not answer': [
      'dora',
      async (call, lane) => {
        await registers('dora', '<sip:dora-silent@127.0.0.1:GW1_PORT>', 'X-Only: 1\r\n')(call, lane);
        await call.invite({ from: ALICE, cseq: 5 });
      },
    ],
    'fred forwards all': ['fred', talked({ from: ALICE })],
    'fred forwards no more': ['#21#', by('fred')],
    'fred forwards no more, escaped': ['%2321%23', by('fred')],
    'fred is not there': ['fred', calls()],
    'fred forwards again': ['*21*bob', by('fred')],
    'to fred, who forwards to bob': ['fred', calls()],
    'fred forwards busy': ['*67*0123', by('fred')],
    'an unknown feature': ['*55*1', by('fred')],
    'bob is not to be disturbed': ['*78', by('bob')],
    'to bob, not to be disturbed': ['bob', calls()],
    'bob is reachable': ['*79', by('bob')],
    'who called bob': ['*69', by('bob')],
    'who called nobody': ['*69', by('zoe')],
    'carl is silent': [
      'carl',
      async (call, lane) => {
        await registers('carl', '<sip:carl-silent@127.0.0.1:GW1_PORT>')(call, lane);
        await call.invite({ from: ALICE, cseq: 5 });
      },
    ],
    'carl is lost': [
      'carl',
      async (call, lane) => {
        await registers('carl', '<sip:carl-lost@127.0.0.1:GW1_PORT>', 'X-Only: 1\r\n')(call, lane);
        await call.invite({ from: ALICE, cseq: 5 });
      },
    ],
    'kim is busy, one after the other': [
      'kim',
      async (call, lane) => {
        await registers('kim', '<sip:kim-busy@127.0.0.1:GW1_PORT>;q=0.9, <sip:kim-none@127.0.0.1:GW2_PORT>;q=0.1')(
          call,
          lane,
        );
        await call.invite({ from: ALICE, cseq: 5, more: 'X-Serial: 1\r\n' });
      },
    ],
    'given up at alice': ['alice', givenUp],
    'outbound, registered': ['x', calls({ uri: 'sip:x@127.0.0.1:9' })],
    'outbound, a stranger': ['x', (call) => call.invite({ uri: 'sip:x@else.example' })],
    'to one behind NAT': ['nat', calls()],
    'a subscription': ['bob', (call) => call.ask('SUBSCRIBE', { more: 'Event: presence\r\n' })],
    'no hops left': ['bob', (call) => call.ask('INVITE', { hops: 0 })],
    'a keepalive': ['', (call) => call.ask('OPTIONS', { uri: HOME })],
    'an INFO of nobody': ['bob', (call) => call.ask('INFO', { to: ';tag=none' })],
    'bob goes': ['bob', registers('bob', '*', 'Expires: 0\r\n')],
    'to bob, who has gone': ['bob', calls()],
  },
};
