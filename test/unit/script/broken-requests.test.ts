import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVITE, startScript } from '../../support/script-run.js';
import { until } from '../../support/until.js';

for (const field of ['From', 'To', 'Call-ID', 'CSeq'])
  test(`opensips: a request without ${field} reaches the script, and the reply of the script is sent`, async () => {
    const runner = startScript({ dialect: 'opensips', script: 'xlog("$rm\\n"); sl_send_reply(480, "Incomplete");' });
    try {
      runner.receive(INVITE.replace(new RegExp(`^${field}: .*\\r\\n`, 'm'), ''));
      assert.deepEqual(runner.lines, ['INVITE']);
      assert.deepEqual(
        runner.sent.map(({ text }) => text.slice(0, text.indexOf('\r'))),
        ['SIP/2.0 480 Incomplete'],
      );
      assert.doesNotMatch(runner.sent[0]?.text ?? '', new RegExp(`^${field}:`, 'm'));
    } finally {
      await runner.stop();
    }
  });

for (const [what, from, to] of [
  ['a CSeq of another method', /^CSeq: (\d+) INVITE/m, 'CSeq: $1 BYE'],
  ['a CSeq of letters', /^CSeq: \d+/m, 'CSeq: x'],
  ['less body than Content-Length says', /^Content-Length: \d+/m, 'Content-Length: 99999'],
  ['an empty request-URI', /^INVITE \S+/, 'INVITE '],
  ['a blank as request-URI', /^INVITE \S+/, 'INVITE  '],
  ['a request-URI in angle brackets', /^INVITE (\S+)/, 'INVITE <$1>'],
] as const)
  test(`kamailio: a request with ${what} is answered 400 and does not reach the script`, async () => {
    const runner = startScript({ dialect: 'kamailio', script: 'xlog("$rm\\n"); sl_send_reply("480", "Reached");' });
    try {
      assert.match(INVITE, from);
      runner.receive(INVITE.replace(from, to));
      assert.deepEqual(runner.lines, []);
      assert.match(runner.sent[0]?.text ?? '', /^SIP\/2\.0 400 /);
    } finally {
      await runner.stop();
    }
  });

// Another server could find other header fields in such a request than the script, or another length.
for (const [what, from, to] of [
  ['two lengths', /^Content-Length: \d+/m, 'Content-Length: 30\r\nl: 0'],
  ['less body than Content-Length says', /^Content-Length: \d+/m, 'Content-Length: 30'],
  ['a length that is no number', /^Content-Length: \d+/m, 'Content-Length: +0'],
  ['a folded name of a header', /^Content-Length/m, 'X-Secret\r\n : b\r\nContent-Length'],
  ['a zero byte in a name', /^Content-Length/m, 'X-Secret\0: b\r\nContent-Length'],
] as const)
  for (const relay of ['t_relay();', 'forward();', 't_newtran(); t_relay();', 'send("sip:127.0.0.1:5090");'])
    test(`opensips: a request with ${what} is not relayed by ${relay}`, async () => {
      const script = `$du = "sip:127.0.0.1:5090"; $var(r) = 1; ${relay} xlog("after\\n");`;
      const runner = startScript({ dialect: 'opensips', script });
      try {
        runner.receive(INVITE.replace(from, to));
        await until('the script has ended', () => runner.lines.includes('after'));
        assert.deepEqual(
          runner.sent.filter(({ text }) => text.startsWith('INVITE')),
          [],
        );
        if (relay.includes('t_relay'))
          assert.match(runner.sent.find(({ text }) => !text.startsWith('SIP/2.0 100'))?.text ?? '', /^SIP\/2\.0 400 /);
      } finally {
        await runner.stop();
      }
    });

// On a stream they would be another request.
for (const [dialect, send, modules] of [
  ['opensips', 'send("sip:127.0.0.1:5090");', ''],
  ['kamailio', 'send_udp("127.0.0.1:5090");', 'corex'],
] as const)
  test(`${dialect}: ${send} does not forward bytes after the body`, async () => {
    const runner = startScript({ dialect, modules, script: send });
    try {
      runner.receive(`${INVITE}MESSAGE sip:x@y.example SIP/2.0\r\n\r\n`);
      await until('it is sent', () => runner.sent.length > 0);
      assert.deepEqual(
        runner.sent.map(({ text }) => text),
        [INVITE],
      );
    } finally {
      await runner.stop();
    }
  });

// Kamailio 5.6.3 relays it as well.
for (const relay of ['t_relay();', 'forward();']) {
  test(`opensips: a request whose bad request-URI the script replaces is relayed by ${relay}`, async () => {
    const script = `$du = "sip:127.0.0.1:5090"; $ru = "sip:fixed@x.example"; ${relay}`;
    const runner = startScript({ dialect: 'opensips', script });
    try {
      runner.receive(`${INVITE.replace(/^INVITE (\S+)/, 'INVITE <$1>')}MESSAGE sip:x@y.example SIP/2.0\r\n\r\n`);
      const sent = () => runner.sent.find(({ text }) => text.startsWith('INVITE sip:fixed@x.example SIP/2.0\r\n'));
      await until('it is sent', () => sent() !== undefined);
      assert.doesNotMatch(sent()?.text ?? '', /MESSAGE/);
    } finally {
      await runner.stop();
    }
  });

  for (const [what, change] of [
    ['two lengths', (text: string) => text.replace(/^Content-Length: \d+/m, 'Content-Length: 30\r\nl: 0')],
    ['a part of it replaced', (text: string) => text],
  ] as const)
    test(`opensips: a request with a bad request-URI and ${what} is not relayed by ${relay}`, async () => {
      const set = what === 'two lengths' ? '$ru = "sip:fixed@x.example";' : '$rd = "x.example";';
      const script = `$du = "sip:127.0.0.1:5090"; ${set} ${relay} xlog("after\n");`;
      const runner = startScript({ dialect: 'opensips', script });
      try {
        runner.receive(change(INVITE.replace(/^INVITE sip:bob/, 'INVITE sip:"bob"')));
        await until('the script has ended', () => runner.lines.includes('after'));
        assert.ok(!runner.sent.some(({ text }) => text.startsWith('INVITE')));
      } finally {
        await runner.stop();
      }
    });
}

// Kamailio 5.6.3 relays them as they came, to peers that may read the line differently (RFC 4475 sections 3.1.2.10 and
// 3.1.2.11).
for (const [what, change] of [
  ['a blank after the version', 'SIP/2.0 \r\n'],
  ['blanks after the version', 'SIP/2.0   \r\n'],
  ['two blanks before the version', ' SIP/2.0\r\n'],
] as const)
  test(`kamailio: a request line with ${what} is answered 400 and not relayed`, async () => {
    const runner = startScript({ dialect: 'kamailio', script: '$du = "sip:127.0.0.1:5090"; t_relay();' });
    try {
      runner.receive(INVITE.replace('SIP/2.0\r\n', change));
      await until('the answer', () => runner.sent.length > 0);
      assert.deepEqual(
        runner.sent.map(({ text }) => text.slice(0, 12)),
        ['SIP/2.0 400 '],
      );
    } finally {
      await runner.stop();
    }
  });
