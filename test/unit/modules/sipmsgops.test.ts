import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertLinear } from '../../support/growth.js';
import { answerTo, INVITE, startScript } from '../../support/script-run.js';

const SDP = [
  'v=0',
  'o=u 1 2 IN IP4 10.1.1.1',
  's=-',
  'c=IN IP4 10.1.1.1',
  't=0 0',
  'm=audio 4000 RTP/SAVP 0',
  'm=video 4002 RTP/AVP 99',
  'a=sendonly',
  '',
].join('\r\n');

/** Relays a request with these header lines and this body: returns the script's output and the relayed request. */
async function relayed(
  statements: string,
  { lines = [], body = '' }: { readonly lines?: readonly string[]; readonly body?: string } = {},
): Promise<{ readonly written: string[]; readonly text: string }> {
  const runner = startScript({
    dialect: 'opensips',
    modules: 'nathelper textops nat_traversal diversion json',
    script: `${statements}\n$du = "sip:127.0.0.1:5080"; t_relay();`,
  });
  try {
    const head = INVITE.replace('Content-Length: 0\r\n\r\n', '');
    const type = body === '' ? [] : ['Content-Type: application/sdp'];
    runner.receive([head + [...lines, ...type, `Content-Length: ${body.length}`].join('\r\n'), '', body].join('\r\n'));
    return { written: runner.lines, text: runner.sent.find(({ text }) => text.startsWith('INVITE'))?.text ?? '' };
  } finally {
    await runner.stop();
  }
}

test('an option is added to the first header of a name, and false is returned when there is none', async () => {
  const { written, text } = await relayed(
    `list_hdr_add_option("Allow", "INVITE"); xlog("$rc\\n");
     list_hdr_add_option("Supported", "x"); xlog("$rc\\n");`,
    { lines: ['Supported: path', 'Supported: timer'] },
  );
  assert.deepEqual(written, ['-1', '1']);
  assert.match(text, /Supported: path, x\r\nSupported: timer\r\n/);
  assert.doesNotMatch(text, /^Allow/m);
});

test('an option is removed from all headers of a name; of a repeated one the last', async () => {
  const { written, text } = await relayed(
    `list_hdr_remove_option("Supported", "PATH"); xlog("$rc\\n");
     list_hdr_remove_option("Supported", "none"); xlog("$rc\\n");`,
    { lines: ['Supported: path, timer, path', 'Supported: path'] },
  );
  assert.deepEqual(written, ['1', '-1']);
  assert.match(text, /Supported: path, timer\r\n/);
  assert.equal(text.match(/Supported/g)?.length, 1);
});

test('an option can be added to a header whose only option was removed', async () => {
  const { text } = await relayed(
    'list_hdr_remove_option("Supported", "path"); list_hdr_add_option("Supported", "timer");',
    { lines: ['Supported: path', 'X-Next: 1'] },
  );
  assert.match(text, /\r\nSupported: timer\r\nX-Next: 1\r\n/);
});

test('a stream is found by its media type and its transport', async () => {
  const { written } = await relayed(
    `if (stream_exists("audio", "SAVP")) xlog("secured\\n");
     if (!stream_exists("video", "SAVP")) xlog("plain\\n");
     if (stream_exists("video")) xlog("video\\n");`,
    { body: SDP },
  );
  assert.deepEqual(written, ['secured', 'plain', 'video']);
});

test('audio is on hold by the null address (1) or its direction (2), whatever the video stream has', async () => {
  const { written: none } = await relayed('is_audio_on_hold(); xlog("$rc\\n");', { body: SDP });
  assert.deepEqual(none, ['-1']);
  const { written: byAddress } = await relayed('is_audio_on_hold(); xlog("$rc\\n");', {
    body: SDP.replace('c=IN IP4 10.1.1.1', 'c=IN IP4 0.0.0.0'),
  });
  assert.deepEqual(byAddress, ['1']);
  const { written: byDirection } = await relayed('is_audio_on_hold(); xlog("$rc\\n");', {
    body: SDP.replace('t=0 0', 't=0 0\r\na=inactive'),
  });
  assert.deepEqual(byDirection, ['2']);
});

