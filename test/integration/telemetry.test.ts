import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { startDaemon } from '../support/daemon-process.js';
import { DatagramPeer } from '../support/datagram-peer.js';
import { replyTo, requestText } from '../support/sip-recorder.js';
import { until } from '../support/until.js';

/** A span in OTLP's JSON form. */
interface WireSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status: { readonly code?: number };
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
}

const SERVER = 2;
const CLIENT = 3;
const ERROR = 2;

test('a collector gets a span of each request that was dispatched, and one of each destination it was sent to', async (t) => {
  const spans: WireSpan[] = [];
  const services: string[] = [];
  const tokens = new Set<string | undefined>();
  const collector = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (part) => (text += part));
    request.on('end', () => {
      tokens.add(request.headers.authorization);
      for (const { resource, scopeSpans } of JSON.parse(text).resourceSpans) {
        services.push(JSON.stringify(resource.attributes));
        for (const scope of scopeSpans) spans.push(...scope.spans);
      }
      response.setHeader('content-type', 'application/json');
      response.end('{}');
    });
  });
  await new Promise<void>((done) => collector.listen(0, '127.0.0.1', done));
  t.after(() => collector.close());
  const { port } = collector.address() as { port: number };
  const gateway = async (code: number) => {
    const peer = await DatagramPeer.open();
    t.after(() => peer.close());
    peer.onMessage = (text, { address, port: to }) => {
      if (text.startsWith('INVITE')) void peer.send(replyTo(text, code, 'gw'), to, address);
    };
    return `sip:127.0.0.1:${peer.port}`;
  };
  const [broken, busy] = [await gateway(503), await gateway(486)];
  const daemon = await startDaemon({
    destinations: [
      [1, broken],
      [1, busy],
    ],
    settings: {
      routing: [{ select: { set: 1, alg: 8, flags: 'f' }, failover: { codes: ['503'] } }],
      telemetry: {
        otlp: `http://127.0.0.1:${port}/v1/traces`,
        headers: { authorization: 'Bearer collector' },
        service: 'dispatch',
      },
    },
  });
  t.after(() => daemon.stop());
  const caller = await DatagramPeer.open();
  t.after(() => caller.close());
  const via = 'SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKspanned';
  await caller.send(requestText({ callId: 'spanned', via }), daemon.port, '127.0.0.1');
  await caller.expect(/^SIP\/2\.0 486 /);
  await until('three spans', () => spans.length >= 3, { milliseconds: 10_000 });

  assert.deepEqual([...tokens], ['Bearer collector']);
  assert.match(services[0] ?? '', /"dispatch"/);
  const root = spans.find(({ kind }) => kind === SERVER) as WireSpan;
  const tries = spans.filter(({ kind }) => kind === CLIENT);
  const of = ({ attributes }: WireSpan, key: string) =>
    Object.values(attributes.find((each) => each.key === key)?.value ?? {})[0];
  assert.equal(root.name, 'INVITE default');
  assert.deepEqual(
    [of(root, 'sip.call_id'), of(root, 'sip.status_code'), of(root, 'switchyard.rule')],
    ['spanned', 486, '/routing/0'],
  );
  assert.deepEqual(
    tries.map((each) => [of(each, 'switchyard.destination'), of(each, 'sip.status_code'), each.status.code]),
    [
      [broken, 503, ERROR],
      [busy, 486, ERROR],
    ],
  );
  for (const each of tries) {
    assert.deepEqual([each.traceId, each.parentSpanId], [root.traceId, root.spanId]);
    assert.ok(BigInt(each.startTimeUnixNano) >= BigInt(root.startTimeUnixNano));
    assert.ok(BigInt(each.endTimeUnixNano) <= BigInt(root.endTimeUnixNano) + 200_000n);
  }
});
