import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { describeMedia, endpointOf, rewriteMedia } from '../../../src/media/rtpproxy.js';
import { FakeRtpproxy } from '../../support/fake-rtpproxy.js';
import { INVITE, relayedInvite, startScript } from '../../support/script-run.js';

const SDP = [
  'v=0',
  'o=- 1 1 IN IP4 10.0.0.1',
  's=-',
  'c=IN IP4 10.0.0.1',
  't=0 0',
  'm=audio 4000 RTP/AVP 0 8',
  'a=rtcp:4001',
  'm=image 0 udptl t38',
  'm=video 4002 RTP/AVP 99',
  'c=IN IP4 10.0.0.2',
  '',
].join('\r\n');
const WITH_SDP = INVITE.replace(
  'Content-Length: 0\r\n\r\n',
  `Content-Type: application/sdp\r\nContent-Length: ${SDP.length}\r\n\r\n${SDP}`,
);
const closing: (() => unknown)[] = [];
after(async () => {
  for (const close of closing.reverse()) await close();
});

/** The relayed message and the script's output for an INVITE with SDP. */
async function through(dialect: 'opensips' | 'kamailio', head: string, script: string) {
  const runner = startScript({
    dialect,
    modules: 'rtpproxy',
    head,
    script: `${script}\n$du = "sip:127.0.0.1:5090"; t_relay();`,
  });
  return relayedInvite(runner, WITH_SDP);
}

async function proxy(media: string): Promise<FakeRtpproxy> {
  const fake = await FakeRtpproxy.open(media);
  closing.push(() => fake.close());
  return fake;
}

test('each stream of an offer gets an address and port of the proxy', async () => {
  const fake = await proxy('192.0.2.9');
  const { body, lines } = await through(
    'opensips',
    `modparam("rtpproxy", "rtpproxy_sock", "udp:127.0.0.1:${fake.port}")`,
    'rtpproxy_offer("coa"); xlog("$rc\\n"); rtpproxy_offer(); xlog("$rc\\n"); rtpproxy_unforce(); xlog("$rc\\n");',
  );
  assert.deepEqual(lines, ['1', '-1', '1']);
  assert.deepEqual(fake.commands, [
    'UA a@a.example 127.0.0.1 4000 ft;1',
    'UA a@a.example 127.0.0.1 4002 ft;2',
    'D a@a.example ft',
  ]);
  assert.equal(
    body,
    `${SDP}a=nortpproxy:yes\r\n`
      .replace('IN IP4 10.0.0.1\r\ns=', 'IN IP4 192.0.2.9\r\ns=')
      .replace('c=IN IP4 10.0.0.1', 'c=IN IP4 192.0.2.9')
      .replace('c=IN IP4 10.0.0.2', 'c=IN IP4 192.0.2.9')
      .replace('audio 4000', 'audio 40000')
      .replace('rtcp:4001', 'rtcp:40001')
      .replace('video 4002', 'video 40002'),
  );
});

test('the addresses of the SDP are used where they are trusted, and an address given by the script is put into the SDP', async () => {
  const fake = await proxy('192.0.2.9');
  const { body } = await through(
    'kamailio',
    `modparam("rtpproxy", "rtpproxy_sock", "udp:127.0.0.1:${fake.port}")`,
    'rtpproxy_manage("r", "203.0.113.5");',
  );
  assert.deepEqual(
    fake.commands.map((each) => each.split(' ')[2]),
    ['10.0.0.1', '10.0.0.2'],
  );
  assert.equal(body.match(/c=IN IP4 203\.0\.113\.5/g)?.length, 2);
});

