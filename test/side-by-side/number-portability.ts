import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Lane } from '../support/side-by-side.js';
import type { Calls } from '../support/two-proxies.js';
import type { OperatorFile } from './operator-file.js';
import { ADDRESS, DIALPLAN, sqliteTables, TRUSTED, writeList } from './tables.js';
import { talked } from './talks.js';
import { THREE_GATEWAYS, usualCalls } from './vendor-lists.js';

/** Port of the portability server of each proxy. */
const servers = new WeakMap<Lane, number>();

/** Answers of the portability server by the number. */
const ANSWERS: Readonly<Record<string, readonly [status: number, text: string]>> = {
  '4930555001': [200, '{"lrn":"4989123456","operator":{"name":"Blue","id":7}}'],
  '4930555002': [200, '{"lrn":"","operator":null}'],
  '4930555003': [200, '{"operator":{"name":"Green"}}'],
  '4930555004': [404, '{}'],
  '4930555005': [200, 'no JSON'],
  '4930555006': [200, '{"lrn":4940777000}'],
};

/** Serves the answers, and other numbers as not ported. */
async function portabilityServer(lane: Lane): Promise<void> {
  const server = createServer(({ url = '' }, response) => {
    const number = new URL(url, 'http://x').searchParams.get('tn') ?? '';
    const [status, text] = ANSWERS[number] ?? [200, '{"lrn":""}'];
    response.writeHead(status, { 'content-type': 'application/json' }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.set(lane, (server.address() as AddressInfo).port);
  lane.closing.push(() => server.closeAllConnections());
  lane.closing.push(() => server.close());
}

const CALLER = '"Ann B" <sip:+4930123456@cust.example>';
const from =
  (options: object): Calls[string][1] =>
  (call) =>
    call.invite({ from: CALLER, ...options });

/** A router that asks for ported numbers and sends calls from carrier to carrier. */
export const NUMBER_PORTABILITY: OperatorFile = {
  file: 'number-portability-5.6.cfg',
  gateways: THREE_GATEWAYS,
  inOrder: true,
  peers: portabilityServer,
  alike: (text) => text.replace(/;(vsf|vst)=[\w.*+/=-]+/g, ';$1=*'),
  prepare(folder, lane) {
    writeList(folder, lane, 'local.cfg', [
      '#!KAMAILIO',
      `#!substdef "!LRN_URL_BASE!http://127.0.0.1:${servers.get(lane)}!g"`,
    ]);
    const sized = (text: string) => text.replaceAll('TEXT', 'VARCHAR(128)');
    sqliteTables(folder, lane, [
      sized(ADDRESS),
      sized(TRUSTED),
      sized(DIALPLAN),
      "INSERT INTO address (grp, ip_addr, mask, port, tag) VALUES (1, '127.0.0.0', 8, 0, 'alfa/90/gold'), (2, '192.0.2.0', 24, 0, 'carrier')",
      `INSERT INTO dialplan (dpid, pr, match_op, match_exp, match_len, subst_exp, repl_exp, attrs) VALUES
        (1, 1, 1, '^\\+?491[567][0-9]{6,}(;.*)?$', 0, '^\\+?([0-9]+).*$', '\\1', 'mobile'),
        (1, 2, 1, '^\\+?49900[0-9]+$', 0, '^\\+?(49900)([0-9]+)$', '\\1\\2', 'premium'),
        (1, 3, 1, '^(\\+|00)49[2-9][0-9]{4,}', 0, '^(\\+|00)([0-9]+).*$', '\\2', 'fixed'),
        (1, 4, 1, '^0[1-9][0-9]{4,}$', 0, '^0([0-9]+)$', '49\\1', 'fixed'),
        (1, 5, 1, '^(\\+|00)88[0-9]+$', 0, '^(\\+|00)', '', 'sat'),
        (1, 6, 1, '^(\\+|00)[1-9][0-9]{5,}$', 0, '^(\\+|00)([0-9]+)$', '\\2', 'int'),
        (1, 9, 0, '0800', 4, '0800', '49800', ''),
        (2, 1, 1, '^\\+?[1-9][0-9]{5,14}$', 0, '^\\+?([0-9]+)$', '\\1', ''),
        (2, 2, 1, '^0[1-9][0-9]{4,}$', 0, '^0([0-9]+)$', '49\\1', ''),
        (2, 3, 1, '^00000', 0, '', '', 'bad')`,
      'CREATE TABLE customers (name VARCHAR(20), tech VARCHAR(20), maxcalls INTEGER, clir INTEGER, plan VARCHAR(20), active INTEGER)',
      "INSERT INTO customers VALUES ('beta', '7001', 2, 1, 'base', 1), ('gamma', '7002', 0, 0, 'base', 1), ('old', '7003', 0, 0, 'base', 0)",
      'CREATE TABLE defaults (cust VARCHAR(20), cli VARCHAR(20))',
      "INSERT INTO defaults VALUES ('alfa', '49309999')",
      'CREATE TABLE ported (num VARCHAR(20), rn VARCHAR(20), operator VARCHAR(20))',
      "INSERT INTO ported VALUES ('4930666001', '49891111', 'Red'), ('4930666002', '4930666002', 'Own'), ('491511234567', '4917099', NULL)",
      'CREATE TABLE carriers (id INTEGER PRIMARY KEY, name VARCHAR(20), host VARCHAR(40), port INTEGER, pre VARCHAR(20), strip INTEGER, np INTEGER, tmo INTEGER, active INTEGER, emergency INTEGER)',
      `INSERT INTO carriers VALUES (1, 'alpha', '127.0.0.1', GW1_PORT, '+', 0, 1, NULL, 1, 0), (2, 'bravo', '127.0.0.1', GW2_PORT, NULL, 0, 2, 3000, 1, 1),
        (3, 'charlie', '127.0.0.1', GW3_PORT, '00', 0, 0, 2000, 1, 0), (4, 'delta', '127.0.0.1', GW1_PORT, '0', 2, 0, 0, 1, 1), (5, 'gone', '127.0.0.1', 9, '', 0, 0, 0, 0, 0)`,
      'CREATE TABLE rates (prefix VARCHAR(20), plan VARCHAR(20), carrier INTEGER, price FLOAT)',
      `INSERT INTO rates VALUES ('49', '*', 1, 1.5), ('49', '*', 2, 1.2), ('4930', 'gold', 1, 0.5), ('4930', 'gold', 3, 0.6), ('4930', 'base', 2, 0.7),
        ('4989', '*', 2, 0.1), ('4989', '*', 5, 0.01), ('49170', '*', 3, 3), ('49170', '*', 1, 4), ('44', '*', 3, 2), ('44', '*', 4, 2), ('49900', 'gold', 4, 9)`,
    ]);
  },
  calls: {
    'a fixed number': ['+493012345', talked({ from: CALLER })],
    'by 00': ['00493012346', talked({ from: '<sip:030123456@cust.example>' })],
    abroad: ['+441234567', talked({ from: CALLER })],
    'abroad, the first fails': ['00441234577503', from({})],
    'ported by the table': ['+4930666001', talked({ from: CALLER })],
    'ported to itself': ['+4930666002', from({})],
    'ported by the table again': ['030666001', from({})],
    'a mobile number': ['+491511234567', talked({ from: CALLER })],
    'a mobile number without data': ['+4917012345678', from({})],
    'ported by HTTP': ['+4930555001', talked({ from: CALLER })],
    'ported by HTTP again': ['+4930555001', from({})],
    'an empty answer': ['+4930555002', from({})],
    'an answer without a number': ['+4930555003', from({})],
    'the server does not know': ['+4930555004', from({})],
    'an answer that is no JSON': ['+4930555005', from({})],
    'an answer with an integer': ['+4930555006', from({})],
    'given in the user part': ['+4930666001;rn=+4989222;npdi', from({})],
    'given in the user part, ported nowhere': ['+4930666001;npdi', from({})],
    'given in the URI': ['x', from({ uri: 'sip:+4930666001@sw.example;npdi;rn=+4989222' })],
    'a premium number': ['+4990012345', from({})],
    'a premium number of another plan': ['7002#+4990012345', from({})],
    'a satellite': ['+8821234567', from({})],
    'an emergency': ['112', from({})],
    'an emergency by its long form': ['+49110', from({ more: 'P-Asserted-Identity: <tel:+493012345>\r\n' })],
    'free of charge': ['08001234', from({})],
    incomplete: ['+4', from({})],
    'a technical prefix': ['7001#+493012345', talked({ from: CALLER })],
    'a technical prefix in use': ['7001#+493012346', from({})],
    'a technical prefix in use again': ['7001#+493012347', from({})],
    'a technical prefix at its limit': ['7001#+493012348', from({})],
    'an unknown prefix': ['7009#+493012345', from({})],
    'a customer who has left': ['7003#+493012345', from({})],
    'a prefix alone': ['7002#', from({})],
    'an asserted identity': [
      '+493012345',
      from({ more: 'P-Asserted-Identity: "Bob" <sip:+49309876@c.example;user=phone>\r\n' }),
    ],
    'two asserted identities': [
      '+493012345',
      from({ more: 'P-Asserted-Identity: <tel:+49309876>\r\nP-Asserted-Identity: <sip:+49309877@c.example>\r\n' }),
    ],
    'two in one field': [
      '+493012345',
      from({ more: 'P-Asserted-Identity: <sip:+49309877@c.example>, <tel:+49309876>\r\n' }),
    ],
    'a preferred identity': ['+493012345', from({ more: 'P-Preferred-Identity: <sip:+49309878@c.example>\r\n' })],
    'a remote party': [
      '+493012345',
      from({ more: 'Remote-Party-ID: "R" <sip:0309879@c.example>;party=calling;privacy=full\r\n' }),
    ],
    'a remote party in the open': [
      '+493012345',
      from({ more: 'Remote-Party-ID: <sip:0309879@c.example>;privacy=off;screen=yes\r\n' }),
    ],
    'private by user': ['+493012345', talked({ from: CALLER, more: 'Privacy: critical; user\r\n' })],
    'private by header': ['+493012345', from({ more: 'Privacy: header\r\n' })],
    'private by none': ['+493012345', from({ more: 'Privacy: none\r\n' })],
    'the name alone': ['+493012345', from({ from: 'Ann B <sip:ann@cust.example>' })],
    'no name': ['+493012345', from({ from: 'sip:+4930123@cust.example' })],
    'a bad caller': ['+493012345', from({ from: '<sip:000001@cust.example>' })],
    'no default of the customer': ['7002#+493012345', from({ from: '<sip:ann@cust.example>' })],
    diverted: ['+493012345', from({ more: 'Diversion: <sip:+4930777@c.example>;reason=no-answer;counter=1\r\n' })],
    'diverted twice': [
      '+441234567',
      from({
        more: 'Diversion: "X" <sip:+4930778@c.example>;reason=user-busy\r\nDiversion: <tel:+4930777>;reason=no-answer\r\n',
      }),
    ],
    'a re-INVITE': [
      '+493012345',
      async (call) => {
        const answer = await call.invite({ from: CALLER });
        call.send('ACK', { from: CALLER, ...call.within(answer, 1) });
        const second = await call.invite({ from: CALLER, ...call.within(answer, 2) });
        call.send('ACK', {
          from: CALLER,
          ...call.within(second, 2),
          branch: 'np-ack',
          more: call.within(answer, 2).more ?? '',
        });
        await call.ask('REFER', { from: CALLER, ...call.within(answer, 3) });
        await call.ask('BYE', { from: CALLER, ...call.within(answer, 4) });
      },
    ],
    looped: [
      '+493012345',
      from({
        more: Array.from({ length: 7 }, (_, i) => `Via: SIP/2.0/UDP 192.0.2.${i};branch=z9hG4bKl${i}\r\n`).join(''),
      }),
    ],
    preloaded: ['+493012345', from({ more: 'Route: <sip:127.0.0.1:PROXY;lr>\r\nRoute: <sip:192.0.2.7;lr>\r\n' })],
    'a scanner': [
      '+493012345',
      async (call) => {
        call.send('INVITE', { agent: 'VaxSIPUserAgent/3.1' });
        await call.ask('OPTIONS', { cseq: 2 });
      },
    ],
    'an OPTIONS of us': ['', (call) => call.ask('OPTIONS', { uri: 'sip:rtr.example.net' })],
    ...usualCalls((end) => `+4930${end}`),
  },
};
