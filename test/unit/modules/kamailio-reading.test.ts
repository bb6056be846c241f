import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pipeRows } from '../../../src/daemon/script-rows.js';
import { answerTo, INVITE, linesOf, type ScriptRunner, startScript } from '../../support/script-run.js';
import { until } from '../../support/until.js';

/** The request line and the named header fields of the last INVITE sent. */
function lastInvite({ sent }: ScriptRunner): string {
  return sent.filter(({ text }) => text.startsWith('INVITE')).at(-1)?.text ?? '';
}

async function relayed(script: string, invite = INVITE, modules = ''): Promise<string> {
  const runner = startScript({ dialect: 'kamailio', modules, script });
  try {
    runner.receive(invite);
    await until('an INVITE leaves', () => lastInvite(runner) !== '');
    return lastInvite(runner);
  } finally {
    await runner.stop();
  }
}

async function statusOf(call: string): Promise<string> {
  const runner = startScript({
    dialect: 'kamailio',
    script: `request_route { $var(t) = "Some Text"; ${call}; exit; }`,
  });
  try {
    runner.receive(INVITE);
    const final = () => runner.sent.find(({ text }) => /^SIP\/2.0 [2-6]/.test(text))?.text;
    await until('a reply', () => final() !== undefined);
    return final()?.split('\r\n')[0] ?? '';
  } finally {
    await runner.stop();
  }
}

test('a reason that begins with a variable is that variable alone, as recorded of 5.6.3', async () => {
  for (const [call, reason] of [
    ['sl_send_reply("501", "$rm is not supported")', 'INVITE'],
    ['sl_send_reply("501", " $rm is not supported")', 'INVITE'],
    ['sl_send_reply("501", "no $rm here")', 'no INVITE here'],
    ['send_reply("501", "$var(t) and more")', 'Some Text'],
    ['t_newtran(); t_reply("501", "$rm/$rU")', 'INVITE'],
    ['t_newtran(); t_reply("501", "no $rm here")', 'no $rm here'],
  ] as const) {
    assert.equal(await statusOf(call), `SIP/2.0 501 ${reason}`, call);
  }
});

test('of a number that begins with a variable the text after it is ignored; append_urihf() replaces no variables', async () => {
  const head = 'remove_hf("User-Agent"); $du = "sip:127.0.0.1:5090";';
  const text = await relayed(`request_route { $var(f) = 1; setbflag("$var(f)0"); ${head}
    if (isbflagset("1")) append_hf("X-One: yes\\r\\n"); if (isbflagset("10")) append_hf("X-Ten: yes\\r\\n");
    append_urihf("X-$rm: ", "\\r\\n"); t_relay(); }`);
  assert.match(text, /\r\nX-One: yes\r\n/);
  assert.doesNotMatch(text, /X-Ten/);
  assert.match(text, /\r\nX-\$rm: sip:bob@sw\.example\r\n/);
});

test('a tel URI keeps its form when its number is changed, and has no port', async () => {
  const tel = INVITE.replace('sip:bob@sw.example', 'tel:+4930');
  const relay = '$du = "sip:127.0.0.1:5090"; t_relay();';
  assert.match(await relayed(`request_route { $rU = "99"; ${relay} }`, tel), /^INVITE tel:99 SIP/);
  assert.match(
    await relayed(`request_route { $rp = 5080; $rd = "h.example"; ${relay} }`, tel),
    /^INVITE sip:\+4930@h\.example;user=phone SIP/,
  );
});

