import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../support/fake-clock.js';
import { answerTo, INVITE, startScript } from '../../support/script-run.js';

test('only the named parameters of a Contact pass through topology hiding', async () => {
  const runner = startScript({
    dialect: 'opensips',
    modules: 'dialog topology_hiding',
    head: 'modparam("topology_hiding", "th_passed_contact_uri_params", "line; ob;transport")',
    script: 'topology_hiding("U"); $du = "sip:127.0.0.1:7001"; t_relay();',
    clock: new FakeClock(),
  });
  try {
    runner.receive(
      INVITE.replace('<sip:alice@127.0.0.1:5070>', '<sip:alice@10.0.0.9;line=a%3b2;secret=1;ob;transport=tcp>;+sip.x'),
    );
    await new Promise((resolve) => setImmediate(resolve));
    const sent = runner.sent.find(({ text }) => text.startsWith('INVITE '))?.text ?? '';
    assert.match(sent, /Contact: <sip:alice@127\.0\.0\.1(?::5060)?;line=a%3b2;ob;did=[0-9a-f.]+>\r\n/);
    assert.match(sent, /Call-ID: a@a\.example\r\n/);
  } finally {
    await runner.stop();
  }
});

test('the caller of a hidden call gets the Record-Route of the proxies before this one, and none of those after it', async () => {
  const runner = startScript({
    dialect: 'opensips',
    modules: 'dialog topology_hiding',
    script: 'topology_hiding(); $du = "sip:127.0.0.1:7001"; t_relay();',
    clock: new FakeClock(),
  });
  try {
    runner.receive(INVITE.replace('Max-Forwards', 'Record-Route: <sip:before.example;lr>\r\nMax-Forwards'));
    const sent = runner.sent.find(({ text }) => text.startsWith('INVITE '))?.text ?? '';
    assert.doesNotMatch(sent, /before\.example/);
    const headers = ['Record-Route: <sip:after.example;lr>', 'Contact: <sip:bob@10.0.0.2>'];
    runner.receive(answerTo(sent, '200 OK', { tag: 'tt', headers }), 7001);
    const ok = runner.sent.find(({ text }) => text.startsWith('SIP/2.0 200'))?.text ?? '';
    assert.deepEqual(ok.match(/^Record-Route: .*$/gm), ['Record-Route: <sip:before.example;lr>']);
  } finally {
    await runner.stop();
  }
});

/** The Contacts that the callee of a hidden call sees in INVITE and re-INVITE, and the caller in the 200. */
async function contacts(call: string, head = ''): Promise<{ callee: string[]; caller: string }> {
  const runner = startScript({
    dialect: 'opensips',
    modules: 'dialog topology_hiding',
    head,
    script: `if (has_totag()) { topology_hiding_match(); t_relay(); exit; } ${call} $du = "sip:127.0.0.1:7001"; t_relay();`,
    clock: new FakeClock(),
  });
  const all = (start: string): string[] =>
    runner.sent.filter(({ text }) => text.startsWith(start)).map(({ text }) => text);
  const contact = (text: string | undefined): string => /^Contact: (.*)\r$/m.exec(text ?? '')?.[1] ?? '';
  try {
    runner.receive(INVITE);
    const [invite = ''] = all('INVITE ');
    const answer = answerTo(invite, '200 OK', {
      tag: 'tt',
      headers: ['Contact: <sip:bob@10.0.0.2;line=b>;q=1;+sip.instance="<urn:x>"'],
    });
    runner.receive(answer, 7001);
    const [ok] = all('SIP/2.0 200');
    const uri = contact(ok).replace(/^<|>.*$/g, '');
    runner.receive(
      INVITE.replace('sip:bob@sw.example', uri)
        .replace('<sip:bob@b.example>', '<sip:bob@b.example>;tag=tt')
        .replace('z9hG4bK1', 'z9hG4bK2')
        .replace('CSeq: 1', 'CSeq: 2')
        .replace('<sip:alice@', '<sip:other@')
        .replace('alice@127.0.0.1:5070>', 'other@127.0.0.1:5070>'),
    );
    return { callee: all('INVITE ').map(contact), caller: contact(ok) };
  } finally {
    await runner.stop();
  }
}

test('the Contact of a hidden call has the user that is named for each side', async () => {
  for (const [users, callee, caller] of [
    ['both', 'both@', 'both@'],
    ['/a', '', 'a@'],
    ['//b', 'b@', ''],
    ['/a/b', 'b@', 'a@'],
    // Text of a peer that would end the URI or the line.
    ['a>\\r\\nX: 1\\r\\n', 'aX1@', 'aX1@'],
  ] as const) {
    const seen = await contacts(`topology_hiding("", "${users}");`);
    assert.match(seen.callee[0] ?? '', new RegExp(`^<sip:${callee}127\\.`), users);
    assert.match(seen.caller, new RegExp(`^<sip:${caller}127\\.`), users);
  }
});

