import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepCallee, TopologyRecords } from '../../../src/modules/topos/records.js';
import { TopologyStore, topologyStore } from '../../../src/modules/topos/settings.js';
import type { TopologyStripper } from '../../../src/modules/topos/stripper.js';
import { ModuleParameters } from '../../../src/script/environment.js';
import { parseReceived } from '../../../src/sip/received.js';
import { assertLinear } from '../../support/growth.js';
import { stillClock } from '../../support/partitions.js';
import { headersOf } from '../../support/raw-agent.js';

const parametersOf = (all: Readonly<Record<string, string | number>>) =>
  new ModuleParameters(new Map(Object.entries(all).map(([name, value]) => [name, [value]])));

function world(all: Readonly<Record<string, string | number>> = {}) {
  const clock = stillClock();
  let drawn = 0;
  const random = { uint32: () => 0, token: () => `a${(drawn++).toString(16)}` };
  const store = new TopologyStore(parametersOf(all));
  return { clock, random, store, stripper: store.stripper({ clock, random }) };
}

const CALLER = {
  from: '<sip:a@a.example>;tag=ft',
  to: '<sip:b@b.example>',
  via: 'SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bKa',
  more: 'Contact: <sip:a@10.0.0.4>\r\n',
};

function request(method: string, uri: string, over: Partial<typeof CALLER> & { callId?: string } = {}): string {
  const { from, to, via, more, callId = 'c@x' } = { ...CALLER, ...over };
  return [
    `${method} ${uri} SIP/2.0`,
    `Via: ${via}`,
    `From: ${from}`,
    `To: ${to}`,
    `Call-ID: ${callId}`,
    `CSeq: 1 ${method}`,
    `${more}Content-Length: 0`,
    '',
    '',
  ].join('\r\n');
}

let branches = 0;

/** A request as forwarded by this proxy: with the marked Via of the proxy on top and its Record-Route lines first. */
function relayed(received: string, own: readonly string[] = [], branch = `z9hG4bKours${branches++}`): string {
  const [, direction, dialog = ''] = /;TH=([du])0(-\w+)?/.exec(received) ?? [];
  const head = own.map((each) => `Record-Route: ${each}\r\n`).join('');
  return received.replace(
    'Via: ',
    `${head}Via: SIP/2.0/UDP 10.0.0.9:5060;branch=${branch};TH=${direction}${own.length}${dialog}\r\nVia: `,
  );
}

/** The reply of a UAS that received this request. */
function replyTo(shown: string, tag: string, more = '', status = '200 OK'): string {
  const copied = shown
    .split('\r\n')
    .filter((line) => /^(?:Via|From|To|Call-ID|CSeq|Record-Route):/.test(line))
    .map((line) => (/^To: (?!.*;tag=)/.test(line) ? `${line};tag=${tag}` : line));
  return [`SIP/2.0 ${status}`, ...copied, `${more}Content-Length: 0`, '', ''].join('\r\n');
}

/** A forwarded reply: without the proxy's Via. */
const passed = (reply: string): string => reply.replace(/Via: [^\r]*\r\n/, '');
const contactIn = (text: string): string => /<([^>]*)>/.exec(headersOf(text, 'contact')[0] ?? '')?.[1] ?? '';

const OWN = ['<sip:10.1.0.9;r2=on;lr>', '<sip:10.0.0.9;transport=tcp;r2=on;lr>'];
const UPSTREAM =
  'Via: SIP/2.0/TCP 10.0.0.2;branch=z9hG4bKb, SIP/2.0/UDP 10.0.0.3;branch=z9hG4bKc\r\nRecord-Route: <sip:10.0.0.2;lr>\r\nContact: <sip:a@10.0.0.4>\r\n';

/** A call answered by a callee behind another proxy. */
function answered(stripper: TopologyStripper): { caller: string; callee: string; back: string } {
  const received = stripper.received(request('INVITE', 'sip:b@b.example', { more: UPSTREAM }));
  const shown = stripper.sent(relayed(received, OWN));
  const more = 'Record-Route: <sip:10.1.0.2;lr>\r\nRecord-Route: <sip:10.1.0.1;lr>\r\nContact: <sip:b@10.1.0.4>\r\n';
  const back = stripper.sent(passed(stripper.received(replyTo(shown, 'tt', more))));
  return { caller: contactIn(back), callee: contactIn(shown), back };
}

