import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { loadLibc } from '../../src/sip/transport/native/libc.js';
import { type CfgDaemon, startCfgDaemon } from '../support/cfg-daemon.js';
import { DatagramPeer } from '../support/datagram-peer.js';
import { freePort } from '../support/ports.js';
import { type Caller, startCaller } from '../support/sip-endpoints.js';
import { parsed, replyTo, requestText } from '../support/sip-recorder.js';
import { dialogHeaders, finalReply, StreamGateway } from '../support/stream-endpoints.js';
import { StreamPeer } from '../support/stream-peer.js';
import { until } from '../support/until.js';
import { workerPids } from '../support/workers.js';

const skip = 'libc' in (await loadLibc()) ? false : 'the system calls are not available';

const KAMAILIO = `#!KAMAILIO
listen=LISTEN
listen=tcp:127.0.0.1:STREAM
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "dialog.so"
loadmodule "dispatcher.so"
modparam("dispatcher", "list_file", "FOLDER/dispatcher.list")
modparam("dispatcher", "flags", 2)
modparam("tm", "fr_timer", 20000)
request_route {
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  if (has_totag()) {
    if (loose_route()) { t_relay(); exit; }
    if (is_method("ACK")) { if (t_check_trans()) t_relay(); exit; }
    sl_send_reply("404", "Not here");
    exit;
  }
  record_route();
  dlg_manage();
  $var(set) = 1;
  if ($rU =~ "^udp") $var(set) = 2;
  if ($rU =~ "^closed") $var(set) = 3;
  if (!ds_select_dst("$var(set)", "8")) { sl_send_reply("503", "None"); exit; }
  t_on_failure("NEXT");
  t_relay();
}
failure_route[NEXT] {
  if (t_is_canceled()) exit;
  if (ds_next_dst()) { t_relay(); exit; }
}
`;

