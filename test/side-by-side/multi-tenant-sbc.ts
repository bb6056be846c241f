import type { Calls } from '../support/two-proxies.js';
import type { OperatorFile } from './operator-file.js';
import { ADDRESS, DISPATCHER, hashTable, sqliteTables, TRUSTED } from './tables.js';
import { talked } from './talks.js';
import { THREE_GATEWAYS, usualCalls } from './vendor-lists.js';

const sized = (text: string) => text.replaceAll('TEXT', 'VARCHAR(128)');
const ACME = { from: '"Ann" <sip:20@acme.example>' };
const CORE = { from: '<sip:+4989555@core.mt.example>' };
const CODECS =
  'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 9 8 101\r\na=rtpmap:9 G722/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=candidate:1 1 UDP 1 10.0.0.7 6000 typ host\r\nm=video 6002 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n';
const from =
  (options: object): ((call: Parameters<Calls[string][1]>[0]) => Promise<string>) =>
  (call) =>
    call.invite(options);

/** Calls of a tenant to numbers outside, made from the usual ones. */
const outside: Calls = Object.fromEntries(
  Object.entries(usualCalls((end) => `0030${end}`)).map(([name, [user]]) => [
    `${name}, outside`,
    [user, from({ from: '<sip:31@acme.example>', ...(name === 'without a description' ? { body: '' } : {}) })],
  ]),
);

