import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { type ConnectionOptions, createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { type CertificateFiles, pem, TestAuthority } from '../support/certificates.js';
import { type CfgDaemon, startCfgDaemon } from '../support/cfg-daemon.js';
import { freePort } from '../support/ports.js';
import { headersOf } from '../support/raw-agent.js';
import { findProgram } from '../support/servers/programs.js';
import { StreamPeer } from '../support/stream-peer.js';

const skip = findProgram('openssl') === undefined ? 'openssl is not installed' : false;
const open: (() => unknown)[] = [];
after(async () => {
  for (const close of open.reverse()) await close();
});

const authority = skip === false ? new TestAuthority() : undefined;
after(() => authority?.remove());

/** Runs a test with a certificate authority; skipped without openssl. */
function withAuthority(title: string, run: (ca: TestAuthority) => Promise<void>): void {
  test(title, { skip }, async () => {
    assert.ok(authority !== undefined);
    await run(authority);
  });
}

type Values = Readonly<Record<string, string | number>>;

/** The parameters of one TLS domain. */
function domain(kind: 'server' | 'client', name: string, values: Values): string {
  const lines = Object.entries(values).map(([key, value]) => `modparam("tls_mgm", "${key}", "[${name}]${value}")`);
  return [`modparam("tls_mgm", "${kind}_domain", "${name}")`, ...lines].join('\n');
}

const ofPair = ({ cert, key }: CertificateFiles): Values => ({ certificate: cert, private_key: key });

async function daemonWith(ports: readonly number[], domains: readonly string[], route: string): Promise<CfgDaemon> {
  const daemon = await startCfgDaemon({
    text: `#!OPENSIPS
log_level=2
socket=LISTEN
${ports.map((port) => `socket=tls:127.0.0.1:${port}`).join('\n')}
loadmodule "proto_udp.so"
loadmodule "proto_tls.so"
loadmodule "tls_mgm.so"
loadmodule "signaling.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "sipmsgops.so"
modparam("tm", "fr_timeout", 2)
${domains.join('\n')}
route {
${route}
}
`,
  });
  open.push(() => daemon.stop());
  return daemon;
}

const SEEN =
  'append_to_reply("X-Own: $tls_my_subject_cn\\r\\nX-Version: $tls_version\\r\\nX-Cipher: $tls_cipher_info\\r\\n"); send_reply(200, "Seen"); exit;';

let branches = 0;
const options = (user = ''): string =>
  [
    `OPTIONS sip:${user}edge.example SIP/2.0`,
    `Via: SIP/2.0/TLS peer.invalid;branch=z9hG4bKd${++branches}`,
    'Max-Forwards: 70',
    'From: <sip:a@a.example>;tag=ft',
    'To: <sip:edge.example>',
    `Call-ID: tls${branches}`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');

/** The reply to an OPTIONS over a connection with these options; throws when the connection is rejected. */
async function answer(port: number, more: ConnectionOptions = {}, user = ''): Promise<string> {
  assert.ok(authority !== undefined);
  const peer = await StreamPeer.connectTls(port, {
    ca: readFileSync(authority.ca),
    servername: 'edge.example',
    checkServerIdentity: () => undefined,
    ...more,
  });
  open.push(() => peer.destroy());
  peer.write(options(user));
  const [text] = await peer.expect(/SIP\/2\.0 [\s\S]*?\r\n\r\n/);
  return text;
}

const refused = (port: number, more: ConnectionOptions = {}) =>
  assert.rejects(answer(port, more), /closed without|handshake|alert|version|cipher|SSL|ECONNRESET/i);

const header = (text: string, name: string): string | undefined => headersOf(text, name)[0];

withAuthority('versions, ciphers and curves of a domain are those its socket agrees to', async (ca) => {
  const own = ofPair(ca.issue('edge', ['DNS:edge.example']));
  const [newest, older, range, ciphers, curve] = await Promise.all([1, 2, 3, 4, 5].map(() => freePort()));
  const at = (port: number | undefined) => ({ match_ip_address: `127.0.0.1:${port}`, verify_cert: 0, ...own });
  assert.ok(newest && older && range && ciphers && curve);
  await daemonWith(
    [newest, older, range, ciphers, curve],
    [
      domain('server', 'newest', { ...at(newest), tls_method: 'TLSv1_3' }),
      domain('server', 'older', { ...at(older), tls_method: 'TLSv1_2' }),
      domain('server', 'range', { ...at(range), tls_method: 'TLSv1_2-TLSv1_3' }),
      domain('server', 'ciphers', {
        ...at(ciphers),
        tls_method: 'TLSv1_2-',
        ciphers_list: 'ECDHE-ECDSA-AES128-GCM-SHA256,!aNULL',
      }),
      domain('server', 'curve', { ...at(curve), ec_curve: 'secp384r1' }),
    ],
    SEEN,
  );
  const version = async (port: number, more: ConnectionOptions = {}) => header(await answer(port, more), 'x-version');
  assert.equal(await version(newest), 'TLSv1.3');
  await refused(newest, { maxVersion: 'TLSv1.2' });
  assert.equal(await version(older), 'TLSv1.2');
  await refused(older, { minVersion: 'TLSv1.3' });
  assert.equal(await version(range), 'TLSv1.3');
  assert.equal(await version(range, { maxVersion: 'TLSv1.2' }), 'TLSv1.2');
  await refused(range, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' });
  const twelve = { maxVersion: 'TLSv1.2' } as const;
  assert.equal(header(await answer(ciphers, twelve), 'x-cipher'), 'ECDHE-ECDSA-AES128-GCM-SHA256');
  await refused(ciphers, { ...twelve, ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' });
  // The cipher list applies to versions before TLS 1.3.
  assert.equal(await version(ciphers), 'TLSv1.3');
  await refused(curve, { ecdhCurve: 'P-256' });
  assert.equal(await version(curve, { ecdhCurve: 'P-256:P-384' }), 'TLSv1.3');
});

withAuthority('TLS 1.0 alone is spoken where a file demands it', async (ca) => {
  const port = await freePort();
  const own = ofPair(ca.issue('old', ['DNS:edge.example']));
  await daemonWith([port], [domain('server', 'old', { ...own, verify_cert: 0, tls_method: 'TLSv1' })], SEEN);
  const old = { minVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
  assert.equal(header(await answer(port, old), 'x-version'), 'TLSv1');
  await refused(port);
});

withAuthority('parameters of Diffie-Hellman make the ciphers that need them usable', async (ca) => {
  const [plain, finite] = [await freePort(), await freePort()];
  const own = { ...ofPair(ca.issue('rsa', ['DNS:edge.example'], 'rsa')), verify_cert: 0 };
  await daemonWith(
    [plain, finite],
    [
      domain('server', 'plain', { ...own, match_ip_address: `127.0.0.1:${plain}` }),
      domain('server', 'finite', { ...own, match_ip_address: `127.0.0.1:${finite}`, dh_params: ca.dhParameters() }),
    ],
    SEEN,
  );
  const dhe = { maxVersion: 'TLSv1.2', ciphers: 'DHE-RSA-AES256-GCM-SHA384' } as const;
  assert.equal(header(await answer(finite, dhe), 'x-cipher'), 'DHE-RSA-AES256-GCM-SHA384');
  await refused(plain, dhe);
});

withAuthority('certificates on a list of the folder are refused; a folder of authorities is trusted', async (ca) => {
  const port = await freePort();
  const [good, bad] = [ca.issue('good', []), ca.issue('bad', [])];
  const stranger = new TestAuthority();
  after(() => stranger.remove());
  const own = ofPair(ca.issue('checked', ['DNS:edge.example']));
  const demands = { ca_dir: ca.hashed(), crl_dir: ca.revoke(bad), crl_check_all: 1 };
  await daemonWith([port], [domain('server', 'checked', { ...own, ...demands })], SEEN);
  assert.match(await answer(port, pem(good)), /^SIP\/2\.0 200 /);
  await refused(port, pem(bad));
  await refused(port, pem(stranger.issue('foreign', [])));
  await refused(port);
});

withAuthority('domains found by their name each have their versions', async (ca) => {
  const port = await freePort();
  const named = (name: string, tls_method: string): string =>
    domain('server', name, {
      ...ofPair(ca.issue(name, [`DNS:${name}.example`])),
      match_ip_address: `127.0.0.1:${port}`,
      match_sip_domain: `${name}.example`,
      verify_cert: 0,
      tls_method,
    });
  await daemonWith([port], [named('newer', 'TLSv1_3'), named('former', 'TLSv1_2')], SEEN);
  const seen = async (servername: string, more: ConnectionOptions = {}) => {
    const text = await answer(port, { servername, ...more });
    return [header(text, 'x-own'), header(text, 'x-version')];
  };
  assert.deepEqual(await seen('newer.example'), ['newer', 'TLSv1.3']);
  assert.deepEqual(await seen('former.example', { maxVersion: 'TLSv1.2' }), ['former', 'TLSv1.2']);
  assert.deepEqual(await seen('former.example'), ['former', 'TLSv1.2']);
  await refused(port, { servername: 'newer.example', maxVersion: 'TLSv1.2' });
  await refused(port, { servername: 'former.example', minVersion: 'TLSv1.3' });
});

withAuthority(
  'domains found by their name each have their ciphers, curves and parameters of Diffie-Hellman',
  async (ca) => {
    const port = await freePort();
    const twelve = { maxVersion: 'TLSv1.2' } as const;
    const named = (name: string, kind: 'ec' | 'rsa', values: Values): string =>
      domain('server', name, {
        ...ofPair(ca.issue(name, [`DNS:${name}.example`], kind)),
        match_ip_address: `127.0.0.1:${port}`,
        match_sip_domain: `${name}.example`,
        verify_cert: 0,
        ...values,
      });
    await daemonWith(
      [port],
      [
        named('plain', 'ec', { ciphers_list: 'ECDHE-ECDSA-AES128-GCM-SHA256' }),
        named('strong', 'ec', { ciphers_list: 'ECDHE-ECDSA-AES256-GCM-SHA384', ec_curve: 'secp384r1' }),
        named('finite', 'rsa', { dh_params: ca.dhParameters() }),
      ],
      SEEN,
    );
    const seen = async (servername: string, more: ConnectionOptions = {}) => {
      const text = await answer(port, { servername, ...twelve, ...more });
      return [header(text, 'x-own'), header(text, 'x-cipher')];
    };
    // The client would accept both.
    assert.deepEqual(await seen('plain.example'), ['plain', 'ECDHE-ECDSA-AES128-GCM-SHA256']);
    assert.deepEqual(await seen('strong.example'), ['strong', 'ECDHE-ECDSA-AES256-GCM-SHA384']);
    await refused(port, { servername: 'strong.example', ecdhCurve: 'P-256' });
    await refused(port, { servername: 'strong.example', ...twelve, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' });
    const dhe = { ciphers: 'DHE-RSA-AES256-GCM-SHA384' };
    assert.deepEqual(await seen('finite.example', dhe), ['finite', 'DHE-RSA-AES256-GCM-SHA384']);
    await refused(port, { servername: 'plain.example', ...twelve, ...dhe });
  },
);

/** A TLS server that answers every request with 200 and records the presented certificates. */
async function server(own: CertificateFiles, more: TlsOptions = {}) {
  const shown: { readonly name: string | undefined; readonly asked: unknown; readonly version: string | null }[] = [];
  const listener = createServer(
    { ...pem(own), requestCert: true, rejectUnauthorized: false, ...more },
    (socket: TLSSocket) => {
      const { servername } = socket as TLSSocket & { servername?: unknown };
      const name = socket.getPeerCertificate().subject?.CN?.toString();
      shown.push({ name, asked: servername, version: socket.getProtocol() });
      socket.on('error', () => undefined);
      socket.on('data', (data: Buffer) => {
        const text = data.toString('latin1');
        const copied = text.split('\r\n').filter((line) => /^(?:via|from|to|call-id|cseq):/i.test(line));
        socket.write(`SIP/2.0 200 OK\r\n${copied.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`);
      });
    },
  );
  const port = await freePort();
  await new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve));
  open.push(() => listener.close());
  return { port, shown };
}

withAuthority('AVPs choose the TLS domain of a connection, or the name that is asked for', async (ca) => {
  const port = await freePort();
  const edge = ofPair(ca.issue('aedge', ['DNS:edge.example']));
  const shownBy = (name: string) => ({ ...ofPair(ca.issue(name, [])), ca_list: ca.ca });
  const [first, second, third, fourth] = await Promise.all(
    ['127.0.0.1', '127.0.0.1', '127.0.0.1', '127.0.0.1'].map((address, i) =>
      server(ca.issue(`far${i}`, [`IP:${address}`, 'DNS:carrier.example'])),
    ),
  );
  assert.ok(first && second && third && fourth);
  await daemonWith(
    [port],
    [
      'modparam("tls_mgm", "client_tls_domain_avp", "tls_match_dom")',
      'modparam("tls_mgm", "client_sip_domain_avp", "sip_match_dom")',
      domain('server', 'default', { ...edge, verify_cert: 0 }),
      domain('client', 'any', shownBy('any')),
      domain('client', 'chosen', { ...shownBy('chosen'), tls_method: 'TLSv1_2' }),
      domain('client', 'carrier', { ...shownBy('carrier'), match_sip_domain: 'carrier.example' }),
    ],
    `
  if ($rU == "first") { $du = "sip:127.0.0.1:${first.port};transport=tls"; }
  if ($rU == "second") { $du = "sip:127.0.0.1:${second.port};transport=tls"; $avp(tls_match_dom) = "chosen"; }
  if ($rU == "third") { $du = "sip:127.0.0.1:${third.port};transport=tls"; $avp(sip_match_dom) = "carrier.example"; }
  if ($rU == "fourth") { $du = "sip:127.0.0.1:${fourth.port};transport=tls"; $avp(tls_match_dom) = "nowhere"; }
  t_relay();
  exit;`,
  );
  const code = async (user: string): Promise<string> => (await answer(port, {}, `${user}@`)).slice(8, 11);
  assert.deepEqual([await code('first'), await code('second'), await code('third')], ['200', '200', '200']);
  assert.deepEqual(first.shown, [{ name: 'any', asked: false, version: 'TLSv1.3' }]);
  assert.deepEqual(second.shown, [{ name: 'chosen', asked: false, version: 'TLSv1.2' }]);
  assert.deepEqual(third.shown, [{ name: 'carrier', asked: 'carrier.example', version: 'TLSv1.3' }]);
  // An unknown domain: nothing is sent.
  assert.match(await code('fourth'), /^[45]/);
  assert.deepEqual(fourth.shown, []);
});

withAuthority(
  'servers of a client domain have to speak the versions it demands, and must not be revoked',
  async (ca) => {
    const other = new TestAuthority();
    after(() => other.remove());
    const port = await freePort();
    const revoked = other.issue('revoked', ['IP:127.0.0.1']);
    const [old, bad] = [
      await server(ca.issue('slow', ['IP:127.0.0.1']), { maxVersion: 'TLSv1.2' }),
      await server(revoked),
    ];
    const shown = { ...ofPair(ca.issue('client', [])), ca_list: ca.ca };
    await daemonWith(
      [port],
      [
        domain('server', 'default', { ...ofPair(ca.issue('bedge', ['DNS:edge.example'])), verify_cert: 0 }),
        domain('client', 'newest', { ...shown, match_ip_address: `127.0.0.1:${old.port}`, tls_method: 'TLSv1_3' }),
        domain('client', 'looked', {
          ...shown,
          ca_list: other.ca,
          match_ip_address: `127.0.0.1:${bad.port}`,
          crl_dir: other.revoke(revoked),
        }),
      ],
      `$du = "sip:127.0.0.1:" + $rU + ";transport=tls"; t_relay(); exit;`,
    );
    assert.match(await answer(port, {}, `${old.port}@`), /^SIP\/2\.0 [45]/);
    assert.match(await answer(port, {}, `${bad.port}@`), /^SIP\/2\.0 [45]/);
    assert.deepEqual(old.shown, []);
  },
);
