import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ANSWERED, GATEWAYS as OPERATOR_GATEWAYS } from '../side-by-side/operator-file.js';
import { toposTables } from '../side-by-side/tables.js';
import { talked } from '../side-by-side/talks.js';
import { FakeRtpengine } from '../support/fake-rtpengine.js';
import type { Answers } from '../support/side-by-side.js';
import { answered, type Calls, givenUp, sideBySide } from '../support/two-proxies.js';

const fixture = (name: string) => readFileSync(new URL(`../fixtures/side-by-side/${name}`, import.meta.url), 'latin1');
/** A gateway that accepts everything except some INVITEs. */
const byUser = OPERATOR_GATEWAYS['gw1'] as Answers;

/** The first gateway rejects calls to some users; the second answers all. */
const GATEWAYS: Readonly<Record<string, Answers>> = {
  gw1: (method, user) => (method !== 'INVITE' && user === 'lost' ? [[404, 'Not Found']] : byUser(method, user)),
  gw2: () => ANSWERED,
};

const UPSTREAM =
  'Via: SIP/2.0/TCP 192.0.2.5:5070;branch=z9hG4bKup;received=192.0.2.6;rport=77, SIP/2.0/UDP phone.example;branch=z9hG4bKphone\r\nRecord-Route: <sip:192.0.2.5;lr;ftag=x>\r\nRecord-Route: <sip:192.0.2.4;lr>\r\n';

const HIDDEN: Calls = {
  answered: ['bob', (call) => answered(call)],
  'with proxies before it': ['bob', (call) => call.invite({ more: UPSTREAM })],
  'the callee asks within it': [
    'bob',
    async (call, lane) => {
      const answer = await call.invite();
      call.send('ACK', call.within(answer, 1));
      await call.ask('INFO', call.within(answer, 2));
      await lane.fromGateway('gw1', 'the-callee-asks-within-it', 'INFO', 30);
      await lane.fromGateway('gw1', 'the-callee-asks-within-it', 'BYE', 31);
    },
  ],
  'the second gateway answers': ['over', (call) => answered(call)],
  busy: ['busy', (call) => call.invite()],
  'redirected by the gateway': ['moved', (call) => call.invite()],
  'redirected here': ['moved-here', (call) => call.invite()],
  'given up': ['ring', givenUp],
  'a message': ['bob', (call) => call.ask('MESSAGE', { body: 'hello' })],
  'a message to nobody': ['lost', (call) => call.ask('MESSAGE')],
  'a registration': ['bob', (call) => call.ask('REGISTER')],
  'a subscription': ['bob', (call) => call.ask('SUBSCRIBE', { more: 'Event: presence\r\n' })],
  'left open by the event route': ['open', (call) => answered(call)],
};

test('topoh hides the same of the same messages', (t) =>
  sideBySide(t, {
    text: fixture('hidden-edge.cfg'),
    gateways: GATEWAYS,
    calls: HIDDEN,
    // Where an event route leaves a request unchanged, each program leaves its own marks in it.
    alike: (text) => text.replace(/;TH=\w+/g, '').replace(/\\nth: \w+/g, ''),
  }));

/** Each program has its own names of dialogs. */
const dialogNames = (text: string) => text.replace(/([ab]tpsh)-[0-9a-f-]+/g, '$1-*');
const STRIPPED: Calls = {
  ...HIDDEN,
  'both ask within it': [
    'bob',
    async (call, lane) => {
      const answer = await call.invite();
      call.send('ACK', call.within(answer, 1));
      await call.ask('INFO', call.within(answer, 2));
      await call.invite({ ...call.within(answer, 3), contact: NATED.contact });
      await lane.fromGateway('gw1', 'both-ask-within-it', 'UPDATE', 30);
      await call.ask('BYE', call.within(answer, 4));
    },
  ],
};

for (const [name, define] of [
  ['topos strips the same of the same messages', ''],
  ['topos with contact_mode 1 strips the same of the same messages', '#!define CONTACT\n'],
] as const)
  test(name, (t) =>
    sideBySide(t, {
      text: fixture('stripped-edge.cfg').replace('#!KAMAILIO\n', `#!KAMAILIO\n${define}`),
      gateways: GATEWAYS,
      calls: STRIPPED,
      prepare: toposTables,
      alike: dialogNames,
    }),
  );

const open: (() => unknown)[] = [];
after(() => {
  for (const close of open) close();
});

const NATED = { contact: '<sip:alice@192.168.1.7:5062;transport=udp>' };
const VIDEO = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=video 6000 RTP/AVP 31\r\n';
const CODECS =
  'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 97 18 0 98\r\na=rtpmap:97 speex/8000\r\na=rtpmap:18 G729/8000\r\na=rtpmap:98 iLBC/8000\r\na=fmtp:98 mode=20\r\n';

