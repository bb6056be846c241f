import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { NextHop, RouteDecision } from '../../../src/proxy/decision.js';
import { STATELESS } from '../../../src/proxy/stateless-branch.js';
import { hopTo, ListPlan, proxyFixture } from '../../support/proxy-fixture.js';
import { parsed, type RecordingSocket, replyTo, requestText, sourceOf } from '../../support/sip-recorder.js';

/** An action or event in the test. */
type Step =
  | { readonly do: 'request'; readonly method: string; readonly call: number; readonly tcp: boolean }
  | { readonly do: 'cancel' | 'ack'; readonly call: number; readonly tcp: boolean }
  | { readonly do: 'reply'; readonly nth: number; readonly status: number }
  | { readonly do: 'error'; readonly nth: number }
  | { readonly do: 'wait'; readonly ms: number };

const call = fc.integer({ min: 0, max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('request' as const),
    method: fc.constantFrom('INVITE', 'INVITE', 'INVITE', 'MESSAGE', 'OPTIONS'),
    call,
    tcp: fc.boolean(),
  }),
  fc.record({ do: fc.constantFrom('cancel' as const, 'ack' as const), call, tcp: fc.boolean() }),
  fc.record({
    do: fc.constant('reply' as const),
    nth: fc.nat(30),
    status: fc.constantFrom(100, 180, 183, 200, 202, 302, 404, 408, 486, 487, 500, 503, 603),
  }),
  fc.record({ do: fc.constant('error' as const), nth: fc.nat(30) }),
  fc.record({
    do: fc.constant('wait' as const),
    ms: fc.constantFrom(0, 10, 499, 500, 3500, 5000, 31_000, 33_000, 120_000),
  }),
);

const HOPS: readonly NextHop[] = [
  hopTo('sip:192.0.2.7'),
  hopTo('sip:192.0.2.8;transport=tcp'),
  hopTo('sip:none.example.com'),
  hopTo('nonsense'),
  hopTo('sip:192.0.2.9'),
];

interface Scene {
  readonly kind:
    | 'relay'
    | 'late relay'
    | 'reply'
    | 'drop'
    | 'late drop'
    | 'stateless'
    | 'late stateless'
    | 'late error';
  readonly hops: readonly number[];
  readonly steps: readonly Step[];
}

const scene: fc.Arbitrary<Scene> = fc.record({
  kind: fc.constantFrom(
    'relay' as const,
    'relay' as const,
    'relay' as const,
    'late relay' as const,
    'reply' as const,
    'drop' as const,
    'late drop' as const,
    'stateless' as const,
    'late stateless' as const,
    'late error' as const,
  ),
  hops: fc.array(fc.nat(HOPS.length - 1), { maxLength: 3 }),
  steps: fc.array(step, { minLength: 1, maxLength: 25 }),
});

function decision({ kind, hops }: Scene): RouteDecision | Promise<RouteDecision> {
  const chosen = hops.map((i) => HOPS[i] as NextHop);
  const plain = ((): RouteDecision => {
    switch (kind) {
      case 'relay':
      case 'late relay':
        return { kind: 'relay', plan: new ListPlan(chosen, [400, 404, 408, 486, 500, 503], true) };
      case 'reply':
        return { kind: 'reply', code: 404, reason: 'Not Found' };
      case 'drop':
      case 'late drop':
        return { kind: 'drop' };
      default:
        return { kind: 'stateless', hop: chosen[0] ?? (HOPS[0] as NextHop), recordRoute: false, edits: [] };
    }
  })();
  if (kind === 'late error') return Promise.reject(new Error('late'));
  return kind.startsWith('late') ? Promise.resolve(plain) : plain;
}

