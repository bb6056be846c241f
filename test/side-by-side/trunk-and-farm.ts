import type { Lane, TestCall } from '../support/side-by-side.js';
import { answered } from '../support/two-proxies.js';
import { credentials } from './credentials.js';
import type { OperatorFile } from './operator-file.js';
import { DISPATCHER, sqliteTables, writeList } from './tables.js';
import { talked } from './talks.js';
import { THREE_GATEWAYS, usualCalls } from './vendor-lists.js';

/**
 * A PBX with two providers that ask for credentials: From and To as the provider wants them, restored inside the
 * dialog.
 */
export const TRUNK_CREDENTIALS: OperatorFile = {
  file: 'trunk-credentials-5.6.cfg',
  gateways: {
    ...THREE_GATEWAYS,
    gw1: (method, user, request = '') =>
      method === 'INVITE' && user.endsWith('401') && !/^Authorization:/m.test(request)
        ? [[401, 'Unauthorized', 'WWW-Authenticate: Digest realm="gw.example", nonce="abc", algorithm=MD5\r\n']]
        : THREE_GATEWAYS.gw1(method, user),
  },
  inOrder: true,
  prepare(folder, lane) {
    const list = ['2 sip:127.0.0.1:GW1_PORT 0 10', '2 sip:127.0.0.1:GW2_PORT 0 10', '1 sip:127.0.0.1:GW3_PORT'];
    writeList(folder, lane, 'dispatcher.list', list);
  },
  alike: (text) => text.replace(/cnonce=\\?"[^"\\]*\\?"|response=\\?"[^"\\]*\\?"/g, '*'),
  calls: {
    ...usualCalls((end) => `030${end}`),
    'requests of both sides': ['0301010', talked()],
    'requests of both sides, no display name': ['0301012', talked({ from: '<sip:493011111@a.example>' })],
    'the provider asks for credentials': ['0301401', (call) => answered(call)],
    'a private call with a name': [
      '0301013',
      talked({ from: '"Me" <sip:493011111@a.example>', more: 'Privacy: id\r\n' }),
    ],
    'an international number': ['00441014', (call) => answered(call)],
    'a short number': ['123', (call) => answered(call)],
    'an OPTIONS of a watcher': ['ping', (call) => call.ask('OPTIONS')],
  },
};

/** A REGISTER that is challenged, then repeated with credentials. */
const registered = (user: string, contact: string, password: string) => async (call: TestCall, lane: Lane) => {
  const options = { uri: 'sip:sw.example', contact: lane.named(contact), from: `<sip:${user}@sw.example>` };
  const first = await call.ask('REGISTER', options);
  const proof = credentials(first, user, password, 'REGISTER', 'sip:sw.example');
  await call.ask('REGISTER', { ...options, cseq: 2, more: proof });
};

/** An INVITE of a registered user, with credentials when it is challenged. */
const invited = (user: string, password: string, number: string) => async (call: TestCall) => {
  const from = `<sip:${user}@sw.example>`;
  const first = await call.invite({ from });
  const proof = credentials(first, user, password, 'INVITE', `sip:${number}@sw.example`);
  await call.invite({ from, cseq: 2, more: proof });
};

const USERS =
  'CREATE TABLE sipusers (id INTEGER PRIMARY KEY, username VARCHAR(64), domain VARCHAR(64), sippasswd VARCHAR(64), context VARCHAR(20), callerid VARCHAR(40))';

/** A registrar in front of Asterisk servers that share a database. */
export const ASTERISK_FARM: OperatorFile = {
  file: 'asterisk-farm-5.6.cfg',
  gateways: THREE_GATEWAYS,
  inOrder: true,
  prepare(folder, lane) {
    sqliteTables(folder, lane, [
      DISPATCHER.replaceAll('TEXT', 'VARCHAR(128)'),
      "INSERT INTO dispatcher (setid, destination, priority, attrs) VALUES (1, 'sip:127.0.0.1:GW1_PORT', 10, 'duid=a;maxload=0'), (1, 'sip:127.0.0.1:GW2_PORT', 5, 'duid=b'), (9, 'sip:127.0.0.1:GW3_PORT', 0, '')",
      USERS,
      "INSERT INTO sipusers (username, domain, sippasswd, context, callerid) VALUES ('101', 'sw.example', 'pw101', 'office', 'Desk'), ('102', 'sw.example', 'pw102', 'lab', NULL)",
      'CREATE TABLE sipregs (name VARCHAR(20), regserver VARCHAR(40))',
      "INSERT INTO sipregs VALUES ('201', '127.0.0.1:GW2_PORT'), ('202', NULL), ('204', '127.0.0.1:GW3_PORT')",
    ]);
  },
  // Each program has its own nonces.
  alike: (text) => text.replace(/nonce=\\?"[^"\\]*\\?"/g, 'nonce=*'),
  calls: {
    ...usualCalls((end) => `9${end.slice(-3)}`),
    'requests of both sides': ['9010', talked()],
    'a phone registers': ['101', registered('101', '<sip:101@127.0.0.1:GW3_PORT>', 'pw101')],
    'a phone behind NAT registers': ['102', registered('102', '<sip:102@10.0.0.7:5070>;expires=120', 'pw102')],
    'with a wrong password': ['102', registered('102', '<sip:102@10.0.0.7:5070>', 'pw101')],
    'the phone calls': ['9001', invited('101', 'pw101', '9001')],
    'the phone calls with a wrong password': ['9001', invited('101', 'nope', '9001')],
    'to the phone from a server': ['101', (call) => call.invite({ more: 'X-From: asterisk\r\n' })],
    'to nobody from a server': ['999', (call) => call.invite({ more: 'X-From: asterisk\r\n' })],
    'an extension of the second server': ['201', (call) => answered(call)],
    'an extension without a server': ['202', (call) => answered(call)],
    'an extension of a third server': ['204', (call) => answered(call)],
    'voice mail': ['*97', (call) => answered(call)],
  },
};