const ACCESS: Calls = {
  'an answered call': ['bob', talked()],
  'a caller behind NAT': ['bob', talked(NATED)],
  'a number abroad': ['00441234', (call) => call.invite()],
  'a national number': ['0301234', (call) => call.invite({ more: 'P-Asserted-Identity: <sip:+49301@a>\r\n' })],
  'without caller id': [
    'bob',
    (call) =>
      call.invite({
        more: 'Privacy: id;critical\r\nP-Asserted-Identity: <sip:+49301@a>\r\nRoute: <sip:192.0.2.1;lr>\r\n',
      }),
  ],
  'the first gateway fails': ['over', (call) => call.invite()],
  'busy becomes unavailable': ['busy', (call) => call.invite()],
  'given up while it rings': ['ring', givenUp],
  'video alone': ['bob', (call) => call.invite({ body: VIDEO })],
  'codecs that are taken out': ['bob', (call) => call.invite({ body: CODECS })],
  'the fourth call of one user': [
    'bob',
    async (call) => {
      for (const cseq of [1, 2, 3, 4])
        await call.invite({ cseq, from: '<sip:flooder@a.example>', branch: `flood${cseq}` });
    },
  ],
  'a scanner': ['bob', (call) => call.ask('OPTIONS', { agent: 'friendly-scanner' })],
  'an OPTIONS to a user': ['bob', (call) => call.ask('OPTIONS')],
  'a registration': ['bob', (call) => call.ask('REGISTER')],
  'a registration behind NAT': ['bob', (call) => call.ask('REGISTER', { ...NATED, uri: 'sip:sw.example' })],
  'a registration at the second': ['over', (call) => call.ask('REGISTER', { uri: 'sip:sw.example' })],
  elsewhere: ['bob', (call) => call.ask('MESSAGE', { uri: 'sip:bob@other.example' })],
  'no number': ['bob', (call) => call.ask('MESSAGE', { uri: 'sip:sw.example' })],
  'a publication': ['bob', (call) => call.ask('PUBLISH')],
  'a subscription': ['bob', (call) => call.ask('SUBSCRIBE', { more: 'Event: dialog\r\nExpires: 60\r\n' })],
  'a message': ['bob', (call) => call.ask('MESSAGE', { body: 'x', ...NATED })],
  'a BYE of nobody': ['bob', (call) => call.ask('BYE', { to: ';tag=none' })],
  'no hops left': ['bob', (call) => call.ask('INVITE', { hops: 0 })],
};

test('an access edge sends the same as Kamailio', (t) =>
  sideBySide(t, {
    text: fixture('access-edge.cfg'),
    gateways: {
      ...GATEWAYS,
      gw1: (method, user) =>
        method === 'REGISTER' && user === '' ? [[503, 'Later']] : (GATEWAYS['gw1']?.(method, user) ?? []),
    },
    calls: ACCESS,
    words: async () => {
      const media = await FakeRtpengine.open('192.0.2.77');
      open.push(() => media.close());
      return { MEDIA_PORT: String(media.port) };
    },
  }));

const TRUNKS: Calls = {
  'an answered call': ['4930123', talked({ from: '<sip:alice@a.example>' })],
  'a caller with a number': ['4930123', talked({ from: '"A" <sip:+4940555@a.example>' })],
  'a number that is rewritten': ['00441234', (call) => call.invite()],
  'a number that nobody knows': ['999', (call) => call.invite()],
  'a number that is blocked': ['0900123', (call) => call.invite()],
  'a short code': ['*21', (call) => call.invite()],
  diverted: ['4930123', (call) => call.invite({ more: 'Diversion: <sip:+49305@x>;reason=busy\r\n' })],
  'the first carrier fails': ['49301over', (call) => call.invite()],
  'no carrier takes it': ['49301none', (call) => call.invite()],
  'not allocated': ['49301lost', (call) => call.invite()],
  busy: ['49301busy', (call) => call.invite()],
  'early progress without media': ['49301early', (call) => call.invite()],
  'given up': ['49301ring', givenUp],
  'a second call of a limited customer': [
    '4930123',
    async (call) => {
      const from = '<sip:limited@a.example>';
      await call.invite({ from });
      await call.invite({ cseq: 7, from, branch: 'limited7' });
    },
  ],
  'a message': ['4930123', (call) => call.ask('MESSAGE', { body: 'x' })],
  'a registration': ['bob', (call) => call.ask('REGISTER')],
  'a preloaded route': ['bob', (call) => call.ask('MESSAGE', { more: 'Route: <sip:127.0.0.1:PORT;lr>\r\n' })],
  'an INFO of nobody': ['bob', (call) => call.ask('INFO', { to: ';tag=none' })],
  'without a Contact': ['4930123', (call) => call.ask('OPTIONS')],
};

