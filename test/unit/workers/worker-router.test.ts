import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyRing } from '../../../src/core/key-ring.js';
import type { RouteDecision, RoutedRequest } from '../../../src/proxy/decision.js';
import { DialogTokens } from '../../../src/proxy/dialog-token.js';
import { KnownDialogs } from '../../../src/workers/known-dialogs.js';
import { WorkerRouter } from '../../../src/workers/worker-router.js';
import { proxyFixture } from '../../support/proxy-fixture.js';
import { parsed, requestText, sourceOf } from '../../support/sip-recorder.js';

/** Reaction of a worker without any tables to a request when the limit for large ones is reached. */
function decided({ toTag = '', token = true }: { toTag?: string; token?: boolean }): RouteDecision | 'asked' {
  const tokens = new DialogTokens(new KeyRing('key', () => 0));
  const fixture = proxyFixture({ decide: () => ({ kind: 'drop' }), tokens });
  const tags = tokens.tags({ address: '192.0.2.9' }, '192.0.2.1');
  const parameter = token ? tokens.parameter('c1@x', fixture.udp, fixture.udp, tags) : '';
  const { address: host, port } = fixture.udp;
  const headers = `Route: <sip:${host}:${port};lr${parameter}>\r\n`;
  const message = parsed(requestText({ callId: 'c1@x', headers, toTag: toTag as string, uri: 'sip:b@198.51.100.9' }));
  let asked = false;
  const router = new WorkerRouter({
    sockets: fixture.sockets,
    tokens,
    dialogs: new KnownDialogs(() => 0),
    proxy: fixture.proxy.options,
    sender: () => fixture.proxy.sender,
    decide: () => undefined,
    passage: () => undefined,
    mayAsk: () => false,
    ask: () => {
      asked = true;
      return new Promise(() => undefined);
    },
    pass: () => undefined,
    asksAlways: () => false,
    callEnded: () => undefined,
  });
  const request = {
    message,
    source: sourceOf(fixture.udp, '192.0.2.1'),
    requestUri: message.requestUri,
    strictRoute: undefined,
  } as unknown as RoutedRequest;
  const decision = router.route(request);
  if (asked) return 'asked';
  assert.ok(!(decision instanceof Promise));
  return decision;
}

test('beyond the limit on large requests the brain is asked only about known dialogs, and other requests get 503', () => {
  assert.equal(decided({ toTag: 'b' }), 'asked');
  for (const other of [{ toTag: 'b', token: false }, { token: false }, {}]) {
    const decision = decided(other);
    assert.ok(decision !== 'asked' && decision.kind === 'reply', JSON.stringify(other));
    assert.equal(decision.code, 503);
  }
});
