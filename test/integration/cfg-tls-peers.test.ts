import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { createServer } from 'node:tls';
import { type CertificateFiles, pem, TestAuthority } from '../support/certificates.js';
import { type CfgDaemon, startCfgDaemon } from '../support/cfg-daemon.js';
import { freePort } from '../support/ports.js';
import { headersOf } from '../support/raw-agent.js';
import { findProgram } from '../support/servers/programs.js';
import { StreamPeer } from '../support/stream-peer.js';
import { until } from '../support/until.js';
import { WsPeer } from '../support/ws-peer.js';

const skip = findProgram('openssl') === undefined ? 'openssl is not installed' : false;
const open: (() => unknown)[] = [];
after(async () => {
  for (const close of open.reverse()) await close();
});

const SHOWN = [
  'version',
  'cipher_bits',
  'peer_version',
  'peer_serial',
  'peer_subject',
  'peer_subject_cn',
  'peer_issuer_cn',
  'peer_san_hostname',
  'peer_san_uri',
  'peer_san_ip',
  'peer_san_email',
  'peer_verified',
  'peer_expired',
  'my_subject_cn',
];

const lines = (): string => SHOWN.map((each) => `X-${each.replaceAll('_', '-')}: $tls_${each}\\r\\n`).join('');

const OPENSIPS = `#!OPENSIPS
log_level=2
socket=LISTEN
socket=tls:127.0.0.1:SECURE
socket=wss:127.0.0.1:WEB
loadmodule "proto_udp.so"
loadmodule "proto_tls.so"
loadmodule "proto_wss.so"
loadmodule "tls_mgm.so"
loadmodule "signaling.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "sipmsgops.so"
modparam("tls_mgm", "server_domain", "edge")
modparam("tls_mgm", "certificate", "[edge]CERT")
modparam("tls_mgm", "private_key", "[edge]KEY")
modparam("tls_mgm", "ca_list", "[edge]CA")
DEMAND
route {
	if (is_peer_verified())
		$var(code) = 200;
	else
		$var(code) = 403;
	append_to_reply("${lines()}");
	send_reply($var(code), "Seen");
}
`;

const KAMAILIO = `#!KAMAILIO
listen=LISTEN
listen=tls:127.0.0.1:SECURE
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "tls.so"
modparam("tls", "certificate", "CERT")
modparam("tls", "private_key", "KEY")
modparam("tls", "ca_list", "CA")
modparam("tls", "require_certificate", 1)
request_route {
  append_to_reply("${lines()}X-name: $tls_peer_server_name\\r\\n");
  if (is_peer_verified()) { sl_send_reply("200", "Seen"); } else { sl_send_reply("403", "Seen"); }
}
`;

const OPTIONS = [
  'OPTIONS sip:edge.example SIP/2.0',
  'Via: SIP/2.0/TLS peer.invalid;branch=z9hG4bKtls1',
  'Max-Forwards: 70',
  'From: <sip:a@a.example>;tag=ft',
  'To: <sip:edge.example>',
  'Call-ID: tls',
  'CSeq: 1 OPTIONS',
  'Content-Length: 0',
  '',
  '',
].join('\r\n');

const authority = skip === false ? new TestAuthority() : undefined;
const stranger = skip === false ? new TestAuthority() : undefined;
after(() => {
  authority?.remove();
  stranger?.remove();
});

interface Edge {
  readonly daemon: CfgDaemon;
  readonly secure: number;
  readonly web: number;
}

async function edge(text: string, demand = ''): Promise<Edge> {
  assert.ok(authority !== undefined);
  const own = authority.issue('edge', ['DNS:edge.example', 'IP:127.0.0.1']);
  const [secure, web] = [await freePort(), await freePort()];
  const daemon = await startCfgDaemon({
    text: text
      .replace('SECURE', String(secure))
      .replace('WEB', String(web))
      .replace('DEMAND', demand)
      .replace('[edge]CERT', `[edge]${own.cert}`)
      .replace('"CERT"', `"${own.cert}"`)
      .replace('[edge]KEY', `[edge]${own.key}`)
      .replace('"KEY"', `"${own.key}"`)
      .replace('[edge]CA', `[edge]${authority.ca}`)
      .replace('"CA"', `"${authority.ca}"`),
  });
  open.push(() => daemon.stop());
  return { daemon, secure, web };
}

