import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { sign, verify, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { chainOf, isTrusted, keyOf } from '../../../src/modules/stir-shaken/certificates.js';
import { readIdentity, signedIdentity } from '../../../src/modules/stir-shaken/passport.js';
import { TestAuthority } from '../../support/certificates.js';
import { FakeClock } from '../../support/fake-clock.js';
import { INVITE, type ScriptRunner, startScript } from '../../support/script-run.js';
import { findProgram } from '../../support/servers/programs.js';
import { until } from '../../support/until.js';

const skip = findProgram('openssl') === undefined ? 'openssl is not installed' : false;
const authority = skip === false ? new TestAuthority() : undefined;
const stranger = skip === false ? new TestAuthority() : undefined;
after(() => {
  authority?.remove();
  stranger?.remove();
});

const X5U = 'https://certs.example/a.pem';

/** An INVITE from one number to another. */
const call = (...lines: readonly string[]): string =>
  INVITE.replace('<sip:alice@a.example>', '<sip:+4930100@a.example>')
    .replace('<sip:bob@b.example>', '<sip:+4940200@b.example;user=phone>')
    .replace('Content-Length: 0', [...lines, 'Content-Length: 0'].join('\r\n'));

/**
 * Runs a script in which OWN_CERT, OWN_KEY and OWN_URL are replaced by the data of a certificate; the clock is at the
 * time of this machine.
 */
function served(
  script: string,
  more = '',
  issuer = authority,
  shift = 0,
): ScriptRunner & { readonly clock: FakeClock } {
  assert.ok(issuer !== undefined && authority !== undefined);
  const { cert, key } = issuer.issue(`shaken${Math.round(performance.now() * 1000)}`, []);
  const clock = new FakeClock(Date.now() + shift);
  const runner = startScript({
    dialect: 'opensips',
    modules: 'stir_shaken',
    head: `modparam("stir_shaken", "ca_list", "${authority.ca}")\n${more}`,
    clock,
    script: script
      .replaceAll('OWN_CERT', `"${readFileSync(cert, 'latin1')}"`)
      .replaceAll('OWN_KEY', `"${readFileSync(key, 'latin1')}"`)
      .replaceAll('OWN_URL', `"${X5U}"`),
  });
  return { ...runner, clock };
}

const AUTH =
  'stir_shaken_auth("A", "id-1", OWN_CERT, OWN_KEY, OWN_URL); xlog("$rc\\n"); $du = "sip:127.0.0.1:5080"; t_relay();';
const VERIFY = `$var(c) = 0; stir_shaken_verify($var(cert), $var(c), $var(r)); xlog("$rc $var(c) $var(r)\\n"); exit;`;

const headerIn = (text: string, name: string): string => new RegExp(`^${name}: (.*)\\r$`, 'm').exec(text)?.[1] ?? '';

/** A signed INVITE, and the certificate that signed it. */
async function signed(issuer = authority, message = call()): Promise<{ identity: string; date: string; cert: string }> {
  assert.ok(issuer !== undefined && authority !== undefined);
  const { cert, key } = issuer.issue(`by${Math.round(performance.now() * 1000)}`, []);
  const text = readFileSync(cert, 'latin1');
  const runner = startScript({
    dialect: 'opensips',
    modules: 'stir_shaken',
    script: AUTH.replace('OWN_CERT', `"${text}"`)
      .replace('OWN_KEY', `"${readFileSync(key, 'latin1')}"`)
      .replace('OWN_URL', `"${X5U}"`),
  });
  try {
    runner.receive(message);
    const sent = runner.sent.find((each) => each.text.startsWith('INVITE'))?.text ?? '';
    assert.deepEqual(runner.lines, ['1']);
    return { identity: headerIn(sent, 'Identity'), date: headerIn(sent, 'Date'), cert: text };
  } finally {
    await runner.stop();
  }
}

describe('stir_shaken', { skip }, () => {
  test('stir_shaken_auth() adds Date and an Identity in the form of RFC 8588, signed by ES256', async () => {
    const { identity, date, cert } = await signed();
    const [, header = '', payload = '', signature = '', rest = ''] =
      /^([\w-]+)\.([\w-]+)\.([\w-]+)(;.*)$/.exec(identity) ?? [];
    assert.equal(rest, `;info=<${X5U}>;alg=ES256;ppt=shaken`);
    const text = (part: string): string => Buffer.from(part, 'base64url').toString();
    assert.equal(text(header), `{"alg":"ES256","ppt":"shaken","typ":"passport","x5u":"${X5U}"}`);
    const iat = Date.parse(date) / 1000;
    assert.equal(
      text(payload),
      `{"attest":"A","dest":{"tn":["4940200"]},"iat":${iat},"orig":{"tn":"4930100"},"origid":"id-1"}`,
    );
    const key = new X509Certificate(cert).publicKey;
    const bytes = Buffer.from(signature, 'base64url');
    assert.equal(bytes.length, 64);
    assert.ok(verify('sha256', Buffer.from(`${header}.${payload}`), { key, dsaEncoding: 'ieee-p1363' }, bytes));
  });

  test('the value of Identity goes to a variable where one is given', async () => {
    const runner = served(
      'stir_shaken_auth("A", "id-1", OWN_CERT, OWN_KEY, OWN_URL, , , $var(out)); xlog("$rc $var(out)\\n"); $du = "sip:127.0.0.1:5080"; t_relay();',
    );
    try {
      runner.receive(call());
      await until('the request', () => runner.sent.some(({ port }) => port === 5080));
      const text = runner.sent.find(({ port }) => port === 5080)?.text ?? '';
      assert.match(
        runner.lines[0] ?? '',
        /^1 [\w-]+\.[\w-]+\.[\w-]+;info=<https:\/\/certs\.example\/a\.pem>;alg=ES256;ppt=shaken$/,
      );
      assert.equal(headerIn(text, 'Identity'), '');
      assert.notEqual(headerIn(text, 'Date'), '');
    } finally {
      await runner.stop();
    }
  });

  test('stir_shaken_auth() says why it signs nothing', async () => {
    for (const [message, result, more] of [
      [call('Identity: x'), -2, ''],
      [INVITE, -3, ''],
      [call(`Date: ${new Date(Date.now() - 120_000).toUTCString()}`), -4, ''],
      [call('Date: nonsense'), -4, ''],
      [call(), -3, 'modparam("stir_shaken", "e164_strict_mode", 1)'],
      [call(), -3, 'modparam("stir_shaken", "e164_max_length", 5)'],
    ] as const) {
      const runner = served(AUTH, more);
      runner.receive(message);
      assert.deepEqual(runner.lines, [String(result)], message);
      assert.equal(
        headerIn(runner.sent.find(({ text }) => text.startsWith('INVITE'))?.text ?? '', 'Identity').length > 1,
        false,
      );
      await runner.stop();
    }
    const late = served(AUTH, '', authority, 30 * 86_400_000);
    late.receive(call());
    assert.deepEqual(late.lines, ['-5']);
    await late.stop();
    const wrong = served(AUTH.replace('OWN_KEY', '"no key"'));
    wrong.receive(call());
    assert.deepEqual(wrong.lines, ['-1']);
    await wrong.stop();
  });

  test('stir_shaken_verify() accepts only what a trusted certificate signed about this call', async () => {
    // Valid from before the call is signed, however long that takes.
    const other = (await signed()).cert;
    const good = await signed();
    const lines = [`Date: ${good.date}`, `Identity: ${good.identity}`];
    const foreign = await signed(stranger);
    const broken = good.identity.replace(/\.[\w-]{4}/, '.AAAA');
    for (const [message, cert, line] of [
      [call(...lines), good.cert, '1 0 <null>'],
      [call(), good.cert, '-2 428 Use Identity Header'],
      [call(`Identity: ${good.identity}`), good.cert, '-2 403 Stale Date'],
      [call(...lines).replace('sip:+4930100@', 'sip:bob@'), good.cert, '-3 438 Invalid Identity Header'],
      [call(`Date: ${good.date}`, `Identity: ${broken}`), good.cert, '-4 438 Invalid Identity Header'],
      [call(`Date: ${good.date}`, 'Identity: a.b.c;ppt=other'), good.cert, '-5 437 Unsupported Credential'],
      [
        call(`Date: ${new Date(Date.now() - 600_000).toUTCString()}`, `Identity: ${good.identity}`),
        good.cert,
        '-6 403 Stale Date',
      ],
      [call(`Date: ${good.date.replace(' GMT', '')}`, `Identity: ${good.identity}`), good.cert, '-6 403 Stale Date'],
      [call(...lines), 'no certificate', '-8 437 Unsupported Credential'],
      [call(`Date: ${foreign.date}`, `Identity: ${foreign.identity}`), foreign.cert, '-8 437 Unsupported Credential'],
      [call(...lines), other, '-9 438 Invalid Identity Header'],
      // The callee differs from the signed one.
      [call(...lines).replace('sip:+4940200@', 'sip:+4940201@'), good.cert, '-9 438 Invalid Identity Header'],
    ] as const) {
      const runner = served(`$var(r) = NULL; $var(cert) = "${cert}"; ${VERIFY}`);
      runner.receive(message);
      assert.deepEqual(runner.lines, [line]);
      await runner.stop();
    }
  });

  test('the script may give the numbers, and Date may be missing', async () => {
    const { identity, cert } = await signed();
    const runner = served(
      `$var(r) = NULL; $var(c) = 0; stir_shaken_verify("${cert}", $var(c), $var(r), "4930100", "+49 40200"); xlog("$rc\\n");
       stir_shaken_verify("${cert}", $var(c), $var(r), "4930100", "4940200"); xlog("$rc\\n"); exit;`,
      'modparam("stir_shaken", "require_date_hdr", 0)',
    );
    runner.receive(INVITE.replace('Content-Length: 0', `Identity: ${identity}\r\nContent-Length: 0`));
    assert.deepEqual(runner.lines, ['-3', '1']);
    await runner.stop();
  });

  test('stir_shaken_check() looks at the form, $identity() shows the parts, stir_shaken_check_cert() the validity', async () => {
    const { identity, cert } = await signed();
    const script = `stir_shaken_check(); xlog("$rc $identity(attest) $identity(orig) $identity(dest) $identity(origid) $identity(x5u)\\n");
      stir_shaken_check_cert("${cert}"); xlog("$rc\\n"); stir_shaken_check_cert("none"); xlog("$rc\\n"); exit;`;
    const runner = served(script);
    runner.receive(call(`Identity: ${identity}`));
    assert.deepEqual(runner.lines, [`1 A 4930100 4940200 id-1 ${X5U}`, '1', '-1']);
    runner.receive(call('Identity: x.y.z').replace('z9hG4bK1', 'z9hG4bK2'));
    assert.equal(runner.lines[3], '-3 <null> <null> <null> <null> <null>');
    await runner.stop();
    const late = served(script, '', authority, 30 * 86_400_000);
    late.receive(call());
    assert.deepEqual(late.lines.slice(0, 2), ['-2 <null> <null> <null> <null> <null>', '-2']);
    await late.stop();
  });

  test('a list of authorities that cannot be read, and lists of revocations, are refused at load', () => {
    for (const [head, message] of [
      ['modparam("stir_shaken", "ca_list", "/no/such.pem")', /such\.pem cannot be read/],
      ['modparam("stir_shaken", "crl_list", "/x")', /crl_list is not supported/],
    ] as const)
      assert.throws(() => startScript({ dialect: 'opensips', modules: 'stir_shaken', head, script: 'exit;' }), message);
  });

  test('an Identity that is not of SHAKEN is refused in time in proportion to its length', () => {
    assert.ok(authority !== undefined);
    const { key } = authority.issue('form', []);
    const pem = readFileSync(key, 'latin1');
    const claims = { attest: 'A', dest: '1', orig: '2', iat: 1, origid: 'o' } as const;
    const whole = signedIdentity(claims, X5U, keyOf(pem) ?? assert.fail());
    assert.equal(typeof readIdentity(whole), 'object');
    const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const header = { alg: 'ES256', ppt: 'shaken', typ: 'passport', x5u: X5U };
    const body = { attest: 'A', dest: { tn: ['1'] }, iat: 1, orig: { tn: '2' }, origid: 'o' };
    const made = (first: unknown, second: unknown, info = `;info=<${X5U}>`): unknown => {
      const text = `${encoded(first)}.${encoded(second)}`;
      return readIdentity(`${text}.${sign('sha256', Buffer.from(text), pem).toString('base64url')}${info}`);
    };
    assert.equal(typeof made(header, body), 'object');
    for (const [first, second, info] of [
      [{ ...header, typ: 'jwt' }, body, undefined],
      [header, { ...body, attest: 'D' }, undefined],
      [header, { ...body, dest: { tn: '1' } }, undefined],
      [header, { ...body, iat: '1' }, undefined],
      [header, [], undefined],
      [header, body, ''],
      [header, body, ';info=<https://elsewhere>'],
    ] as const)
      assert.equal(made(first, second, info), 'invalid');
    assert.equal(made({ ...header, ppt: 'div' }, body), 'unsupported');
    for (const each of ['', '..', 'a', ';;;', `${'a'.repeat(9000)}.b.c`]) assert.equal(readIdentity(each), 'invalid');
  });

  test('a URL may have a semicolon; parts with a line break, which scripts put into header lines, are refused', () => {
    assert.ok(authority !== undefined);
    const { key } = authority.issue('breaks', []);
    const own = keyOf(readFileSync(key, 'latin1')) ?? assert.fail();
    const claims = { attest: 'A', dest: '1', orig: '2', iat: 1, origid: 'o' } as const;
    const url = 'https://certs.example/a;v=1.pem';
    const read = readIdentity(signedIdentity(claims, url, own));
    assert.equal(typeof read === 'string' ? read : read.x5u, url);
    for (const each of [{ orig: '2\r\nX: 1' }, { dest: '1\n' }, { origid: 'o\r' }])
      assert.equal(readIdentity(signedIdentity({ ...claims, ...each }, X5U, own)), 'invalid');
  });

  test('of several Identity fields the first of SHAKEN counts (RFC 8224 section 4)', async () => {
    const { identity } = await signed();
    const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const other = `${encoded({ alg: 'ES256', ppt: 'div', typ: 'passport', x5u: X5U })}.${encoded({ iat: 1 })}.AA;info=<${X5U}>;ppt=div`;
    const runner = served('stir_shaken_check(); xlog("$rc $identity(orig)\\n"); exit;');
    runner.receive(call(`Identity: ${other}`, `Identity: ${identity}`));
    runner.receive(call(`Identity: ${other}`).replace('z9hG4bK1', 'z9hG4bK2'));
    assert.deepEqual(runner.lines, ['1 4930100', '-4 <null>']);
    await runner.stop();
  });

  test('a certificate in the list that is not an authority is trusted itself, but not those it has signed', () => {
    assert.ok(authority !== undefined);
    const { cert, key } = authority.issue('listed', []);
    const other = authority.issue('other', []);
    const issued = join(authority.folder, 'issued.pem');
    const request = ['x509', '-req', '-in', other.cert.replace(/pem$/, 'csr'), '-out', issued, '-days', '2'];
    execFileSync('openssl', [...request, '-CA', cert, '-CAkey', key, '-set_serial', '7'], { stdio: 'pipe' });
    const chain = (file: string) => chainOf(readFileSync(file, 'latin1'));
    const now = Date.now() + 5000;
    assert.equal(isTrusted(chain(cert), chain(cert), now), true);
    assert.equal(isTrusted(chain(other.cert), chain(authority.ca), now), true);
    assert.equal(isTrusted(chain(issued), chain(cert), now), false);
    assert.equal(isTrusted([...chain(issued), ...chain(cert)], chain(authority.ca), now), false);
  });

  test('a text longer than any certificate is not cached', () => {
    const long = `${'x'.repeat(70_000)}-----BEGIN CERTIFICATE-----`;
    assert.equal(chainOf(long), chainOf(`${long}y`));
  });
});
