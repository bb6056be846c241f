import { readFileSync } from 'node:fs';
import { operatorFile } from '../support/operator-files.js';
import { answered, type Calls } from '../support/two-proxies.js';
import type { OperatorFile } from './operator-file.js';
import { sqliteTables, writeList } from './tables.js';
import { talked } from './talks.js';
import { THREE_GATEWAYS, usualCalls } from './vendor-lists.js';

const SDP =
  'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=sendonly\r\na=silenceSupp:off - - - -\r\n';
const OURS = 'sip:south.example.org';
const to =
  (user: string, options: object = {}): Calls[string][1] =>
  (call) =>
    call.invite({ uri: `sip:${user}@south.example.org`, ...options });
const talkedTo = (user: string, options: object = {}) => talked({ uri: `sip:${user}@south.example.org`, ...options });

/** The usual calls at the name of the proxy. */
const usual: Calls = Object.fromEntries(
  Object.entries(usualCalls((end) => `0030${end}`)).flatMap(([name, [user]]) => [
    [`${name}, by number`, [user, to(user)] as const],
    [`${name}, an extension`, [`2${user.slice(-3)}`, to(`2${user.slice(-3)}`)] as const],
  ]),
);

/** A file that has grown since OpenSER: numbered routes and flags, AVPs by type, tests of keywords. */
export const OLD_HABITS: OperatorFile = {
  file: 'old-habits-5.6.cfg',
  gateways: THREE_GATEWAYS,
  inOrder: true,
  prepare(folder, lane) {
    for (const name of ['modparams', 'registrar']) {
      const text = readFileSync(operatorFile('kamailio', `parts/old-habits-${name}.cfg`), 'latin1');
      writeList(folder, lane, `${name}.cfg`, [text.replaceAll('/etc/kamailio', folder)]);
    }
    writeList(folder, lane, 'permissions.allow', ['ALL : "^sip:[+0]"', '"^sip:boss@" : ALL']);
    writeList(folder, lane, 'permissions.deny', ['ALL : ALL']);
    writeList(folder, lane, 'dispatcher.list', [
      '1 sip:127.0.0.1:GW1_PORT 0 10',
      '2 sip:127.0.0.1:GW1_PORT 0 10',
      '2 sip:127.0.0.1:GW3_PORT 0 5',
      '2 sip:127.0.0.1:GW2_PORT 0 1',
    ]);
    sqliteTables(folder, lane, [
      'CREATE TABLE usr_preferences (id INTEGER PRIMARY KEY, uuid VARCHAR(64), username VARCHAR(64), domain VARCHAR(64), attribute VARCHAR(64), type INTEGER DEFAULT 0, value VARCHAR(128))',
      `INSERT INTO usr_preferences (username, domain, attribute, value) VALUES ('301', 'a', 'fwd', 'sip:+4930999@south.example.org'), ('302', 'a', 'other', 'x')`,
      'CREATE TABLE rates (id INTEGER PRIMARY KEY, tprefix VARCHAR(32), tvalue VARCHAR(128))',
      "INSERT INTO rates (tprefix, tvalue) VALUES ('+49', 'home'), ('+4930', 'berlin'), ('+4988', 'blocked'), ('+1', 'far')",
    ]);
  },
  calls: {
    ...usual,
    'a call': ['030123456', talkedTo('030123456')],
    'a call abroad': ['0012125551234', talkedTo('0012125551234')],
    'a call to a blocked zone': ['004988123', to('004988123')],
    'a call to no zone': ['+7123', to('+7123')],
    'a call to Munich': ['+49891234', talkedTo('+49891234')],
    'an extension, talked': ['200', talkedTo('200')],
    'an extension that is forwarded': ['301', to('301')],
    'an extension that is not forwarded': ['302', to('302')],
    'a word': ['bob', to('bob')],
    'a service: echo': ['*43', talkedTo('*43')],
    'a service: mailbox': ['*97', talkedTo('*97')],
    'a service: none': ['*11', to('*11')],
    'a service: away': ['*99', to('*99')],
    'behind NAT': ['030123457', talkedTo('030123457', { contact: '<sip:a@192.168.7.7:5070>' })],
    'a number as the caller': ['030123458', to('030123458', { from: '<sip:+4930777@south.example.org>' })],
    'a word as the caller, with a remote party': [
      '030123459',
      to('030123459', { more: 'Remote-Party-ID: <sip:x@y>\r\n' }),
    ],
    'an urgent subject': ['030123460', to('030123460', { more: 'Subject: this is urgent now\r\n' })],
    'a body to change': ['030123461', to('030123461', { body: SDP })],
    'a long message': ['030123462', to('030123462', { more: `X-Long: ${'x'.repeat(4000)}\r\n` })],
    'a caller from elsewhere': ['x', (call) => call.invite({ uri: 'sip:x@else.example', from: '<sip:b@b.example>' })],
    'a REGISTER here': ['bob', (call) => call.ask('REGISTER', { uri: OURS })],
    'a REGISTER elsewhere': ['bob', (call) => call.ask('REGISTER', { uri: 'sip:else.example' })],
    'a REGISTER behind NAT': [
      'bob',
      (call) => call.ask('REGISTER', { uri: OURS, contact: '<sip:b@10.1.2.3:5060>;expires=60' }),
    ],
    'a ping': ['', (call) => call.ask('OPTIONS', { uri: OURS })],
    'a ping by name': ['ping', (call) => call.ask('OPTIONS', { uri: 'sip:ping@south.example.org' })],
    'a subscription': [
      '200',
      (call) => call.ask('SUBSCRIBE', { uri: 'sip:200@south.example.org', more: 'Event: x\r\n' }),
    ],
    'a message': ['200', (call) => call.ask('MESSAGE', { uri: 'sip:200@south.example.org', body: 'x' })],
    'a message by number': ['0301', (call) => call.ask('MESSAGE', { uri: 'sip:030123@south.example.org', body: 'x' })],
    'another name of it': ['200', (call) => call.invite({ uri: 'sip:200@pbx.example.org' })],
    'another port of it': ['200', (call) => call.invite({ uri: 'sip:200@pbx.example.org:5070' })],
    'a CANCEL of nothing': ['200', (call) => call.ask('CANCEL', { uri: 'sip:200@south.example.org' })],
    'an INFO of nobody': ['200', (call) => call.ask('INFO', { uri: 'sip:200@south.example.org', to: ';tag=none' })],
    'an update within': [
      '200',
      async (call) => {
        const answer = await call.invite({ uri: 'sip:200@south.example.org' });
        call.send('ACK', call.within(answer, 1));
        await call.ask('UPDATE', { ...call.within(answer, 2), contact: '<sip:a@192.168.9.9:5070>' });
        await call.ask('BYE', call.within(answer, 3));
      },
    ],
    'outside, answered': ['bob', (call) => answered(call)],
  },
};