async function answerTo(port: number, certificate: CertificateFiles | undefined): Promise<string> {
  assert.ok(authority !== undefined);
  const peer = await StreamPeer.connectTls(port, {
    ca: readFileSync(authority.ca),
    servername: 'edge.example',
    ...(certificate === undefined ? {} : pem(certificate)),
  });
  open.push(() => peer.destroy());
  peer.write(OPTIONS);
  const [answer] = await peer.expect(/SIP\/2\.0 [\s\S]*?\r\n\r\n/);
  return answer;
}

const factsIn = (answer: string): Record<string, string | undefined> =>
  Object.fromEntries(SHOWN.map((each) => [each, headersOf(answer, `x-${each.replaceAll('_', '-')}`)[0]]));

const OPTIONAL = 'modparam("tls_mgm", "verify_cert", "[edge]1")\nmodparam("tls_mgm", "require_cert", "[edge]0")';

test('opensips.cfg: the script sees the certificate of a peer, and whether it was verified', { skip }, async () => {
  assert.ok(authority !== undefined && stranger !== undefined);
  const peer = authority.issue('peer', [
    'DNS:peer.example',
    'URI:sip:peer.example',
    'IP:192.0.2.7',
    'email:a@peer.example',
  ]);
  const { secure, web } = await edge(OPENSIPS, OPTIONAL);
  const shown = await answerTo(secure, peer);
  assert.match(shown, /^SIP\/2\.0 200 /);
  const facts = factsIn(shown);
  assert.match(facts['peer_serial'] ?? '', /^\d+$/);
  assert.deepEqual(
    { ...facts, peer_serial: undefined },
    {
      version: 'TLSv1.3',
      cipher_bits: '256',
      peer_version: '3',
      peer_serial: undefined,
      peer_subject: '/CN=peer',
      peer_subject_cn: 'peer',
      peer_issuer_cn: 'switchyard test CA',
      peer_san_hostname: 'peer.example',
      peer_san_uri: 'sip:peer.example',
      peer_san_ip: '192.0.2.7',
      peer_san_email: 'a@peer.example',
      peer_verified: '1',
      peer_expired: '0',
      my_subject_cn: 'edge',
    },
  );
  // A client without a certificate is accepted but not verified; one with an untrusted certificate is rejected.
  const nobody = await answerTo(secure, undefined);
  assert.match(nobody, /^SIP\/2\.0 403 /);
  assert.deepEqual([factsIn(nobody)['peer_subject'], factsIn(nobody)['peer_verified']], ['<null>', '0']);
  const foreign = stranger.issue('foreign', ['DNS:peer.example']);
  await assert.rejects(answerTo(secure, foreign), /closed without/);
  const browser = await WsPeer.connect(`wss://127.0.0.1:${web}`, 'sip', { ...pem(peer), rejectUnauthorized: false });
  open.push(() => browser.socket.terminate());
  browser.write(OPTIONS.replace('/TLS', '/WSS'));
  assert.equal(factsIn((await browser.expect(/SIP[\s\S]*/))[0])['peer_subject_cn'], 'peer');
});

test('opensips.cfg: clients need a certificate by default, and none with verify_cert 0', {
  skip,
}, async () => {
  assert.ok(stranger !== undefined);
  const { secure } = await edge(OPENSIPS);
  await assert.rejects(answerTo(secure, undefined), /closed without/);
  const lenient = await edge(OPENSIPS, 'modparam("tls_mgm", "verify_cert", "[edge]0")');
  const foreign = stranger.issue('foreign', ['DNS:peer.example']);
  assert.deepEqual(factsIn(await answerTo(lenient.secure, foreign))['peer_verified'], '0');
});