test('each side sees only the address of this proxy, and gets its own Route values in requests', () => {
  const { stripper } = world();
  const received = stripper.received(request('INVITE', 'sip:b@b.example', { more: UPSTREAM }));
  const shown = stripper.sent(relayed(received, OWN));
  assert.doesNotMatch(shown, /10\.0\.0\.[1-4]|TH=|Record-Route/);
  assert.equal(contactIn(shown), 'sip:btpsh-a0@10.1.0.9');
  const { back } = answered(world().stripper);
  assert.doesNotMatch(back, /10\.1\.0|TH=/);
  assert.equal(contactIn(back), 'sip:atpsh-a0@10.0.0.9;transport=tcp');
  assert.deepEqual(headersOf(back, 'record-route'), ['<sip:10.0.0.2;lr>']);
  assert.deepEqual(headersOf(back, 'via'), [
    'SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bKa',
    'SIP/2.0/TCP 10.0.0.2;branch=z9hG4bKb, SIP/2.0/UDP 10.0.0.3;branch=z9hG4bKc',
  ]);
});

test('requests within the dialog go to the other end by its routers, through the sockets in their order', () => {
  const { stripper } = world();
  const { caller, callee } = answered(stripper);
  const to = '<sip:b@b.example>;tag=tt';
  const down = stripper.received(request('BYE', caller, { to }));
  assert.match(down, /^BYE sip:b@10\.1\.0\.4 SIP/);
  assert.deepEqual(headersOf(down, 'route'), [...[...OWN].reverse(), '<sip:10.1.0.1;lr>', '<sip:10.1.0.2;lr>']);
  const up = stripper.received(request('INFO', callee, { from: to, to: CALLER.from }));
  assert.match(up, /^INFO sip:a@10\.0\.0\.4 SIP/);
  assert.deepEqual(headersOf(up, 'route'), [...OWN, '<sip:10.0.0.2;lr>']);
});

test('a request that names a dialog of another call stays as it is', () => {
  const { stripper } = world();
  const { caller, callee } = answered(stripper);
  const to = '<sip:b@b.example>;tag=tt';
  for (const [uri, over] of [
    [caller, { to, callId: 'other' }],
    [caller, { to: '<sip:b@b.example>;tag=other' }],
    [caller, { to, from: '<sip:a@a.example>;tag=other' }],
    [callee, { from: to, to: '<sip:a@a.example>;tag=other' }],
    [caller, {}],
    ['sip:atpsh-ffff@10.0.0.9', { to }],
  ] as const)
    assert.doesNotMatch(stripper.received(request('BYE', uri, over)), /10\.1\.0\.4|Route/);
});

test('several callees that answer one INVITE are distinguished by their tags', () => {
  const { stripper } = world();
  const shown = stripper.sent(relayed(stripper.received(request('INVITE', 'sip:b@b.example')), OWN));
  const answers = ['t1', 't2'].map((tag) =>
    contactIn(stripper.sent(passed(stripper.received(replyTo(shown, tag, `Contact: <sip:b@${tag}.example>\r\n`))))),
  );
  for (const [i, tag] of ['t1', 't2'].entries())
    assert.match(
      stripper.received(request('ACK', answers[i] ?? '', { to: `<sip:b@b.example>;tag=${tag}` })),
      new RegExp(`^ACK sip:b@${tag}.example SIP`),
    );
});

test('a request without Record-Route is hidden as well, and its reply reaches the caller', () => {
  const { stripper } = world();
  const shown = stripper.sent(relayed(stripper.received(request('OPTIONS', 'sip:b@b.example'))));
  assert.equal(headersOf(shown, 'via').length, 1);
  assert.deepEqual(headersOf(shown, 'contact'), []);
  const back = stripper.sent(passed(stripper.received(replyTo(shown, 'tt', 'Contact: <sip:b@10.1.0.4>\r\n'))));
  assert.deepEqual(headersOf(back, 'via'), [CALLER.via]);
  assert.deepEqual(headersOf(back, 'contact'), []);
});

