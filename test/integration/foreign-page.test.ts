/// <reference lib="dom" />
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { type Browser, startBrowser } from '../support/browser.js';
import { type DaemonFixture, startDaemon } from '../support/daemon-fixture.js';
import { freePort } from '../support/ports.js';
import { findProgram } from '../support/servers/programs.js';

const GATEWAY = 'sip:127.0.0.1:15071';
/** A name that an attacker resolves to our address. */
const REBOUND = 'rebound.example';

describe('a page of another origin in a browser of an operator', {
  skip: findProgram('chromium') === undefined,
  timeout: 90_000,
}, () => {
  let browser: Browser;
  let daemon: DaemonFixture;
  let ws = 0;
  /** The server of the foreign page. */
  const foreign = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>foreign</title><body>');
  });
  let foreignPort = 0;

  before(async () => {
    ws = await freePort();
    // Default settings: loopback, no users.
    daemon = await startDaemon(
      {
        listen: ['udp:127.0.0.1:0', `ws:127.0.0.1:${ws}`],
        partitions: [{ name: 'default', db_url: 'sqlite:./default.db' }],
        mi: { http: { root: 'mi' }, jsonrpc: { http_root: 'RPC' } },
      },
      { default: [{ setid: 1, destination: GATEWAY }] },
    );
    await new Promise<void>((done) => foreign.listen(0, '127.0.0.1', done));
    foreignPort = (foreign.address() as { port: number }).port;
    browser = await startBrowser([`--host-resolver-rules=MAP ${REBOUND} 127.0.0.1`]);
  });

  after(async () => {
    await browser?.close();
    await daemon?.stop();
    foreign.close();
  });

  const state = () => daemon.daemon.engine.partition('default')?.find(1, GATEWAY)?.health.state;
  const order = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'ds_set_state',
    params: { state: 'i', group: '1', address: GATEWAY },
  });
  const kamailio = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'dispatcher.set_state',
    params: ['dx', '1', GATEWAY],
  });

  test('cannot change anything or read an answer', async () => {
    const page = await browser.page();
    await page.goto(`http://127.0.0.1:${foreignPort}/`);
    const outcomes = await page.evaluate(
      async ({ base, bodies }) => {
        const found: Record<string, string> = {};
        for (const [path, body] of bodies) {
          for (const mode of ['cors', 'no-cors'] as const) {
            for (const type of ['text/plain', 'application/json', 'application/x-www-form-urlencoded']) {
              const request = { method: 'POST', mode, body, headers: { 'content-type': type } };
              const answer = await fetch(base + path, request).then(
                async (response) => `${response.type} ${await response.text()}`,
                () => 'failed',
              );
              found[`${path} ${mode} ${type}`] = answer;
            }
          }
          navigator.sendBeacon(base + path, body);
          navigator.sendBeacon(base + path, new Blob([body], { type: 'application/json' }));
        }
        for (const path of ['/mi', '/metrics', '/console/stream', '/health']) {
          found[`GET ${path}`] = await fetch(base + path).then(
            async (response) => `${response.type} ${await response.text()}`,
            () => 'failed',
          );
        }
        return found;
      },
      {
        base: `http://127.0.0.1:${daemon.httpPort}`,
        bodies: [
          ['/mi', order],
          ['/RPC', kamailio],
          ['/console/mi', order],
        ] as [string, string][],
      },
    );
    for (const [what, answer] of Object.entries(outcomes)) {
      assert.match(answer, /^(failed|opaque )$/, `${what}: ${answer}`);
    }
    assert.equal(state(), 'active');
  });

  test('a form that it submits changes nothing', async () => {
    for (const [path, body] of [
      ['/mi', order],
      ['/RPC', kamailio],
    ] as const) {
      const page = await browser.page();
      await page.goto(`http://127.0.0.1:${foreignPort}/`);
      // The name and value of a text/plain form are joined by "=": JSON can be split over both.
      const [name, value] = [body.slice(0, -1).replace('}', ',"x":"'), '"}}'];
      const answered = page.waitForResponse((response) => response.url().endsWith(path));
      await page.evaluate(
        ({ action, name, value }) => {
          const form = document.createElement('form');
          Object.assign(form, { method: 'POST', action, enctype: 'text/plain' });
          const input = document.createElement('input');
          Object.assign(input, { name, value });
          form.append(input);
          document.body.append(form);
          form.submit();
        },
        { action: `http://127.0.0.1:${daemon.httpPort}${path}`, name, value },
      );
      assert.ok([403, 415].includes((await answered).status()), path);
    }
    assert.equal(state(), 'active');
  });

  test('opens neither a WebSocket to the SIP listener nor a stream of the console', async () => {
    const page = await browser.page();
    await page.goto(`http://127.0.0.1:${foreignPort}/`);
    const opened = await page.evaluate(
      async ({ ws, http }) => {
        const socket = new Promise<string>((done) => {
          const opening = new WebSocket(`ws://127.0.0.1:${ws}/`, 'sip');
          opening.onopen = () => done('open');
          opening.onerror = () => done('refused');
        });
        const stream = new Promise<string>((done) => {
          const source = new EventSource(`http://127.0.0.1:${http}/console/stream`);
          source.onopen = () => done('open');
          source.onerror = () => done('refused');
        });
        return [await socket, await stream];
      },
      { ws, http: daemon.httpPort },
    );
    assert.deepEqual(opened, ['refused', 'refused']);
  });

  test('is refused under a host name of its own that resolves to the address of the daemon', async () => {
    const page = await browser.page();
    // The page itself contains no data; its requests are rejected.
    await page.goto(`http://${REBOUND}:${daemon.httpPort}/livez`);
    const answers = await page.evaluate(
      async (bodies) =>
        Promise.all(
          bodies.map(([path, body]) =>
            fetch(path, { method: 'POST', body, headers: { 'content-type': 'application/json' } }).then(
              (answer) => answer.status,
            ),
          ),
        ),
      [
        ['/mi', order],
        ['/RPC', kamailio],
        ['/console/mi', order],
      ] as [string, string][],
    );
    assert.deepEqual(answers, [403, 403, 403]);
    const read = await page.evaluate(
      (paths) => Promise.all(paths.map(async (path) => (await fetch(path)).status)),
      ['/console/stream', '/console/destination?partition=default&set=1', '/console/health', '/console/me'],
    );
    assert.deepEqual(read, [403, 403, 403, 403]);
    const shown = await page.evaluate(
      (paths) =>
        // A page may send any credentials: where none are checked they have no effect.
        Promise.all(paths.map(async (path) => (await fetch(path, { headers: { authorization: 'Bearer x' } })).text())),
      ['/metrics', '/health', '/readyz'],
    );
    assert.match(shown[0] ?? '', /unknown host/);
    assert.deepEqual(shown.slice(1), ['{"status":"ok"}\n', '{"status":"ok"}\n']);
    const socket = await page.evaluate(
      (url) =>
        new Promise<string>((done) => {
          const opening = new WebSocket(url, 'sip');
          opening.onopen = () => done('open');
          opening.onerror = () => done('refused');
        }),
      `ws://${REBOUND}:${ws}/`,
    );
    assert.equal(socket, 'refused');
    assert.equal(state(), 'active');
  });

  test('the page of the console itself is accepted', async () => {
    const page = await browser.page();
    await page.goto(`http://127.0.0.1:${daemon.httpPort}/`);
    const status = await page.evaluate(
      async (body) =>
        (await fetch('/console/mi', { method: 'POST', body, headers: { 'content-type': 'application/json' } })).status,
      order,
    );
    assert.equal(status, 200);
    assert.equal(state(), 'inactive');
  });
});
