import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerTo, INVITE, startScript } from '../../support/script-run.js';

test('sanity_check() of a reply fails where the request-URI is looked at, and never replies to a reply', async () => {
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'sanity',
    script: `request_route { $du = "sip:127.0.0.1:5090"; t_on_reply("R"); t_relay(); }
onreply_route[R] { if (sanity_check("17604", "6")) xlog("fine $rs\\n"); sanity_check("17895", "6"); xlog("not reached\\n"); }
`,
  });
  runner.receive(INVITE);
  const sent = runner.sent.find(({ port }) => port === 5090)?.text ?? '';
  runner.receive(answerTo(sent, '180 Ringing'), 5090);
  assert.deepEqual(runner.lines, ['fine 180']);
  const before = runner.sent.length;
  runner.receive(answerTo(sent, '183 Progress').replace('Content-Length: 0', 'Content-Length: 90'), 5090);
  assert.ok(!runner.sent.slice(before).some(({ text, port }) => port === 5090 && text.startsWith('SIP/2.0')));
  await runner.stop();
});

test('each check of sanity_check() that looks at the first line of a request fails for a reply', async () => {
  const checks = ['1,7', '2,7', '4,7', '32,7', '64,7', '16384,7', '1024,7', '1024,1', '1024,6'];
  const calls = checks.map((each) => {
    const [bits, uris] = each.split(',');
    return `$var(r) = sanity_check("${bits}", "${uris}"); xlog("${each}: $var(r)\\n");`;
  });
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'sanity',
    head: 'modparam("sanity", "autodrop", 0)',
    script: `request_route { $du = "sip:127.0.0.1:5090"; t_on_reply("R"); t_relay(); }
onreply_route[R] { ${calls.join(' ')} }
`,
  });
  runner.receive(INVITE);
  const sent = runner.sent.find(({ port }) => port === 5090)?.text ?? '';
  runner.receive(answerTo(sent, '180 Ringing'), 5090);
  assert.deepEqual(runner.lines, [
    '1,7: -1',
    '2,7: -1',
    '4,7: 1',
    '32,7: -1',
    '64,7: 1',
    '16384,7: 1',
    '1024,7: -1',
    '1024,1: -1',
    '1024,6: 1',
  ]);
  await runner.stop();
});

test('every reply of a Kamailio file names the server, the 100 too', async () => {
  for (const [head, line] of [
    ['server_header="Server: edge 7"', 'Server: edge 7'],
    ['server_signature=no', undefined],
  ] as const) {
    const runner = startScript({ dialect: 'kamailio', head, script: '$du = "sip:127.0.0.1:5090"; t_relay();' });
    runner.receive(INVITE);
    const trying = runner.sent.find(({ text }) => text.startsWith('SIP/2.0 100 '))?.text ?? '';
    assert.equal(/^Server: [^\r]*/m.exec(trying)?.[0], line, trying);
    await runner.stop();
  }
});

test('the reply to a CANCEL goes where force_rport() says, as that of its INVITE', async () => {
  const runner = startScript({
    dialect: 'kamailio',
    script: 'force_rport(); if (is_method("CANCEL")) { t_relay(); exit; } $du = "sip:127.0.0.1:5090"; t_relay();',
  });
  runner.receive(INVITE, 6070);
  runner.receive(INVITE.replace('INVITE sip', 'CANCEL sip').replace('1 INVITE', '1 CANCEL'), 6070);
  const answers = runner.sent.filter(({ text }) => text.startsWith('SIP/2.0'));
  assert.deepEqual(
    answers.map(({ text, port }) => [text.slice(8, 11), port, /rport=[0-9]+/.exec(text)?.[0]]),
    [
      ['100', 6070, 'rport=6070'],
      ['200', 6070, 'rport=6070'],
    ],
  );
  await runner.stop();
});

test('the Warning of a reply has at most 1024 bytes, and its request-URI cannot end its text', async () => {
  const runner = startScript({
    dialect: 'kamailio',
    head: 'sip_warning=1',
    script: 'if (is_present_hf("X-Uri")) { $ru = $hdr(X-Uri); } sl_send_reply("404", "No"); exit;',
  });
  const warning = (uri: string, line = '') => {
    const request = INVITE.replace('sip:bob@sw.example', uri).replace('Max-Forwards', `${line}Max-Forwards`);
    runner.receive(request.replaceAll('a@a.example', `${runner.sent.length}@a`));
    return /^Warning: (.*)\r\n/m.exec(runner.sent.at(-1)?.text ?? '')?.[0];
  };
  assert.match(
    warning('sip:bob@sw.example') ?? '',
    /in_uri=sip:bob@sw.example out_uri=sip:bob@sw.example via_cnt==1"\r\n$/,
  );
  const uri = (length: number) => `sip:${'x'.repeat(length)}@sw.example`;
  const room = 1024 + 2 - (warning(uri(0))?.length ?? 0);
  assert.equal(warning(uri(Math.floor(room / 2)))?.length, 1024 + 2 - (room % 2));
  assert.equal(warning(uri(Math.floor(room / 2) + 1)), undefined);
  assert.equal(warning(uri(30_000)), undefined);
  assert.match(warning('sip:bob@sw.example', 'X-Uri: sip:c@d\r\n') ?? '', / out_uri=sip:c@d /);
  assert.equal(warning('sip:bob@sw.example', 'X-Uri: sip:c"d@e\r\n'), undefined);
  await runner.stop();
});

