import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as secureRequest } from 'node:https';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { nullLogger } from '../../../src/core/logger.js';
import { healthHandler, metricsHandler } from '../../../src/http/handlers.js';
import { MAX_PIPELINED } from '../../../src/http/http-connection.js';
import { HttpServer, MAX_BODY, MAX_PIECES, readBody } from '../../../src/http/server.js';
import { Metrics } from '../../../src/stats/metrics.js';
import { TestAuthority } from '../../support/certificates.js';
import { until } from '../../support/until.js';

describe('HTTP listener', () => {
  const server = new HttpServer({ host: '127.0.0.1', port: 0, log: nullLogger, requestTimeout: 300 });
  let url = '';
  let ready = true;

  before(async () => {
    const metrics = new Metrics();
    metrics.counter('calls_total', 'Calls.').with({ set: '1' }).value = 3;
    const shown = metricsHandler(metrics);
    server.mount('/metrics', (request, response) => shown(undefined, request, response), { methods: ['GET', 'HEAD'] });
    server.mount(
      '/health',
      healthHandler(() => ({ ready, partitions: { acme: 'ready' }, details: {} }), {
        role: 'viewer',
        partitions: undefined,
      }),
      { methods: ['GET'] },
    );
    server.mount('/ui/', (request, response) => void response.end(`ui ${request.url}`), { subpaths: true });
    server.mount('/broken', () => Promise.reject(new Error('secret')));
    server.mount('/thrown', () => {
      throw new Error('secret');
    });
    server.mount('/echo', async (request, response) => {
      const body = await readBody(request, 10);
      response.statusCode = body === undefined ? 413 : 200;
      response.end(body);
    });
    server.mount('/long', async (request, response) => {
      response.statusCode = (await readBody(request)) === undefined ? 413 : 200;
      response.end();
    });
    await server.start();
    url = `http://127.0.0.1:${server.address?.port}`;
  });
  after(() => server.stop());

  test('the HTTP listener serves metrics and health', async () => {
    const metrics = await fetch(`${url}/metrics?x=1`);
    assert.match(metrics.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    assert.match(await metrics.text(), /^calls_total\{set="1"\} 3$/m);
    const healthy = await fetch(`${url}/health/`);
    assert.deepEqual([healthy.status, await healthy.json()], [200, { status: 'ok', partitions: { acme: 'ready' } }]);
    ready = false;
    const ill = await fetch(`${url}/health`);
    assert.deepEqual([ill.status, ((await ill.json()) as { status: string }).status], [503, 'unavailable']);
  });

  test('unknown paths get 404, other methods 405 with Allow, and paths below a mount are served', async () => {
    assert.equal((await fetch(`${url}/nothing`)).status, 404);
    assert.equal((await fetch(`${url}/metrics/below`)).status, 404);
    const wrong = await fetch(`${url}/metrics`, { method: 'POST', body: 'x' });
    assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'GET, HEAD']);
    assert.equal(await (await fetch(`${url}/ui/a/b`)).text(), 'ui /ui/a/b');
    assert.equal(await (await fetch(`${url}/ui`)).text(), 'ui /ui');
    assert.equal((await fetch(`${url}/uix`)).status, 404);
  });

  test('a handler that fails answers 500 without details', async () => {
    for (const path of ['/broken', '/thrown']) {
      const answer = await fetch(url + path);
      assert.equal(answer.status, 500);
      assert.doesNotMatch(await answer.text(), /secret/);
    }
  });

  test('a connection with more unanswered requests than a client needs is closed', async () => {
    const { port } = new URL(url);
    const asked = async (count: number) => {
      const socket = connect(Number(port), '127.0.0.1');
      let text = '';
      socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
      socket.on('error', () => {});
      const closed = once(socket, 'close');
      socket.write('GET /ui HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(count));
      const answers = () => text.split('HTTP/1.1 200').length - 1;
      if (count <= MAX_PIPELINED) await until('the answers', () => answers() === count);
      else await closed;
      socket.destroy();
      return answers();
    };
    assert.equal(await asked(MAX_PIPELINED), MAX_PIPELINED);
    assert.ok((await asked(1200)) <= MAX_PIPELINED);
  });

  test('a body in very many pieces is refused', async () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => {});
    const answer = once(socket, 'data');
    socket.write('POST /long HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    socket.write('1\r\n \r\n'.repeat(MAX_PIECES + 1));
    assert.match(String(await answer), /^HTTP\/1\.1 413/);
    socket.destroy();
  });

  test('bodies are bounded, by declared length and by received bytes', async () => {
    assert.equal(await (await fetch(`${url}/echo`, { method: 'POST', body: '0123456789' })).text(), '0123456789');
    assert.equal((await fetch(`${url}/echo`, { method: 'POST', body: '0123456789a' })).status, 413);
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write(`POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: ${MAX_BODY + 1}\r\n\r\n`);
    const [answer] = await once(socket, 'data');
    assert.match(String(answer), /^HTTP\/1\.1 413 /);
    socket.destroy();
  });

  test('a client that never finishes its head is closed', async () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write('GET /health HTTP/1.1\r\nHost: x\r\n');
    socket.resume();
    await once(socket, 'close');
    assert.ok(socket.destroyed);
  });

  test('an HTTP port in use is an error at the start', async () => {
    const second = new HttpServer({ host: '127.0.0.1', port: Number(new URL(url).port), log: nullLogger });
    await assert.rejects(second.start(), { code: 'TRANSPORT_BIND', message: /^HTTP cannot listen on 127\.0\.0\.1:/ });
    await second.stop();
  });

  test('stop ends idle connections at once and waits for no hanging request', async () => {
    const other = new HttpServer({ host: '127.0.0.1', port: 0, log: nullLogger });
    other.mount('/hang', () => {});
    await other.start();
    const socket = connect(other.address?.port ?? 0, '127.0.0.1');
    const hanging = connect(other.address?.port ?? 0, '127.0.0.1');
    hanging.write('GET /hang HTTP/1.1\r\nHost: x\r\n\r\n');
    for (const each of [socket, hanging]) {
      each.on('error', () => {});
      each.resume();
    }
    await once(hanging, 'connect');
    const closed = Promise.all([socket, hanging].map((each) => new Promise((resolve) => each.on('close', resolve))));
    await other.stop(50);
    await closed;
    assert.equal(other.address, undefined);
  });
});

