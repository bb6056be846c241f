import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePort } from '../../support/ports.js';
import { linesOf } from '../../support/script-run.js';

const seen: string[] = [];

/** Answers as the server did that 5.6.3 was recorded against. */
function answer(request: IncomingMessage, response: ServerResponse, body: string): void {
  const { method, url = '', headers } = request;
  const known = headers.authorization?.replace(/ .*/, '') ?? '';
  seen.push([method, url, headers['content-type'] ?? '-', headers['x-two'] ?? '-', known].join(' ').trim());
  const [path = ''] = url.split('?');
  const status = Number(/^\/status\/(\d+)/.exec(path)?.[1] ?? 200);
  if (path === '/slow') return;
  if (path === '/close') request.socket.destroy();
  else if (path === '/redir') response.writeHead(302, { Location: '/one' }).end('moved');
  else if (path === '/zero') request.socket.end('HTTP/1.1 000 None\r\n\r\nbody');
  else if (path === '/away') response.writeHead(302, { Location: away }).end();
  else if (path === '/loop') response.writeHead(302, { Location: '/loop' }).end('again');
  else if (path === '/basic' && known === '')
    response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="r"' }).end('no');
  else if (path === '/digest' && known !== 'Digest')
    response.writeHead(401, { 'WWW-Authenticate': 'Digest realm="r", nonce="n", qop="auth"' }).end('no');
  else if (path.endsWith('/one')) response.end('one');
  else if (path === '/big') response.end('x'.repeat(200_000));
  else if (path === '/echo') response.end(`${method} ${url} [${body}]`);
  else response.writeHead(status).end(status === 200 ? 'line one\nline two\r\nline three' : 'status body');
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => answer(request, response, Buffer.concat(chunks).toString('latin1')));
});
let port = 0;
let closed = 0;
/** Where "/away" redirects to. */
let away = '';
const folder = mkdtempSync(join(tmpdir(), 'http-client-'));
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
  closed = await freePort('127.0.0.1');
});
after(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

/** What is written after each call: the return code and the result. */
async function results(calls: readonly string[], head: readonly string[] = []): Promise<string[]> {
  seen.length = 0;
  const base = `http://127.0.0.1:${port}`;
  return linesOf({
    dialect: 'kamailio',
    modules: 'http_client',
    head: ['modparam("http_client", "connection_timeout", 1)', ...head].join('\n').replaceAll('HTTP', base),
    script: `${calls
      .map((call) => `$var(r) = "old"; ${call.replaceAll('HTTP', base)}; $var(c) = $rc; xlog("$var(c) $var(r)\\n");`)
      .join('\n')} xlog("end\\n");`,
  });
}

test('http_client_query returns the status and the first line of the body, or an error code of libcurl', async () => {
  const lines = await results([
    'http_client_query("HTTP/ok?a=1", "$var(r)")',
    'http_client_query("HTTP/echo", "post $rU", "$var(r)")',
    'http_client_query("HTTP/echo", "p", "X-One: 1\\r\\nX-Two: $rU\\r\\n", "$var(r)")',
    'http_client_query("HTTP/echo", "", "Content-Type: a/b\\nX-Two: 2", "$var(r)")',
    'http_client_get("HTTP/echo", "p", "", "$var(r)")',
    'http_client_query("HTTP/status/404", "$var(r)")',
    'http_client_query("HTTP/status/500", "$var(r)")',
    'http_client_query("HTTP/redir", "$var(r)")',
    'http_client_query("HTTP/close", "$var(r)")',
    'http_client_query("HTTP/slow", "$var(r)")',
    `http_client_query("http://127.0.0.1:${closed}/", "$var(r)")`,
    'http_client_query("http://no.such.host.invalid/", "$var(r)")',
    'http_client_query("ftp://127.0.0.1/x", "$var(r)")',
    'http_client_query("file:///etc/hostname", "$var(r)")',
    'http_client_query("nothing at all", "$var(r)")',
    'http_client_query("HTTP/a b", "$var(r)")',
    `http_client_query("127.0.0.1:${port}/echo", "$var(r)")`,
    'http_client_query("", "$var(r)")',
    `http_client_query("http://u:p@127.0.0.1:${port}/echo", "$var(r)")`,
  ]);
  assert.deepEqual(lines, [
    '200 line one',
    '200 POST /echo [post bob]',
    '200 POST /echo [p]',
    '200 GET /echo []',
    '200 GET /echo [p]',
    '404 status body',
    '500 ',
    '302 moved',
    '52 ',
    '28 ',
    '7 ',
    '6 ',
    '1 ',
    '1 ',
    '3 ',
    '3 ',
    '200 GET /echo []',
    '-1 old',
    '200 GET /echo []',
  ]);
  assert.deepEqual(seen.slice(0, 5), [
    'GET /ok?a=1 - -',
    'POST /echo application/x-www-form-urlencoded -',
    'POST /echo application/x-www-form-urlencoded bob',
    'GET /echo a/b 2',
    'GET /echo application/x-www-form-urlencoded -',
  ]);
  assert.equal(seen.at(-1), 'GET /echo - - Basic');
});

test('http_connect sends by connections of the parameters and of a file', async () => {
  const file = join(folder, 'connections');
  writeFileSync(
    file,
    '# comment\n[f1]\nurl = HTTP/f\nusername=u\npassword=p\n'.replace('HTTP', `http://127.0.0.1:${port}`),
  );
  const lines = await results(
    [
      'http_connect("c1", "/echo?x=1", "$var(r)")',
      'http_connect("c1", "echo", "text/plain", "$rU", "$avp(r)"); $var(r) = $avp(r)',
      'http_connect("c1", "/echo", "text/plain", "", "$var(r)")',
      'http_connect("c1", "/echo", "$var(x)", "x", "$var(r)")',
      'http_connect_raw("c1", "/echo", "text/plain", "raw $rU", "$var(r)")',
      'http_connect("nope", "/echo", "$var(r)")',
      'http_connect("c2", "", "$var(r)")',
      'http_connect("c3", "/big", "$var(r)")',
      'http_connect("c4", "/basic", "$var(r)")',
      'http_connect("c4", "/digest", "text/plain", "body", "$var(r)")',
      'http_connect("c1", "/basic", "$var(r)")',
      'http_connect("c1", "/redir", "$var(r)")',
      'http_connect("c5", "/redir", "text/plain", "body", "$var(r)")',
      'http_get_redirect("c5", "$var(r)")',
      'http_get_redirect("c6", "$var(r)")',
      'http_get_redirect("nope", "$var(r)")',
      'http_connect("c5", "/loop", "$var(r)")',
      'http_connect("c6", "/one", "$var(r)")',
      'http_connect("c7", "/one", "$var(r)")',
      'http_connect("c8", "/one", "$var(r)")',
      'http_connect("f1", "one", "$var(r)")',
      '$var(r) = $curlerror(28) + ", " + $curlerror(0) + ", " + $curlerror(404) + ", " + $curlerror(29) + ", " + $curlerror(x)',
      '$var(r) = $stat(connok)',
      '$var(r) = $stat(connfail)',
      '$var(r) = $stat(connections)',
    ],
    [
      'modparam("http_client", "httpcon", "c1=>HTTP")',
      'modparam("http_client", "httpcon", "c2=>HTTP/base/one;useragent=mine")',
      'modparam("http_client", "httpcon", "c3=>HTTP;maxdatasize=3")',
      `modparam("http_client", "httpcon", "c4=>http://usr:pw@127.0.0.1:${port}")`,
      'modparam("http_client", "httpcon", "c5=>HTTP;httpredirect=1;timeout=30")',
      `modparam("http_client", "httpcon", "c6=>http://127.0.0.1:${closed};failover=c1")`,
      `modparam("http_client", "httpcon", "c7=>http://127.0.0.1:${closed};failover=c6")`,
      `modparam("http_client", "httpcon", "c8=>http://127.0.0.1:${closed};failover=none")`,
      `modparam("http_client", "config_file", "${file}")`,
      'loadmodule "counters.so"',
    ],
  );
  assert.deepEqual(lines, [
    '200 GET /echo?x=1 []',
    '200 POST /echo [bob]',
    '200 GET /echo []',
    '200 POST /echo [x]',
    '200 POST /echo [raw $rU]',
    '-1 ',
    '200 one',
    '200 xxx',
    '200 line one\nline two\r\nline three',
    '200 line one\nline two\r\nline three',
    '401 no',
    '302 moved',
    '200 one',
    `1 http://127.0.0.1:${port}/one`,
    '1 ',
    '-1 ',
    '47 ',
    '200 one',
    '7 ',
    '-1 ',
    '200 one',
    '1 Timeout was reached, No error, HTTP result code, Unknown error, No error',
    '1 14',
    '1 5',
    '1 9',
  ]);
  assert.ok(seen.includes('POST /digest text/plain - Digest'), seen.join('\n'));
  assert.ok(seen.includes('POST /echo $var(x) -'), seen.join('\n'));
  assert.ok(seen.includes('GET /f/one - -'), seen.join('\n'));
});

test('an answer with a status below 100 is a failure, and the script goes on', async () => {
  assert.deepEqual(await results(['http_client_query("HTTP/zero", "$var(r)")']), ['56 ']);
});

test('credentials of a script go to the server that it named only, header fields after a redirection too', async () => {
  const got: string[] = [];
  const other = createServer(({ headers }, response) => {
    got.push([headers.authorization, headers.cookie, headers['x-two']].join(' '));
    response.end('other');
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  away = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`;
  try {
    const fields = 'authorization: Bearer t\\r\\nCookie: c=1\\r\\nX-Two: 2';
    const lines = await results(
      [
        `http_client_query("HTTP/away", "", "${fields}", "$var(r)")`,
        `http_client_query("${away}", "", "${fields}", "$var(r)")`,
      ],
      ['modparam("http_client", "httpredirect", 1)'],
    );
    assert.deepEqual(lines, ['200 other', '200 other']);
    assert.deepEqual(got, ['  2', 'Bearer t c=1 2']);
    assert.deepEqual(seen, ['GET /away - 2 Bearer']);
  } finally {
    other.closeAllConnections();
    other.close();
  }
});

test('query_result 0 gives the whole answer, up to query_maxdatasize', async () => {
  const lines = await results(
    ['http_client_query("HTTP/ok", "$var(r)")', 'http_client_query("HTTP/redir", "$var(r)")'],
    [
      'modparam("http_client", "query_result", 0)',
      'modparam("http_client", "query_maxdatasize", 12)',
      'modparam("http_client", "httpredirect", 1)',
    ],
  );
  assert.deepEqual(lines, ['200 line one\nlin', '200 one']);
});

test('parameters and arguments that 5.6.3 refuses at its start are refused', async () => {
  const refused = async (call: string, head: readonly string[], expected: RegExp) =>
    assert.rejects(results([call], head), expected);
  await refused('http_client_query("HTTP/", "$ci")', [], /must be a variable that can be written to/);
  await refused('http_connect("c", "/", "text")', [], /must be a variable that can be written to/);
  await refused('exit', ['modparam("http_client", "httpcon", "c=>127.0.0.1")'], /must be name=>http/);
  await refused('exit', ['modparam("http_client", "config_file", "/nonexistent/file")'], /ENOENT/);
  await refused('exit', ['modparam("http_client", "maxdatasize", "1")'], /maxdatasize/);
});