test('msg_apply_changes() of a reply, before any transaction, leaves its changes in the reply that goes on', async () => {
  const apply = 'append_hf("X-A: 1\\r\\n"); msg_apply_changes();';
  const before = `event_route[core:pre-routing] { if (is_request()) exit; ${apply} }`;
  for (const [routes, added] of [
    [`onreply_route { ${apply} }`, ['X-A: 1']],
    [before, ['X-A: 1']],
    [`${before}\nonreply_route { append_hf("X-B: $hdr(X-A)\\r\\n"); }`, ['X-A: 1', 'X-B: 1']],
  ] as const) {
    const runner = startScript({
      dialect: 'kamailio',
      modules: 'textopsx',
      script: `request_route { $du = "sip:127.0.0.1:5090"; t_relay(); }\n${routes}\n`,
    });
    runner.receive(INVITE);
    const sent = runner.sent.find(({ port }) => port === 5090)?.text ?? '';
    runner.receive(answerTo(sent, '180 Ringing'), 5090);
    const ringing = runner.sent.find(({ text }) => text.startsWith('SIP/2.0 180 '))?.text;
    assert.deepEqual(ringing?.match(/^X-[^\r]*/gm), added, routes);
    await runner.stop();
  }
});

test('a reply route sees the status that change_reply_status() gives, and the reason after msg_apply_changes() only, as recorded', async () => {
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'textopsx',
    script: `request_route { $du = "sip:127.0.0.1:5090"; t_on_reply("R"); t_on_failure("F"); t_relay(); }
onreply_route[R] {
  change_reply_status("480", ""); xlog("$rc $rs\\n");
  change_reply_status("200", "other class"); xlog("$rc $rs\\n");
  change_reply_status("480", "Later"); xlog("$rc $rs $rr\\n");
  if (status == "480") xlog("is 480\\n");
  msg_apply_changes(); xlog("$rs $rr\\n");
  change_reply_status_code("700"); xlog("$rc $rs\\n");
}
failure_route[F] { if (t_check_status("480")) xlog("failed with 480\\n"); }
`,
  });
  runner.receive(INVITE);
  const sent = runner.sent.find(({ port }) => port === 5090)?.text ?? '';
  runner.receive(answerTo(sent, '404 Not Found'), 5090);
  assert.deepEqual(runner.lines, [
    '-1 404',
    '-1 404',
    '1 480 Not Found',
    'is 480',
    '480 Later',
    '-1 480',
    'failed with 480',
  ]);
  await runner.stop();
});

test('functions of textopsx and corex about values, lists and extended flags do as recorded', async () => {
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'textopsx corex ipops tmx',
    script: `request_route {
  setxflag(63); xlog("$rc\\n"); setxflag(64); xlog("$rc\\n"); isxflagset(63); xlog("$rc\\n"); resetxflag(63); isxflagset(63); xlog("$rc\\n");
  remove_hf_value2("Allow[2]"); xlog("$rc\\n");
  xlog("[$hfl(Via)] [$hflc(Via)] [$hflc(X-None)] [$(hfl(Via)[-1])]\\n");
  exclude_hf_value("Supported", "TIMER"); msg_apply_changes(); xlog("$hdr(Supported)|$hfl(Supported)|$hflc(Supported)\\n");
  is_ip_rfc1918("100.64.0.1"); xlog("$rc\\n"); is_ip("[1.2.3.4]"); xlog("$rc\\n");
  detailed_ip_type("255.255.255.255", "$var(t)"); xlog("$var(t)\\n"); detailed_ip_type("::ffff:1.2.3.4", "$var(t)"); xlog("$var(t)\\n");
  t_lookup_cancel(); xlog("$rc\\n"); t_newtran(); xlog("$T_branch_idx\\n"); t_drop(); xlog("not reached\\n");
}
`,
  });
  runner.receive(INVITE.replace('Content-Length', 'Allow: INVITE\r\nSupported: a, timer, b\r\nContent-Length'));
  const via = /^Via: (.*)$/m.exec(INVITE)?.[1]?.trim() ?? '';
  assert.deepEqual(runner.lines, [
    '1',
    '-1',
    '1',
    '-1',
    '-1',
    `[${via}] [1] [0] [<null>]`,
    'a, b|a, b|1',
    '-1',
    '-1',
    'BROADCAST',
    'IPV4MAP',
    '-1',
    '0',
  ]);
  await runner.stop();
});
