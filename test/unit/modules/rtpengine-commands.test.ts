import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { FakeRtpengine } from '../../support/fake-rtpengine.js';
import { linesOf } from '../../support/script-run.js';

const fake = await FakeRtpengine.open('192.0.2.7');
after(() => fake.close());

test('commands without SDP take the arguments of their documents', async () => {
  const lines = await linesOf({
    dialect: 'opensips',
    modules: 'rtpengine',
    head: `modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:${fake.port}")`,
    script: `
      rtpengine_play_dtmf("5", "volume=8", $var(sock)); xlog("$rc\\n"); rtpengine_play_media("file=/x.wav", $var(ms), $var(sock)); xlog("$rc $var(ms)\\n");
      rtpengine_stop_media(, $var(sock)); rtpengine_block_dtmf("all", $var(sock)); rtpengine_start_recording(, $var(sock));
      rtpengine_start_forwarding(); rtpengine_stop_forwarding(); xlog("$rc\\n"); xlog("end\\n");`,
  });
  assert.deepEqual(lines, ['1', '1 <null>', '1']);
  const { 'call-id': _call, 'from-tag': tag, ...first } = fake.commands[0] ?? {};
  assert.deepEqual([first, tag], [{ code: '5', volume: '8', command: 'play DTMF' }, 'ft']);
  assert.deepEqual(fake.names.slice(1), [
    'play media',
    'stop media',
    'block DTMF',
    'start recording',
    'start forwarding',
    'stop forwarding',
  ]);
});

test('a DTMF code is one value, whatever it contains', async () => {
  const from = fake.commands.length;
  const lines = await linesOf({
    dialect: 'opensips',
    modules: 'rtpengine',
    head: `modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:${fake.port}")`,
    script: `$var(code) = "5 call-id=other from-tag=x"; rtpengine_play_dtmf($var(code), "volume=8"); xlog("$rc\\n"); xlog("end\\n");`,
  });
  assert.deepEqual(lines, ['1']);
  const { 'call-id': callId, 'from-tag': tag, code } = fake.commands[from] ?? {};
  assert.deepEqual([callId, tag, code], ['a@a.example', 'ft', '5 call-id=other from-tag=x']);
});
