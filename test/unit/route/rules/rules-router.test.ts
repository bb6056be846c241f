import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RoutingRule } from '../../../../src/config/settings.js';
import { Engine } from '../../../../src/engine/engine.js';
import { DialogGate } from '../../../../src/route/rules/dialog-gate.js';
import { compileRule } from '../../../../src/route/rules/rule.js';
import { RulesRouter } from '../../../../src/route/rules/rules-router.js';
import { routeValues } from '../../../../src/sip/route-set.js';
import { partitionOptions, row, seededRandom } from '../../../support/partitions.js';
import { proxyFixture } from '../../../support/proxy-fixture.js';
import { parsed, recordingLogger } from '../../../support/sip-recorder.js';

const GATEWAYS = ['192.0.2.11', '192.0.2.12'] as const;

/** Round robin over two destinations with one rule, which may be changed. */
function routed(change: Partial<RoutingRule> = {}, attrs: readonly string[] = []) {
  const fixture = proxyFixture({ decide: () => ({ kind: 'drop' }) });
  const { clock } = fixture;
  const engine = new Engine({ clock, random: seededRandom(), warn: () => {} });
  const partition = engine.addPartition(partitionOptions({ name: 'default' }));
  partition.load(
    GATEWAYS.map((host, i) => row(`sip:${host}`, { attrs: attrs[i] ?? '' })),
    { inheritState: true },
  );
  const rule: RoutingRule = {
    pointer: '/routing/0',
    match: new Map(),
    select: { partition: undefined, set: '1', alg: '4', flags: 'f', maxRes: undefined, fn: 'dst' },
    relay: 'stateful',
    failover: { codes: [], max: undefined, mark: undefined },
    redirects: { follow: false, max: 5 },
    recordRoute: false,
    useBlacklist: [],
    reject: { code: 503, reason: 'No destinations' },
    ...change,
  };
  const counted = { selected: 0, failed: 0 };
  const router = new RulesRouter({
    engine,
    sockets: fixture.sockets,
    rules: [compileRule(rule, (name) => engine.partition(name))],
    formats: { hash: undefined, load: undefined, score: undefined, statistic: () => undefined },
    blocked: () => false,
    tally: { selected: () => counted.selected++, failed: () => counted.failed++ },
    log: recordingLogger().log,
    dialogs: new DialogGate({
      engine,
      tokens: undefined,
      foreign: 'known',
      trusted: { has: () => false },
      limiter: { take: () => 0 },
      tally: { passed() {}, refused() {} },
    }),
  });
  fixture.proxy.useRouter(router);
  let calls = 0;
  const send = (method: string) => {
    fixture.call({ method, branch: `z9hG4bK${++calls}`, callId: `${calls}@x` });
    return GATEWAYS.map((host) => fixture.sentTo(host).length);
  };
  return { ...fixture, counted, send };
}

test('a CANCEL without a known call is forwarded statelessly; round robin and counters do not change', () => {
  const { send, codes, counted, layer } = routed();
  assert.deepEqual(send('INVITE'), [1, 0]);
  // Each is sent to the target of the next call.
  for (let i = 1; i <= 3; i++) assert.deepEqual(send('CANCEL'), [1, i]);
  assert.deepEqual([codes(), layer.size], [[100], 2]);
  assert.deepEqual([send('INVITE'), counted.selected, counted.failed], [[1, 4], 2, 0]);
  assert.deepEqual(send('INVITE'), [2, 4]);
});

test('a CANCEL without a known call is answered with 481 if its rule has no next hop', () => {
  for (const change of [
    { select: { partition: undefined, set: '9', alg: '4', flags: '', maxRes: undefined, fn: 'dst' as const } },
    { relay: 'redirect' as const },
  ]) {
    const { send, codes, counted } = routed(change);
    assert.deepEqual(send('CANCEL'), [0, 0]);
    assert.deepEqual([codes(), counted.failed], [[481], 0]);
  }
});

test('a CANCEL without a transaction goes to the next hop of a request with the same request-URI', () => {
  const { send, codes } = routed({
    relay: 'stateless',
    select: { partition: undefined, set: '1', alg: '8', flags: 'f', maxRes: undefined, fn: 'dst' },
  });
  send('INVITE');
  assert.deepEqual([send('CANCEL'), codes()], [[2, 0], []]);
});

