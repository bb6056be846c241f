import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KeyRing, OLD_KEY_MS } from '../../../../src/core/key-ring.js';
import { Engine } from '../../../../src/engine/engine.js';
import { DialogTokens } from '../../../../src/proxy/dialog-token.js';
import { DialogGate, type ForeignDialogs } from '../../../../src/route/rules/dialog-gate.js';
import { compileRule } from '../../../../src/route/rules/rule.js';
import { RulesRouter } from '../../../../src/route/rules/rules-router.js';
import { SourceRateLimiter } from '../../../../src/sip/rate-limit.js';
import { partitionOptions, row, seededRandom } from '../../../support/partitions.js';
import { proxyFixture } from '../../../support/proxy-fixture.js';
import { parsed, recordingLogger, requestText, sourceOf } from '../../../support/sip-recorder.js';

const GATEWAY = '192.0.2.11';
const PEER = '198.51.100.9';
const PARTNER = '203.0.113.5';
/** Gateways of another partition. */
const THEIRS = '192.0.2.33';
const CALLER_OF_THEIRS = '192.0.2.34';
const NAMED = '192.0.2.35';

/** One rule for all requests; it selects one gateway and records its route. */
function gated(foreign: ForeignDialogs = 'known') {
  let now = 1_000_000;
  const keys = new KeyRing('first key', () => now);
  const tokens = new DialogTokens(keys);
  const fixture = proxyFixture({ decide: () => ({ kind: 'drop' }), tokens });
  const engine = new Engine({ clock: fixture.clock, random: seededRandom(), warn: () => {} });
  const partition = engine.addPartition(partitionOptions({ name: 'default' }));
  partition.load([row(`sip:${GATEWAY}`)], { inheritState: true });
  const others = engine.addPartition(partitionOptions({ name: 'globex' }));
  others.load([row(`sip:${THEIRS}`), row(`sip:${CALLER_OF_THEIRS}`), row('sip:gw.globex.example')], {
    inheritState: true,
    resolve: (uri, transport) => [
      { family: 4, address: uri.host === 'gw.globex.example' ? NAMED : uri.host, port: 5060, transport },
    ],
  });
  const counts = { passed: 0, refused: 0 };
  const select = { partition: undefined, set: '1', alg: '4', flags: '', maxRes: undefined, fn: 'dst' } as const;
  const rule = {
    pointer: '/routing/0',
    match: new Map(),
    select,
    relay: 'stateful' as const,
    failover: { codes: [], max: undefined, mark: undefined },
    redirects: { follow: false, max: 5 },
    recordRoute: true,
    useBlacklist: [],
    reject: { code: 503, reason: 'No destinations' },
  };
  const router = new RulesRouter({
    engine,
    sockets: fixture.sockets,
    rules: [compileRule(rule, (name) => engine.partition(name))],
    formats: { hash: undefined, load: undefined, score: undefined, statistic: () => undefined },
    blocked: () => false,
    tally: { selected: () => {}, failed: () => {} },
    log: recordingLogger().log,
    dialogs: new DialogGate({
      engine,
      tokens,
      foreign,
      trusted: { has: (address) => address === PARTNER },
      limiter: new SourceRateLimiter({ perSecond: 1, burst: 3 }, () => now),
      tally: {
        passed: () => {
          counts.passed++;
        },
        refused: () => {
          counts.refused++;
        },
      },
    }),
  });
  fixture.proxy.useRouter(router);
  let serial = 0;
  return {
    ...fixture,
    keys,
    counts,
    later: (ms: number) => {
      now += ms;
    },
    /** The Route that a dialog with this Call-ID received. */
    recorded(callId: string, from = sourceOf(fixture.udp, '192.0.2.1')): string[] {
      fixture.udp.sent.length = 0;
      const transport = from.socket.transport.toUpperCase();
      const via = `SIP/2.0/${transport} 192.0.2.1:5060;branch=z9hG4bKr${++serial}`;
      fixture.layer.receive(requestText({ callId, via }), from);
      return parsed(fixture.sentTo(GATEWAY)[0] ?? '').headers('record-route');
    },
    /** The explanation of a request inside a dialog; it is not counted. */
    explained(options: { route: string; method?: string; from?: string; to?: string; uri?: string }) {
      const { route, method = 'BYE', from = '192.0.2.1', to = PEER, uri = `sip:bob@${to}` } = options;
      const headers = route === '' ? '' : `Route: ${route}\r\n`;
      const text = requestText({ method, callId: 'c1@x', headers, uri, toTag: 'b' });
      const counted = { ...counts };
      const found = router.explain(parsed(text), sourceOf(fixture.udp, from), undefined);
      assert.deepEqual(counts, counted);
      return found;
    },
    /** The target of a request inside a dialog, and the reply to its sender. */
    inDialog(options: { route: string; callId?: string; method?: string; from?: string; to?: string }): string[] {
      fixture.udp.sent.length = 0;
      const { route, callId = 'c1@x', method = 'BYE', from = '192.0.2.1', to = PEER } = options;
      const headers = route === '' ? '' : `Route: ${route}\r\n`;
      const text = requestText({
        method,
        callId,
        headers,
        uri: `sip:bob@${to}`,
        toTag: 'b',
        via: `SIP/2.0/UDP ${from}:5060;branch=z9hG4bKd${++serial}`,
      });
      fixture.layer.receive(text, sourceOf(fixture.udp, from));
      return fixture.udp.sent.filter((each) => !each.text.startsWith('SIP/2.0 100')).map((each) => each.address);
    },
  };
}