test('in the branch route of a failover $T_reply_code is the last status sent; append_to_reply() there ends with the route', async () => {
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'tmx',
    head: 'modparam("tm", "remap_503_500", 0)',
    script: `request_route { $du = "sip:127.0.0.1:5090"; t_on_failure("F"); t_on_branch("B"); t_relay(); }
      branch_route[B] { append_hf("X-Code: $T_reply_code/$T_reply_reason\\r\\n"); }
      failure_route[F] { $du = "sip:127.0.0.1:5091"; t_on_branch("B"); t_on_failure("G"); t_relay(); }
      failure_route[G] { append_to_reply("X-G: 1\\r\\n"); }`,
  });
  try {
    runner.receive(INVITE);
    const invites = () => runner.sent.filter(({ text }) => text.startsWith('INVITE'));
    await until('an INVITE leaves', () => invites().length === 1);
    runner.receive(answerTo(invites()[0]?.text ?? '', '503 Full', { tag: 'a' }), 5090);
    await until('the failover', () => invites().length === 2);
    assert.match(invites()[1]?.text ?? '', /\r\nX-Code: 100\/\r\n/);
    runner.receive(answerTo(invites()[1]?.text ?? '', '503 Full', { tag: 'b' }), 5091);
    const final = () => runner.sent.find(({ text }) => /^SIP\/2.0 [2-6]/.test(text))?.text;
    await until('a reply', () => final() !== undefined);
    assert.match(final() ?? '', /^SIP\/2\.0 503 Full\r\n/);
    assert.doesNotMatch(final() ?? '', /X-G/);
  } finally {
    await runner.stop();
  }
});

for (const [words, head, set, cancelled] of [
  ['a 6xx cancels the other branches', '', '', true],
  ['disable_6xx_block leaves them', 'modparam("tm", "disable_6xx_block", 1)', '', false],
  ['t_set_disable_6xx() leaves them', '', 't_set_disable_6xx("1");', false],
] as const) {
  test(words, async () => {
    const runner = startScript({
      dialect: 'kamailio',
      head,
      script: `request_route { ${set} append_branch("sip:x@127.0.0.1:5091"); $ru = "sip:y@127.0.0.1:5090"; t_relay(); }`,
    });
    try {
      runner.receive(INVITE);
      const invites = () => runner.sent.filter(({ text }) => text.startsWith('INVITE'));
      await until('two INVITEs leave', () => invites().length === 2);
      const [first, second] = [5090, 5091].map((port) => invites().find((each) => each.port === port)?.text ?? '');
      runner.receive(answerTo(second ?? '', '180 Ringing', { tag: 'b' }), 5091);
      runner.receive(answerTo(first ?? '', '603 Decline', { tag: 'a' }), 5090);
      await until('an ACK', () => runner.sent.some(({ text }) => text.startsWith('ACK')));
      const cancel = runner.sent.find(({ text }) => text.startsWith('CANCEL'));
      assert.equal(cancel !== undefined, cancelled);
      if (!cancelled)
        assert.equal(
          runner.sent.some(({ text }) => /^SIP\/2.0 603/.test(text)),
          false,
        );
    } finally {
      await runner.stop();
    }
  });
}

test('local_cancel_reason 0 leaves the reason out of a CANCEL', async () => {
  const runner = startScript({
    dialect: 'kamailio',
    head: 'modparam("tm", "local_cancel_reason", 0)',
    script: 'request_route { append_branch("sip:x@127.0.0.1:5091"); $ru = "sip:y@127.0.0.1:5090"; t_relay(); }',
  });
  try {
    runner.receive(INVITE);
    const invite = (port: number) => runner.sent.find((each) => each.port === port)?.text ?? '';
    await until('two INVITEs leave', () => invite(5090) !== '' && invite(5091) !== '');
    runner.receive(answerTo(invite(5091), '180 Ringing', { tag: 'b' }), 5091);
    runner.receive(answerTo(invite(5090), '200 OK', { tag: 'a' }), 5090);
    const cancel = () => runner.sent.find(({ text }) => text.startsWith('CANCEL'))?.text;
    await until('a CANCEL', () => cancel() !== undefined);
    assert.doesNotMatch(cancel() ?? '', /^Reason:/m);
  } finally {
    await runner.stop();
  }
});

