import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVITE, startScript } from '../../support/script-run.js';

const SDP = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n';

/** The c= and o= lines of a relayed request whose Content-Length is that of its body. */
async function addresses(dialect: 'opensips' | 'kamailio', statements: string): Promise<readonly string[]> {
  const modules = dialect === 'opensips' ? 'nathelper textops' : 'nathelper';
  const script = `${statements} $du = "sip:127.0.0.1:5080"; t_relay();`;
  const runner = startScript({ dialect, modules, script });
  try {
    const head = INVITE.replace('Content-Length: 0\r\n\r\n', '');
    runner.receive(`${head}Content-Type: application/sdp\r\nContent-Length: ${SDP.length}\r\n\r\n${SDP}`);
    const text = runner.sent.find((each) => each.text.startsWith('INVITE'))?.text ?? '';
    const body = text.slice(text.indexOf('\r\n\r\n') + 4);
    assert.match(text, new RegExp(`^Content-Length: ${body.length}\r$`, 'm'));
    return body.split('\r\n').filter((line) => /^[co]=/.test(line));
  } finally {
    await runner.stop();
  }
}

for (const [dialect, fix] of [
  ['opensips', 'fix_nated_sdp("2", "203.0.113.9");'],
  ['kamailio', 'fix_nated_sdp("2", "203.0.113.9");'],
] as const) {
  test(`${dialect}: of two replacements of one text in a body the later one is sent`, async () => {
    const all = 'replace_body_all("192\\.0\\.2\\.1", "1.1.1.1");';
    const replaced = 'o=- 1 1 IN IP4 1.1.1.1';
    assert.deepEqual(await addresses(dialect, all + fix), [replaced, 'c=IN IP4 203.0.113.9']);
    assert.deepEqual(await addresses(dialect, fix + all), [replaced, 'c=IN IP4 1.1.1.1']);
    assert.deepEqual(await addresses(dialect, `${fix} fix_nated_sdp("2", "5.5.5.5");`), [
      'o=- 1 1 IN IP4 192.0.2.1',
      'c=IN IP4 5.5.5.5',
    ]);
  });

  test(`${dialect}: a replacement that goes beyond the text of a later one stays`, async () => {
    const line = 'replace_body("c=IN IP4 192\\.0\\.2\\.1", "c=IN IP4 1.1.1.1");';
    const subst = 'subst_body("/c=IN IP4 [0-9.]+/c=IN IP4 2.2.2.2/");';
    const origin = 'o=- 1 1 IN IP4 192.0.2.1';
    assert.deepEqual(await addresses(dialect, line + fix), [origin, 'c=IN IP4 1.1.1.1']);
    assert.deepEqual(await addresses(dialect, fix + subst), [origin, 'c=IN IP4 2.2.2.2']);
  });
}