const INVENTED = '<sip:127.0.0.1:5060;lr>';

describe('an explanation shows how a request within a dialog is routed', () => {
  test('a Route of the proxy: the token, the partition and the next hop are shown', () => {
    const { recorded, explained } = gated();
    const [route = ''] = recorded('c1@x');
    const { dialog, order } = explained({ route });
    assert.equal(dialog?.verdict, 'by its Route');
    assert.equal(dialog?.why, 'its Route has the token of this call');
    assert.equal(dialog?.partition, 'default');
    assert.deepEqual(dialog?.ours, ['127.0.0.1:5060']);
    assert.deepEqual(order, [`sip:bob@${PEER}`]);
    assert.match(explained({ route, to: 'gw.example' }).dialog?.why ?? '', /checked when it is resolved/);
  });

  test('a Route of the proxy in the request-URI, written there by a strict router, is recognised', () => {
    const { recorded, explained } = gated();
    const [route = ''] = recorded('c1@x');
    const { dialog, order } = explained({ route: `<sip:bob@${PEER}>`, uri: route.slice(1, -1) });
    assert.equal(dialog?.why, 'its Route has the token of this call');
    assert.deepEqual(order, [`sip:bob@${PEER}`]);
  });

  test('an invented Route, a missing one and the Route of another proxy are distinguished', () => {
    const { explained } = gated();
    const invented = explained({ route: INVENTED, method: 'INVITE' });
    assert.equal(invented.dialog?.verdict, 'by the rules');
    assert.match(
      invented.dialog?.why ?? '',
      /no token of this call; its source is neither trusted nor a destination of ours/,
    );
    assert.deepEqual(invented.order, [`sip:${GATEWAY}`]);
    const none = explained({ route: '' });
    assert.deepEqual(
      [none.dialog?.verdict, none.dialog?.why, none.answer],
      ['nowhere', 'it has no Route', '404 Not here'],
    );
    assert.equal(explained({ route: '<sip:198.51.100.1;lr>' }).dialog?.why, 'the top Route names another proxy');
    const ack = explained({ route: INVENTED, method: 'ACK' });
    assert.match(ack.failure ?? '', /stateless rule only/);
  });

  test('for dialogs without a token the source and the target decide', () => {
    const trusted = gated().explained({ route: INVENTED, from: PARTNER });
    assert.match(trusted.dialog?.why ?? '', /its source is trusted/);
    assert.equal(trusted.dialog?.verdict, 'by its Route');
    const gateway = gated().explained({ route: INVENTED, from: GATEWAY });
    assert.match(gateway.dialog?.why ?? '', /is a destination of ours, it does not lead to a destination of ours/);
    const refused = gated('refuse').explained({ route: INVENTED, from: PARTNER });
    assert.match(refused.dialog?.why ?? '', /foreign_dialogs is "refuse"/);
    const { recorded, explained } = gated('refuse');
    const [route = ''] = recorded('c1@x');
    assert.match(explained({ route, to: THEIRS }).dialog?.why ?? '', /which may not reach 192\.0\.2\.33:5060/);
  });
});

