import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVITE, relayedInvite, startScript } from '../../support/script-run.js';

const SDP = [
  'v=0',
  'o=- 1 1 IN IP4 10.0.0.1',
  's=-',
  'c=IN IP4 10.0.0.1',
  't=0 0',
  'm=audio 4000 RTP/AVP 0',
  'm=video 4002 RTP/AVP 31',
  '',
].join('\r\n');

const DECOY = 'v=0\r\no=- 9 9 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 1 RTP/AVP 8\r\n';

function part(type: string, text: string): string {
  return `--bb\r\nContent-Type: ${type}\r\n\r\n${text}\r\n`;
}

function invite(body: string): string {
  return INVITE.replace(
    'Content-Length: 0\r\n\r\n',
    `Content-Type: multipart/mixed;boundary=bb\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

async function relayed(body: string, script: string): Promise<{ readonly body: string; readonly lines: string[] }> {
  const runner = startScript({
    dialect: 'kamailio',
    modules: 'nathelper sdpops',
    script: `${script} $du = "sip:127.0.0.1:5090"; t_relay();`,
  });
  return relayedInvite(runner, invite(body));
}

const REMOVE = '$var(r) = sdp_remove_media("video"); xlog("$var(r)\\n");';

for (const [name, before] of [
  ['a part of another type that looks like SDP', part('text/plain', DECOY)],
  ['a line in another part', part('text/plain', `hello\r\n${DECOY}bye`)],
  ['text before the first boundary', DECOY],
  ['a boundary in the middle of a line', part('text/plain', `x${part('application/sdp', DECOY)}`)],
  ['nothing', ''],
] as const) {
  test(`the SDP of a multipart body is its part of that type: before it ${name}`, async () => {
    const { body, lines } = await relayed(`${before}${part('application/sdp', SDP)}--bb--\r\n`, REMOVE);
    assert.deepEqual(lines, ['1']);
    const without = SDP.replace('m=video 4002 RTP/AVP 31\r\n', '');
    assert.ok(body.startsWith(before));
    assert.ok(body.slice(before.length).includes(without), body);
    assert.ok(!body.includes('m=video'), body);
  });
}

test('fix_nated_sdp() leaves the parts of other types alone, and fails without a part with SDP', async () => {
  const fix = '$var(r) = fix_nated_sdp("10"); xlog("$var(r)\\n");';
  const { body, lines } = await relayed(`${part('text/plain', DECOY)}${part('application/sdp', SDP)}--bb--\r\n`, fix);
  assert.deepEqual(lines, ['1']);
  assert.equal(body.match(/192\.0\.2\.9/g)?.length, 2);
  assert.match(body, /\r\no=- 1 1 IN IP4 127\.0\.0\.1\r\ns=-\r\nc=IN IP4 127\.0\.0\.1\r\n/);
  const other = `${part('text/plain', SDP)}--bb--\r\n`;
  assert.deepEqual(await relayed(other, fix), { body: other, lines: ['-1'] });
});

test('an SDP whose part is not ended is found, too', async () => {
  const { lines, body } = await relayed(part('application/sdp', SDP), REMOVE);
  assert.deepEqual(lines, ['1']);
  assert.ok(!body.includes('m=video'), body);
});
