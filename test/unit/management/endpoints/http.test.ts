import assert from 'node:assert/strict';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { unbounded } from '../../../../src/access/caller.js';
import { createMiHttpHandler } from '../../../../src/management/endpoints/http.js';
import { MAX_REQUEST_BYTES } from '../../../../src/management/mi/handler.js';
import { makeMiFixture } from '../../../support/mi-fixture.js';

describe('MI over HTTP', () => {
  const server = createServer(createMiHttpHandler(makeMiFixture().handler, () => unbounded('http')));
  let url = '';
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mi`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const post = (body: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });

  test('the HTTP status is 200 for an answer or error, 204 for a notification, 400 for text that is not JSON', async () => {
    const good = await post('{"jsonrpc":"2.0","id":1,"method":"pwd"}');
    assert.deepEqual([good.status, good.headers.get('content-type')], [200, 'application/json']);
    assert.equal(await good.text(), '{"jsonrpc":"2.0","result":{"WD":"run"},"id":1}');
    const error = await post('{"jsonrpc":"2.0","id":1,"method":"nosuch"}');
    assert.equal(error.status, 200);
    const notification = await post('{"jsonrpc":"2.0","method":"pwd"}');
    assert.deepEqual([notification.status, await notification.text()], [204, '']);
    const malformed = await post(':ds_list:\n');
    assert.deepEqual(
      [malformed.status, ((await malformed.json()) as { error: { code: number } }).error.code],
      [400, -32700],
    );
  });

  test('MI over HTTP accepts only POST', async () => {
    const response = await fetch(url);
    assert.deepEqual([response.status, response.headers.get('allow')], [405, 'POST']);
  });

  test('refuses a body whose Content-Type is not JSON', async () => {
    const body = '{"jsonrpc":"2.0","id":1,"method":"pwd"}';
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'text/plain; x=application/json', '']) {
      assert.equal((await post(body, { 'content-type': type })).status, 415, type);
    }
    const untyped = await fetch(url, { method: 'POST', body: new Blob([body]) });
    assert.equal(untyped.status, 415);
    assert.equal((await post(body, { 'content-type': 'Application/JSON; charset=utf-8' })).status, 200);
  });

  test('refuses what is too long, with a Content-Length or without', async () => {
    assert.equal((await post('x'.repeat(MAX_REQUEST_BYTES + 1))).status, 413);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const sent = httpRequest(url, { method: 'POST', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sent.on('error', reject);
      for (let i = 0; i < 5; i++) sent.write('x'.repeat(MAX_REQUEST_BYTES / 4));
      sent.end();
    });
    assert.equal(status, 413);
  });
});