describe('a request within a dialog is relayed by its Route only if this proxy wrote it', () => {
  test('with the Route of the proxy a request goes to its request-URI', () => {
    const { recorded, inDialog } = gated();
    const [route = ''] = recorded('c1@x');
    assert.match(route, /^<sip:127\.0\.0\.1:5060;lr;dt=[\w-]{28}>$/);
    for (const method of ['BYE', 'INVITE', 'UPDATE', 'ACK']) assert.deepEqual(inDialog({ route, method }), [PEER]);
  });

  test('a request with an invented Route and To tag is routed by the rules', () => {
    const { inDialog } = gated();
    const inventions = [
      INVENTED,
      '<sip:127.0.0.1:5060;lr;dt=>',
      '<sip:127.0.0.1:5060;lr;dt=AAAAAAAAAAAAAAAA>',
      '<sip:127.0.0.1:5060;lr;dt=AAAAAAAAAAAAAAAAAAAAAAAAAAAA>',
    ];
    for (const route of inventions) {
      assert.deepEqual(inDialog({ route, method: 'INVITE' }), [GATEWAY]);
      assert.deepEqual(inDialog({ route: `${route}, <sip:127.0.0.1:22;lr>`, method: 'INVITE' }), [GATEWAY]);
      assert.deepEqual(inDialog({ route, method: 'ACK' }), []);
    }
  });

  test('a token does not allow a gateway of a partition that did not route the dialog', () => {
    const { recorded, inDialog } = gated();
    const [route = ''] = recorded('c1@x');
    for (const method of ['INVITE', 'REFER', 'MESSAGE', 'SUBSCRIBE']) {
      assert.deepEqual(inDialog({ route, method, to: THEIRS }), [GATEWAY], method);
      assert.deepEqual(inDialog({ route: `${route}, <sip:${THEIRS};lr>`, method }), [GATEWAY], method);
    }
    for (const to of [`[::ffff:${THEIRS}]`, `${THEIRS}:5070`, `${THEIRS}:22`]) {
      assert.deepEqual(inDialog({ route, method: 'INVITE', to }), [GATEWAY], to);
    }
    assert.deepEqual(inDialog({ route, method: 'INVITE', to: GATEWAY }), [GATEWAY]);
    assert.deepEqual(inDialog({ route, method: 'INVITE' }), [PEER]);
  });

  test('the token of a rule without a selection, or one added to a re-INVITE, does not allow one either', () => {
    const { recorded, inDialog, udp } = gated();
    const [route = ''] = recorded('c1@x');
    inDialog({ route, method: 'INVITE' });
    const again = parsed(udp.sent.find((each) => each.text.startsWith('INVITE'))?.text ?? '').headers('record-route');
    assert.deepEqual(again, [route]);
    assert.deepEqual(inDialog({ route: again[0] ?? '', method: 'INVITE', to: THEIRS }), [GATEWAY]);
  });

  test('a token from outside allows no socket that is bound to this machine only, except one of its own call', () => {
    const { recorded, inDialog, udp } = gated();
    const [route = ''] = recorded('c1@x');
    for (const to of [
      '127.0.0.1:22',
      '127.8.8.8',
      '[::1]:5060',
      '[::ffff:127.0.0.1]:5060',
      `${PEER};maddr=127.0.0.1`,
    ]) {
      assert.deepEqual(inDialog({ route, method: 'INVITE', to }), [GATEWAY], to);
    }
    const [local = ''] = recorded('c2@x', sourceOf(udp, '127.0.0.9'));
    assert.deepEqual(inDialog({ route: local, callId: 'c2@x', from: PEER, to: '127.0.0.9' }), ['127.0.0.9']);
    assert.deepEqual(inDialog({ route: local, callId: 'c2@x', from: '127.0.0.9', to: '127.0.0.10' }), ['127.0.0.10']);
  });

  test('a token with another tag is invalid', () => {
    const { recorded, inDialog } = gated();
    const [route = ''] = recorded('c1@x');
    const last = route.charAt(route.length - 2) === 'A' ? 'B' : 'A';
    assert.deepEqual(inDialog({ route: `${route.slice(0, -2)}${last}>` }), [GATEWAY]);
  });

  test('a caller that is a gateway of another partition gets the requests of its dialog', () => {
    const { recorded, inDialog, udp } = gated();
    const [route = ''] = recorded('c1@x', sourceOf(udp, CALLER_OF_THEIRS));
    const back = { route, method: 'INVITE', from: PEER };
    assert.deepEqual(inDialog({ ...back, to: CALLER_OF_THEIRS }), [CALLER_OF_THEIRS]);
    assert.deepEqual(inDialog({ ...back, to: THEIRS }), [GATEWAY]);
  });

  test('the token of another dialog, or of other sockets, is invalid', () => {
    const { recorded, inDialog, tcp } = gated();
    const [route = ''] = recorded('other@x');
    assert.deepEqual(inDialog({ route }), [GATEWAY]);
    const pair = recorded('c1@x', sourceOf(tcp, '192.0.2.1'));
    assert.equal(pair.length, 2);
    assert.deepEqual(inDialog({ route: pair[0] ?? '' }), [GATEWAY]);
    assert.deepEqual(inDialog({ route: pair.join(', ') }), [PEER]);
  });

  test('a request of the callee with the two Routes in reverse order is relayed', () => {
    const { recorded, inDialog, tcp } = gated();
    const pair = recorded('c1@x', sourceOf(tcp, '192.0.2.1'));
    assert.deepEqual(inDialog({ route: [...pair].reverse().join(', ') }), [PEER]);
  });

  test('a strict router carries the token in the request-URI', () => {
    const { recorded, layer, udp } = gated();
    const [route = ''] = recorded('c1@x');
    udp.sent.length = 0;
    const uri = route.slice(1, -1);
    const parts = { method: 'BYE', callId: 'c1@x', toTag: 'b', branch: 'z9hG4bKstrict' };
    layer.receive(requestText({ ...parts, uri, headers: `Route: <sip:bob@${PEER}>\r\n` }), sourceOf(udp));
    assert.equal(udp.sent[0]?.address, PEER);
  });

  test('a key that was replaced is accepted for a day', () => {
    const { recorded, inDialog, keys, later } = gated();
    const [route = ''] = recorded('c1@x');
    keys.use('second key');
    later(OLD_KEY_MS - 1);
    assert.deepEqual(inDialog({ route }), [PEER]);
    later(1);
    assert.deepEqual(inDialog({ route }), [GATEWAY]);
  });
});