for (const [words, head, set] of [
  ['max_inv_lifetime', 'modparam("tm", "max_inv_lifetime", 300)', ''],
  ['t_set_max_lifetime()', '', 't_set_max_lifetime("300", "300");'],
] as const) {
  test(`${words} ends a ringing call, also its branches after a failover`, async () => {
    const runner = startScript({
      dialect: 'kamailio',
      head,
      script: `request_route { ${set} $du = "sip:127.0.0.1:5090"; t_on_failure("F"); t_relay(); }
        failure_route[F] { $du = "sip:127.0.0.1:5091"; t_relay(); }`,
    });
    try {
      runner.receive(INVITE);
      const invite = (port: number) =>
        runner.sent.find((each) => each.port === port && each.text.startsWith('INVITE'))?.text;
      await until('an INVITE leaves', () => invite(5090) !== undefined);
      runner.receive(answerTo(invite(5090) ?? '', '180 Ringing', { tag: 'a' }), 5090);
      await until('the failover', () => invite(5091) !== undefined);
      await until('408', () => runner.sent.some(({ text }) => text.startsWith('SIP/2.0 408')));
    } finally {
      await runner.stop();
    }
  });
}

test('$uuid gives random identifiers, and functions of statsd are accepted', async () => {
  const lines = await linesOf({
    dialect: 'kamailio',
    modules: 'uuid statsd',
    script: 'if (statsd_incr("calls")) xlog("$uuid(g) $uuid(r)\\n"); xlog("end\\n");',
  });
  const id = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
  assert.match(lines[0] ?? '', new RegExp(`^${id} ${id}$`));
});

test('tmrec_match() takes a duration that begins with P, as recorded of 5.6.3', async () => {
  const recurrences = [
    '20000101T000000|20000101T235959|daily',
    '20000101T000000|PT24H|daily',
    '20000101T000000|20300101T000000',
    '20000101T000000|23H59M59S|daily',
    '20000101T000000|P1D|weekly||1|MO,TU,WE,TH,FR,SA,SU',
  ];
  const tries = recurrences.map((each, i) => `if (tmrec_match("${each}")) xlog("${i}\\n");`).join('\n');
  assert.deepEqual(await linesOf({ dialect: 'kamailio', modules: 'tmrec', script: `${tries} xlog("end\\n");` }), [
    '1',
    '4',
  ]);
});

test('rows of the table of pipes give limits; malformed ones are left out', () => {
  const faults: string[] = [];
  const rows = [
    { pipeid: 'a', algorithm: 'TAILDROP', plimit: 10 },
    { pipeid: 'b', algorithm: 'RED', plimit: '5' },
    { pipeid: '', algorithm: 'RED', plimit: 1 },
    { pipeid: 'c', algorithm: 'RED', plimit: 'many' },
    { pipeid: 'd', algorithm: 'FIRST', plimit: 1 },
  ];
  const columns = { name: 'pipeid', algorithm: 'algorithm', limit: 'plimit' };
  const pipes = pipeRows(rows, columns, (id, reason) => faults.push(`${id}: ${reason}`));
  assert.deepEqual(
    [...pipes],
    [
      ['a', { algorithm: 'TAILDROP', limit: 10 }],
      ['b', { algorithm: 'RED', limit: 5 }],
    ],
  );
  assert.deepEqual(faults, [
    ': the pipe has no name',
    'c: the limit is not a number',
    'd: there is no algorithm "FIRST"',
  ]);
});

test('the second Route of a pair is taken when only the first has r2, as recorded of 5.6.3', async () => {
  const routes =
    'Route: <sip:127.0.0.1:5060;r2=on;lr>\r\nRoute: <sip:127.0.0.1:5060;lr>\r\nRoute: <sip:192.0.2.1;lr>\r\n';
  const invite = INVITE.replace('Content-Length', `${routes}Content-Length`);
  const lines = await linesOfRequest('request_route { loose_route(); xlog("$du\\n"); xlog("end\\n"); }', invite);
  assert.deepEqual(lines, ['sip:192.0.2.1;lr']);
});

async function linesOfRequest(script: string, request: string): Promise<string[]> {
  const runner = startScript({ dialect: 'kamailio', script });
  try {
    runner.receive(request);
    await until('the end', () => runner.lines.at(-1) === 'end');
    return runner.lines.slice(0, -1);
  } finally {
    await runner.stop();
  }
}
