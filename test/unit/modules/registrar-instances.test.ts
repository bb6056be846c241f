import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ScriptRunner, startScript } from '../../support/script-run.js';

const SCRIPT = `request_route {
  if (is_method("REGISTER")) {
    $xavp(ula=>kind) = $hdr(X-Kind);
    $var(r) = save("location", "0x02");
    append_to_reply("X-Saved: $var(r)\\r\\n");
    reg_send_reply();
    exit;
  }
  lookup("location");
  xlog("$ru $xavp(ula=>kind) $stat(accepted_regs) $stat(rejected_regs) $stat(location_contacts)\\n");
}
`;

let numbers = 0;

async function until(met: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !met(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Hands in a REGISTER; returns the reply's status and the fields that the test checks. */
async function register(runner: ScriptRunner, contact: string, more = '', callId = `c${++numbers}`): Promise<string[]> {
  const before = runner.sent.length;
  runner.receive(
    [
      'REGISTER sip:sw.example SIP/2.0',
      `Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK${++numbers}`,
      'From: <sip:alice@sw.example>;tag=ft',
      'To: <sip:alice@sw.example>',
      `Call-ID: ${callId}`,
      `CSeq: ${++numbers} REGISTER`,
      `Contact: ${contact}`,
      `${more}Content-Length: 0`,
      '',
      '',
    ].join('\r\n'),
  );
  const reply = () => runner.sent.slice(before).find(({ text }) => text.startsWith('SIP/2.0'));
  await until(() => reply() !== undefined);
  const lines = reply()?.text.split('\r\n') ?? [];
  const named = /^(?:Contact|Supported|Require|Flow-Timer|Unsupported|P-Registrar-Error|X-Saved):/;
  return [lines[0] ?? '', ...lines.filter((line) => named.test(line))];
}

const start = (head: string): ScriptRunner =>
  startScript({
    dialect: 'kamailio',
    modules: 'usrloc registrar nathelper counters',
    head: `modparam("registrar", "gruu_enabled", 0)\n${head}`,
    script: SCRIPT,
  });

const one = '+sip.instance="<urn:uuid:1>"';
const listed = (...contacts: string[]): string => `Contact: ${contacts.join(', ')}`;

test('a contact with an instance renews the one with the same instance and reg-id, as recorded of 5.6.3', async () => {
  const runner = start('');
  const held = (reply: string[]): string | undefined =>
    reply.find((line) => line.startsWith('Contact:'))?.replace(/;expires=3[56]\d\d/g, '');
  try {
    const [a, b, c] = ['a', 'b', 'c'].map((user) => `<sip:${user}@127.0.0.1:7001>`);
    assert.equal(held(await register(runner, `${a}`)), listed(`${a}`));
    assert.equal(held(await register(runner, `${a};reg-id=1;${one}`)), listed(`${a}`, `${a};${one};reg-id=1`));
    assert.equal(held(await register(runner, `${b};reg-id=1;${one}`)), listed(`${a}`, `${b};${one};reg-id=1`));
    // A registration without an instance renews the first one with its URI, whose instance is unchanged.
    assert.equal(held(await register(runner, `${b}`)), listed(`${a}`, `${b};${one};reg-id=1`));
    assert.equal(
      held(await register(runner, `${c};reg-id=2;${one}`)),
      listed(`${a}`, `${b};${one};reg-id=1`, `${c};${one};reg-id=2`),
    );
    // Restarted with another Call-ID, the device has lost its other flows.
    assert.equal(held(await register(runner, `${c};reg-id=1;${one}`)), listed(`${a}`, `${c};${one};reg-id=1`));
    assert.equal(held(await register(runner, `<sip:zz@127.0.0.1>;reg-id=1;${one};expires=0`)), listed(`${a}`));
  } finally {
    await runner.stop();
  }
});

test('matching_mode: contacts of another Call-ID, of another Path, of the same Call-ID', async () => {
  const count = async (mode: number, second: string, callId: string): Promise<number> => {
    const runner = start(`modparam("usrloc", "matching_mode", ${mode})\n`);
    try {
      await register(runner, '<sip:a@127.0.0.1>', '', 'x');
      const reply = await register(runner, second, '', callId);
      return (reply.find((line) => line.startsWith('Contact')) ?? '').split('<').length - 1;
    } finally {
      await runner.stop();
    }
  };
  assert.deepEqual(
    [
      await count(0, '<sip:a@127.0.0.1>', 'y'),
      await count(1, '<sip:a@127.0.0.1>', 'y'),
      await count(1, '<sip:a@127.0.0.1>', 'x'),
      await count(3, '<sip:b@127.0.0.1>', 'x'),
      await count(3, '<sip:b@127.0.0.1>', 'y'),
    ],
    [1, 2, 1, 1, 2],
  );
});

test('outbound_mode: the lines of RFC 5626 in the reply, and its refusals', async () => {
  const contact = '<sip:a@127.0.0.1>';
  const asked = 'Supported: path, outbound\r\n';
  const of = async (head: string, ...requests: string[]): Promise<string[][]> => {
    const runner = start(head);
    try {
      const replies: string[][] = [];
      for (const more of requests)
        replies.push((await register(runner, contact, more)).filter((line) => !line.startsWith('Contact')));
      return replies;
    } finally {
      await runner.stop();
    }
  };
  assert.deepEqual(
    await of('modparam("registrar", "outbound_mode", 1)\nmodparam("registrar", "flow_timer", 25)\n', '', asked),
    [
      ['SIP/2.0 200 OK', 'X-Saved: 1', 'Supported: outbound'],
      ['SIP/2.0 200 OK', 'X-Saved: 2', 'Supported: outbound', 'Require: outbound', 'Flow-Timer: 25'],
    ],
  );
  const forwarded = 'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKq\r\n';
  const path = 'Path: <sip:192.0.2.1;lr;ob>\r\n';
  assert.deepEqual(await of('modparam("registrar", "outbound_mode", 2)\n', '', forwarded, forwarded + path), [
    ['SIP/2.0 200 OK', 'X-Saved: 1', 'Require: outbound', 'Supported: outbound'],
    [
      'SIP/2.0 439 First Hop Lacks Outbound Support',
      'X-Saved: -1',
      'P-Registrar-Error: No support for Outbound on edge proxy',
    ],
    ['SIP/2.0 200 OK', 'X-Saved: 2', 'Require: outbound', 'Supported: outbound'],
  ]);
  const [refused] = await of('', 'Require: outbound\r\n');
  assert.deepEqual(refused?.slice(0, 2), ['SIP/2.0 420 Bad Extension', 'X-Saved: -1']);
  assert.ok(refused?.includes('Unsupported: outbound'));
});

test('attributes of a contact come back with lookup(); REGISTERs are counted', async () => {
  const runner = start('modparam("usrloc", "xavp_contact", "ula")\nmodparam("registrar", "max_contacts", 1)\n');
  try {
    await register(runner, '<sip:a@127.0.0.1:7001>', 'X-Kind: lobby\r\n');
    assert.equal((await register(runner, '<sip:b@127.0.0.1:7001>'))[0], 'SIP/2.0 503 Service Unavailable');
    runner.receive(
      'OPTIONS sip:alice@sw.example SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKx1\r\nFrom: <sip:b@b>;tag=1\r\nTo: <sip:alice@sw.example>\r\nCall-ID: o1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n',
    );
    await until(() => runner.lines.length > 0);
    assert.deepEqual(runner.lines, ['sip:a@127.0.0.1:7001 lobby 1 1 1']);
  } finally {
    await runner.stop();
  }
});
