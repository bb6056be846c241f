import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mediaFlags } from '../../../src/modules/rtpengine/flags.js';

test('words of a script become keys of the ng protocol', () => {
  const { keys, toTag, viaBranch } = mediaFlags(
    'trust-address replace-origin replace-session-connection ICE=force SRTP AVPF rtcp-mux-demux SDES-off codec-strip-PCMU codec-strip-GSM direction=a internal to-tag via-branch=auto TOS=184 media-address=1.2.3.4 record-call=yes',
  );
  assert.deepEqual(keys, {
    ICE: 'force',
    TOS: 184,
    'media-address': '1.2.3.4',
    'record-call': 'yes',
    'transport-protocol': 'RTP/SAVPF',
    codec: { strip: ['PCMU', 'GSM'] },
    flags: ['trust-address'],
    replace: ['origin', 'session-connection'],
    'rtcp-mux': ['demux'],
    SDES: ['off'],
    direction: ['a', 'internal'],
  });
  assert.equal(toTag, true);
  assert.equal(viaBranch, 'auto');
});

test('the name of a profile is sent unchanged', () => {
  assert.deepEqual(mediaFlags('UDP/TLS/RTP/SAVPF RTP').keys, { 'transport-protocol': 'UDP/TLS/RTP/SAVPF' });
  assert.deepEqual(mediaFlags('').keys, {});
});

test('kamailio: values are sent as texts, except TOS, and the delay of a deletion is sent under both names', () => {
  const { keys } = mediaFlags('TOS=184 ptime=20 delete-delay=5', 'kamailio');
  assert.deepEqual(keys, { TOS: 184, ptime: '20', 'delete-delay': '5', 'delete delay': 5 });
});

test('opensips: interfaces become "direction", the incoming one first; kamailio: the words are sent unchanged', () => {
  assert.deepEqual(mediaFlags('out-iface=b RTP/AVP in-iface=a').keys, {
    'transport-protocol': 'RTP/AVP',
    direction: ['a', 'b'],
  });
  assert.deepEqual(mediaFlags('in-iface=a').keys, { direction: ['a', 'a'] });
  assert.deepEqual(mediaFlags('in-iface=a', 'kamailio').keys, { 'in-iface': 'a' });
});
