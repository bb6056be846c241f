import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INVITE, startScript } from '../../support/script-run.js';

test('a payload type is looked up among payload types only, whatever a peer calls it', async () => {
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
