import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { freePort } from '../../support/ports.js';
import { linesOf } from '../../support/script-run.js';

/** The request for "/held", which is answered when "/release" is asked for; that one is answered a little later. */
let held: ServerResponse | undefined;

const server = createServer((request, response) => {
  if (request.url === '/held') {
    held = response;
    return;
  }
  if (request.url === '/release') {
    held?.on('close', () => setTimeout(() => response.end('released'), 50));
    held?.writeHead(200, { 'Content-Type': 'text/plain', Connection: 'close' });
    held?.end('too late');
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (request.url === '/slow') return;
    if (request.url === '/long') {
      response.end('x'.repeat(70_000));
      return;
    }
    response.writeHead(request.url === '/gone' ? 410 : 200, { 'Content-Type': 'text/plain', Connection: 'close' });
    response.end(`${request.method} ${request.headers['x-node'] ?? '-'} ${Buffer.concat(chunks).toString()}`);
  });
});
let port = 0;
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

const written = (script: string, head = 'modparam("rest_client", "curl_timeout", 1)'): Promise<string[]> =>
  linesOf({ dialect: 'opensips', modules: 'rest_client', head, script });

test('a script asks a web service and waits for its answer', async () => {
  const lines = await written(`
    rest_append_hf("X-Node: edge\\r\\nX-Evil: 1"); rest_get("http://127.0.0.1:${port}/a?to=$rU", $var(b), $var(t), $var(c)); xlog("$rc $var(c) $var(t) $var(b)\\n");
    rest_post("http://127.0.0.1:${port}/b", "call=$ci", "text/plain", $var(b), , $var(c)); xlog("$rc $var(c) $var(b)\\n");
    rest_put("http://127.0.0.1:${port}/gone", "x", , $var(b), , $var(c)); xlog("$rc $var(c) $var(b)\\n");
    xlog("end\\n");`);
  assert.deepEqual(lines, ['1 200 text/plain GET edge ', '1 200 POST - call=a@a.example', '1 410 PUT - x']);
});

test('failed requests return the documented codes', async () => {
  const closed = await freePort('127.0.0.1');
  const lines = await written(`
    rest_get("http://127.0.0.1:${closed}/", $var(b)); xlog("$rc\\n");
    rest_get("http://127.0.0.1:${port}/slow", $var(b), , $var(c)); xlog("$rc $var(c)\\n");
    rest_get("http://127.0.0.1:${port}/long", $var(b)); xlog("$rc\\n");
    rest_get("file:///etc/passwd", $var(b)); xlog("$rc $var(b)\\n");
    xlog("end\\n");`);
  assert.deepEqual(lines, ['-1', '-3 0', '-10', '-10 <null>']);
});

test('the answer is there when async() resumes', async () => {
  const lines = await linesOf({
    dialect: 'opensips',
    modules: 'rest_client json',
    script: `route {
      async(rest_get("http://127.0.0.1:${port}/a", $var(b), $var(t), $var(c)), answered);
      xlog("not reached\\n");
    }
    route[answered] { xlog("$rc $var(c) $var(b)\\n"); xlog("end\\n"); }`,
  });
  assert.deepEqual(lines, ['1 200 GET - ']);
});

test('an answer that comes after the timeout of async() changes no variable', async () => {
  const lines = await linesOf({
    dialect: 'opensips',
    modules: 'rest_client',
    script: `route { async(rest_get("http://127.0.0.1:${port}/held", $avp(b), $avp(t), $avp(c)), answered, 1); }
    route[answered] {
      xlog("$rc [$avp(b)] [$avp(c)]\n");
      rest_get("http://127.0.0.1:${port}/release", $var(r));
      xlog("$var(r) [$avp(b)] [$avp(t)] [$avp(c)]\n");
      xlog("end\n");
    }`,
  });
  assert.deepEqual(lines, ['-2 [<null>] [<null>]', 'released [<null>] [<null>] [<null>]']);
});

test('a script reads the statistics of a group one by one, and adds a number to one', async () => {
  const lines = await linesOf({
    dialect: 'opensips',
    modules: 'statistics',
    head: 'modparam("statistics", "stat_groups", "codes")',
    script: `update_stat("codes:200", 2); update_stat("codes:503", 1); update_stat("codes:200", "+1"); update_stat("codes:503", -1);
      stat_iter_init("codes", "it"); while (stat_iter_next($var(n), $var(v), "it")) xlog("$var(n)=$var(v)\\n"); xlog("end\\n");`,
  });
  assert.deepEqual(lines, ['200=3', '503=0']);
});
