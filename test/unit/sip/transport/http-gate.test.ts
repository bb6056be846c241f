import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldsOf } from '../../../../src/sip/transport/http-gate.js';

test('header lines of a reply of HTTP become fields, without those that depend on the body and the connection', () => {
  const lines = [
    'X-A: 1',
    'x-a: 2',
    'not a field',
    'Content-Length: 9',
    'Content-Type: text/plain',
    'Connection: keep-alive',
    'Transfer-Encoding: chunked',
    'Trailer: X-A',
    'WWW-Authenticate:  Basic realm="r" ',
  ];
  assert.deepEqual(fieldsOf(`${lines.join('\r\n')}\r\n`), {
    'X-A': ['1', '2'],
    'WWW-Authenticate': ['Basic realm="r"'],
  });
});
