import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RouteDecision } from '../../../src/proxy/decision.js';
import { hopTo, ListPlan, type ProxyFixtureOptions, proxyFixture } from '../../support/proxy-fixture.js';
import { parsed, type RequestParts, replyTo, requestText, sourceOf, startWord } from '../../support/sip-recorder.js';

const GATEWAY = '192.0.2.7';

function relaying(more: Partial<ProxyFixtureOptions> = {}, hop = hopTo(`sip:${GATEWAY}`)) {
  return proxyFixture({ decide: () => ({ kind: 'relay', plan: new ListPlan([hop], [], true) }), ...more });
}

function stateless(hop = hopTo(`sip:${GATEWAY}`), recordRoute = false) {
  return proxyFixture({ decide: () => ({ kind: 'stateless', hop, recordRoute, edits: [] }) });
}

describe('validation (RFC 3261 section 16.3)', () => {
  const refused: readonly [string, RequestParts, number][] = [
    ['Max-Forwards 0', { maxForwards: '0' }, 483],
    ['Max-Forwards that is not a number', { maxForwards: 'many' }, 400],
    ['Max-Forwards 256', { maxForwards: '256' }, 400],
    ['an unknown scheme', { uri: 'nobodyKnowsThisScheme:totallyopaquecontent' }, 416],
    ['an extension it must know', { headers: 'Proxy-Require: a, b\r\nproxy-require: c\r\n' }, 420],
  ];
  for (const [what, parts, code] of refused) {
    test(`${what}: ${code}`, () => {
      const fixture = relaying();
      fixture.call(parts);
      assert.deepEqual(fixture.codes(), [code]);
      assert.equal(fixture.sentTo(GATEWAY).length, 0);
      assert.equal(fixture.lastToCaller().header('unsupported'), code === 420 ? 'a, b, c' : undefined);
      // The answer is kept for retransmissions until released.
      fixture.call(parts);
      assert.deepEqual(fixture.codes(), [code, code]);
      fixture.clock.advance(40_000);
      assert.equal(fixture.layer.size, 0);
    });
  }

  test('schemes in any letter case, and tel, are known', () => {
    for (const uri of ['SIP:bob@example.com', 'sips:bob@example.com', 'TEL:+123']) {
      const fixture = relaying({ sipsNeedsTls: false });
      fixture.call({ uri });
      assert.deepEqual(fixture.codes(), [100]);
    }
  });

  test('a draining proxy answers new calls with 503, and relays requests within dialogs', () => {
    const fixture = relaying();
    fixture.proxy.drain();
    fixture.call();
    assert.deepEqual([fixture.codes(), fixture.lastToCaller().header('retry-after')], [[503], '10']);
    fixture.call({
      method: 'BYE',
      branch: 'z9hG4bK2',
      toTag: 'b',
      headers: 'Route: <sip:127.0.0.1:5060;lr>\r\n',
      uri: `sip:${GATEWAY}`,
    });
    assert.deepEqual(fixture.sentTo(GATEWAY).map(startWord), ['BYE']);
  });

  test('an error of the router is answered with 500 and goes no further', async () => {
    const throwing = proxyFixture({
      decide: () => {
        throw new Error('bug');
      },
    });
    throwing.call({ uri: 'sip:x@y' });
    const rejecting = proxyFixture({ decide: () => Promise.reject(new Error('bug')) });
    rejecting.call();
    await rejecting.clock.advanceAsync(0);
    assert.deepEqual([throwing.codes(), rejecting.codes()], [[500], [100, 500]]);
    assert.deepEqual([throwing.errors.length, rejecting.errors.length], [1, 1]);
  });
});

