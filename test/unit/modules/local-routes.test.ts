import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVITE, type ScriptRunner, startScript } from '../../support/script-run.js';

const file = (script: string, head: string): ScriptRunner =>
  startScript({ dialect: 'opensips', modules: 'textops', head, script });

const HEAD = `modparam("tm", "local_request_route", "own_request")
modparam("tm", "local_reply_route", "own_reply")`;

test('local_request_route sees our own requests after local_route, and changes nothing', async () => {
  const runner = file(
    `route { t_new_request("MESSAGE", "sip:x@127.0.0.1:5090", "sip:a@b", "sip:c@d", "text/plain hello"); exit; }
     local_route { append_hf("X-Local: yes\\r\\n"); }
     route[own_request] {
       xlog("$rm $ru [$hdr(X-Local)] $rb\\n");
       $ru = "sip:other@127.0.0.1";
     }
     route[own_reply] { xlog("reply $rs\\n"); }`,
    HEAD,
  );
  try {
    runner.receive(INVITE);
    assert.deepEqual(runner.lines, ['MESSAGE sip:x@127.0.0.1:5090 [yes] hello']);
    assert.equal(runner.sent.length, 1);
    const [{ text = '' } = {}] = runner.sent;
    assert.match(text, /\r\nX-Local: yes\r\n/);
    assert.match(text, /^MESSAGE sip:x@127\.0\.0\.1:5090 /);
  } finally {
    await runner.stop();
  }
});

test('local_reply_route sees replies that tm makes here, not those of others', async () => {
  const runner = file(
    `route { append_to_reply("X-Why: busy\\r\\n"); t_reply(486, "Busy Here"); }
     route[own_reply] { xlog("$rs $rr [$hdr(X-Why)] $ci\\n"); }
     route[own_request] { xlog("request\\n"); }`,
    HEAD,
  );
  try {
    runner.receive(INVITE);
    assert.deepEqual(runner.lines, ['100 Giving it a try [busy] a@a.example', '486 Busy Here [busy] a@a.example']);
  } finally {
    await runner.stop();
  }
});

test('a route for tm must exist, and may not send anything', () => {
  assert.throws(
    () => file('route { exit; } route[own_reply] { t_relay(); } route[own_request] { exit; }', HEAD),
    /t_relay\(\) may not be called/,
  );
  assert.throws(
    () => file('route { exit; }', 'modparam("tm", "local_reply_route", "nowhere")'),
    /tm: there is no route\[nowhere\]/,
  );
});

test('a route of local requests that sends requests of its own does not run within itself for ever', async () => {
  const request = 't_new_request("MESSAGE", "sip:x@127.0.0.1:5090", "sip:a@b", "sip:c@d", "text/plain hello");';
  for (const [name, head] of [
    ['local_route', ''],
    ['route[own_request]', 'modparam("tm", "local_request_route", "own_request")'],
  ] as const) {
    const runner = file(`route { ${request} exit; }\n${name} { xlog("$rm\\n"); ${request} }`, head);
    try {
      runner.receive(INVITE);
      assert.equal(runner.lines.length, 4, name);
      assert.equal(runner.sent.length, 5, name);
    } finally {
      await runner.stop();
    }
  }
});

test('the routes of generated messages may call what local_route and onreply_route may', async () => {
  const runner = file(
    `route { t_new_request("MESSAGE", "sip:x@127.0.0.1:5090", "sip:a@b", "sip:c@d", "text/plain hello"); t_reply(486, "Busy Here"); exit; }
     route[own_request] { if (is_method("MESSAGE") && !has_totag()) xlog("request $rm\\n"); }
     route[own_reply] { if (is_method("INVITE")) xlog("reply $rs\\n"); }`,
    HEAD,
  );
  try {
    runner.receive(INVITE);
    assert.deepEqual(runner.lines, ['request MESSAGE', 'reply 100', 'reply 486']);
  } finally {
    await runner.stop();
  }
  assert.throws(
    () => file('route { exit; } route[own_request] { t_relay(); } route[own_reply] { exit; }', HEAD),
    /t_relay\(\) may not be called from a local route/,
  );
});