test('a router between trunks sends the same as Kamailio', (t) =>
  sideBySide(t, {
    text: fixture('trunk-router.cfg'),
    gateways: {
      gw1: byUser,
      gw2: (_method, user) => (user.endsWith('none') ? [[500, 'Broken']] : ANSWERED),
    },
    calls: TRUNKS,
    // RFC 3261 sections 9.1 and 17.1.1.3: From as in the request that was sent; the original uses the From of the
    // received request.
    alike: (text) => text.replace(/("(?:ACK|CANCEL) (?:(?!",).)*?from: )[^;]*/g, '$1*'),
    prepare: (folder, lane) => {
      writeFileSync(join(folder, 'dispatcher.list'), lane.list(['name=first', 'name=second;weight=5']));
      writeFileSync(join(folder, 'address.list'), '100 127.0.0.0 8 0 customer-a\n');
      textTables(folder, {
        version: ['table_name(string) table_version(int) ', 'dialplan:2'],
        dialplan: [
          'id(int,auto) dpid(int) pr(int) match_op(int) match_exp(string) match_len(int) subst_exp(string) repl_exp(string) attrs(string) ',
          '1:1:1:1:^00[1-9]:0:^00(.*)$:+\\\\1:abroad',
          '2:1:2:1:^0900:0:^(.*)$:\\\\1:block',
          '3:1:3:1:^49:0:^(49.*)$:+\\\\1:home',
          '4:1:4:0:*21:0:^(.*)$:\\\\1:code',
        ],
      });
    },
  }));

/** Tables of a db_text folder: the first line names the columns. */
function textTables(folder: string, tables: Readonly<Record<string, readonly string[]>>): void {
  for (const [name, lines] of Object.entries(tables)) writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
}

/** Columns of the tables of permissions, in the form of db_text. */
const ADDRESS_COLUMNS = 'id(int,auto) grp(int) ip_addr(string) mask(int) port(int) tag(string,null) ';
const TRUSTED_COLUMNS =
  'id(int,auto) src_ip(string) proto(string) from_pattern(string,null) ruri_pattern(string,null) tag(string,null) priority(int) ';

const WHOLESALE: Calls = {
  'an answered call': ['4930123', talked()],
  'abroad, written with blanks': ['0044-12(34)', (call) => call.invite()],
  national: ['0301234', (call) => call.invite()],
  'with a plus': ['+4930123', (call) => call.invite()],
  'the first gateway fails': ['493099over', (call) => call.invite()],
  'both gateways fail': ['493099none', (call) => call.invite()],
  'not found becomes unavailable': ['493099lost', (call) => call.invite()],
  'busy stays busy': ['493099busy', (call) => call.invite()],
  'a rule of a list': ['33140', (call) => call.invite()],
  'no rule': ['1555', (call) => call.invite()],
  'too short': ['12', (call) => call.invite()],
  letters: ['bob', (call) => call.invite()],
  'a technical prefix': ['4930123', (call) => call.invite({ more: 'X-Tech-Prefix: 99\r\n' })],
  'an asserted number': [
    '4930123',
    (call) => call.invite({ more: 'P-Asserted-Identity: "A" <tel:+49305>\r\nX-Other: tel:1\r\n' }),
  ],
  'private media': [
    '4930123',
    (call) => call.invite({ body: VIDEO.replaceAll('192.0.2.1', '10.1.2.3').replace('video', 'audio') }),
  ],
  'the third call of a burst': [
    '4930123',
    async (call) => {
      for (const cseq of [1, 2, 3]) await call.invite({ cseq, from: '<sip:burst@a.example>', branch: `burst${cseq}` });
    },
  ],
  'given up': ['493099ring', givenUp],
  'a message': ['4930123', (call) => call.ask('MESSAGE', { body: 'x' })],
  'a registration': ['bob', (call) => call.ask('REGISTER')],
  'a BYE of nobody': ['bob', (call) => call.ask('BYE', { to: ';tag=none' })],
};