describe('loops and spirals (RFC 3261 section 16.3 step 4)', () => {
  /** A message of the proxy returns by way of another proxy. */
  const back = (sent: string, change: (text: string) => string = (text) => text) =>
    change(sent.replace('\r\nVia:', '\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKelse\r\nVia:'));

  test('a request that comes back unchanged from the same address a second time is a loop: 482', () => {
    const { layer, udp, sentTo } = relaying();
    const source = sourceOf(udp, GATEWAY);
    layer.receive(requestText({ via: `SIP/2.0/UDP ${GATEWAY};branch=z9hG4bK0` }), source);
    const first = sentTo(GATEWAY).filter((each) => each.startsWith('INVITE'));
    layer.receive(back(first[0] ?? ''), source);
    assert.deepEqual(sentTo(GATEWAY).map(startWord), ['100', 'INVITE', '482']);
  });

  test('a request that comes back with another request-URI or Route is a spiral and is forwarded', () => {
    for (const change of [
      (text: string) => text.replace('INVITE sip:bob@example.com', 'INVITE sip:carol@example.com'),
      (text: string) => text.replace('\r\nCall-ID', '\r\nRoute: <sip:far.example.com;lr>\r\nCall-ID'),
    ]) {
      const { layer, udp, sentTo } = relaying();
      const source = sourceOf(udp, GATEWAY);
      layer.receive(requestText({ via: `SIP/2.0/UDP ${GATEWAY};branch=z9hG4bK0` }), source);
      layer.receive(back(sentTo(GATEWAY).find((each) => each.startsWith('INVITE')) ?? '', change), source);
      assert.deepEqual(sentTo(GATEWAY).map(startWord), ['100', 'INVITE', '100', 'INVITE']);
    }
  });

  test('a request-URI that this proxy wrote itself does not make a loop of the first return', () => {
    const { layer, udp, sentTo } = relaying({}, hopTo(`sip:${GATEWAY}`, { requestUri: 'sip:rewritten@example.net' }));
    const source = sourceOf(udp, GATEWAY);
    const invites = () => sentTo(GATEWAY).filter((each) => each.startsWith('INVITE'));
    layer.receive(requestText({ via: `SIP/2.0/UDP ${GATEWAY};branch=z9hG4bK0` }), source);
    layer.receive(back(invites()[0] ?? ''), source);
    assert.equal(invites().length, 2);
    layer.receive(back(invites()[1] ?? '').replace('z9hG4bKelse', 'z9hG4bKelse2'), source);
    assert.deepEqual([invites().length, startWord(sentTo(GATEWAY).at(-1) ?? '')], [2, '482']);
  });
});

