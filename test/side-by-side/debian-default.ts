import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lane, TestCall } from '../support/side-by-side.js';
import { answered, type Calls } from '../support/two-proxies.js';
import { credentials } from './credentials.js';
import { ANSWERED, type OperatorFile } from './operator-file.js';
import { ADDRESS, sqliteTables } from './tables.js';
import { talked } from './talks.js';

/** Tables of the file's modules with one row each. The original would have them in MySQL. */
const TABLES = [
  'CREATE TABLE subscriber (id INTEGER PRIMARY KEY, username VARCHAR(128), domain VARCHAR(128), password VARCHAR(128), ha1 VARCHAR(128), ha1b VARCHAR(128))',
  `INSERT INTO subscriber (username, domain, password, ha1, ha1b) VALUES ('alice', 'sw.example', 'open sesame', '', '')`,
  'CREATE TABLE dbaliases (id INTEGER PRIMARY KEY, alias_username VARCHAR(128), alias_domain VARCHAR(128), username VARCHAR(128), domain VARCHAR(128))',
  `INSERT INTO dbaliases (alias_username, alias_domain, username, domain) VALUES ('sales', 'sw.example', 'bob', '127.0.0.1:GW1_PORT'), ('inside', 'sw.example', 'nobody', 'sw.example')`,
  'CREATE TABLE speed_dial (id INTEGER PRIMARY KEY, username VARCHAR(128), domain VARCHAR(128), sd_username VARCHAR(128), sd_domain VARCHAR(128), new_uri VARCHAR(128), fname VARCHAR(128), lname VARCHAR(128), description VARCHAR(128))',
  `INSERT INTO speed_dial (username, domain, sd_username, sd_domain, new_uri) VALUES ('alice', 'sw.example', '11', 'sw.example', 'sip:bob@127.0.0.1:GW1_PORT'), ('alice', 'sw.example', '12', 'sw.example', 'sip:486@127.0.0.1:GW1_PORT')`,
  'CREATE TABLE domain (id INTEGER PRIMARY KEY, domain VARCHAR(128), did VARCHAR(128), last_modified VARCHAR(128))',
  `INSERT INTO domain (domain) VALUES ('second.example')`,
  'CREATE TABLE domain_attrs (id INTEGER PRIMARY KEY, did VARCHAR(128), name VARCHAR(128), type INTEGER, value VARCHAR(128))',
  ADDRESS,
  `INSERT INTO address (grp, ip_addr, mask, port, tag) VALUES (1, '127.0.0.1', 32, 0, 'here')`,
  'CREATE TABLE trusted (id INTEGER PRIMARY KEY, src_ip VARCHAR(128), proto VARCHAR(128), from_pattern VARCHAR(128), ruri_pattern VARCHAR(128), tag VARCHAR(128), priority INTEGER)',
  `CREATE TABLE location (id INTEGER PRIMARY KEY, ruid VARCHAR(128), username VARCHAR(128), domain VARCHAR(128), contact VARCHAR(128), received VARCHAR(128), path VARCHAR(128), expires VARCHAR(128), q REAL, callid VARCHAR(128), cseq INTEGER,
    last_modified VARCHAR(128), flags INTEGER, cflags INTEGER, user_agent VARCHAR(128), socket VARCHAR(128), methods INTEGER, instance VARCHAR(128), reg_id INTEGER, server_id INTEGER, connection_id INTEGER, keepalive INTEGER, partition INTEGER)`,
  'CREATE TABLE location_attrs (id INTEGER PRIMARY KEY, ruid VARCHAR(128), username VARCHAR(128), domain VARCHAR(128), aname VARCHAR(128), atype INTEGER, avalue VARCHAR(128), last_modified VARCHAR(128))',
  ...['acc', 'missed_calls'].map(
    (name) =>
      `CREATE TABLE ${name} (id INTEGER PRIMARY KEY, method VARCHAR(128), from_tag VARCHAR(128), to_tag VARCHAR(128), callid VARCHAR(128), sip_code VARCHAR(128), sip_reason VARCHAR(128), time VARCHAR(128),
        src_user VARCHAR(128), src_domain VARCHAR(128), src_ip VARCHAR(128), dst_ouser VARCHAR(128), dst_user VARCHAR(128), dst_domain VARCHAR(128))`,
  ),
];

const HERE = 'sip:sw.example';
const ALICE = '"Alice" <sip:alice@sw.example>';

/** A request that is challenged, then repeated with credentials. */
const challenged =
  (method: string, uri: string, password: string) =>
  async (call: TestCall): Promise<void> => {
    const first = await call.ask(method, { uri, from: ALICE });
    await call.ask(method, { uri, from: ALICE, cseq: 2, more: credentials(first, 'alice', password, method, uri) });
  };

