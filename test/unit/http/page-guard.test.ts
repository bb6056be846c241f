import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { describe, test } from 'node:test';
import { PageGuard, typeRefusal } from '../../../src/http/page-guard.js';

const guard = new PageGuard(['pbx.example'], false);
const status = (headers: Record<string, string>) => guard.refusal(headers)?.status;

describe('requests that a web page may have caused', () => {
  test('the host has to be an address or one of the names of the daemon', () => {
    for (const host of [
      '127.0.0.1:8085',
      '10.1.2.3',
      '[::1]:8085',
      'localhost',
      'LOCALHOST:1',
      'pbx.example:80',
      hostname(),
    ]) {
      assert.equal(status({ host }), undefined, host);
    }
    for (const host of [
      'evil.example',
      'evil.example:8085',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '[evil]',
      '',
      'pbx.example.',
    ]) {
      assert.equal(status({ host }), 403, host);
    }
  });

  test('the host can be checked alone, whatever page the request comes from', () => {
    assert.equal(guard.hostRefusal({ host: 'pbx.example', origin: 'http://evil.example' }), undefined);
    assert.equal(guard.hostRefusal({}), undefined);
    assert.equal(guard.hostRefusal({ host: 'evil.example', authorization: 'Basic eDp5' })?.status, 403);
  });

  test('the origin has to be that of the page itself, scheme and port included', () => {
    const host = '127.0.0.1:8085';
    assert.equal(status({ host, origin: 'http://127.0.0.1:8085' }), undefined);
    for (const origin of ['http://127.0.0.1', 'https://127.0.0.1:8085', 'http://evil.example', 'null', '']) {
      assert.equal(status({ host, origin }), 403, origin);
    }
    const secure = new PageGuard([], true);
    assert.equal(secure.refusal({ host, origin: 'https://127.0.0.1:8085' }), undefined);
    assert.equal(secure.refusal({ host, origin: 'http://127.0.0.1:8085' })?.status, 403);
  });

  test('a page of another site is refused even without an origin', () => {
    const host = 'localhost';
    for (const site of ['cross-site', 'same-site', 'x'])
      assert.equal(status({ host, 'sec-fetch-site': site }), 403, site);
    for (const site of ['same-origin', 'none']) assert.equal(status({ host, 'sec-fetch-site': site }), undefined, site);
  });

  test('a body is JSON, or it is refused', () => {
    assert.equal(typeRefusal('application/json'), undefined);
    assert.equal(typeRefusal('application/json; charset=utf-8'), undefined);
    for (const type of [undefined, '', 'text/plain', 'multipart/form-data', 'text/plain; application/json']) {
      assert.equal(typeRefusal(type)?.status, 415, type);
    }
  });
});