test('the reply to OPTIONS that were record-routed has a Contact of its side', () => {
  const { stripper } = world();
  const shown = stripper.sent(relayed(stripper.received(request('OPTIONS', 'sip:b@b.example')), OWN));
  const back = stripper.sent(passed(stripper.received(replyTo(shown, 'tt', 'Contact: <sip:b@10.1.0.4>\r\n'))));
  assert.match(headersOf(back, 'contact').join(), /^<sip:atpsh-/);
});

test('a copy of a request is forwarded as the same request', () => {
  const { stripper, store, clock } = world();
  const out = relayed(stripper.received(request('INVITE', 'sip:b@b.example')), OWN);
  assert.equal(stripper.sent(out), stripper.sent(out));
  assert.deepEqual(store.records(clock).counts, { dialogs: 1, requests: 1 });
});

test('an unanswered request is removed after branch_expire, an ended call soon, a call in progress after dialog_expire', () => {
  const { stripper, clock } = world({ branch_expire: 100, dialog_expire: 500 });
  const to = '<sip:b@b.example>;tag=tt';
  const unanswered = stripper.sent(
    relayed(stripper.received(request('INVITE', 'sip:b@b.example', { callId: 'u' })), OWN),
  );
  const { caller } = answered(stripper);
  clock.time += 100_000;
  assert.equal(headersOf(stripper.received(replyTo(unanswered, 'tt')), 'via').length, 1);
  assert.match(stripper.received(request('INFO', caller, { to })), /^INFO sip:b@10/);
  clock.time += 300_000;
  const info = stripper.sent(relayed(stripper.received(request('INFO', caller, { to }))));
  stripper.received(replyTo(info, 'tt'));
  clock.time += 400_000;
  const bye = relayed(stripper.received(request('BYE', caller, { to })));
  assert.match(bye, /^BYE sip:b@10/, 'each request within it keeps it');
  stripper.received(replyTo(stripper.sent(bye), 'tt'));
  clock.time += 39_000;
  assert.match(stripper.received(request('BYE', caller, { to })), /^BYE sip:b@10/);
  clock.time += 2000;
  assert.match(stripper.received(request('BYE', caller, { to })), /^BYE sip:atpsh/);
});

test('calls in progress stay over a reload of the file', () => {
  const { stripper, store, clock, random } = world();
  const { caller } = answered(stripper);
  const next = new TopologyStore(parametersOf({ dialog_expire: 900 }), store).stripper({ clock, random });
  assert.match(next.received(request('BYE', caller, { to: '<sip:b@b.example>;tag=tt' })), /^BYE sip:b@10\.1\.0\.4 /);
});

test('a mark written by a peer has no effect', () => {
  const { stripper } = world();
  const { caller } = answered(stripper);
  const via = 'SIP/2.0/UDP 10.0.0.1:5070;TH=d0-a0;branch=z9hG4bKx';
  const shown = stripper.sent(
    relayed(stripper.received(request('INVITE', 'sip:b@b.example', { via, callId: 'n' })), OWN),
  );
  assert.equal(contactIn(shown), 'sip:btpsh-a1@10.1.0.9', 'a dialog of its own');
  assert.match(caller, /a0/);
});

test('a line feed does not hide a mark written by a peer, and a malformed message stays malformed', () => {
  const { stripper } = world();
  const hidden = (line: string) =>
    stripper.received(request('INVITE', 'sip:b@b.example').replace('Via: ', `Subject: a\n${line}\r\nVia: `));
  const received = hidden('Via: SIP/2.0/UDP 10.0.0.1:5070;TH=d0-a0;branch=z9hG4bKx');
  assert.deepEqual(
    headersOf(received, 'via').map((each) => /TH=[^;]*/.exec(each)?.[0]),
    ['TH=d0', undefined],
  );
  assert.notEqual(parseReceived(hidden('\nX: b'))?.defect, undefined);
});