/** Calls for every combination of switches. */
const ALWAYS: Calls = {
  'a ping of the proxy': ['', (call) => call.ask('OPTIONS', { uri: HERE })],
  'a ping twice': [
    '',
    async (call) => {
      await call.ask('OPTIONS', { uri: HERE });
      call.send('OPTIONS', { uri: HERE });
    },
  ],
  'a call to elsewhere': ['bob', (call) => call.invite({ uri: 'sip:bob@elsewhere.example' })],
  'no number': ['', (call) => call.invite({ uri: HERE })],
  'no hops left': ['bob', (call) => call.ask('INVITE', { hops: 0 })],
  'an INFO of nobody': ['bob', (call) => call.ask('INFO', { to: ';tag=none' })],
  'a BYE of nobody': ['bob', (call) => call.ask('BYE', { to: ';tag=none' })],
  'an ACK of nobody': [
    'bob',
    async (call) => {
      call.send('ACK', { to: ';tag=none' });
      await call.ask('OPTIONS', { uri: HERE, cseq: 2 });
    },
  ],
  'a CANCEL of nothing': [
    'bob',
    async (call) => {
      call.send('CANCEL');
      await call.ask('OPTIONS', { uri: HERE, cseq: 2 });
    },
  ],
  'a scanner': [
    'bob',
    async (call) => {
      call.send('INVITE', { agent: 'friendly-scanner' });
      await call.ask('OPTIONS', { uri: HERE, cseq: 2 });
    },
  ],
  'a PUBLISH': ['bob', (call) => call.ask('PUBLISH', { more: 'Event: presence\r\n' })],
  'a SUBSCRIBE to the proxy': ['', (call) => call.ask('SUBSCRIBE', { uri: HERE, more: 'Event: presence\r\n' })],
  'a loop by Route': [
    'bob',
    (call) => call.ask('MESSAGE', { uri: 'sip:bob@elsewhere.example', more: 'Route: <sip:elsewhere.example;lr>\r\n' }),
  ],
};

/** Calls from users of the proxy to a PSTN gateway. */
const TO_GATEWAY: Calls = {
  'a call abroad': ['+49301234', talked({ from: ALICE })],
  'a call abroad with zeros': ['0049301234', (call) => call.invite({ from: ALICE })],
  'a foreign caller abroad': ['+49301234', (call) => call.invite()],
  'a lost number': ['+49301404', (call) => call.invite({ from: ALICE })],
  'a busy number': ['+49301486', (call) => call.invite({ from: ALICE })],
  'a number that has moved': ['+49301302', (call) => call.invite({ from: ALICE })],
  'a number that asks for a password': ['+49301407', (call) => call.invite({ from: ALICE })],
  'a gateway that is full': ['+49301503', (call) => call.invite({ from: ALICE })],
  'nobody of that name': ['bob', (call) => call.invite({ from: ALICE })],
  'abroad, and given up': ['+49301180', givenUpFrom(ALICE)],
};

/** Gateways that answer an INVITE with the status at the end of the number, if there is one. */
const BY_NUMBER: OperatorFile['gateways'] = {
  gw1(method, user) {
    const status = Number(/(180|302|404|407|486|503)$/.exec(user)?.[1] ?? 0);
    if (method !== 'INVITE') return [[202, 'Accepted']];
    return status === 0 ? ANSWERED : [[status, 'By Number']];
  },
  gw2: (method) => (method === 'INVITE' ? ANSWERED : [[202, 'Accepted']]),
};

/** Like givenUp, with another caller: the gateway does not answer unknown numbers. */
function givenUpFrom(from: string): Calls[string][1] {
  return async (call) => {
    call.send('INVITE', { from });
    await call.reply('INVITE', /1../);
    call.send('CANCEL', { from });
    await call.reply('CANCEL', /[2-6]../);
  };
}

interface Variant {
  /** Title; default: made from the words. */
  readonly title?: string;
  /** Suffixes of the WITH_ defines. */
  readonly words: readonly string[];
  readonly calls: Calls;
  /** Further lines of the local file. */
  readonly lines?: readonly string[];
  readonly filled?: OperatorFile['filled'];
}

