import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVITE, linesOf, relayedInvite, startScript } from '../../support/script-run.js';

const SDP = [
  'v=0',
  'o=- 1 1 IN IP4 10.0.0.1',
  's=-',
  'c=IN IP4 10.0.0.1',
  't=0 0',
  'm=audio 4000 RTP/AVP 0 8 96 97 101',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:96 opus/48000/2',
  'a=rtpmap:97 speex/16000',
  'a=rtpmap:101 telephone-event/8000',
  'm=video 4002 RTP/AVP 99',
  'a=rtpmap:99 H264/90000',
  '',
].join('\r\n');

const WITH_SDP = INVITE.replace(
  'Content-Length: 0\r\n\r\n',
  `Content-Type: application/sdp\r\nContent-Length: ${SDP.length}\r\n\r\n${SDP}`,
);

/** The body of the relayed request. */
async function relayed(script: string, head = ''): Promise<{ body: string; lines: string[] }> {
  const runner = startScript({
    dialect: 'opensips',
    modules: 'textops',
    head,
    script: `${script}\n$du = "sip:127.0.0.1:5090"; t_relay();`,
  });
  return relayedInvite(runner, WITH_SDP);
}

test('a codec function sees what an earlier one of the route has changed', async () => {
  const { body, lines } = await relayed(
    'codec_delete("PCMU"); codec_delete("opus", "48000"); codec_move_up("telephone-event"); codec_delete("nothing"); xlog("$rc\\n"); codec_move_down("PCMA");',
  );
  assert.deepEqual(lines, ['-1']);
  assert.match(body, /^m=audio 4000 RTP\/AVP 101 97 8\r$/m);
  assert.equal(body.match(/^m=audio/gm)?.length, 1);
  assert.doesNotMatch(body, /rtpmap:96/);
});

test('a codec is chosen by its clock rate, a stream by a pattern', async () => {
  const { body, lines } = await relayed(`
    codec_exists("speex", "8000"); xlog("$rc\\n"); codec_exists("speex", "16000"); xlog("$rc\\n"); codec_exists("PCMU", "8000"); xlog("$rc\\n");
    stream_exists("aud.*|vid.*"); xlog("$rc\\n"); stream_exists("image"); xlog("$rc\\n");
    stream_delete("^vid"); codec_delete("H264"); xlog("$rc\\n");`);
  assert.deepEqual(lines, ['-1', '1', '1', '1', '-1', '-1']);
  assert.doesNotMatch(body, /video|H264/);
});

test('text is put after a match of the body, and all matches are replaced at once', async () => {
  const { body } = await relayed('search_append_body("s=-", "x"); replace_body_atonce("10\\.0\\.0\\.1", "192.0.2.1");');
  assert.match(body, /^s=-x\r$/m);
  assert.equal(body.match(/192\.0\.2\.1/g)?.length, 2);
  assert.doesNotMatch(body, /10\.0\.0\.1/);
});

test('sipmsg_validate gives the number of the first fault and its reason', async () => {
  const { lines } = await relayed(`
    sipmsg_validate(); xlog("$rc\\n"); sipmsg_validate("shmrftc"); xlog("$rc\\n");
    $ru = "sip:bob@ho st"; sipmsg_validate("r", $var(why)); xlog("$rc $var(why)\\n"); $ru = "sip:bob@b.example";`);
  assert.deepEqual(lines, ['1', '1', '-11 the request-URI cannot be read']);
});

test('a redirection lists the q of the request-URI in the form of RFC 3261', async () => {
  const runner = startScript({
    dialect: 'opensips',
    modules: 'signaling',
    script:
      '$ru = "sip:n@h.example"; $ru_q = 700; append_msg_branch("sip:b@h.example", "0.5"); send_reply(302, "Moved");',
  });
  try {
    runner.receive(INVITE);
    assert.match(runner.sent[0]?.text ?? '', /^Contact: <sip:n@h\.example>;q=0\.7, <sip:b@h\.example>;q=0\.5\r$/m);
  } finally {
    await runner.stop();
  }
});

test('a status in a variable outside of 100 to 699 is not sent; a network may be written with a mask', async () => {
  const lines = await linesOf({
    dialect: 'opensips',
    modules: 'signaling',
    script: `$var(c) = 999; send_reply($var(c), "x"); xlog("$rc\\n");
      if ($si == 127.0.0.0/255.0.0.0) xlog("in\\n"); if ($si != 10.0.0.0/255.255.0.0) xlog("out\\n"); xlog("end\\n");`,
  });
  assert.deepEqual(lines, ['-1', 'in', 'out']);
});

test('hashes with a key, and patterns that end with a dollar', async () => {
  const lines = await linesOf({
    dialect: 'opensips',
    script: `$var(v) = "abc"; $var(k) = "key";
      xlog("$(var(v){s.sha1}) $(var(v){s.sha256}{s.len}) $(var(v){s.sha512_hmac,$var(k)}{s.substr,0,8})\\n");
      xlog("$(var(v){re.subst,/^(.*)$/<\\\\1>/}) $(var(k){s.decode.hexa})\\n"); xlog("end\\n");`,
  });
  assert.deepEqual(lines, ['a9993e364706816aba3e25717850c26c9cd0d89d 64 3926a207', '<abc> <null>']);
});