describe('dialogs that began elsewhere (foreign_dialogs)', () => {
  const ways: readonly { what: string; from?: string; to?: string }[] = [
    { what: 'from a destination', from: GATEWAY },
    { what: 'to a destination', to: GATEWAY },
    { what: 'from a trusted source', from: PARTNER },
  ];
  for (const { what, ...way } of ways) {
    test(`${what}: relayed by default and with accept, not with refuse`, () => {
      for (const foreign of ['known', 'accept'] as const) {
        assert.deepEqual(gated(foreign).inDialog({ route: INVENTED, ...way }), [way.to ?? PEER]);
      }
      if (way.to === undefined) assert.deepEqual(gated('refuse').inDialog({ route: INVENTED, ...way }), [GATEWAY]);
    });
  }

  test('from an unknown address to a destination: requests that can begin a dialog are routed by the rules', () => {
    const { inDialog } = gated();
    for (const method of ['INVITE', 'REFER', 'MESSAGE', 'SUBSCRIBE', 'PUBLISH', 'FOO']) {
      assert.deepEqual(inDialog({ route: INVENTED, to: THEIRS, method }), [GATEWAY], method);
    }
  });

  test('from a destination to a gateway of another partition: requests that can begin a dialog are routed by the rules', () => {
    const { inDialog } = gated();
    assert.deepEqual(inDialog({ route: INVENTED, from: GATEWAY, to: THEIRS, method: 'INVITE' }), [GATEWAY]);
    assert.deepEqual(inDialog({ route: INVENTED, from: GATEWAY, to: THEIRS, method: 'BYE' }), [THEIRS]);
  });

  test('the maddr parameter counts as the next hop', () => {
    const { inDialog, recorded } = gated();
    const [route = ''] = recorded('c1@x');
    for (const method of ['BYE', 'OPTIONS', 'INVITE']) {
      assert.deepEqual(inDialog({ route: INVENTED, to: `${THEIRS};maddr=${PEER}`, method }), [GATEWAY], method);
      assert.deepEqual(inDialog({ route, to: `198.51.100.7;maddr=${PEER}`, method: 'INVITE' }), [PEER]);
    }
    assert.deepEqual(inDialog({ route, to: `${PEER};maddr=${THEIRS}`, method: 'INVITE' }), [GATEWAY]);
    const next = `${INVENTED}, <sip:${THEIRS};maddr=127.0.0.1;lr>`;
    assert.deepEqual(inDialog({ route: next, method: 'BYE' }), [GATEWAY]);
  });

  test('an unknown address may send a few at once, and all are counted', () => {
    const { inDialog, counts, later } = gated();
    const bye = { route: INVENTED, to: THEIRS };
    for (let i = 0; i < 3; i++) assert.deepEqual(inDialog(bye), [THEIRS]);
    assert.deepEqual(inDialog(bye), [GATEWAY]);
    assert.deepEqual(counts, { passed: 3, refused: 1 });
    later(1000);
    assert.deepEqual(inDialog(bye), [THEIRS]);
  });

  test('between unknown addresses: relayed with accept only', () => {
    assert.deepEqual(gated('accept').inDialog({ route: INVENTED }), [PEER]);
    for (const foreign of ['known', 'refuse'] as const) {
      assert.deepEqual(gated(foreign).inDialog({ route: INVENTED }), [GATEWAY]);
    }
  });

  test('another port at the address of a destination is an unknown address', () => {
    assert.deepEqual(gated().inDialog({ route: INVENTED, to: `${GATEWAY}:22` }), [GATEWAY]);
    const { inDialog } = gated();
    assert.deepEqual(inDialog({ route: `${INVENTED}, <sip:${GATEWAY}:22;lr>`, to: PEER }), [GATEWAY]);
  });

  test('a request without a Route of the proxy is answered with 404', () => {
    const fixture = gated();
    assert.deepEqual(fixture.inDialog({ route: '' }), ['192.0.2.1']);
    assert.equal(parsed(fixture.udp.sent[0]?.text ?? '').status, 404);
  });
});