test('a prompt is played to one side and stopped, with its tag first, as recorded of Kamailio 5.6.3', async () => {
  for (const dialect of ['opensips', 'kamailio'] as const) {
    const fake = await proxy('192.0.2.9');
    const head = `modparam("rtpproxy", "rtpproxy_sock", "udp:127.0.0.1:${fake.port}")`;
    const number = (text: string): string => (dialect === 'opensips' ? text : `"${text}"`);
    const statements = `rtpproxy_stream2uac("/p/a.wav", ${number('3')}); xlog("$rc\\n");
      rtpproxy_stream2uas("/p/a.wav", ${number('-1')}); xlog("$rc\\n");
      rtpproxy_stop_stream2uac(); xlog("$rc\\n"); rtpproxy_stop_stream2uas(); xlog("$rc\\n");`;
    const first = await through(dialect, head, statements);
    assert.deepEqual(first.lines, ['1', '-1', '1', '-1'], dialect);
    assert.deepEqual(fake.commands, ['P3 a@a.example /p/a.wav session ft;1', 'S a@a.example ft;1'], dialect);
    fake.commands.length = 0;
    const runner = startScript({
      dialect,
      modules: 'rtpproxy',
      head,
      script: `${statements}\n$du = "sip:127.0.0.1:5090"; t_relay();`,
    });
    const within = await relayedInvite(runner, WITH_SDP.replace('<sip:bob@b.example>', '<sip:bob@b.example>;tag=tt'));
    assert.deepEqual(within.lines, ['1', '1', '1', '1'], dialect);
    assert.deepEqual(
      fake.commands,
      [
        'P3 a@a.example /p/a.wav session ft;1 tt;1',
        'P-1 a@a.example /p/a.wav session tt;1 ft;1',
        'S a@a.example ft;1 tt;1',
        'S a@a.example tt;1 ft;1',
      ],
      dialect,
    );
  }
});

test('a prompt with a blank is not played: what follows would be another word of the command', async () => {
  const fake = await proxy('192.0.2.9');
  const { lines } = await through(
    'opensips',
    `modparam("rtpproxy", "rtpproxy_sock", "udp:127.0.0.1:${fake.port}")`,
    'rtpproxy_stream2uac("/p/a b", 1); xlog("$rc\\n"); rtpproxy_stream2uac("", 1); xlog("$rc\\n");',
  );
  assert.deepEqual(lines, ['-1', '-1']);
  assert.deepEqual(fake.commands, []);
});

test('rtpproxy_stats() reads the packets of a call', async () => {
  const fake = await proxy('192.0.2.9');
  const head = `modparam("rtpproxy", "rtpproxy_sock", "udp:127.0.0.1:${fake.port}")`;
  const script = 'rtpproxy_stats($var(a), $var(b), $avp(c), $var(d)); xlog("$rc $var(a) $var(b) $avp(c) $var(d)\\n");';
  assert.deepEqual((await through('opensips', head, script)).lines, ['1 1 2 3 4']);
  assert.deepEqual(fake.commands, ['Q a@a.example ft']);
  fake.packets = 'E8';
  assert.deepEqual((await through('opensips', head, script)).lines, ['-1 <null> <null> <null> <null>']);
});

test('a proxy that does not answer is left out, and the next one of the set is asked', async () => {
  const [down, up] = [await proxy('192.0.2.1'), await proxy('192.0.2.2')];
  down.silent = true;
  const { body, lines } = await through(
    'opensips',
    `modparam("rtpproxy", "rtpproxy_sock", "2 == udp:127.0.0.1:${down.port}=999999 udp:127.0.0.1:${up.port}=1")
     modparam("rtpproxy", "rtpproxy_retr", 0)
     modparam("rtpproxy", "rtpproxy_timeout", "0.05")`,
    'rtpproxy_offer("", , "9"); xlog("$rc\\n"); rtpproxy_offer("", , "2"); xlog("$rc\\n");',
  );
  assert.deepEqual(lines, ['-1', '1']);
  assert.match(body, /c=IN IP4 192\.0\.2\.2/);
});

