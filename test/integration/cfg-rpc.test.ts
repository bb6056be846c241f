import assert from 'node:assert/strict';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCfgDaemon } from '../support/cfg-daemon.js';
import { DatagramPeer } from '../support/datagram-peer.js';
import { runTool } from '../support/kamailio-daemon.js';
import { freePort } from '../support/ports.js';
import { requireTool } from '../support/servers.js';
import { until } from '../support/until.js';

const FILE = `#!KAMAILIO
listen=LISTEN
listen=tcp:127.0.0.1:WEB
loadmodule "ctl.so"
loadmodule "jsonrpcs.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "kex.so"
loadmodule "xlog.so"
loadmodule "xhttp.so"
PARAMETERS
request_route {
  jsonrpc_exec('{"jsonrpc":"2.0","method":"core.echo","params":["a"],"id":1}');
  xlog("$rc $jsonrpl(code) $jsonrpl(text) $(jsonrpl(body){s.len})\\n");
  jsonrpc_exec('{"jsonrpc":"2.0","method":"nosuch","id":1}');
  xlog("$rc $jsonrpl(code) $jsonrpl(text)\\n");
  if (!jsonrpc_exec("garbage")) xlog("no JSON\\n");
  exit;
}
event_route[xhttp:request] {
  if ($hu =~ "^/RPC") {
    if (!jsonrpc_dispatch()) xlog("not dispatched $rc\\n");
    exit;
  }
  xhttp_reply("200", "OK", "text/plain", "other");
}
`;

async function daemonWith(parameters: string, more: Partial<Parameters<typeof startCfgDaemon>[0]> = {}) {
  const web = await freePort();
  const text = FILE.replace('WEB', String(web)).replace('PARAMETERS', parameters);
  const daemon = await startCfgDaemon({ text, ...more });
  const post = async (body: string, headers = {}): Promise<[number, string, string]> => {
    const answer = await fetch(`http://127.0.0.1:${web}/RPC`, { method: 'POST', body, headers });
    return [answer.status, answer.statusText, await answer.text()];
  };
  return { ...daemon, web, post };
}

const echo = (text: string) => JSON.stringify({ jsonrpc: '2.0', method: 'core.echo', params: [text], id: 'z' });

// The answers of Kamailio 5.6.3 to the same requests.
test('jsonrpc_dispatch() runs the command of a request of HTTP and answers it', async (t) => {
  const { post, script, ...daemon } = await daemonWith('');
  t.after(() => daemon.stop());
  assert.deepEqual(await post(echo('gr\u00fc\u00df')), [
    200,
    'OK',
    '{\n\t"jsonrpc":\t"2.0",\n\t"result":\t["gr\u00fc\u00df"],\n\t"id":\t"z"\n}',
  ]);
  const [status, text, body] = await post('{"jsonrpc":"2.0","method":"core.nosuch","id":1}');
  assert.deepEqual([status, text], [500, 'Method Not Found']);
  assert.deepEqual(JSON.parse(body), { jsonrpc: '2.0', error: { code: 500, message: 'Method Not Found' }, id: 1 });
  assert.deepEqual((await post('{}'))[0], 200);
  assert.deepEqual((await post('garbage'))[0], 404, 'what is not JSON is left to the script');
  assert.deepEqual(script, ['not dispatched -1']);
  assert.deepEqual((await post(echo('a'), { origin: 'http://evil.example' }))[0], 403, 'a page of another host');
  const page = await fetch(`http://127.0.0.1:${daemon.web}/x`);
  assert.equal(await page.text(), 'other');
});

test('jsonrpc_dispatch() needs a user where users are configured, and does nothing where HTTP is not configured', async (t) => {
  const users = [{ name: 'view', token: `sha256:${'0'.repeat(64)}`, role: 'viewer', partitions: '*' }];
  const closed = await daemonWith('', { json: { access: { users } } });
  t.after(() => closed.stop());
  assert.equal((await closed.post(echo('a')))[0], 401);
  assert.equal((await closed.post(echo('a'), { authorization: 'Bearer wrong' }))[0], 401);
  const other = await daemonWith('modparam("jsonrpcs", "transport", 2)');
  t.after(() => other.stop());
  assert.equal((await other.post(echo('a')))[0], 404);
  assert.deepEqual(other.script, ['not dispatched -1']);
});

test('jsonrpc_exec() runs a command of the script', async (t) => {
  const daemon = await daemonWith('');
  t.after(() => daemon.stop());
  const peer = await DatagramPeer.open('127.0.0.1', await freePort());
  t.after(() => peer.close());
  const lines = [
    'OPTIONS sip:a@b SIP/2.0',
    `Via: SIP/2.0/UDP 127.0.0.1:${peer.port};branch=z9hG4bKx`,
    'From: <sip:a@b>;tag=1',
  ];
  const request = [...lines, 'To: <sip:a@b>', 'Call-ID: x', 'CSeq: 1 OPTIONS', 'Content-Length: 0', '', ''].join(
    '\r\n',
  );
  void peer.send(request, daemon.port, '127.0.0.1');
  await until('three lines', () => daemon.script.length >= 3);
  assert.deepEqual(daemon.script, ['1 200 OK 49', '1 500 Method Not Found', 'no JSON']);
});

test('kamcmd finds the socket that ctl opens by itself, and kamctl the pipe of jsonrpcs', async (t) => {
  const kamcmd = requireTool(t, 'kamcmd');
  if (kamcmd === undefined) return;
  const daemon = await daemonWith('');
  t.after(() => daemon.stop());
  const socket = join(daemon.folder, 'kamailio_ctl');
  assert.equal(await runTool(kamcmd, ['-s', socket, 'core.echo', 'a']), 'a\n');
  assert.equal(statSync(socket).mode & 0o777, 0o600);
  assert.deepEqual(
    ['kamailio_rpc.fifo', 'kamailio_rpc.sock'].map((name) => existsSync(join(daemon.folder, name))),
    [true, true],
  );
});

test('a default socket that cannot be opened is named in the log, and the daemon goes on', async (t) => {
  const daemon = await daemonWith('', {
    prepare: (folder) => {
      writeFileSync(join(folder, 'kamailio_ctl'), '');
      writeFileSync(join(folder, 'kamailio_rpc.fifo'), '');
    },
  });
  t.after(() => daemon.stop());
  assert.equal((await daemon.post(echo('a')))[0], 200);
  const warned = daemon.log
    .filter((line) => /is not opened/.test(line))
    .map((line) => line.replaceAll(daemon.folder, ''));
  assert.match(
    warned[0] ?? '',
    /^ctl socket unixs:\/kamailio_ctl is not opened: .*the path exists and is not a socket/,
  );
  assert.match(warned[1] ?? '', /^JSON-RPC FIFO \/kamailio_rpc.fifo is not opened: /);
});
