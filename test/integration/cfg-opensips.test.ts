import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type CfgDaemon, startCfgDaemon, wrote } from '../support/cfg-daemon.js';
import { freePort } from '../support/ports.js';
import { bodyOf, headersOf, RawAgent } from '../support/raw-agent.js';
import { until } from '../support/until.js';

const open: (() => unknown)[] = [];
after(async () => {
  for (const close of open.reverse()) await close();
});

async function agent(): Promise<RawAgent> {
  const made = await RawAgent.open('127.0.0.1');
  open.push(() => made.close());
  return made;
}

async function serve(routes: string, head = ''): Promise<CfgDaemon> {
  const daemon = await startCfgDaemon({
    text: `stderror_enabled=no
socket=LISTEN
${head}
loadmodule "proto_udp.so"
loadmodule "signaling.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "sipmsgops.so"
loadmodule "textops.so"
loadmodule "cfgutils.so"
modparam("tm", "fr_timeout", 2)
${routes}
`,
  });
  open.push(() => daemon.stop());
  return daemon;
}

let calls = 0;
function request(caller: RawAgent, more = '', body = ''): string {
  return caller.request('INVITE', 'sip:bob@example.com', { callId: `opensips-${++calls}@x`, more, body });
}

function invite(caller: RawAgent, daemon: CfgDaemon): string {
  const text = request(caller);
  caller.send(text, daemon.port);
  return text;
}

test('async() resumes with what the script had changed, and copies of the request are absorbed meanwhile', async () => {
  const [caller, gateway] = [await agent(), await agent()];
  const daemon = await serve(`
    route { $rU = "other"; append_hf("X-A: 1\\r\\n"); $avp(a) = "kept"; async(usleep(200000), go); xlog("never"); }
    route[go] { xlog("$rU $avp(a) $rc"); $du = "${gateway.uri}"; t_relay(); }`);
  const text = invite(caller, daemon);
  await caller.next('100');
  caller.send(text, daemon.port);
  const arrived = await gateway.next('INVITE');
  assert.match(arrived.text, /^INVITE sip:other@example\.com /);
  assert.deepEqual(headersOf(arrived.text, 'x-a'), ['1']);
  gateway.answer(arrived, 200, 'OK');
  await caller.next('200');
  await wrote(daemon, ['other kept 1']);
});

test('async() in a failure route holds the reply back until its route has run', async () => {
  const [caller, first, second] = [await agent(), await agent(), await agent()];
  const daemon = await serve(`
    route { $du = "${first.uri}"; t_on_failure("f"); t_relay(); }
    failure_route[f] { async(usleep(50000), again); }
    route[again] { xlog("again $T_reply_code"); $du = "${second.uri}"; t_relay(); }`);
  invite(caller, daemon);
  first.answer(await first.next('INVITE'), 503, 'Busy');
  second.answer(await second.next('INVITE'), 200, 'OK');
  await caller.next('200');
  await wrote(daemon, ['again 503']);
});

test('launch() continues at once, and its route runs when the operation is done', async () => {
  const caller = await agent();
  const daemon = await serve(`
    route { launch(usleep(30000), later); xlog("first"); send_reply(200, "OK"); }
    route[later] { xlog("later"); }`);
  invite(caller, daemon);
  await caller.next('200');
  await wrote(daemon, ['first', 'later']);
});

test('the error route answers for a header that cannot be read, before the script does', async () => {
  const caller = await agent();
  const daemon = await serve(`
    route { xlog("main [$fu]"); send_reply(200, "OK"); }
    error_route { xlog("$err.rcode $err.rreason"); sl_send_reply($err.rcode, $err.rreason); }`);
  const text = caller.request('OPTIONS', 'sip:example.com', { callId: 'defect@x' });
  caller.send(text.replace(/^From:.*$/m, 'From: <sip:a@b'), daemon.port);
  assert.match((await caller.next('400')).text, /^SIP\/2\.0 400 bad header/);
  await caller.next('200');
  await wrote(daemon, ['main [<null>]', '400 bad header']);
});