test('the Contact of a refusal is hidden, that of a redirection is not', async () => {
  for (const [status, shown] of [
    ['302 Moved Temporarily', /^<sip:else@192\.0\.2\.9>$/],
    ['485 Ambiguous', /^<sip:else@192\.0\.2\.9>$/],
    ['486 Busy Here', /^<sip:127\.0\.0\.1[^@]*;did=/],
    ['500 Server Internal Error', /^<sip:127\.0\.0\.1[^@]*;did=/],
    ['603 Decline', /^<sip:127\.0\.0\.1[^@]*;did=/],
  ] as const) {
    const runner = startScript({
      dialect: 'opensips',
      modules: 'dialog topology_hiding',
      script: 'route { topology_hiding(); $du = "sip:127.0.0.1:7001"; t_relay(); }',
    });
    try {
      runner.receive(INVITE);
      const invite = runner.sent.find(({ text }) => text.startsWith('INVITE '))?.text ?? '';
      runner.receive(answerTo(invite, status, { tag: 'tt', headers: ['Contact: <sip:else@192.0.2.9>'] }), 7001);
      const reply = runner.sent.find(({ text }) => text.startsWith(`SIP/2.0 ${status.slice(0, 3)}`))?.text ?? '';
      assert.match(/^Contact: (.*)\r$/m.exec(reply)?.[1] ?? '', shown, status);
    } finally {
      await runner.stop();
    }
  }
});

test('flag D: the id of the dialog is the user of the Contact, and finds the dialog', async () => {
  const { callee, caller } = await contacts('topology_hiding("D");');
  for (const each of [...callee, caller]) assert.match(each, /^<sip:[0-9a-f]+\.[0-9a-f]+@127\.0\.0\.1[^;]*>$/);
  assert.equal(callee.length, 2);
});

test('flag A: the callee gets the first Contact again', async () => {
  const [first, second] = (await contacts('topology_hiding("UA");')).callee;
  assert.match(first ?? '', /^<sip:alice@/);
  assert.equal(second, first);
  assert.match((await contacts('topology_hiding("U");')).callee[1] ?? '', /^<sip:other@/);
});

test('parameters of the header field Contact are kept if the module parameter names them', async () => {
  assert.match((await contacts('topology_hiding();')).caller, /^<[^>]*>$/);
  const head = 'modparam("topology_hiding", "th_passed_contact_params", "+sip.instance")';
  assert.match((await contacts('topology_hiding();', head)).caller, /^<[^>]*>;\+sip\.instance="<urn:x>"$/);
});

test('the address that fix_nated_contact() puts into Contact is hidden, and requests to that side go there', async () => {
  const runner = startScript({
    dialect: 'opensips',
    modules: 'dialog topology_hiding nathelper',
    script: `route {
        if (has_totag()) { topology_hiding_match(); t_relay(); exit; }
        fix_nated_contact();
        topology_hiding("U");
        t_on_reply("r");
        $du = "sip:127.0.0.1:7001";
        t_relay();
      }
      onreply_route[r] { xlog("$(ct{nameaddr.uri})\\n"); fix_nated_contact(); }`,
  });
  const sent = (start: string): string => runner.sent.find(({ text }) => text.startsWith(start))?.text ?? '';
  const contact = (text: string): string => /^Contact: (.*)\r$/m.exec(text)?.[1] ?? '';
  try {
    runner.receive(INVITE.replace('<sip:alice@127.0.0.1:5070>', '<sip:alice@x.invalid>'));
    const invite = sent('INVITE ');
    assert.match(contact(invite), /^<sip:alice@127\.0\.0\.1:5060;did=[0-9a-f.]+>$/);
    const answer = answerTo(invite, '200 OK', { tag: 'tt', headers: ['Contact: <sip:bob@y.invalid>'] });
    runner.receive(answer, 7001);
    // The route sees what the callee sent, the caller does not.
    assert.deepEqual(runner.lines, ['sip:bob@y.invalid']);
    const shown = contact(sent('SIP/2.0 200'));
    assert.match(shown, /^<sip:bob@127\.0\.0\.1:5060;did=[0-9a-f.]+>$/);
    const bye = INVITE.replaceAll('INVITE', 'BYE')
      .replace('sip:bob@sw.example', shown.slice(1, -1))
      .replace('<sip:bob@b.example>', '<sip:bob@b.example>;tag=tt')
      .replace('CSeq: 1', 'CSeq: 2');
    runner.receive(bye);
    assert.match(sent('BYE '), /^BYE sip:bob@127\.0\.0\.1:7001 SIP/);
  } finally {
    await runner.stop();
  }
});

test('th_internal_trusted_tag is refused at load', () => {
  const head = 'modparam("topology_hiding", "th_internal_trusted_tag", "x")';
  assert.throws(() => startScript({ dialect: 'opensips', modules: 'dialog topology_hiding', head, script: 'exit;' }), {
    message: /proxy\.cfg:\d+:\d+: .*th_internal_trusted_tag is not supported/,
  });
});

test('a flag that is not known is refused at load', () => {
  const script = (flags: string) => ({
    dialect: 'opensips' as const,
    modules: 'dialog topology_hiding',
    script: `topology_hiding("${flags}");`,
  });
  assert.throws(() => startScript(script('UX')), /unknown flag "X"/);
});