test('a wholesale router sends the same as Kamailio', (t) =>
  sideBySide(t, {
    text: fixture('carrier-router.cfg'),
    gateways: {
      gw1: byUser,
      gw2: (_method, user) => (user.endsWith('none') ? [[500, 'Broken']] : ANSWERED),
    },
    calls: WHOLESALE,
    prepare: (folder, lane) =>
      textTables(folder, {
        version: [
          'table_name(string) table_version(int) ',
          ...['address:6', 'trusted:6', 'dr_gateways:3', 'dr_rules:3', 'dr_groups:2', 'dr_gw_lists:1'],
        ],
        address: [ADDRESS_COLUMNS, '1:1:127.0.0.0:8:0:customer-a'],
        trusted: [TRUSTED_COLUMNS],
        dr_gateways: [
          'gwid(int,auto) type(int) address(string) strip(int) pri_prefix(string,null) attrs(string,null) description(string) ',
          lane.named('1:1:127.0.0.1\\:GW1_PORT:2:0049:first:one'),
          lane.named('2:2:127.0.0.1\\:GW2_PORT:0::second:two'),
        ],
        dr_rules: [
          'ruleid(int,auto) groupid(string) prefix(string) timerec(string) priority(int) routeid(string) gwlist(string) description(string) ',
          '1:0:49:20040101T083000:0:0:1,2:home',
          '2:0:493099:20040101T083000:5:0:1;2:city',
          '3:0:493099:20040101T083000:1:0:2:lower',
          '4:0:44:20040101T083000:0:0:2,1:abroad',
          '5:0:33:20040101T083000:0:0:#1:list',
        ],
        dr_groups: [
          'id(int,auto) username(string) domain(string) groupid(int) description(string) ',
          '1:alice:a.example:0:x',
        ],
        dr_gw_lists: ['id(int,auto) gwlist(string) description(string) ', '1:2,1:both'],
      }),
  }));

const TENANTS: Calls = {
  'an answered call': ['4930123', talked()],
  'an extension': ['21', (call) => call.invite({ uri: 'sip:21@a.example' })],
  'a national number': ['0301234', (call) => call.invite()],
  'a tenant with another set': ['bob', (call) => call.invite({ from: '<sip:carol@b.example>' })],
  'an unknown domain': ['bob', (call) => call.invite({ from: '<sip:eve@evil.example>' })],
  'a tenant without a set': ['bob', (call) => call.invite({ from: '<sip:dan@c.example>' })],
  'a tenant without a plan': ['bob', (call) => call.invite({ from: '<sip:dan@d.example>' })],
  'a number that is too long': ['123456789012', (call) => call.invite({ uri: 'sip:123456789012@a.example' })],
  'lists and copies': [
    'bob',
    (call) =>
      call.invite({
        more: 'Subject: A "Quoted" Matter\r\nX-List: a, b ,c\r\nX-Item: one\r\nX-Item: two\r\nX-Item: three\r\n',
      }),
  ],
  'busy, then voicemail': ['busyall', (call) => call.invite()],
  'busy at the first': ['busy', (call) => call.invite()],
  'given up': ['ring', givenUp],
  'a message': ['bob', (call) => call.ask('MESSAGE', { body: 'x' })],
  'an OPTIONS': ['bob', (call) => call.ask('OPTIONS')],
  'a PRACK of nobody': ['bob', (call) => call.ask('PRACK', { to: ';tag=none' })],
};

test('a host of tenants sends the same as Kamailio', (t) =>
  sideBySide(t, {
    text: fixture('tenants.cfg'),
    gateways: {
      gw1: (method, user) => byUser(method, user === 'busyall' ? 'busy' : user),
      gw2: (method, user) => (method === 'INVITE' && user === 'busyall' ? [[486, 'Busy Here']] : ANSWERED),
    },
    calls: TENANTS,
    prepare: (folder, lane) => {
      writeFileSync(
        join(folder, 'dispatcher.list'),
        `${lane.list(['site=one', 'site=two'])}${lane.named('2 sip:127.0.0.1:GW2_PORT 0 0 site=vm\n')}`,
      );
      textTables(folder, {
        version: ['table_name(string) table_version(int) ', 'address:6', 'trusted:6', 'domain:2', 'domain_attrs:1'],
        address: [ADDRESS_COLUMNS, '1:9:192.0.2.0:24:0:bad'],
        trusted: [TRUSTED_COLUMNS],
        domain: [
          'id(int,auto) domain(string) did(string,null) last_modified(int) ',
          ...['1:a.example:one:0', '2:b.example:two:0', '3:c.example:three:0', '4:d.example:four:0'],
        ],
        domain_attrs: [
          'id(int,auto) did(string) name(string) type(int) value(string) last_modified(int) ',
          ...['1:one:plan:2:gold:0', '2:one:limit:0:11:0', '3:two:plan:2:basic:0', '4:four:plan:2:none:0'],
        ],
      });
    },
    alike: (text) => text.replace(/("(?:ACK|CANCEL) (?:(?!",).)*?from: )[^;]*/g, '$1*'),
  }));