test('without a selection a request follows the routes it came with, then its request-URI (RFC 3261 section 16.6 step 7)', () => {
  for (const [headers, address, line, routes] of [
    ['', '192.0.2.20', 'INVITE sip:bob@192.0.2.20 SIP/2.0', []],
    ['Route: <sip:192.0.2.30;lr>\r\n', '192.0.2.30', 'INVITE sip:bob@192.0.2.20 SIP/2.0', ['<sip:192.0.2.30;lr>']],
    [
      'Route: <sip:127.0.0.1:5060;lr>, <sip:192.0.2.30;lr>\r\n',
      '192.0.2.30',
      'INVITE sip:bob@192.0.2.20 SIP/2.0',
      ['<sip:192.0.2.30;lr>'],
    ],
    ['Route: <sip:192.0.2.30>\r\n', '192.0.2.30', 'INVITE sip:192.0.2.30 SIP/2.0', ['<sip:bob@192.0.2.20>']],
  ] as const) {
    const fixture = routed({ select: undefined });
    fixture.call({ uri: 'sip:bob@192.0.2.20', headers });
    const [text = ''] = fixture.sentTo(address);
    assert.equal(text.slice(0, text.indexOf('\r\n')), line);
    assert.deepEqual(
      routeValues(parsed(text), 'route').map((each) => each.value),
      routes,
    );
  }
});

test('relay "reply" answers at once and sends nothing', () => {
  const { send, codes, counted } = routed({
    relay: 'reply',
    select: undefined,
    reject: { code: 405, reason: 'Method Not Allowed' },
  });
  assert.deepEqual([send('INVITE'), codes(), counted.selected], [[0, 0], [405], 0]);
});

test('an OPTIONS for the proxy itself is answered, unless a rule matches the method', () => {
  const own = { method: 'OPTIONS', uri: 'sip:127.0.0.1:5060', branch: 'z9hG4bKo', callId: 'o' };
  const taken = routed();
  taken.call(own);
  assert.deepEqual(taken.codes(), [200]);
  const asked = routed({ match: new Map([['$rm', 'OPTIONS']]) });
  asked.call(own);
  assert.equal(asked.sentTo(GATEWAYS[0]).length, 1);
});

test('the code "timeout" means failover without a reply, and not after a 408', () => {
  for (const [codes, silent, answered] of [
    [['timeout'], true, false],
    [['408'], true, true],
    [['500'], false, false],
  ] as const) {
    const rule: RoutingRule = {
      pointer: '/routing/0',
      match: new Map(),
      select: { partition: undefined, set: '1', alg: '4', flags: 'f', maxRes: undefined, fn: 'dst' },
      relay: 'stateful',
      failover: { codes, max: undefined, mark: undefined },
      redirects: { follow: false, max: 5 },
      recordRoute: false,
      useBlacklist: [],
      reject: { code: 503, reason: 'x' },
    };
    const compiled = compileRule(rule, () => undefined);
    assert.deepEqual([compiled.failsOverOnTimeout, compiled.failsOver(408)], [silent, answered], codes.join());
  }
});

test('without a selection a CANCEL without a known call is forwarded statelessly (RFC 3261 section 16.10)', () => {
  const fixture = routed({ select: undefined });
  fixture.call({ method: 'CANCEL', uri: 'sip:bob@192.0.2.20' });
  assert.match(fixture.sentTo('192.0.2.20')[0] ?? '', /^CANCEL sip:bob@192\.0\.2\.20 /);
  assert.deepEqual([fixture.codes(), fixture.layer.size], [[], 0]);
});

test('a re-INVITE gets Record-Route again, other requests inside a dialog do not', () => {
  for (const [method, count] of [
    ['INVITE', 1],
    ['BYE', 0],
    ['UPDATE', 0],
  ] as const) {
    const fixture = routed();
    fixture.call({ method, uri: 'sip:bob@192.0.2.20', toTag: 'b', headers: 'Route: <sip:127.0.0.1:5060;lr>\r\n' });
    assert.equal(parsed(fixture.sentTo('192.0.2.20')[0] ?? '').headerCount('record-route'), count);
  }
});