describe('a cfg file with two workers that listens on TCP as well', { skip }, () => {
  let daemon: CfgDaemon;
  let far: StreamGateway;
  let near: DatagramPeer;
  let caller: Caller;
  let stream = 0;
  const close: (() => unknown)[] = [];
  const metric = (name: string): number => daemon.daemon.metrics.total(name);
  const dialogsEnd = (): Promise<void> =>
    until('the dialogs have ended', async () => {
      const { result } = (await daemon.daemon.callRpc('dlg.stats_active', [])) as { result: { all: number } };
      return result.all === 0;
    });

  test('the daemon starts with two workers', async () => {
    far = await StreamGateway.open();
    close.push(() => far.close());
    near = await DatagramPeer.open('127.0.1.51');
    close.push(() => near.close());
    caller = await startCaller({ host: '127.0.1.52' });
    close.push(() => caller.stop());
    stream = await freePort();
    const nobody = await freePort();
    daemon = await startCfgDaemon({
      text: KAMAILIO.replace('STREAM', String(stream)),
      json: { workers: 2, worker_spread: 'even' },
      prepare: (folder) =>
        writeFileSync(
          join(folder, 'dispatcher.list'),
          `1 ${far.uri()}\n2 sip:127.0.1.51:${near.port}\n3 sip:127.0.0.1:${nobody};transport=tcp 0 9\n3 ${far.uri()} 0 1\n`,
        ),
    });
    close.push(() => daemon.stop());
  });

  test('calls that come by UDP are relayed by the workers, over a connection of the brain', async () => {
    const calls = Array.from({ length: 24 }, (_, i) =>
      caller.placeCall({ ruri: `sip:tcp${i}@acme.example`, proxy: daemon.proxy }),
    );
    const results = await Promise.all(calls);
    assert.deepEqual([...new Set(results.map((each) => `${each.status} ${each.byeStatus}`))], ['200 200']);
    assert.deepEqual([far.count('INVITE'), far.count('BYE')], [24, 24]);
    await until('the ACKs', () => far.count('ACK') === 24);
    assert.equal(far.sockets.length, 1, 'all over one connection');
    await until('workers took them', () => metric('switchyard_worker_requests_total') >= 24);
    await dialogsEnd();
  });

  test('a BYE that a gateway sends over its connection ends the dialog in the worker that has it', async () => {
    const routes = (text: string): string[] =>
      [...parsed(text).fields('record-route')].map((each) => text.slice(each.value, each.end));
    for (let i = 0; i < 4; i++) {
      const callId = `ended-by-tcp-${i}`;
      const via = `SIP/2.0/UDP 127.0.1.51:${near.port};branch=z9hG4bKe`;
      const contact = `sip:me@127.0.1.51:${near.port}`;
      const invite = { callId, uri: 'sip:tcp@acme.example', headers: `Contact: <${contact}>\r\n` };
      await near.send(requestText({ ...invite, via: `${via}${i}` }), daemon.port, '127.0.0.1');
      const { text } = await near.expect(new RegExp(`^SIP/2\\.0 200[\\s\\S]*${callId}\\r`));
      const back = routes(text)
        .reverse()
        .map((each) => `Route: ${each}\r\n`)
        .join('');
      const ack = { method: 'ACK', callId, uri: far.uri(), toTag: 'gw', headers: back };
      await near.send(requestText({ ...ack, via: `${via}a${i}` }), daemon.port, '127.0.0.1');
      await until('its ACK', () => far.requests.some((each) => each.method === 'ACK' && each.callId === callId));
      const lines = routes(text)
        .map((each) => `Route: ${each}\r\n`)
        .join('');
      far.sockets[0]?.write(
        `BYE ${contact} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:${far.port};branch=z9hG4bKbye-${callId}\r\n${lines}` +
          `From: <sip:b@x>;tag=gw\r\nTo: <sip:a@x>;tag=a1\r\nCall-ID: ${callId}\r\nCSeq: 9 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`,
      );
      const bye = await near.expect(new RegExp(`^BYE[\\s\\S]*${callId}\\r`));
      await near.send(replyTo(bye.text, 200), bye.port, bye.address);
      await until('its answer', () => far.replies.some((each) => each.callId === callId && each.status === 200));
    }
    await dialogsEnd();
  });

  test('a connection that is refused fails the branch at once', async () => {
    const began = performance.now();
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        caller.placeCall({ ruri: `sip:closed${i}@acme.example`, proxy: daemon.proxy, timeoutMs: 25_000 }),
      ),
    );
    assert.deepEqual([...new Set(results.map(({ status }) => status))], [200]);
    assert.ok(performance.now() - began < 15_000, 'nobody waited for fr_timer');
  });

  test('a call that comes by a connection reaches a gateway on UDP, which ends it over that connection', async (t) => {
    const peer = await StreamPeer.connect(stream);
    t.after(() => peer.destroy());
    const contact = `sip:me@127.0.0.1:${peer.socket.localPort};transport=tcp`;
    for (let i = 0; i < 8; i++) {
      peer.write(
        requestText({
          callId: `by-tcp-${i}`,
          uri: 'sip:udp@acme.example',
          via: `SIP/2.0/TCP 10.9.9.9;branch=z9hG4bKc${i}`,
          headers: `Contact: <${contact}>\r\n`,
        }),
      );
      const { text, address, port } = await near.expect(new RegExp(`^INVITE[\\s\\S]*by-tcp-${i}\\r`));
      await near.send(replyTo(text, 200, 'callee', dialogHeaders(parsed(text), 'sip:far@127.0.1.51')), port, address);
      assert.equal((await finalReply(peer)).status, 200);
      const routes = [...parsed(text).fields('record-route')].map(
        (each) => `Route: ${text.slice(each.value, each.end)}\r\n`,
      );
      assert.equal(routes.length, 2, 'one for each side');
      const bye = `BYE ${contact} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.1.51:${near.port};branch=z9hG4bKbye${i}\r\n${routes.join('')}`;
      const rest = `From: <sip:b@x>;tag=callee\r\nTo: <sip:a@x>;tag=a1\r\nCall-ID: by-tcp-${i}\r\nCSeq: 9 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`;
      await near.send(bye + rest, daemon.port, '127.0.0.1');
      const [came] = await peer.expect(/BYE sip:[\s\S]*?\r\n\r\n/);
      peer.write(replyTo(came, 200));
      await near.expect(new RegExp(`^SIP/2\\.0 200[\\s\\S]*by-tcp-${i}\\r[\\s\\S]*BYE`));
    }
    await dialogsEnd();
  });

  test('a request over a connection is not lost while the worker that kept its dialog is replaced', async () => {
    const callId = 'while-replaced';
    const contact = `sip:me@127.0.1.51:${near.port}`;
    const via = `SIP/2.0/UDP 127.0.1.51:${near.port};branch=z9hG4bKr`;
    const headers = `Contact: <${contact}>\r\n`;
    await near.send(requestText({ callId, uri: 'sip:tcp@acme.example', headers, via }), daemon.port, '127.0.0.1');
    const { text } = await near.expect(new RegExp(`^SIP/2\\.0 200[\\s\\S]*${callId}\\r`));
    const routes = [...parsed(text).fields('record-route')].map(
      (each) => `Route: ${text.slice(each.value, each.end)}\r\n`,
    );
    const workers = () => workerPids((command) => daemon.daemon.mi.execute(command));
    // A worker that has just started is replaced after a delay only.
    await until('no worker runs', async () => {
      for (const pid of await workers()) process.kill(pid, 'SIGKILL');
      return (await workers()).length === 0;
    });
    far.sockets[0]?.write(
      `BYE ${contact} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:${far.port};branch=z9hG4bKbye-${callId}\r\n${routes.join('')}` +
        `From: <sip:b@x>;tag=gw\r\nTo: <sip:a@x>;tag=a1\r\nCall-ID: ${callId}\r\nCSeq: 9 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`,
    );
    const bye = await near.expect(new RegExp(`^BYE[\\s\\S]*${callId}\\r`));
    await near.send(replyTo(bye.text, 200), bye.port, bye.address);
    await until('its answer', () => far.replies.some((each) => each.callId === callId && each.status === 200));
  });

  test('the daemon stops, and no process is left', async () => {
    for (const each of close.reverse()) await each();
  });
});
