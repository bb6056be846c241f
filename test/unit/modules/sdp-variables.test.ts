import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVITE, startScript } from '../../support/script-run.js';

const SDP = 'v=0\r\ns=-\r\nc=IN IP4 10.1.1.1\r\nm=audio 1 RTP/AVP 0\r\na=x\r\n';

/** Runs statements for an INVITE with a body: what they write, and the body that is relayed. */
async function run(
  statements: string,
  body = SDP,
  type = 'application/sdp',
): Promise<{ lines: string[]; sent: string }> {
  const runner = startScript({
    dialect: 'opensips',
    modules: 'textops',
    script: `${statements} $du = "sip:127.0.0.1:7001"; t_relay();`,
  });
  try {
    const head = INVITE.replace('Content-Length: 0\r\n\r\n', '');
    runner.receive(`${head}Content-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    const text = runner.sent.find((each) => each.text.startsWith('INVITE'))?.text ?? '';
    return { lines: runner.lines, sent: text.slice(text.indexOf('\r\n\r\n') + 4) };
  } finally {
    await runner.stop();
  }
}

test('a change by $sdp.line is seen by $sdp and $sdp.line at once, and sent', async () => {
  const { lines, sent } = await run(
    '$sdp.line(s) = "s=new"; xlog("$sdp.line(s) $(sdp{s.len})\\n"); $sdp.line(a) = NULL; xlog("$sdp.line(a)\\n"); $sdp.line(c) = "c=IN IP4 1.2.3.4";',
  );
  assert.deepEqual(lines, [`s=new ${SDP.length + 2}`, '<null>']);
  assert.equal(sent, 'v=0\r\ns=new\r\nc=IN IP4 1.2.3.4\r\nm=audio 1 RTP/AVP 0\r\n');
});

test('$sdp sees what functions have replaced, and can be written as a whole', async () => {
  const seen = await run(
    'replace_body_all("10.1.1.1", "9.9.9.9"); xlog("$sdp.line(c)\\n"); $sdp.line(c) = $sdp.line(c) + "/127";',
  );
  assert.deepEqual(seen.lines, ['c=IN IP4 9.9.9.9']);
  assert.equal(seen.sent, SDP.replace('10.1.1.1', '9.9.9.9/127'));
  const whole = await run('$sdp = "v=1\\r\\nm=video 2 X 3\\r\\n"; xlog("$sdp.stream(video) $sdp.stream(audio)\\n");');
  assert.deepEqual(whole.lines, ['m=video 2 X 3 <null>']);
  assert.equal(whole.sent, 'v=1\r\nm=video 2 X 3\r\n');
  assert.equal((await run('$sdp = NULL;')).sent, '');
});

test('$rb(type) is a part of the body: the first, one by its index, the last, all', async () => {
  const part = (type: string, text: string): string => `--b\r\nContent-Type: ${type}\r\n\r\n${text}\r\n`;
  const body = `${part('application/sdp', 'v=0 --b')}${part('application/ISUP;base=x', 'one')}${part('application/isup', 'two')}--b--\r\n`;
  const xlog = `xlog("$rb(application/sdp)|$rb(application/isup)|$(rb(application/isup)[1])|$(rb(application/isup)[-1])|$(rb(application/isup)[2])|$(rb(application/isup)[*])|$rb(text/plain)\\n");`;
  const { lines } = await run(xlog, body, 'multipart/mixed; boundary=b');
  assert.deepEqual(lines, ['v=0 --b|one|two|two|<null>|one, two|<null>']);
  const plain = await run('xlog("$(rb(application/sdp){s.len}) $rb(application/isup)\\n");');
  assert.deepEqual(plain.lines, [`${SDP.length} <null>`]);
});