describe('routes (RFC 3261 sections 16.4 and 16.12, RFC 5658)', () => {
  const inDialog = (uri: string, headers: string) => requestText({ method: 'BYE', toTag: 'b', uri, headers });
  const OURS = '<sip:127.0.0.1:5060;lr>';

  function forwarded(text: string, address = GATEWAY) {
    const fixture = relaying();
    fixture.layer.receive(text, fixture.caller);
    const socket = [fixture.udp, fixture.tcp].find((each) => each.sent.some((sent) => sent.address === address));
    assert.ok(socket, `nothing was sent to ${address}: ${fixture.codes()}`);
    const out = parsed(fixture.sentTo(address, socket).at(-1) ?? '');
    assert.equal(out.defect, undefined);
    const routes = Array.from({ length: out.headerCount('route') }, (_, i) => out.header('route', i));
    return { out, routes, socket, fixture };
  }

  test('our Route is removed, and the request goes to its request-URI', () => {
    const { out, routes } = forwarded(inDialog(`sip:bob@${GATEWAY}`, `Route: ${OURS}\r\n`));
    assert.deepEqual([out.requestUri, routes, out.headerCount('record-route')], [`sip:bob@${GATEWAY}`, [], 0]);
  });

  test('before a loose router: its Route stays on top, and it gets the request', () => {
    const { out, routes } = forwarded(
      inDialog('sip:bob@192.0.2.99', `Route: ${OURS}, <sip:${GATEWAY};lr>\r\nRoute: <sip:192.0.2.50;lr>\r\n`),
    );
    assert.deepEqual([out.requestUri, routes], ['sip:bob@192.0.2.99', [`<sip:${GATEWAY};lr>`, '<sip:192.0.2.50;lr>']]);
  });

  test('before a strict router: its URI becomes the request-URI, and the original one the last Route', () => {
    const { out, routes } = forwarded(
      inDialog('sip:bob@192.0.2.99', `Route: ${OURS}, <sip:${GATEWAY}>, <sip:192.0.2.50;lr>\r\n`),
    );
    assert.deepEqual([out.requestUri, routes], [`sip:${GATEWAY}`, ['<sip:192.0.2.50;lr>', '<sip:bob@192.0.2.99>']]);
  });

  test('after a strict router: the URI of the proxy in the request line is replaced by the last Route', () => {
    for (const headers of [
      `Route: <sip:192.0.2.50>,\r\n <sip:bob@192.0.2.99>\r\n`,
      `Route: <sip:192.0.2.50>\r\nX: y\r\nRoute: <sip:bob@192.0.2.99>\r\n`,
    ]) {
      const text = inDialog('sip:127.0.0.1:5060;lr', headers.replaceAll('192.0.2.50', `${GATEWAY};lr`));
      const { out, routes } = forwarded(text);
      assert.deepEqual([out.requestUri, routes], ['sip:bob@192.0.2.99', [`<sip:${GATEWAY};lr>`]]);
    }
  });

  test('after a strict router, with one Route: the request goes to the URI of that Route', () => {
    const { out, routes, fixture } = forwarded(inDialog('sip:127.0.0.1:5060;lr', `Route: <sip:bob@${GATEWAY}>\r\n`));
    assert.deepEqual([out.requestUri, routes], [`sip:bob@${GATEWAY}`, []]);
    // Its retransmission still belongs to the same transaction.
    fixture.layer.receive(inDialog('sip:127.0.0.1:5060;lr', `Route: <sip:bob@${GATEWAY}>\r\n`), fixture.caller);
    assert.equal(fixture.sentTo(GATEWAY).length, 1);
  });

  test('after a strict router, the second value of the proxy on top of Route is removed too', () => {
    const headers = 'Route: <sip:127.0.0.1:5060;transport=tcp;r2=on;lr>, <sip:bob@192.0.2.7;transport=tcp>\r\n';
    const { out, routes, socket, fixture } = forwarded(inDialog('sip:127.0.0.1:5060;r2=on;lr', headers));
    assert.deepEqual([out.requestUri, routes], ['sip:bob@192.0.2.7;transport=tcp', []]);
    assert.equal(socket, fixture.tcp);
  });

  test('both of a pair are removed together, and the second names the sending socket', () => {
    const headers = 'Route: <sip:127.0.0.1:5060;r2=on;lr>,<sip:127.0.0.1:5060;transport=tcp;r2=on;lr>\r\n';
    const { routes, socket, fixture } = forwarded(inDialog('sip:bob@192.0.2.7;transport=tcp', headers));
    assert.deepEqual([routes, socket], [[], fixture.tcp]);
  });

  test('two values that are no pair are two passes through the proxy (a spiral)', () => {
    const { out, routes } = forwarded(inDialog('sip:bob@192.0.2.99', `Route: ${OURS}, ${OURS}\r\n`), '127.0.0.1');
    assert.deepEqual([out.requestUri, routes], ['sip:bob@192.0.2.99', [OURS]]);
  });

  test('an ACK for a 2xx follows its Routes without a transaction', () => {
    const { fixture } = forwarded(
      requestText({
        method: 'ACK',
        toTag: 'b',
        uri: `sip:bob@${GATEWAY}`,
        headers: `Route: ${OURS}\r\n`,
        branch: 'z9hG4bKack',
      }),
    );
    assert.deepEqual([fixture.layer.size, fixture.sentTo(GATEWAY).map(startWord)], [0, ['ACK']]);
  });

  test('the ACK of a dialog and its copies carry one branch, another ACK another, and no reply to it is passed on', () => {
    const fixture = relaying();
    const ack = (branch: string, callId = 'a') =>
      fixture.call({ method: 'ACK', toTag: 'b', uri: `sip:${GATEWAY}`, headers: `Route: ${OURS}\r\n`, branch, callId });
    ack('z9hG4bK1');
    ack('z9hG4bK1');
    ack('z9hG4bK2');
    ack('z9hG4bK1', 'c');
    const [first = '', ...others] = fixture.sentTo(GATEWAY);
    const branches = [first, ...others].map((each) => parsed(each).via?.branch);
    assert.equal(branches.length, 4);
    assert.equal(branches[0], branches[1]);
    assert.equal(new Set(branches).size, 3);
    const before = fixture.udp.sent.length;
    fixture.answer(first, 200);
    assert.equal(fixture.udp.sent.length, before);
  });

  test('an ACK without hops left, or without a route, is dropped', () => {
    const fixture = relaying();
    for (const parts of [{ maxForwards: '0' }, { maxForwards: 'x' }]) {
      fixture.call({ method: 'ACK', toTag: 'b', uri: `sip:${GATEWAY}`, headers: `Route: ${OURS}\r\n`, ...parts });
    }
    fixture.call({ method: 'ACK', toTag: 'b', uri: `sip:${GATEWAY}` });
    assert.equal(fixture.udp.sent.length, 0);
  });
});