test('headers whose names match a pattern are read in the order of the message', async () => {
  const { written } = await relayed(
    `get_glob_headers_values("X-*", $avp(names), $avp(values)); xlog("$rc $(avp(names)[*]) $(avp(values)[*])\\n");
     get_glob_headers_values("Y-*", $avp(n), $avp(v)); xlog("$rc\\n");`,
    { lines: ['X-One: 1', 'X-Two: 2'] },
  );
  assert.deepEqual(written, ['1 X-One, X-Two 1, 2', '-1']);
});

test('sipmsg_validate() gives the documented code of what is missing', async () => {
  const validate = 'sipmsg_validate("m"); xlog("$rc\\n");';
  assert.deepEqual((await relayed(validate, { lines: ['Path: <sip:p.example;lr>'] })).written, ['-15']);
  assert.deepEqual((await relayed(validate)).written, ['1']);
  const users =
    '$ru = "sip:a^b@h.example"; sipmsg_validate("r", $var(why)); xlog("$rc $var(why)\\n"); $ru = "sip:b@h.example";';
  assert.deepEqual((await relayed(users)).written, ['-27 bad user name in the request-URI']);
});

test('fix_nated_sdp() does not change null addresses, keeps the old ones in the SDP, and adds lines before the last line break', async () => {
  const { text } = await relayed(
    'fix_nated_sdp("rewrite-media-ip,rewrite-origin-ip,add-dir-active", "192.0.2.1", "\\r\\na=x:1\\r\\na=x:2");',
    { body: SDP.replace('m=video', 'c=IN IP4 0.0.0.0\r\nm=video') },
  );
  assert.match(text, /^o=u 1 2 IN IP4 192\.0\.2\.1\r$/m);
  assert.match(text, /^c=IN IP4 192\.0\.2\.1\r$/m);
  assert.match(text, /^c=IN IP4 0\.0\.0\.0\r$/m);
  assert.ok(
    text.endsWith('a=sendonly\r\na=direction:active\r\na=oldcip:10.1.1.1\r\na=oldoip:10.1.1.1\r\na=x:1\r\na=x:2\r\n'),
    text,
  );
});

test('the address that fix_nated_contact() replaced comes back with restore_nated_ruri()', async () => {
  const { text } = await relayed('fix_nated_contact(";a=1", "preserve-uri");');
  const contact = /^Contact: <(.*)>\r$/m.exec(text)?.[1] ?? '';
  assert.match(contact, /^sip:alice@127\.0\.0\.1:5070;a=1;org=/);
  const { written } = await relayed(
    `$ru = "sip:alice@192.0.2.7:5070;a=1;org=MTAuMS4xLjE6NTA2MQ==";
     restore_nated_ruri(); xlog("$rc $ru $du\\n"); restore_nated_ruri(); xlog("$rc\\n");`,
  );
  assert.deepEqual(written, ['1 sip:alice@10.1.1.1:5061;a=1 sip:alice@192.0.2.7:5070;a=1', '-1']);
});

test('each branch has its own AVPs, attributes and header fields', async () => {
  const runner = startScript({
    dialect: 'opensips',
    script: `
      route {
        t_on_branch("b"); t_on_failure("f");
        $du = "sip:127.0.0.1:5080";
        xlog("[$bavp(x)]\\n");
        t_relay();
      }
      branch_route[b] {
        $bavp(x) = "branch $T_branch_idx"; $tm.branch.attr(name) = "pstn";
        $bavp(x) = "one";
      }
      failure_route[f] {
        xlog("$bavp(x) $tm.branch.attr(name) $tm.branch.uri $tm.branch.duri $tm.branch.last_received\\n");
        xlog("$(tm.branch.attr(name)[0]) $(tm.branch.uri[-1]) $(tm.branch.uri[3])\\n");
      }`,
  });
  try {
    runner.receive(INVITE);
    const sent = runner.sent.find(({ text }) => text.startsWith('INVITE'))?.text ?? '';
    runner.receive(answerTo(sent, '486 Busy Here', { tag: 'gw' }), 5080);
    assert.deepEqual(runner.lines, [
      '[<null>]',
      'one pstn sip:bob@sw.example sip:127.0.0.1:5080 486',
      'pstn sip:bob@sw.example <null>',
    ]);
  } finally {
    await runner.stop();
  }
});

