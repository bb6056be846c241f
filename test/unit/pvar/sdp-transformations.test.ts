import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PvarScope } from '../../../src/pvar/context.js';
import { compileFormat } from '../../../src/pvar/format.js';
import { OPENSIPS_NAMES } from '../../../src/pvar/names.js';
import { parseMessage } from '../../../src/sip/parse-message.js';

const SDP = [
  'v=0',
  'c=IN IP4 10.1.1.1',
  'm=audio 4000 RTP/AVP 0 8',
  'a=rtpmap:0 PCMU/8000',
  'm=video 4002 RTP/AVP 99',
  'a=rtpmap:99 H264/90000',
  '',
].join('\r\n');

function value(format: string): string | number | null {
  const text = `INVITE sip:bob@b SIP/2.0\r\nVia: SIP/2.0/TCP a.example:5070;branch=z9hG4bK1;received=192.0.2.1\r\nContent-Length: ${SDP.length}\r\n\r\n${SDP}`;
  const message = parseMessage(text);
  assert.ok(message !== undefined);
  return compileFormat(format, { names: OPENSIPS_NAMES }).evaluateValue(new PvarScope(message));
}

test('lines of a body are read by their letter and number', () => {
  assert.equal(value('$(rb{sdp.line,m})'), 'm=audio 4000 RTP/AVP 0 8');
  assert.equal(value('$(rb{sdp.line,m,1})'), 'm=video 4002 RTP/AVP 99');
  assert.equal(value('$(rb{sdp.line,a,-1})'), 'a=rtpmap:99 H264/90000');
  assert.equal(value('$(rb{sdp.line,z})'), null);
});

test('streams are read and removed by number and by media type', () => {
  assert.equal(value('$(rb{sdp.stream,1})'), 'm=video 4002 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n');
  assert.equal(value('$(rb{sdp.stream,audio}{s.len})'), 'm=audio 4000 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\n'.length);
  assert.equal(
    value('$(rb{sdp.stream-delete,audio})'),
    'v=0\r\nc=IN IP4 10.1.1.1\r\nm=video 4002 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n',
  );
  assert.equal(value('$(rb{sdp.stream,2})'), null);
});

test('parts of a Via are read', () => {
  assert.equal(value('$(hdr(Via){via.transport}) $(hdr(Via){via.host}) $(hdr(Via){via.port})'), 'TCP a.example 5070');
  assert.equal(value('$(hdr(Via){via.branch}) $(hdr(Via){via.param,received})'), 'z9hG4bK1 192.0.2.1');
});