test('a request of the script goes through the local route, which may send it elsewhere', async () => {
  const [caller, one, other] = [await agent(), await agent(), await agent()];
  const daemon = await serve(`
    route { t_new_request("MESSAGE", "${one.uri}", "sip:a@here", "sip:b@there", "text/plain hello"); send_reply(200, "OK"); }
    local_route { append_hf("X-L: $rm\\r\\n"); $du = "${other.uri}"; }`);
  invite(caller, daemon);
  const sent = await other.next('MESSAGE');
  assert.equal(bodyOf(sent.text), 'hello');
  assert.deepEqual(headersOf(sent.text, 'x-l'), ['MESSAGE']);
  assert.deepEqual(headersOf(sent.text, 'content-type'), ['text/plain']);
  other.answer(sent, 200, 'OK');
});

test('a failure route runs at once for an address where nobody listens', async () => {
  const [caller, gateway] = [await agent(), await agent()];
  const closed = await freePort('127.0.0.1');
  const daemon = await serve(
    `modparam("tm", "fr_timeout", 8)
    route { $du = "sip:127.0.0.1:${closed}"; t_on_failure("f"); t_relay(); }
    failure_route[f] { xlog("$T_reply_code"); $du = "${gateway.uri}"; t_relay(); }`,
  );
  const began = Date.now();
  invite(caller, daemon);
  gateway.answer(await gateway.next('INVITE'), 200, 'OK');
  await caller.next('200');
  assert.ok(Date.now() - began < 4000, 'it waited for fr_timeout');
  await wrote(daemon, ['408']);
});

test('a request is not sent to addresses on a black list of the file', async () => {
  const [caller, gateway] = [await agent(), await agent()];
  const daemon = await serve(
    `route { use_blacklist("no"); $du = "${gateway.uri}"; t_relay(); }`,
    'dst_blacklist = no:{( any, 127.0.0.0/8, 0, "" )}',
  );
  invite(caller, daemon);
  assert.match((await caller.next('473')).text, /Filtered destination/);
});

test('parts of a body are removed and added', async () => {
  const [caller, gateway] = [await agent(), await agent()];
  const daemon = await serve(`
    route {
      if ($hdr(X-What) == "add") add_body_part("<x/>", "application/xml");
      else remove_body_part("application/xml");
      $du = "${gateway.uri}"; t_relay();
    }`);
  const sdp = 'v=0\r\ns=-\r\n';
  caller.send(request(caller, 'X-What: add\r\n', sdp), daemon.port);
  const added = await gateway.next('INVITE');
  const type = headersOf(added.text, 'content-type').join();
  assert.match(type, /^multipart\/mixed;boundary=/);
  assert.match(bodyOf(added.text), /v=0[\s\S]*Content-Type: application\/xml\r\n\r\n<x\/>/);
  assert.deepEqual(headersOf(added.text, 'content-length'), [String(bodyOf(added.text).length)]);
  gateway.answer(added, 486, 'Busy');
  await caller.next('486');
  const whole = request(caller, '', bodyOf(added.text)).replace(
    'Content-Type: application/sdp',
    `Content-Type: ${type}`,
  );
  caller.send(whole, daemon.port);
  const removed = await gateway.next('INVITE');
  assert.doesNotMatch(bodyOf(removed.text), /application\/xml/);
  assert.match(bodyOf(removed.text), /v=0/);
  gateway.answer(removed, 486, 'Busy');
});

test('faults of a script are logged, a few a minute', async () => {
  const caller = await agent();
  const daemon = await serve(
    'route { $var(i) = 0; while ($var(i) < 200) { $var(x) = "a" + 1; $var(i) += 1; } send_reply(200, "OK"); }',
  );
  invite(caller, daemon);
  await caller.next('200');
  const faults = () => daemon.log.filter((each) => each.startsWith('script:')).length;
  await until('a fault is logged', () => faults() > 0);
  const lines = faults();
  assert.ok(lines > 0 && lines <= 20, String(lines));
});