async function play(played: Scene) {
  const fixture = proxyFixture({ decide: () => decision(played) });
  const { layer, clock, udp, tcp } = fixture;
  const errors = new Set<object>();
  const from = (useTcp: boolean) =>
    useTcp ? sourceOf(tcp, '192.0.2.1', 4000, { id: 'f', open: true }) : sourceOf(udp, '192.0.2.1');
  const text = (method: string, nth: number, useTcp: boolean, toTag?: string) =>
    requestText({
      method,
      via: `SIP/2.0/${useTcp ? 'TCP' : 'UDP'} 192.0.2.1;branch=z9hG4bKc${nth}`,
      callId: `call-${nth}`,
      ...(toTag === undefined ? {} : { toTag }),
    });
  /** Requests that the proxy sent on both sockets. */
  const onward = () =>
    [udp, tcp].flatMap((socket: RecordingSocket) =>
      socket.sent
        .filter((each) => !each.text.startsWith('SIP/2.0') && !each.text.startsWith('ACK'))
        .map((each) => ({ socket, each })),
    );
  const streamed = new Set<string>();
  const arrive = (method: string, nth: number, useTcp: boolean) => {
    const sent = text(method, nth, useTcp);
    // Requests are not retransmitted over a reliable transport: a second one would be another request with the same
    // branch.
    if (useTcp && streamed.has(sent)) return;
    if (useTcp) streamed.add(sent);
    layer.receive(sent, from(useTcp));
  };
  for (const each of played.steps) {
    switch (each.do) {
      case 'request':
        arrive(each.method, each.call, each.tcp);
        break;
      case 'cancel':
        arrive('CANCEL', each.call, each.tcp);
        break;
      case 'ack':
        layer.receive(text('ACK', each.call, each.tcp, 'any'), from(each.tcp));
        break;
      case 'reply':
      case 'error': {
        const all = onward();
        const chosen = all[each.nth % Math.max(1, all.length)];
        if (chosen === undefined) break;
        if (each.do === 'reply')
          layer.receive(replyTo(chosen.each.text, each.status), sourceOf(chosen.socket, chosen.each.address));
        else if (!errors.has(chosen.each)) {
          errors.add(chosen.each);
          chosen.each.fail({ cause: 'refused', message: 'refused' });
        }
        break;
      }
      case 'wait':
        clock.advance(each.ms);
        break;
    }
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return fixture;
}

test('property: 200 s later no transaction, timer or unanswered request is left', async () => {
  await fc.assert(
    fc.asyncProperty(scene, async (played) => {
      const { layer, clock, errors, udp, tcp } = await play(played);
      // Failover from one dead target to the next, then a ringing call: the longest case takes three times
      // fr_inv_timeout.
      await clock.advanceAsync(600_000, 20_000);
      assert.deepEqual([layer.size, layer.unanswered, layer.timers.size, clock.pending], [0, 0, 0, 0]);
      if (played.kind !== 'late error') assert.deepEqual(errors, []);
      for (const { text } of [...udp.sent, ...tcp.sent]) assert.equal(parsed(text).defect, undefined, text);
    }),
    { numRuns: 150 },
  );
});

test('property: no caller gets two different final answers to one request but 2xx, and none after a failure but 2xx', async () => {
  await fc.assert(
    fc.asyncProperty(scene, async (played) => {
      if (played.steps.some((each) => each.do === 'wait')) return;
      const { udp, tcp } = await play(played);
      const finals = new Map<string, number[]>();
      const sent = [...udp.sent, ...tcp.sent].map(({ text, address }) => ({ message: parsed(text), address }));
      // A CANCEL without its INVITE is relayed statelessly, and so are its replies (RFC 3261 section 16.10).
      const cancelled = new Set(
        sent
          .filter(({ message }) => message.isRequest && message.method === 'CANCEL')
          .filter(({ message }) => message.via?.branch.endsWith(STATELESS) === true)
          .map(({ message }) => message.callId),
      );
      for (const { message, address } of sent) {
        if (address !== '192.0.2.1' || message.isRequest || message.status < 200) continue;
        if (message.method === 'CANCEL' && cancelled.has(message.callId)) continue;
        const key = `${message.via?.transport} ${message.callId} ${message.method}`;
        const codes = finals.get(key) ?? [];
        if (!codes.includes(message.status)) codes.push(message.status);
        finals.set(key, codes);
      }
      if (played.kind.endsWith('stateless')) return;
      for (const [key, codes] of finals) {
        const failures = codes.filter((code) => code >= 300);
        assert.ok(failures.length <= 1, `${key}: ${codes}`);
        if (!key.endsWith('INVITE')) assert.ok(codes.length <= 1, `${key}: ${codes}`);
      }
    }),
    { numRuns: 150 },
  );
});
