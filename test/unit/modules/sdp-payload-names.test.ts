import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeRtpengine } from '../../support/fake-rtpengine.js';
import { INVITE, startScript } from '../../support/script-run.js';
import { until } from '../../support/until.js';

test('a payload name that every object has, such as "constructor", names no payload type', async () => {
  const run = startScript({
    dialect: 'kamailio',
    modules: 'sdpops',
    script: `if (sdp_with_codecs_by_name("PCMU")) xlog("named\\n"); else xlog("not named $rc\\n");
      sdp_remove_codecs_by_name("toString"); xlog("went on\\n"); sl_send_reply("200", "OK");`,
  });
  const body =
    'v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\ns=-\r\nc=IN IP4 1.1.1.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0 constructor toString __proto__\r\n';
  run.receive(
    INVITE.replace('Content-Length: 0', `Content-Type: application/sdp\r\nContent-Length: ${body.length}`) + body,
  );
  await run.stop();
  assert.deepEqual(run.lines, ['named', 'went on']);
});

test('names of static payload types (RFC 3551) stand for their numbers whether or not the SDP has them, as observed of Kamailio 5.6.3', async () => {
  for (const [call, media, line] of [
    ['sdp_keep_codecs_by_name("PCMU")', 'm=image 6000 udptl t38', '1 m=image 6000 udptl'],
    ['sdp_keep_codecs_by_name("opus,PCMA")', 'm=image 6000 udptl t38', '1 m=image 6000 udptl'],
    ['sdp_keep_codecs_by_name("opus")', 'm=image 6000 udptl t38', '-1 m=image 6000 udptl t38'],
    ['sdp_remove_codecs_by_name("PCMU")', 'm=audio 6000 RTP/AVP 97', '1 m=audio 6000 RTP/AVP 97'],
  ]) {
    const run = startScript({
      dialect: 'kamailio',
      modules: 'sdpops textopsx',
      script: `${call}; $var(r) = $rc; msg_apply_changes(); xlog("$var(r) $(rb{line.sw,m=})\\n");`,
    });
    const body = `v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\ns=-\r\nc=IN IP4 1.1.1.1\r\nt=0 0\r\n${media}\r\n`;
    run.receive(
      INVITE.replace('Content-Length: 0', `Content-Type: application/sdp\r\nContent-Length: ${body.length}`) + body,
    );
    await run.stop();
    assert.deepEqual(
      run.lines.map((each) => each.trim()),
      [line],
    );
  }
});

test('codecs of a description that a media proxy has replaced stay, as observed of Kamailio 5.6.3', async () => {
  const media = await FakeRtpengine.open('192.0.2.77');
  const run = startScript({
    dialect: 'kamailio',
    modules: 'sdpops rtpengine textopsx',
    head: `modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:${media.port}")\n`,
    script: 'rtpengine_offer(); sdp_remove_codecs_by_id("8"); msg_apply_changes(); xlog("$rb\\n"); xlog("end\\n");',
  });
  try {
    const body =
      'v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\ns=-\r\nc=IN IP4 1.1.1.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0 8\r\na=rtpmap:8 PCMA/8000\r\n';
    run.receive(
      INVITE.replace('Content-Length: 0', `Content-Type: application/sdp\r\nContent-Length: ${body.length}`) + body,
    );
    await until('the end', () => run.lines.includes('end'));
    const lines = run.lines.join('\n').split(/[\r\n]+/);
    assert.ok(lines.includes('c=IN IP4 192.0.2.77'));
    assert.deepEqual(
      lines.filter((each) => /^(?:m=|a=rtpmap)/.test(each)),
      ['m=audio 9 RTP/AVP 0 8', 'a=rtpmap:8 PCMA/8000'],
    );
  } finally {
    await run.stop();
    await media.close();
  }
});