describe('a listener that many slow clients use', () => {
  test('answers other clients at once, also those of the same address', async (t) => {
    const server = new HttpServer({ host: '127.0.0.1', port: 0, log: nullLogger });
    server.mount(
      '/health',
      healthHandler(() => ({ ready: true, partitions: {}, details: {} }), undefined),
    );
    await server.start();
    t.after(() => server.stop());
    const port = server.address?.port ?? 0;
    const slow = Array.from({ length: 300 }, () => connect(port, '127.0.0.1').on('error', () => {}));
    t.after(() => {
      for (const each of slow) each.destroy();
    });
    await Promise.all(slow.map((each) => once(each, 'connect')));
    for (const [i, each] of slow.entries())
      each.write(
        i % 2 === 0 ? 'GET /health HTTP/1.1\r\nHost: ' : 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx',
      );
    for (let i = 0; i < 3; i++) {
      const response = await fetch(`http://127.0.0.1:${port}/health`, { signal: AbortSignal.timeout(2000) });
      assert.equal(response.status, 200);
    }
  });

  test('refuses pages of others where a mount is for its own pages only', async (t) => {
    const server = new HttpServer({ host: '127.0.0.1', port: 0, log: nullLogger });
    server.mount('/mi', (_request, response) => void response.end('ok'), { ownPages: true });
    await server.start();
    t.after(() => server.stop());
    const url = `http://127.0.0.1:${server.address?.port}/mi`;
    assert.equal((await fetch(url)).status, 200);
    assert.equal((await fetch(url, { headers: { origin: 'http://evil.example' } })).status, 403);
    assert.equal((await fetch(url, { headers: { 'sec-fetch-site': 'cross-site' } })).status, 403);
  });

  test('finds the mount of a path with thousands of parts as fast as any other', async (t) => {
    const server = new HttpServer({ host: '127.0.0.1', port: 0, log: nullLogger });
    server.mount('/ui', (_request, response) => void response.end('ui'), { subpaths: true });
    await server.start();
    t.after(() => server.stop());
    const path = `/ui${'/a'.repeat(7000)}`;
    const began = performance.now();
    for (let i = 0; i < 20; i++)
      assert.equal((await fetch(`http://127.0.0.1:${server.address?.port}${path}`)).status, 200);
    assert.ok(performance.now() - began < 2000);
  });
});

test('a listener with a certificate speaks TLS only', async (t) => {
  const authority = new TestAuthority();
  t.after(() => authority.remove());
  const { cert, key } = authority.issue('http', ['IP:127.0.0.1']);
  const tls = { cert: readFileSync(cert), key: readFileSync(key) };
  const server = new HttpServer({ host: '127.0.0.1', port: 0, log: nullLogger, tls });
  server.mount('/mi', (_request, response) => void response.end('ok'), { ownPages: true });
  await server.start();
  t.after(() => server.stop());
  const port = server.address?.port ?? 0;
  const get = (headers: Record<string, string>): Promise<number | undefined> =>
    new Promise((done, failed) => {
      const options = { host: '127.0.0.1', port, path: '/mi', ca: readFileSync(authority.ca), headers };
      secureRequest(options, (response) => {
        response.resume();
        done(response.statusCode);
      })
        .on('error', failed)
        .end();
    });
  assert.equal(await get({ origin: `https://127.0.0.1:${port}` }), 200);
  assert.equal(await get({ origin: `http://127.0.0.1:${port}` }), 403);
  await assert.rejects(fetch(`http://127.0.0.1:${port}/mi`));
});