test('a CANCEL is passed on with its Reason where t_relay() says so', async () => {
  for (const flags of ['"pass-reason-hdr"', '']) {
    const runner = startScript({
      dialect: 'opensips',
      script: `$du = "sip:127.0.0.1:5080"; t_relay(${flags});`,
    });
    try {
      runner.receive(INVITE);
      const sent = runner.sent.find(({ text }) => text.startsWith('INVITE'))?.text ?? '';
      runner.receive(answerTo(sent, '180 Ringing'), 5080);
      const cancel = INVITE.replace(/^INVITE/, 'CANCEL').replace('1 INVITE', '1 CANCEL');
      runner.receive(cancel.replace('Contact:', 'Reason: Q.850;cause=16\r\nContact:'));
      const passed = runner.sent.find(({ text }) => text.startsWith('CANCEL'))?.text ?? '';
      assert.match(passed, flags === '' ? /ORIGINATOR_CANCEL/ : /^Reason: Q\.850;cause=16\r$/m);
    } finally {
      await runner.stop();
    }
  }
});

test('nat_traversal tests the sender by numbers or words, and writes its address into Contact', async () => {
  const { written, text } = await relayed(
    `if (!client_nat_test(1)) xlog("public\\n");
     if (!client_nat_test("private-contact, private-via, diff-ip-src-via")) xlog("same\\n");
     fix_contact(); add_diversion("busy", "sip:d@h.example", 3);`,
  );
  assert.deepEqual(written, ['public', 'same']);
  assert.match(text, /^Contact: <sip:alice@127\.0\.0\.1:5070>\r$/m);
  assert.match(text, /^Diversion: <sip:d@h\.example>;reason=busy;counter=3\r$/m);
  await assert.rejects(() => relayed('client_nat_test("far");'), /unknown test "far"/);
});

test('is_audio_on_hold() and list_hdr_remove_option() take time in proportion to the size of the message', async () => {
  const runner = startScript({
    dialect: 'opensips',
    script:
      'is_audio_on_hold(); list_hdr_remove_option("Supported", "x"); list_hdr_remove_option("Supported", "y"); exit;',
  });
  let calls = 0;
  const message = (lines: string, body: string): string =>
    INVITE.replace('a@a.example', `${calls++}@a.example`).replace(
      'Content-Length: 0\r\n\r\n',
      `${lines}Content-Type: application/sdp\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  const cases = [
    {
      name: 'a long session part before many streams',
      make: (length: number) =>
        message('', `v=0\r\n${'a=x\r\n'.repeat(length / 10)}${'m=audio 1 RTP/AVP 0\r\n'.repeat(length / 42)}`),
    },
    {
      name: 'many headers of one option',
      make: (length: number) => message('k: x\r\n'.repeat(length / 14) + 'k: x,y\r\n'.repeat(length / 16), ''),
    },
  ];
  try {
    assertLinear('functions of sipmsgops', cases, (text) => runner.receive(text), { maxMs: 25 });
  } finally {
    await runner.stop();
  }
});

test('a message is written as JSON: the first line, values of each header by its name, the body', async () => {
  const { written } = await relayed(
    'sip_to_json($var(j)); xlog("$var(j)\\n"); $json(m) := $var(j); xlog("$json(m/headers/X-A[1])\\n");',
    {
      lines: ['X-A: "one"', 'x-a: two', '__proto__: p'],
      body: SDP,
    },
  );
  const [json = '', second] = written;
  const read = JSON.parse(json) as { first_line: string; headers: Record<string, string[]>; body: string };
  assert.equal(read.first_line, 'INVITE sip:bob@sw.example SIP/2.0');
  assert.deepEqual(read.headers['X-A'], ['"one"', 'two']);
  assert.deepEqual(read.headers['Call-ID'], ['a@a.example']);
  assert.ok(Object.hasOwn(read.headers, '__proto__'));
  assert.equal(read.body, SDP);
  assert.equal(second, 'two');
});