test('unsupported parameters are refused', () => {
  for (const [name, value] of [
    ['contact_mode', 2],
    ['cparam_name', 'a b'],
    ['contact_host', 'a>b'],
    ['branch_expire', 0],
    ['dialog_expire', -1],
    ['xavu_field_contact_host', 'x'],
  ] as const)
    assert.throws(() => new TopologyStore(parametersOf({ [name]: value })), new RegExp(name));
});

test('REGISTER and PUBLISH are forwarded unchanged', () => {
  const { stripper } = world();
  for (const method of ['REGISTER', 'PUBLISH']) {
    const text = request(method, 'sip:b.example');
    assert.equal(stripper.received(text), text);
  }
});

test('the time for a message is linear in its length, whatever it contains', () => {
  const fill = (unit: string) => (length: number) => unit.repeat(Math.floor(length / unit.length));
  const cases = [
    ['Via fields', fill('Via: SIP/2.0/UDP 10.0.0.3;branch=z9hG4bKc\r\n')],
    ['Via values', (n: number) => `Via: ${fill('SIP/2.0/UDP h;branch=z9hG4bKc,')(n)}SIP/2.0/UDP h\r\n`],
    ['Record-Route values', (n: number) => `Record-Route: ${fill('<sip:h;lr>,')(n)}<sip:h;lr>\r\n`],
    ['Contact values', (n: number) => `Contact: ${fill('<sip:h>,')(n)}<sip:h>\r\n`],
    ['marks', fill(';TH=d0')],
  ] as const;
  const { stripper } = world();
  assertLinear(
    'topos',
    cases.map(([name, make]) => ({
      name,
      make: (length) =>
        name === 'marks'
          ? request('INVITE', 'sip:b@b.example', { via: `SIP/2.0/UDP h${make(length)};branch=z9hG4bKa` })
          : request('INVITE', 'sip:b@b.example', { more: make(length) }),
    })),
    (text) => {
      const shown = stripper.sent(relayed(stripper.received(text), OWN));
      stripper.sent(passed(stripper.received(replyTo(shown, 'tt'))));
    },
    // Four messages, and the work of the test itself.
    { maxMs: 25 },
  );
});

test('hidden dialogs stay over a reload, also if no message came after an earlier one', () => {
  const { stripper, store, clock } = world();
  stripper.sent(relayed(stripper.received(request('INVITE', 'sip:b@b.example')), OWN));
  const unused = topologyStore.renew(store, parametersOf({}));
  const last = topologyStore.renew(unused, parametersOf({}));
  assert.deepEqual(last.records(clock).counts, { dialogs: 1, requests: 1 });
});

test('the memory that dialogs may take counts their tags, those of provisional replies too', () => {
  const records = new TopologyRecords(180, 10_800);
  const long = 'x'.repeat(60_000);
  const dialogOf = (id: string, callerTag: string) => ({
    id,
    callId: 'c',
    callerTag,
    own: [],
    users: { caller: '', callee: '' },
    caller: { contact: '', routes: [] },
    callees: new Map(),
  });
  const sent = { method: 'INVITE', direction: 'd', vias: [], own: [], routes: [], initial: true } as const;
  for (let i = 0; i < 1500; i++) records.leaves(`b${i}`, { ...sent, dialog: dialogOf(`d${i}`, long) }, 0);
  assert.ok(records.counts.dialogs < 1200, `${records.counts.dialogs} dialogs`);
  const grown = new TopologyRecords(180, 10_800);
  for (let i = 0; i < 100; i++) {
    const dialog = dialogOf(`d${i}`, 'x');
    grown.leaves(`b${i}`, { ...sent, dialog }, 0);
    for (let tag = 0; tag < 16; tag++) keepCallee(dialog, `${tag}${long}`, { contact: '', routes: [] });
    grown.kept(dialog, 0);
  }
  assert.ok(grown.counts.dialogs < 75, `${grown.counts.dialogs} dialogs`);
});