describe('stateless relaying (RFC 3261 section 16.11)', () => {
  test('copies, the ACK for a failure and the CANCEL carry the same branch; other requests another', () => {
    const { call, sentTo, layer } = stateless();
    call();
    call();
    call({ method: 'CANCEL' });
    call({ method: 'ACK', toTag: 'b' });
    call({ branch: 'z9hG4bKother' });
    call({ cseq: 2 });
    const branches = sentTo(GATEWAY).map((each) => parsed(each).via?.branch);
    assert.equal(branches.length, 6);
    assert.equal(new Set(branches.slice(0, 4)).size, 1);
    assert.equal(new Set(branches).size, 3);
    assert.equal(layer.size, 0);
  });

  test('a request received over a connection is answered over it, whatever its Via says', () => {
    const { layer, tcp, answer, sentTo } = stateless();
    const flow = { id: 'f1o2', open: true };
    tcp.flows.set(flow.id, { flow, address: '192.0.2.1', port: 40_000 });
    const via = 'SIP/2.0/TCP browser.invalid;branch=z9hG4bK1';
    layer.receive(requestText({ via }), { socket: tcp, address: '192.0.2.1', port: 40_000, flow });
    const sent = sentTo(GATEWAY)[0] ?? '';
    assert.match(sent, /^Via: SIP\/2\.0\/UDP [^;]+;branch=[^;]+-s;i=f1o2\r$/m);
    answer(sent, 180);
    tcp.flows.clear();
    answer(sent, 200);
    assert.deepEqual(
      tcp.sent.map((each) => [startWord(each.text), each.address, each.port, each.flow]),
      [
        ['180', '192.0.2.1', 40_000, flow],
        ['200', '192.0.2.1', 5060, undefined],
      ],
    );
  });

  test('a stateless request that cannot be forwarded is answered, and leaves no transaction', () => {
    for (const [uri, code] of [
      ['sip:192.0.2.7;transport=tls', 500],
      ['tel:+1', 416],
      ['sips:192.0.2.7;transport=udp', 480],
    ] as const) {
      const fixture = proxyFixture({
        decide: () => ({ kind: 'stateless', hop: hopTo(uri), recordRoute: false, edits: [] }),
      });
      fixture.call();
      fixture.call({ method: 'ACK', toTag: 'b' });
      assert.deepEqual([fixture.codes(), fixture.layer.size], [[code], 0]);
    }
  });

  test('stateless replies are sent to the Via below that of the proxy', () => {
    const cases: readonly [string, string, number][] = [
      ['SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1', '192.0.2.1', 5070],
      ['SIP/2.0/UDP h.example.com;branch=z9hG4bK1', '192.0.2.1', 5060],
      ['SIP/2.0/UDP 10.0.0.1:5070;rport;branch=z9hG4bK1', '192.0.2.1', 4711],
      ['SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1, SIP/2.0/UDP other;branch=z9hG4bK0', '192.0.2.1', 5060],
    ];
    for (const [via, address, port] of cases) {
      const { layer, udp, answer, sentTo } = stateless();
      layer.receive(requestText({ via }), sourceOf(udp, '192.0.2.1', 4711));
      answer(sentTo(GATEWAY)[0] ?? '', 200);
      const out = udp.sent.at(-1);
      assert.deepEqual([startWord(out?.text ?? ''), out?.address, out?.port], ['200', address, port]);
      assert.ok(!out?.text.includes(layer.branches.prefix));
    }
  });

  test('a reply leaves by the transport its next Via names', () => {
    const { layer, tcp, udp, sentTo } = stateless();
    layer.receive(requestText({ via: 'SIP/2.0/TCP 192.0.2.1:5070;branch=z9hG4bK1' }), sourceOf(tcp, '192.0.2.1', 4711));
    const sent = sentTo(GATEWAY)[0] ?? '';
    layer.receive(replyTo(sent, 200), sourceOf(udp, GATEWAY));
    assert.deepEqual(
      tcp.sent.map((each) => [startWord(each.text), each.port]),
      [['200', 5070]],
    );
  });

  test('a reply that does not belong to this proxy is dropped', () => {
    const { layer, udp, sentTo, call } = stateless();
    call();
    const sent = sentTo(GATEWAY)[0] ?? '';
    const count = udp.sent.length;
    const branch = parsed(sent).via?.branch ?? '';
    for (const reply of [
      replyTo(sent, 200).replace(branch, `${branch}x`),
      replyTo(sent, 200).replace(branch, 'z9hG4bKforeign'),
      replyTo(sent, 200).replace(/Via: .*\r\nVia: /, 'Via: '),
      replyTo(sent, 200).replace('SIP/2.0/UDP 192.0.2.1:5060', 'SIP/2.0/UDP 198.51.100.66:5060'),
      replyTo(sent, 200).replace('SIP/2.0/UDP 192.0.2.1:5060', 'SIP/2.0/UDP 192.0.2.1:5060;received=198.51.100.66'),
      replyTo(sent, 200).replace('SIP/2.0/UDP 192.0.2.1:5060', 'SIP/2.0/UDP 192.0.2.1:5060;rport=53'),
      replyTo(sent, 200).replace('SIP/2.0/UDP 192.0.2.1:5060', 'SIP/2.0/TCP 192.0.2.1:5060'),
      replyTo(sent, 200).replace('Call-ID: call-1', 'Call-ID: call-2'),
      replyTo(sent, 200).replace('CSeq: 1', 'CSeq: 2'),
      replyTo(requestText({ via: `SIP/2.0/UDP 127.0.0.1:5060;branch=${branch}` }), 200),
    ]) {
      layer.receive(reply, sourceOf(udp, GATEWAY));
    }
    assert.equal(udp.sent.length, count);
  });

  test('Record-Route, Max-Forwards and other fields are the same as in stateful relaying', () => {
    const { call, sentTo } = stateless(hopTo(`sip:${GATEWAY};transport=udp`, { requestUri: 'sip:new@x' }), true);
    call();
    const out = parsed(sentTo(GATEWAY)[0] ?? '');
    assert.deepEqual(
      [out.requestUri, out.maxForwards, out.headerCount('record-route'), out.headerCount('via')],
      ['sip:new@x', 69, 1, 2],
    );
  });
});