test('an error of the media proxy leaves the SDP unchanged', async () => {
  const fake = await proxy('192.0.2.9');
  fake.refuses = 'E10';
  const { body, lines } = await through(
    'opensips',
    `modparam("rtpproxy", "rtpproxy_sock", "udp:127.0.0.1:${fake.port}")`,
    'rtpproxy_offer(); xlog("$rc\\n");',
  );
  assert.deepEqual([body, lines], [SDP, ['-1']]);
});

test('a media proxy may have a Unix socket, and one that is gone is left out', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-rtpproxy-'));
  const path = join(folder, 'proxy.sock');
  const commands: string[] = [];
  const server = createServer((socket) => {
    socket.on('data', (data) => {
      commands.push(data.toString('latin1').trim());
      socket.end(`${41_000 + commands.length * 2}\n`);
    });
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  closing.push(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const { body, lines } = await through(
    'opensips',
    `modparam("rtpproxy", "rtpproxy_sock", "unix:${folder}/gone.sock unix:${path}=1") modparam("rtpproxy", "rtpproxy_disable_tout", 60)`,
    'rtpproxy_offer(); xlog("$rc\\n"); rtpproxy_unforce(); xlog("$rc\\n");',
  );
  assert.deepEqual(lines, ['1', '1']);
  assert.deepEqual(commands, [
    'U a@a.example 127.0.0.1 4000 ft;1',
    'U a@a.example 127.0.0.1 4002 ft;2',
    'D a@a.example ft',
  ]);
  assert.match(body, /c=IN IP4 127\.0\.0\.1\r\n/);
  assert.match(body, /m=audio 41002 /);
});

test('an invalid address is reported when the file is read', () => {
  const start = () =>
    startScript({
      dialect: 'opensips',
      modules: 'rtpproxy',
      head: 'modparam("rtpproxy", "rtpproxy_sock", "unix:run/rtpproxy.sock")',
      script: 'exit;',
    });
  assert.throws(start, /is not an address of a media proxy/);
});

test('a Call-ID or tag with blanks is in no command: what follows would name another call', async () => {
  const fake = await proxy('192.0.2.9');
  for (const [from, to] of [
    ['Call-ID: a@a.example', 'Call-ID: other@b.example tag'],
    ['Call-ID: a@a.example', 'Call-ID: a\0b'],
    [';tag=ft', ';tag=f t'],
  ] as const) {
    const runner = startScript({
      dialect: 'opensips',
      modules: 'rtpproxy',
      head: `modparam("rtpproxy", "rtpproxy_sock", "udp:127.0.0.1:${fake.port}")`,
      script: `rtpproxy_offer(); xlog("$rc\\n"); rtpproxy_unforce(); xlog("$rc\\n"); $du = "sip:127.0.0.1:5090"; t_relay();`,
    });
    const { body, lines } = await relayedInvite(runner, WITH_SDP.replace(from, to));
    assert.deepEqual([lines, body], [['-1', '-1'], SDP]);
  }
  assert.deepEqual(fake.commands, []);
});

test('streams are read whatever the lines around them', () => {
  assert.deepEqual(describeMedia('').streams, []);
  assert.deepEqual(describeMedia('m=audio\r\nm=audio x\r\nc=IN IP4\r\nm=audio 0 a').streams, []);
  const media = describeMedia('v=0\nc=IN IP6 ::1\nm=audio 9 RTP/AVP 0');
  assert.deepEqual([media.ipv6, media.streams[0]?.address, media.streams[0]?.port], [true, '::1', 9]);
  assert.equal(
    rewriteMedia(
      'c=IN IP4 1.1.1.1\nm=audio 9 RTP/AVP 0',
      describeMedia('c=IN IP4 1.1.1.1\nm=audio 9 RTP/AVP 0'),
      [{ address: '2.2.2.2', port: 7 }],
      { origin: false, marker: '' },
    ),
    'c=IN IP4 2.2.2.2\nm=audio 7 RTP/AVP 0',
  );
  assert.deepEqual(endpointOf('4000', '10.0.0.9'), { address: '10.0.0.9', port: 4000 });
  for (const each of ['', 'E8', '0', '99999', 'x 1']) assert.equal(endpointOf(each, 'a'), undefined);
});

test('the address in an answer is a whole word that an SDP may contain', () => {
  for (const address of ['192.0.2.9', '2001:db8::9', 'media-1.example'])
    for (const after of ['', ' 6', '\r\n'])
      assert.deepEqual(endpointOf(`4000 ${address}${after}`, 'a'), { address, port: 4000 });
  assert.deepEqual(endpointOf(' 4000 \n', 'a'), { address: 'a', port: 4000 });
  const wrong = [
    '\0',
    '192.0.2.9\0',
    'a=b',
    'a/127',
    '<x>',
    '\xe4.example',
    'x'.repeat(65),
    `192.0.2.9${'\0'.repeat(60_000)}`,
  ];
  for (const each of [...wrong.map((address) => `4000 ${address}`), '4000x', '123456', `4000${' '.repeat(60_000)}\0`])
    assert.equal(endpointOf(each, 'a'), undefined, each.slice(0, 80));
});

test('the default set is used without a name; the SDP may come from a variable, and the result go into one', async () => {
  const fake = await proxy('192.0.2.9');
  const { body, lines } = await through(
    'opensips',
    `modparam("rtpproxy", "rtpproxy_sock", "3 == udp:127.0.0.1:${fake.port}") modparam("rtpproxy", "default_set", 3)`,
    `$var(in) = "v=0\\r\\no=- 1 1 IN IP4 10.0.0.9\\r\\ns=-\\r\\nc=IN IP4 10.0.0.9\\r\\nt=0 0\\r\\nm=audio 4008 RTP/AVP 0\\r\\n";
     rtpproxy_offer("co", , , $var(sock), $var(out), $var(in)); xlog("$rc $(var(out){s.select,-2,\\n})\\n"); rtpproxy_unforce("3", $var(sock)); xlog("$rc\\n"); rtpproxy_unforce("0"); xlog("$rc\\n");`,
  );
  assert.match(lines[0] ?? '', /^1 /);
  assert.deepEqual(lines.slice(1), ['1', '-1']);
  assert.deepEqual(fake.commands, ['U a@a.example 127.0.0.1 4008 ft;1', 'D a@a.example ft']);
  assert.equal(body, SDP);
});

test('an advertised address is put into the SDP, and a media proxy may be reached over TCP', async () => {
  const commands: string[] = [];
  const server = createServer((socket) => {
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      commands.push(text.trimEnd());
      socket.end('41000 192.0.2.9\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close());
  const { port } = server.address() as { port: number };
  const { body } = await through(
    'opensips',
    `modparam("rtpproxy", "rtpproxy_sock", "tcp:127.0.0.1:${port}|203.0.113.9=2")`,
    'rtpproxy_offer();',
  );
  assert.deepEqual(commands, ['U a@a.example 127.0.0.1 4000 ft;1', 'U a@a.example 127.0.0.1 4002 ft;2']);
  assert.match(body, /^c=IN IP4 203\.0\.113\.9\r$/m);
  assert.match(body, /^m=audio 41000 /m);
});

test('rtpproxy_start_recording takes all documented arguments, and copies nothing to a destination', async () => {
  const fake = await proxy('192.0.2.9');
  const { lines } = await through(
    'opensips',
    `modparam("rtpproxy", "rtpproxy_sock", "udp:127.0.0.1:${fake.port}")`,
    `rtpproxy_start_recording(,,"s"); xlog("$rc\\n");
     rtpproxy_start_recording(,,,"udp:127.0.0.1:60000"); xlog("$rc\\n");
     rtpproxy_start_recording(,,,"udp:127.0.0.1:60000", 1); xlog("$rc\\n");`,
  );
  assert.deepEqual(lines, ['1', '-1', '-1']);
  assert.deepEqual(fake.commands, ['R a@a.example ft']);
});