export const MULTI_TENANT_SBC: OperatorFile = {
  file: 'multi-tenant-sbc-5.6.cfg',
  gateways: THREE_GATEWAYS,
  inOrder: true,
  alike: (text) =>
    text
      .replace(/;(vsf|vst)=[\w.*+/=-]+/g, ';$1=*')
      .replace(/line=sr-[\w.*-]+/g, 'line=*')
      .replace(/;did=[\w.*-]+/g, ';did=*'),
  prepare(folder, lane) {
    sqliteTables(folder, lane, [
      sized(ADDRESS),
      sized(TRUSTED),
      sized(DISPATCHER),
      "INSERT INTO address (grp, ip_addr, mask, port, tag) VALUES (1, '127.0.0.1', 32, 0, 'core')",
      `INSERT INTO dispatcher (setid, destination, flags, priority, attrs) VALUES (100, 'sip:127.0.0.1:GW1_PORT', 0, 10, 'name=pbx1'),
        (100, 'sip:127.0.0.1:GW2_PORT', 0, 5, 'name=pbx2'), (101, 'sip:127.0.0.1:GW3_PORT', 0, 5, 'name=pbx3'),
        (200, 'sip:127.0.0.1:GW1_PORT', 0, 9, 'name=pstn1'), (200, 'sip:127.0.0.1:GW3_PORT', 0, 5, 'weight=50;name=pstn3')`,
      'CREATE TABLE domain (id INTEGER PRIMARY KEY, domain VARCHAR(64), did VARCHAR(64), last_modified DATETIME)',
      "INSERT INTO domain (domain, did) VALUES ('acme.example', 'acme'), ('beta.example', 'beta'), ('empty.example', NULL), ('one.example', 'one')",
      'CREATE TABLE domain_attrs (id INTEGER PRIMARY KEY, did VARCHAR(64), name VARCHAR(32), type INTEGER, value VARCHAR(64))',
      "INSERT INTO domain_attrs (did, name, type, value) VALUES ('acme', 'plan', 2, 'gold'), ('beta', 'seats', 0, '7')",
      sized(hashTable('tenant')),
      sized(hashTable('did')),
      `INSERT INTO tenant (key_name, key_value) VALUES ('acme.example', 'max=90;cps=50;pbx=100;pstn=200;cli=+49305550;codec=PCMA'),
        ('beta.example', 'cps=;pbx=101;pstn=300;max=0'), ('one.example', 'max=0;cps=1;pbx=100;pstn=200;cli=')`,
      `INSERT INTO did (key_name, key_value) VALUES ('+4930555020', 'acme.example|100|ann'), ('004930666', 'beta.example|101|bea'),
        ('0405', 'gone.example|101|x')`,
      'CREATE TABLE ranges (prefix VARCHAR(32), tenant VARCHAR(64), pbx INTEGER)',
      "INSERT INTO ranges VALUES ('+4930555', 'acme.example', 100), ('+49305559', 'beta.example', 101)",
    ]);
  },
  calls: {
    ...outside,
    'an extension': ['21', talked(ACME)],
    'an extension of beta': ['210', (call) => call.invite({ from: '<sip:1@beta.example>' })],
    'beta has no gateway': ['030123', (call) => call.invite({ from: '<sip:1@beta.example>' })],
    'an extension, answered': ['22', async (call) => call.send('ACK', call.within(await call.invite(ACME), 1))],
    'codecs of acme': ['030123456', from({ ...ACME, body: CODECS })],
    'codecs that acme has not': [
      '030123456',
      from({ ...ACME, body: CODECS.replace(' 9 8 101', ' 9').replace(/a=rtpmap:8.*\r\n/, '') }),
    ],
    'codecs of beta': ['21', from({ from: '<sip:1@beta.example>', body: CODECS })],
    'a number of beta': ['004930666', from(ACME)],
    'a number of nobody': ['0405', from(ACME)],
    'a number with 00': ['0044301234567', talked(ACME)],
    'an emergency': ['112', from(ACME)],
    'no number once': ['x1', from({ from: '<sip:bad@acme.example>' })],
    'no number twice': ['x2', from({ from: '<sip:bad@acme.example>' })],
    'no number thrice': ['x3', from({ from: '<sip:bad@acme.example>' })],
    'and then barred': ['030123456', from({ from: '<sip:bad@acme.example>' })],
    'one who has no calls left': ['030123456', from({ from: '<sip:1@one.example>' })],
    'one again': ['030123457', from({ from: '<sip:1@one.example>' })],
    'one a third time': ['030123458', from({ from: '<sip:1@one.example>' })],
    'a tenant without data': ['21', from({ from: '<sip:1@empty.example>' })],
    'behind NAT': ['030123456', from({ ...ACME, contact: '<sip:a@192.168.1.7:5062;ob>;+sip.instance="<u>"' })],
    'an identity of its own': [
      '030123456',
      from({ ...ACME, more: 'P-Asserted-Identity: <sip:x@acme.example>\r\nP-Preferred-Identity: <sip:y@z>\r\n' }),
    ],
    'internal headers': ['030123456', from({ ...ACME, more: 'X-Internal: 1\r\nX-Internal: 2\r\nX-Other: 3\r\n' })],
    'to a tenant by To': ['30', from({ from: '<sip:x@far.example>' })],
    'the core calls a number': ['+4930555020', talked(CORE)],
    'the core calls a range': ['+49305551234', from(CORE)],
    'the core calls a range in a range': ['+49305559234', from(CORE)],
    'the core calls nobody': ['+49308', from(CORE)],
    'the core calls with a quote': ["+49'x", from(CORE)],
    'the core calls privately': [
      '+4930555020',
      talked({ ...CORE, more: 'Privacy: ID;critical\r\nP-Asserted-Identity: <sip:+4989555@core.mt.example>\r\n' }),
    ],
    'the core, all fail': ['+493055577503', from(CORE)],
    'the core, the first fails': ['+49305551503', from(CORE)],
    'the core, silent': ['+49305551000', from(CORE)],
    'the core, busy': ['+49305551486', from(CORE)],
    'the core, moved': ['+493055577302', from(CORE)],
    'the core, ringing at 9': ['+493055577999', (call) => call.invite({ ...CORE })],
    'the core asks': ['+4930555020', (call) => call.ask('MESSAGE', { ...CORE, body: 'x' })],
    'a registration': ['20', (call) => call.ask('REGISTER', { ...ACME, more: 'Expires: 60\r\n' })],
    'a registration without Expires': ['20', (call) => call.ask('REGISTER', ACME)],
    'all registrations': ['20', (call) => call.ask('REGISTER', { ...ACME, contact: '*', more: 'Expires: 0\r\n' })],
    'a message of acme': ['21', (call) => call.ask('MESSAGE', { ...ACME, body: 'x' })],
    'an event of beta': ['21', (call) => call.ask('SUBSCRIBE', { from: '<sip:1@beta.example>', more: 'Event: x\r\n' })],
    'an UPDATE of acme': ['21', (call) => call.ask('UPDATE', ACME)],
    'an answered call outside': [
      '030123459',
      async (call) => {
        const answer = await call.invite(ACME);
        call.send('ACK', { ...ACME, ...call.within(answer, 1) });
        await call.ask('INFO', { ...ACME, ...call.within(answer, 2) });
        await call.ask('BYE', { ...ACME, ...call.within(answer, 3) });
      },
    ],
    'a call again, within': [
      '23',
      async (call) => {
        const answer = await call.invite(ACME);
        call.send('ACK', { ...ACME, ...call.within(answer, 1) });
        const second = await call.invite({ ...ACME, ...call.within(answer, 2), body: CODECS });
        call.send('ACK', {
          ...ACME,
          ...call.within(second, 2),
          branch: 'second-ack',
          more: call.within(answer, 2).more ?? '',
        });
        await call.ask('BYE', { ...ACME, ...call.within(answer, 3) });
      },
    ],
    'given up outside': [
      '003077999',
      async (call) => {
        call.send('INVITE', { ...ACME, body: CODECS });
        await call.reply('INVITE', /18./);
        call.send('CANCEL', ACME);
        await call.reply('CANCEL', /200/);
        const final = await call.reply('INVITE', /487/);
        call.send('ACK', { ...ACME, to: /;tag=[^\r]*/.exec(final.slice(final.search(/^To:/m)))?.[0] ?? '' });
      },
    ],
    'a scanner': ['21', async (call) => call.send('OPTIONS', { agent: 'sipvicious' })],
    preloaded: ['21', from({ ...ACME, more: 'Route: <sip:127.0.0.1:PROXY;lr>\r\n' })],
  },
};