test('kamailio.cfg: the script sees the certificate of a peer, and the server name that the peer asked for', {
  skip,
}, async () => {
  assert.ok(authority !== undefined);
  const { secure } = await edge(KAMAILIO);
  const answer = await answerTo(secure, authority.issue('peer', ['DNS:peer.example']));
  assert.match(answer, /^SIP\/2\.0 200 /);
  assert.deepEqual(
    [factsIn(answer)['peer_subject_cn'], factsIn(answer)['peer_verified'], headersOf(answer, 'x-name')],
    ['peer', '1', ['edge.example']],
  );
});

test('TLS domains of OpenSIPS for addresses: each socket has its own certificate and requirement, and each server gets its own certificate', {
  skip,
}, async () => {
  assert.ok(authority !== undefined);
  const ca = authority.ca;
  const shown: (string | undefined)[] = [];
  const server = createServer(
    { ...pem(authority.issue('carrier', ['IP:127.0.0.1'])), ca: readFileSync(ca), requestCert: true },
    (socket) => {
      shown.push(socket.getPeerCertificate().subject?.CN?.toString());
      socket.on('error', () => undefined);
    },
  );
  const listening = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const [peers, open5061, far] = [await freePort(), await freePort(), await freePort()];
  await listening(far);
  open.push(() => server.close());
  const domain = (kind: 'server' | 'client', name: string, at: string, ...more: readonly string[]): string => {
    const { cert, key } = authority.issue(name, ['DNS:edge.example', 'IP:127.0.0.1']);
    const values = { match_ip_address: at, certificate: cert, private_key: key, ca_list: ca };
    return [
      `modparam("tls_mgm", "${kind}_domain", "${name}")`,
      ...Object.entries(values).map(([parameter, value]) => `modparam("tls_mgm", "${parameter}", "[${name}]${value}")`),
      ...more.map((each) => `modparam("tls_mgm", "${each}", "[${name}]0")`),
    ].join('\n');
  };
  const daemon = await startCfgDaemon({
    text: `#!OPENSIPS
log_level=2
socket=LISTEN
socket=tls:127.0.0.1:${peers}
socket=tls:127.0.0.1:${open5061}
loadmodule "proto_udp.so"
loadmodule "proto_tls.so"
loadmodule "tls_mgm.so"
loadmodule "signaling.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "sipmsgops.so"
${domain('server', 'first', '*', 'verify_cert')}
${domain('server', 'strict', `127.0.0.1:${peers}`)}
${domain('client', 'toothers', '*')}
${domain('client', 'tocarrier', `127.0.0.1:${far}`)}
route {
  if ($rU == "out") { $du = "sip:127.0.0.1:${far};transport=tls"; t_relay(); exit; }
  append_to_reply("X-my-subject-cn: $tls_my_subject_cn\\r\\n");
  send_reply(200, "Seen");
}
`,
  });
  open.push(() => daemon.stop());
  const own = async (port: number, certificate?: CertificateFiles): Promise<string | undefined> =>
    headersOf(await answerTo(port, certificate), 'x-my-subject-cn')[0];
  assert.equal(await own(open5061), 'first');
  assert.equal(await own(peers, authority.issue('peer', [])), 'strict');
  // The strict socket rejects clients without a certificate.
  await assert.rejects(() => answerTo(peers, undefined));
  const caller = await StreamPeer.connectTls(open5061, { ca: readFileSync(ca), servername: 'edge.example' });
  open.push(() => caller.destroy());
  caller.write(OPTIONS.replace('sip:edge.example', 'sip:out@edge.example').replace('tls1', 'tls2'));
  await until('the carrier is connected to', () => shown.length > 0);
  assert.deepEqual(shown, ['tocarrier']);
});