test('an OPTIONS for the proxy itself is answered with its abilities, and refused for unknown extensions (RFC 3261 section 11.2)', () => {
  const never: Partial<RoutingRule> = { match: new Map([['$rm', 'NOTHING']]) };
  const plain = routed(never);
  plain.call({ method: 'OPTIONS', uri: 'sip:127.0.0.1:5060' });
  const reply = plain.lastToCaller();
  assert.equal(reply.status, 200);
  assert.match(reply.header('allow') ?? '', /^INVITE, ACK, CANCEL, BYE/);
  assert.deepEqual([reply.header('accept'), reply.header('supported')], ['*/*', 'path']);
  const asked = routed(never);
  asked.call({ method: 'OPTIONS', uri: 'sip:127.0.0.1:5060', headers: 'Require: path, 100rel\r\nRequire: foo\r\n' });
  assert.deepEqual([asked.codes(), asked.lastToCaller().header('unsupported')], [[420], '100rel, foo']);
});

/** Changes of digits and headers by attributes of the destination. */
function changing(destination: { strip?: string; prefix?: string; headers?: Record<string, string> }) {
  const { strip = '', prefix = '', headers = {} } = destination;
  return { strip, prefix, headers: new Map(Object.entries(headers)) };
}

test('strip, prefix and headers are those of the destination, and are applied to the original number at each try', () => {
  const { send, sentTo, answer } = routed(
    {
      failover: { codes: ['503'], max: undefined, mark: undefined },
      destination: changing({
        strip: '{strip}',
        prefix: '{tech}',
        headers: { 'X-Trunk': 'id={trunk}', 'X-Way': 'out' },
      }),
    },
    ['strip=2;tech="99#";trunk=a', 'tech=+44'],
  );
  send('INVITE');
  const [first = ''] = sentTo(GATEWAYS[0]);
  assert.match(first, /^INVITE sip:99%23b@/);
  assert.match(first, /\r\nX-Trunk: id=a\r\nX-Way: out\r\n/);
  answer(first, 503);
  const [second = ''] = sentTo(GATEWAYS[1]);
  assert.match(second, /^INVITE sip:\+44bob@/);
  // Without the attribute there is no such header.
  assert.doesNotMatch(second, /X-Trunk/);
  assert.match(second, /\r\nX-Way: out\r\n/);
});

test('the value of an attribute cannot begin another header or be an invalid user part', () => {
  const { send, sentTo } = routed({ destination: changing({ prefix: '{p}', headers: { 'X-A': '{a}' } }) }, [
    'p=1@evil;a=x\r\nX-B: 1',
  ]);
  send('INVITE');
  const [sent = ''] = sentTo(GATEWAYS[0]);
  assert.match(sent, /^INVITE sip:bob@/);
  assert.doesNotMatch(sent, /X-[AB]/);
});

test('a header that the proxy needs cannot be added', () => {
  for (const name of ['Via', 'to', 'Content-Length', 'X Y', '']) {
    assert.throws(() => routed({ destination: changing({ headers: { [name]: 'x' } }) }), /cannot be added/, name);
  }
});

test('all our Route values on top are removed, paired or not', () => {
  const fixture = routed({ select: undefined });
  const ours = '<sip:127.0.0.1:5060;lr>, <sip:[::1]:5060;lr>, <sip:127.0.0.1:5060;transport=tcp;lr>';
  fixture.call({ uri: 'sip:bob@192.0.2.20', headers: `Route: ${ours}\r\n` });
  const sent = parsed(fixture.sentTo('192.0.2.20')[0] ?? '');
  assert.equal(sent.headerCount('route'), 0);
});

test('if a selection finds nothing the fallbacks are tried in order', () => {
  const select = { partition: undefined, set: '7', alg: '4', flags: 'f', maxRes: undefined, fn: 'dst' } as const;
  const { send, codes, counted } = routed({
    select,
    fallback: [
      { ...select, set: '8' },
      { ...select, set: '1' },
      { ...select, set: '9' },
    ],
  });
  assert.deepEqual(send('INVITE'), [1, 0]);
  assert.deepEqual(send('INVITE'), [1, 1]);
  assert.deepEqual([counted.selected, counted.failed], [2, 4]);
  const none = routed({
    select,
    fallback: [
      { ...select, set: '8' },
      { ...select, partition: 'nosuch' },
    ],
  });
  none.send('INVITE');
  assert.deepEqual(none.codes(), [100, 503].slice(1));
  assert.deepEqual(codes(), [100, 100]);
});