/** The file with its WITH_ defines, and its calls. */
export function debianFile({ words, calls, title, lines = [], filled = [] }: Variant): OperatorFile {
  const database = words.some((word) => /AUTH|DB|SPEEDDIAL|MULTIDOMAIN/.test(word));
  return {
    file: `Debian's kamailio.cfg with ${title ?? (words.join(', ') || 'nothing')}`,
    path: '/etc/kamailio/kamailio.cfg',
    filled,
    gateways: BY_NUMBER,
    prepare(folder: string, lane: Lane): void {
      const local = [
        ...words.map((word) => `#!define WITH_${word}`),
        `#!define DBURL "sqlite:///${folder}/kamailio.sqlite"`,
        ...(database ? ['loadmodule "db_sqlite.so"'] : []),
        `listen=udp:127.0.0.1:${lane.proxyPort}`,
        'alias="sw.example"',
        'auto_aliases=no',
        ...lines,
      ];
      writeFileSync(join(folder, 'kamailio-local.cfg'), `${local.join('\n')}\n`);
      if (database) sqliteTables(folder, lane, TABLES);
    },
    alike: (text) => text.replace(/(nonce|opaque)=\\?"?[\w+/=.-]+\\?"?/g, '$1=*'),
    calls: title === undefined ? { ...ALWAYS, ...calls } : calls,
  };
}

/** Address of the PSTN gateway. */
export const GATEWAY: OperatorFile['filled'] = [
  ['pstn.gw_ip = ""', 'pstn.gw_ip = "127.0.0.1"'],
  ['pstn.gw_port = ""', 'pstn.gw_port = "GW1_PORT"'],
];

const NATTED = { from: ALICE, contact: '<sip:alice@10.0.0.5:5070>' };

/**
 * Debian's file as installed, with its WITH_ defines. Functions of its registrar are not called, since switchyard has
 * no registrar in this test.
 */
export const DEBIAN_DEFAULT: readonly OperatorFile[] = (
  [
    { words: [], calls: {} },
    { words: ['PSTN'], filled: GATEWAY, calls: TO_GATEWAY },
    {
      words: ['AUTH'],
      calls: {
        'a registration without a password': ['alice', (call) => call.ask('REGISTER', { uri: HERE, from: ALICE })],
        'a registration with a wrong password': ['alice', challenged('REGISTER', HERE, 'wrong')],
        'a local caller without a password': ['bob', (call) => call.invite({ from: ALICE })],
        'a local caller to elsewhere': ['bob', challenged('MESSAGE', 'sip:bob@127.0.0.1:GW1_PORT', 'open sesame')],
        'a stranger to elsewhere': ['bob', (call) => call.ask('MESSAGE', { uri: 'sip:bob@elsewhere.example' })],
      },
    },
    {
      words: ['AUTH', 'IPAUTH', 'PSTN', 'ACCDB'],
      filled: GATEWAY,
      calls: TO_GATEWAY,
    },
    {
      words: ['ALIASDB', 'SPEEDDIAL', 'BLOCK3XX', 'BLOCK401407'],
      calls: {
        'an alias': ['sales', talked({ from: ALICE })],
        'two digits': ['11', talked({ from: ALICE })],
        'two digits of another': ['11', (call) => call.invite()],
        'two digits of one who is busy': ['12', (call) => call.invite({ from: ALICE })],
        'an alias, given up': ['sales', (call) => answered(call)],
      },
    },
    {
      words: ['NAT', 'PSTN'],
      filled: GATEWAY,
      calls: { ...TO_GATEWAY, 'behind a NAT': ['+49301234', talked(NATTED)] },
    },
    {
      words: ['NAT', 'NATSIPPING', 'RTPENGINE', 'PSTN'],
      filled: GATEWAY,
      calls: { ...TO_GATEWAY, 'behind a NAT': ['+49301234', talked(NATTED)] },
    },
    {
      words: ['MULTIDOMAIN', 'PSTN'],
      filled: GATEWAY,
      calls: {
        ...TO_GATEWAY,
        'of another domain': ['+4930123', (call) => call.invite({ uri: 'sip:+4930123@second.example', from: ALICE })],
      },
    },
    { words: ['ANTIFLOOD', 'DEBUG', 'PSTN'], filled: GATEWAY, calls: TO_GATEWAY },
    {
      words: ['VOICEMAIL', 'PSTN'],
      filled: [
        ...(GATEWAY ?? []),
        ['voicemail.srv_ip = ""', 'voicemail.srv_ip = "127.0.0.1"'],
        ['voicemail.srv_port = "5060"', 'voicemail.srv_port = "GW2_PORT"'],
      ],
      calls: {
        ...TO_GATEWAY,
        'messages that wait': [
          'alice',
          (call) => call.ask('SUBSCRIBE', { from: ALICE, more: 'Event: message-summary\r\n' }),
        ],
      },
    },
  ] satisfies readonly Variant[]
).map(debianFile);
