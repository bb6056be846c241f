import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { THREE_GATEWAYS } from '../side-by-side/vendor-lists.js';
import { type CfgDaemon, startCfgDaemon } from '../support/cfg-daemon.js';
import { operatorFile } from '../support/operator-files.js';
import { freePort } from '../support/ports.js';
import { Lane } from '../support/side-by-side.js';
import { executeSqlite } from '../support/sqlite-file.js';
import { answered } from '../support/two-proxies.js';

const TABLES = `CREATE TABLE version (table_name TEXT, table_version INTEGER);
  INSERT INTO version VALUES ('dr_gateways', 6), ('dr_rules', 4), ('dr_carriers', 3), ('dr_groups', 2), ('address', 5);
  CREATE TABLE dr_gateways (id INTEGER PRIMARY KEY, gwid TEXT, type INTEGER, address TEXT, strip INTEGER, pri_prefix TEXT, attrs TEXT,
    probe_mode INTEGER DEFAULT 0, state INTEGER DEFAULT 0, socket TEXT);
  INSERT INTO dr_gateways (gwid, type, address, strip, pri_prefix, attrs) VALUES ('g1', 1, '127.0.0.1:GW1_PORT', 0, '77', 'cli=4930111;x=1'),
    ('g2', 1, '127.0.0.1:GW2_PORT', 2, NULL, 'two'), ('g3', 1, '127.0.0.1:GW3_PORT', 0, '+', NULL);
  CREATE TABLE dr_carriers (id INTEGER PRIMARY KEY, carrierid TEXT, gwlist TEXT, flags INTEGER, sort_alg TEXT DEFAULT 'N',
    state INTEGER DEFAULT 0, attrs TEXT);
  INSERT INTO dr_carriers (carrierid, gwlist, flags, attrs) VALUES ('c1', 'g1,g2', 0, 'carrier-one'), ('c3', 'g3', 0, NULL);
  CREATE TABLE dr_rules (ruleid INTEGER PRIMARY KEY, groupid TEXT, prefix TEXT, timerec TEXT, priority INTEGER, routeid TEXT, gwlist TEXT,
    sort_alg TEXT DEFAULT 'N', sort_profile INTEGER, attrs TEXT);
  INSERT INTO dr_rules (groupid, prefix, timerec, priority, routeid, gwlist, attrs) VALUES ('0', '49', '', 1, '', '#c1,#c3', 'rule49'),
    ('0', '4940', '', 1, '', 'g3', 'rule4940'), ('0', '44', '', 1, '', 'g2,g3', NULL);
  CREATE TABLE dr_groups (id INTEGER PRIMARY KEY, username TEXT, domain TEXT, groupid INTEGER);
  CREATE TABLE address (id INTEGER PRIMARY KEY, grp INTEGER, ip TEXT, mask INTEGER, port INTEGER, proto TEXT, pattern TEXT, context_info TEXT);
  INSERT INTO address (grp, ip, mask, port, proto, pattern, context_info) VALUES (1, '127.0.0.1', 32, 0, 'any', NULL, 'acme:50');`;

/** A number, the request-URIs that the gateways get in the order of the attempts, and the final reply. */
const CALLS: readonly (readonly [number: string, uris: readonly string[], reply: string])[] = [
  ['0301002', ['sip:7749301002@GW1'], '200 OK'],
  ['+49301500', ['sip:7749301500@GW1', 'sip:301500@GW2'], '200 OK'],
  ['493077503', ['sip:77493077503@GW1', 'sip:3077503@GW2', 'sip:+493077503@GW3'], '503 All carriers failed'],
  ['49301486', ['sip:7749301486@GW1'], '480 No answer there'],
  ['493077302', ['sip:77493077302@GW1'], '503 No redirections'],
  ['49401003', ['sip:+49401003@GW3'], '200 OK'],
  ['00441004', ['sip:1004@GW2'], '200 OK'],
  ['331005', [], '404 No carrier for 331005'],
  ['00499001', [], '603 Premium'],
  ['1234#49', [], '484 Number 1234#49 incomplete'],
];

let lane: Lane;
let daemon: CfgDaemon;
before(async () => {
  lane = await Lane.open(THREE_GATEWAYS);
  lane.proxyPort = await freePort();
  const text = readFileSync(operatorFile('opensips', 'class4-carriers-3.4.cfg'), 'utf8')
    .replaceAll('127.0.0.1:5060', `127.0.0.1:${lane.proxyPort}`)
    .replaceAll(/\/(?:etc|run)\/opensips/g, 'FOLDER');
  daemon = await startCfgDaemon({
    port: lane.proxyPort,
    text,
    prepare: (folder) => executeSqlite(join(folder, 'opensips.sqlite'), lane.named(TABLES)),
  });
  assert.ok(await lane.ready());
});
after(async () => {
  await daemon?.stop();
  lane?.close();
});

for (const [number, uris, reply] of CALLS) {
  test(`${number} of a customer goes to the carriers of its prefix in their order`, async () => {
    const callId = number.replaceAll(/\W/g, 'n');
    const call = lane.call(callId, number);
    const final = await call.invite();
    assert.match(final, new RegExp(`^SIP/2\\.0 ${reply}\r\n`));
    const { order = [], ...peers } = lane.got(callId);
    const sent = order.map((gateway) => peers[gateway]?.find((text) => text.startsWith('INVITE '))?.split(' ')[1]);
    assert.deepEqual(
      sent.map((uri) => uri?.replace('127.0.0.1:', '')),
      uris,
    );
  });
}

test('what the script adds is on the wire, and From is changed for the carrier and restored for the caller', async () => {
  const call = lane.call('wire', '049301503');
  await answered(call);
  const { gw2 = [], caller = [] } = lane.got('wire');
  const invite = gw2.find((text) => text.startsWith('INVITE ')) ?? '';
  for (const line of [
    'from: "Alice" <sip:4930111@c4.example>;tag=ft',
    'x-after: 503',
    'x-branch: 1 49301503',
    'x-carrier: two 2 rule49',
    'x-cust: acme 50',
    'x-last: 4949301503',
  ])
    assert.ok(invite.split('\n').includes(line), `${line} in\n${invite}`);
  assert.match(invite, /^record-route: <sip:198\.51\.100\.4;lr;ftag=ft;did=\*;vsf=/m);
  assert.match(gw2.find((text) => text.startsWith('BYE ')) ?? '', /^x-dlg: 5 downstream acme$/m);
  const answer = caller.find((text) => /^SIP\/2\.0 200[\s\S]*^cseq: 1 INVITE$/m.test(text)) ?? '';
  assert.match(answer, /^from: "Alice" <sip:alice@a\.example>;tag=ft$/m);
  assert.match(answer, /^x-answer: acme\/2$/m);
});
