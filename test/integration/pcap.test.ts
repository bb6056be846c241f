import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { PcapWriter, pcapHeader } from '../../src/trace/pcap.js';
import type { TracedMessage } from '../../src/trace/traced-message.js';

const request = (method: string, length: number, body = '') =>
  `${method} sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: stream\r\nCSeq: 1 ${method}\r\nContent-Type: application/sdp\r\nContent-Length: ${length}\r\n\r\n${body}`;
const reply = (code: number, method: string) =>
  `SIP/2.0 ${code} X\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:bob@example.com>;tag=2\r\nCall-ID: stream\r\nCSeq: 1 ${method}\r\nContent-Length: 0\r\n\r\n`;
const SDP = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n';

/** A call over a connection: an INVITE whose body the trace omitted, and a BYE with a complete body. */
function callOver(transport: TracedMessage['transport'], local: string, remote: string, port: number) {
  const texts: readonly (readonly ['in' | 'out', string])[] = [
    ['in', request('INVITE', SDP.length)],
    ['out', reply(180, 'INVITE')],
    ['out', reply(200, 'INVITE')],
    ['in', request('INFO', SDP.length, SDP)],
    ['out', reply(200, 'INFO')],
    ['in', request('BYE', 0)],
    ['out', reply(200, 'BYE')],
  ];
  return texts.map(
    ([direction, text], i): TracedMessage => ({
      n: i + 1,
      time: 1_700_000_000_000 + i * 10,
      direction,
      transport,
      local: { address: local, port },
      remote: { address: remote, port: 40_000 },
      callId: 'stream',
      text,
    }),
  );
}

function capture(t: TestContext, messages: readonly TracedMessage[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-pcap-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'call.pcap');
  const writer = new PcapWriter();
  writeFileSync(file, Buffer.concat([pcapHeader(), ...messages.map((each) => writer.packet(each))]));
  return file;
}

const EXPECTED = ['INVITE', '180', '200', 'INFO', '200', 'BYE', '200'];

for (const [transport, local, remote, port] of [
  ['tcp', '192.0.2.9', '192.0.2.1', 5060],
  ['tls', '192.0.2.9', '192.0.2.1', 5061],
  ['ws', '2001:db8::9', '2001:db8::1', 8088],
] as const) {
  test(`a call over ${transport} is a stream of TCP that tshark follows message by message`, (t) => {
    const file = capture(t, callOver(transport, local, remote, port));
    const fields = [
      'sip.Method',
      'sip.Status-Code',
      'tcp.srcport',
      'tcp.dstport',
      'tcp.checksum.status',
      'sdp.version',
    ];
    const words = fields.flatMap((name) => ['-e', name]);
    // The plain text sent over TLS is decoded as SIP, which the port alone does not imply.
    const as = ['-d', `tcp.port==${port},sip`, '-o', 'tcp.check_checksum:TRUE'];
    const program = spawnSync('tshark', ['-r', file, ...as, '-T', 'fields', ...words], { encoding: 'utf8' });
    if (program.error !== undefined) return t.skip('tshark is not installed');
    const rows = program.stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'));
    assert.deepEqual(
      rows.map(([method = '', code = '']) => method || code),
      EXPECTED,
      program.stderr,
    );
    assert.deepEqual(
      rows.map(([, , from, to]) => `${from} ${to}`),
      ['in', 'out', 'out', 'in', 'out', 'in', 'out'].map((way) => (way === 'in' ? `40000 ${port}` : `${port} 40000`)),
    );
    assert.ok(
      rows.every((row) => row[4] === '1'),
      'the checksums are good',
    );
    assert.deepEqual(
      rows.map((row) => row[5] ?? ''),
      ['', '', '', '0', '', '', ''],
    );
    const followed = spawnSync('tshark', ['-r', file, '-q', '-z', 'follow,tcp,ascii,0'], { encoding: 'utf8' });
    assert.equal(followed.stdout.match(/sip:bob@example\.com SIP\/2\.0/g)?.length, 3, 'nothing is missing or doubled');
    const expert = spawnSync('tshark', ['-r', file, '-q', '-z', 'expert,warn'], { encoding: 'utf8' });
    assert.doesNotMatch(expert.stdout, /Previous segment|out-of-order|retransmission/i);
  });
}

test('sngrep reads a capture', (t) => {
  const found = spawnSync('sngrep', ['-V'], { encoding: 'utf8' });
  if (found.error !== undefined) return t.skip('sngrep is not installed');
  const file = capture(t, callOver('udp', '192.0.2.9', '192.0.2.1', 5060));
  const out = `${file}.out`;
  // Without its user interface it reads the file, counts dialogs, and writes the messages that it could parse.
  const program = spawnSync('sngrep', ['-N', '-q', '-I', file, '-O', out], { encoding: 'utf8', timeout: 10_000 });
  assert.equal(program.status, 0, `${program.stdout}${program.stderr}`);
  const read = spawnSync('tshark', ['-r', out, '-T', 'fields', '-e', 'sip.CSeq.method'], { encoding: 'utf8' });
  if (read.error !== undefined) return;
  assert.equal(read.stdout.trim().split('\n').length, EXPECTED.length);
});
