import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertLinear, filled, type GrowthCase } from '../../support/growth.js';
import { INVITE, startScript } from '../../support/script-run.js';

let serial = 0;

function message(body: string): string {
  const head = INVITE.replace('a@a.example', `call-${serial}@a.example`).replace(
    /branch=[^;\s]+/,
    `branch=z9hG4bK-${serial++}`,
  );
  return head.replace(
    'Content-Length: 0\r\n\r\n',
    `Content-Type: application/sdp\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

/** The body that a script with these statements relays. */
async function bodyAfter(dialect: 'opensips' | 'kamailio', statements: string, body: string): Promise<string> {
  const modules = dialect === 'opensips' ? 'sipmsgops' : 'sdpops';
  const runner = startScript({ dialect, modules, script: `${statements}\n$du = "sip:127.0.0.1:5080"; t_relay();` });
  try {
    runner.receive(message(body));
    const sent = runner.sent.find(({ text }) => text.startsWith('INVITE'))?.text ?? '';
    return sent.slice(sent.indexOf('\r\n\r\n') + 4);
  } finally {
    await runner.stop();
  }
}

const SESSION = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n';

const BODIES: readonly (readonly [string, (length: number) => string])[] = [
  ['short m lines', (length) => filled('m=a 5 R 0\n', length)],
  ['m lines of two payload types', (length) => filled('m=a 5 R 0 8\r\n', length)],
  ['streams with attributes', (length) => filled('m=a 5 R 0 8 18\r\na=rtpmap:0 PCMU/8000\r\na=fmtp:0 x\r\n', length)],
  ['a stream of empty lines', (length) => `m=audio 5 RTP/AVP 0\r\n${filled('\n', length)}`],
  ['one m line', (length) => `m=audio 5 RTP/AVP${filled(' 0 96 8', length)}\r\na=rtpmap:96 x/8\r\n`],
  ['attributes of one stream', (length) => `m=audio 5 RTP/AVP 0\r\n${filled('a=fmtp:0\n', length)}`],
];

for (const [dialect, statements] of [
  ['opensips', 'codec_delete("PCMU");'],
  ['opensips', 'codec_delete_re("^P");'],
  ['opensips', 'codec_move_up("PCMA");'],
  ['opensips', 'stream_delete("audio");'],
  ['kamailio', 'sdp_remove_codecs_by_name("PCMU");'],
  ['kamailio', 'sdp_keep_codecs_by_id("0");'],
  ['kamailio', 'sdp_with_codecs_by_name("PCMU,x");'],
  ['kamailio', 'sdp_remove_codecs_by_id("0"); sdp_remove_media("a");'],
] as const) {
  test(`${statements} takes 5 ms at most for 64 KB of SDP`, async () => {
    const modules = dialect === 'opensips' ? 'sipmsgops' : 'sdpops';
    const runner = startScript({ dialect, modules, script: `${statements} exit;` });
    const cases: GrowthCase[] = BODIES.map(([name, make]) => ({
      name,
      make: (length) => message(SESSION + make(length - 400)),
    }));
    try {
      // Functions are compiled during the first messages.
      for (let i = 0; i < 20; i++) for (const { make } of cases) runner.receive(make(4000));
      assertLinear(statements, cases, (text) => runner.receive(text));
    } finally {
      await runner.stop();
    }
  });
}

test('codecs are taken out of the first thousand streams of a body', async () => {
  const body = SESSION + 'm=audio 5 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\n'.repeat(1002);
  const sent = await bodyAfter('opensips', 'codec_delete("PCMU");', body);
  assert.equal(sent.match(/^m=audio 5 RTP\/AVP 8\r$/gm)?.length, 1000);
  assert.equal(sent.match(/^m=audio 5 RTP\/AVP 0 8\r$/gm)?.length, 2);
});

test('a stream ends where the next one begins, or the body', async () => {
  const body = `${SESSION}m=audio 5 RTP/AVP 0\t8  18\r\na=rtpmap:8 PCMA/8000\na=x\r\nm=video 6 RTP/AVP 8\r\na=rtpmap:8 H264/90000`;
  assert.equal(
    await bodyAfter('opensips', 'codec_delete("PCMA");', body),
    `${SESSION}m=audio 5 RTP/AVP 0 18\r\na=x\r\nm=video 6 RTP/AVP 8\r\na=rtpmap:8 H264/90000`,
  );
  assert.equal(
    await bodyAfter('kamailio', 'sdp_remove_codecs_by_name("H264");', body),
    `${SESSION}m=audio 5 RTP/AVP 0\t8  18\r\na=rtpmap:8 PCMA/8000\na=x\r\nm=video 6 RTP/AVP\r\n`,
  );
  assert.equal(
    await bodyAfter('opensips', 'stream_delete("audio");', body),
    `${SESSION}m=video 6 RTP/AVP 8\r\na=rtpmap:8 H264/90000`,
  );
});