describe('other decisions', () => {
  test('the proxy answers with headers, and does not forward the ACK', () => {
    const fixture = proxyFixture({
      decide: () => ({
        kind: 'reply',
        code: 302,
        reason: 'Moved Temporarily',
        headers: 'Contact: <sip:a@b>;q=0.9\r\n',
      }),
    });
    fixture.call();
    const reply = fixture.lastToCaller();
    assert.deepEqual([reply.status, reply.header('contact')], [302, '<sip:a@b>;q=0.9']);
    fixture.call({ method: 'ACK', toTag: reply.toTag });
    fixture.clock.advance(5100);
    assert.equal(fixture.layer.size, 0);
  });

  test('drop: there is no answer, and no transaction is left', () => {
    const fixture = proxyFixture({ decide: () => ({ kind: 'drop' }) });
    fixture.call();
    assert.deepEqual([fixture.udp.sent.length, fixture.layer.size], [0, 0]);
  });

  test('a CANCEL that matches nothing is forwarded statelessly, and its reply comes back', () => {
    const fixture = relaying();
    fixture.call({ method: 'CANCEL' });
    assert.deepEqual([fixture.codes(), fixture.sentTo(GATEWAY).length, fixture.layer.size], [[], 1, 0]);
    assert.match(fixture.sentTo(GATEWAY)[0] ?? '', /^CANCEL /);
  });

  test('a CANCEL that matches nothing is answered with 481 if it could not be forwarded', () => {
    for (const decision of [{ kind: 'drop' }, { kind: 'relay', plan: new ListPlan([]) }] as const) {
      const fixture = proxyFixture({ decide: () => decision });
      fixture.call({ method: 'CANCEL' });
      assert.deepEqual(fixture.codes(), [481]);
    }
  });

  test('a relay plan is notified when its relay does not happen', () => {
    const ended: number[] = [];
    const plan = Object.assign(new ListPlan([hopTo('sip:192.0.2.7')]), { ended: (code: number) => ended.push(code) });
    const fixture = proxyFixture({ decide: () => ({ kind: 'relay', plan }) });
    fixture.call({ method: 'CANCEL' });
    assert.deepEqual([ended, fixture.codes(), fixture.sentTo('192.0.2.7').length], [[481], [], 1]);
  });

  test('while a decision is pending, copies are absorbed and a CANCEL is answered', async () => {
    let decide: (decision: RouteDecision) => void = () => {};
    const open = () =>
      proxyFixture({
        decide: () =>
          new Promise((resolve) => {
            decide = resolve;
          }),
      });
    const first = open();
    first.call();
    first.call();
    decide({ kind: 'relay', plan: new ListPlan([hopTo(`sip:${GATEWAY}`)]) });
    await first.clock.advanceAsync(0);
    assert.deepEqual([first.codes(), first.sentTo(GATEWAY).length, first.counters.invites.value], [[100, 100], 1, 1]);
    const second = open();
    second.call();
    second.call({ method: 'CANCEL' });
    decide({ kind: 'relay', plan: new ListPlan([hopTo(`sip:${GATEWAY}`)]) });
    await second.clock.advanceAsync(0);
    assert.deepEqual([second.codes(), second.sentTo(GATEWAY).length], [[100, 200, 487], 0]);
  });

  test('a late decision to relay statelessly leaves no transaction behind', async () => {
    const fixture = proxyFixture({
      decide: () => Promise.resolve({ kind: 'stateless', hop: hopTo(`sip:${GATEWAY}`), recordRoute: false, edits: [] }),
    });
    fixture.call();
    await fixture.clock.advanceAsync(0);
    assert.equal(fixture.sentTo(GATEWAY).length, 1);
    assert.deepEqual([fixture.layer.unanswered, fixture.layer.size], [0, 0]);
  });
});
