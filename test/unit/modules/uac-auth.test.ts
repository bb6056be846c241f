import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { answerChallenge, readChallenge } from '../../../src/modules/digest.js';
import { answerTo, INVITE, linesOf, type ScriptRunner, startScript } from '../../support/script-run.js';
import { until } from '../../support/until.js';

const RFC7616 = {
  nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
  cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
  request: { method: 'GET', uri: '/dir/index.html', body: '' },
  credentials: { user: 'Mufasa', password: 'Circle of Life' },
};

function responseOf(algorithm: string, more = ''): string {
  const challenge = readChallenge(
    `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="${RFC7616.nonce}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"${more}`,
  );
  assert.ok(challenge !== undefined);
  const answer = answerChallenge(challenge, RFC7616.request, RFC7616.credentials, RFC7616.cnonce) ?? '';
  return /response="([0-9a-f]+)"/.exec(answer)?.[1] ?? answer;
}

test('the examples of RFC 7616 section 3.9.1 give the responses that stand there', () => {
  assert.equal(responseOf('MD5'), '8ca523f5e9506fed4657c9700eebdbec');
  assert.equal(responseOf('SHA-256'), '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1');
});

test('a challenge with an unknown algorithm or qop is not answered; "-sess" and auth-int are computed as in RFC 7616', () => {
  assert.equal(responseOf('SHA-1'), '');
  const sess = readChallenge('digest realm="r",nonce="n",algorithm=MD5-sess,qop="auth-int"');
  assert.ok(sess !== undefined);
  const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
  const first = md5(`${md5('u:r:p')}:n:c`);
  const second = md5(`INVITE:sip:a@b:${md5('body')}`);
  const answer = answerChallenge(
    sess,
    { method: 'INVITE', uri: 'sip:a@b', body: 'body' },
    { user: 'u', password: 'p' },
    'c',
  );
  assert.ok(answer?.includes(`response="${md5(`${first}:n:00000001:c:auth-int:${second}`)}"`), answer);
  const old = readChallenge('Digest nonce="n", realm="r"');
  assert.ok(old !== undefined);
  const plain = answerChallenge(
    old,
    { method: 'INVITE', uri: 'sip:a@b', body: '' },
    { user: 'u', password: md5('u:r:p'), hashed: true },
    'c',
  );
  assert.ok(plain?.includes(`response="${md5(`${md5('u:r:p')}:n:${md5('INVITE:sip:a@b')}`)}"`), plain);
  for (const bad of ['', 'Basic realm="r"', 'Digest realm="r"', 'digestrealm="r", nonce="n"'])
    assert.equal(readChallenge(bad), undefined);
});

test('kamailio: credentials always name the algorithm, and the response follows the parameters of the challenge', () => {
  const challenge = readChallenge('Digest realm="r", nonce="abc", opaque="o1", qop="auth"');
  assert.ok(challenge !== undefined);
  const request = { method: 'INVITE', uri: 'sip:4930@home.example', body: '' };
  const line = answerChallenge(challenge, request, { user: 'pbx', password: 'secret' }, '7167810', 'kamailio');
  // Recorded from Kamailio 5.6.3.
  assert.equal(
    line,
    'Digest username="pbx", realm="r", nonce="abc", uri="sip:4930@home.example", opaque="o1", qop=auth, nc=00000001, cnonce="7167810", response="5cd94c07c42d01a716d915ac16b667cb", algorithm=MD5',
  );
});

const invites = ({ sent }: ScriptRunner): string[] =>
  sent.filter(({ text }) => text.startsWith('INVITE')).map(({ text }) => text);

/** Challenges every INVITE of a script up to `times` times; returns the INVITEs it sent. */
async function challenged(
  dialect: 'opensips' | 'kamailio',
  modules: string,
  head: string,
  script: string,
  times: number,
  challenge: string,
): Promise<{ invites: string[]; lines: string[] }> {
  const runner = startScript({ dialect, modules, head, script });
  try {
    runner.receive(INVITE);
    for (let i = 1; i <= times; i++) {
      await until(`INVITE ${i}`, () => invites(runner).length >= i);
      const invite = invites(runner)[i - 1] ?? '';
      runner.receive(
        answerTo(invite, '407 Proxy Authentication Required', { tag: `g${i}`, headers: [challenge] }),
        5090,
      );
    }
    await until('the end', () => invites(runner).length > times || runner.lines.length > 0);
    return { invites: invites(runner), lines: runner.lines };
  } finally {
    await runner.stop();
  }
}

const CHALLENGE = 'Proxy-Authenticate: Digest realm="gw.example", nonce="abc", algorithm=MD5, qop="auth"';

test('a gateway that asks for credentials gets them with the next INVITE, which has no older credentials', async () => {
  const { invites: sent } = await challenged(
    'opensips',
    'uac uac_auth',
    'modparam("uac_auth", "credential", "bob:gw.example:secret")',
    `route { $du = "sip:127.0.0.1:5090"; t_on_failure("f"); t_relay(); }
     failure_route[f] { if (t_check_status("401|407") && uac_auth()) { $du = "sip:127.0.0.1:5090"; t_on_failure("f"); t_relay(); } }`,
    2,
    CHALLENGE,
  );
  assert.equal(sent.length, 3);
  assert.doesNotMatch(sent[0] ?? '', /Proxy-Authorization/);
  for (const text of sent.slice(1)) {
    assert.equal(
      text.match(
        /^Proxy-Authorization: Digest username="bob", realm="gw\.example", nonce="abc", uri="sip:bob@sw\.example", response="[0-9a-f]{32}"/gm,
      )?.length,
      1,
      text,
    );
  }
});

test('credentials of variables are used for their realm; without any the function fails', async () => {
  const head =
    'modparam("uac", "auth_username_avp", "$avp(u)") modparam("uac", "auth_password_avp", "$avp(p)") modparam("uac", "auth_realm_avp", "$avp(r)")';
  const script = (realm: string): string => `request_route { $du = "sip:127.0.0.1:5090"; t_on_failure("f"); t_relay(); }
     failure_route[f] { $avp(u) = "carol"; $avp(p) = "x"; $avp(r) = "${realm}"; if (uac_auth()) t_relay(); else xlog("no $rc\\n"); }`;
  const found = await challenged(
    'kamailio',
    'uac',
    head.replaceAll(' modparam', '\nmodparam'),
    script('gw.example'),
    1,
    CHALLENGE,
  );
  assert.match(found.invites[1] ?? '', /^Proxy-Authorization: Digest username="carol"/m);
  const none = await challenged(
    'kamailio',
    'uac',
    head.replaceAll(' modparam', '\nmodparam'),
    script('other.example'),
    1,
    CHALLENGE,
  );
  assert.deepEqual([none.invites.length, none.lines], [1, ['no -1']]);
});

test('a password of OpenSIPS that is 0x and 32 digits is the HA1', async () => {
  const ha1 = createHash('md5').update('bob:gw.example:secret').digest('hex');
  const { invites: sent } = await challenged(
    'opensips',
    'uac uac_auth',
    `modparam("uac_auth", "credential", "bob:gw.example:0x${ha1}")`,
    `route { $du = "sip:127.0.0.1:5090"; t_on_failure("f"); t_relay(); }
     failure_route[f] { if (uac_auth()) { $du = "sip:127.0.0.1:5090"; t_relay(); } }`,
    1,
    'Proxy-Authenticate: Digest realm="gw.example", nonce="abc"',
  );
  const uri = /uri="([^"]*)"/.exec(sent[1] ?? '')?.[1] ?? '';
  const second = createHash('md5').update(`INVITE:${uri}`).digest('hex');
  const response = createHash('md5').update(`${ha1}:abc:${second}`).digest('hex');
  assert.match(sent[1] ?? '', new RegExp(`response="${response}"`));
});

test('uac_inc_cseq() raises the number of the request and of the later ones of its dialog; replies have the old one', async () => {
  const runner = startScript({
    dialect: 'opensips',
    modules: 'dialog uac uac_auth',
    script: `route {
      if (has_totag()) { loose_route(); t_relay(); exit; }
      record_route(); create_dialog(); uac_inc_cseq(3); xlog("$rc\\n"); $du = "sip:127.0.0.1:7001"; t_relay(); }`,
  });
  const last = (start: string) => runner.sent.findLast(({ text }) => text.startsWith(start))?.text ?? '';
  try {
    runner.receive(INVITE);
    const invite = last('INVITE');
    assert.match(invite, /^CSeq: 4 INVITE\r$/m);
    runner.receive(answerTo(invite, '200 OK', { tag: 'gw', headers: ['Contact: <sip:bob@127.0.0.1:7001>'] }), 7001);
    assert.match(last('SIP/2.0 200'), /^CSeq: 1 INVITE\r$/m);
    const route = /^Record-Route: (.*)\r$/m.exec(invite)?.[1] ?? '';
    const within = (method: string, number: number): string =>
      INVITE.replace(/^INVITE \S+/, `${method} sip:bob@127.0.0.1:7001`)
        .replace('z9hG4bK1', `z9hG4bK${method}`)
        .replace('1 INVITE', `${number} ${method}`)
        .replace('To: <sip:bob@b.example>', 'To: <sip:bob@b.example>;tag=gw')
        .replace('Max-Forwards', `Route: ${route}\r\nMax-Forwards`);
    runner.receive(within('ACK', 1));
    assert.match(last('ACK'), /^CSeq: 4 ACK\r$/m);
    runner.receive(within('BYE', 2));
    assert.match(last('BYE'), /^CSeq: 5 BYE\r$/m);
    assert.deepEqual(runner.lines, ['1']);
  } finally {
    await runner.stop();
  }
});

test('uac_inc_cseq() in a branch route raises all branches to one number, and leaves ACK and CANCEL alone', async () => {
  const runner = startScript({
    dialect: 'opensips',
    modules: 'dialog uac uac_auth',
    script: `route {
      if (is_method("ACK|CANCEL")) { uac_inc_cseq(1); xlog("$rm $rc\\n"); }
      if (is_method("CANCEL")) { t_relay(); exit; }
      if (has_totag()) { loose_route(); t_relay(); exit; }
      record_route(); create_dialog(); t_on_branch("b"); $ru = "sip:bob@127.0.0.1:7001"; append_branch("sip:bob@127.0.0.1:7002"); t_relay(); }
      branch_route[b] { uac_inc_cseq(2); xlog("$rc\\n"); }`,
  });
  const all = (start: string) => runner.sent.map(({ text }) => text).filter((text) => text.startsWith(start));
  const numbers = (method: string) => all(method).map((text) => /^CSeq: (\d+)/m.exec(text)?.[1]);
  try {
    runner.receive(INVITE);
    assert.deepEqual(numbers('INVITE'), ['3', '3']);
    const [invite = ''] = all('INVITE');
    runner.receive(answerTo(invite, '200 OK', { tag: 'gw', headers: ['Contact: <sip:bob@127.0.0.1:7001>'] }), 7001);
    assert.match(all('SIP/2.0 200').at(-1) ?? '', /^CSeq: 1 INVITE\r$/m);
    const route = /^Record-Route: (.*)\r$/m.exec(invite)?.[1] ?? '';
    const ack = INVITE.replace(/^INVITE \S+/, 'ACK sip:bob@127.0.0.1:7001')
      .replace('z9hG4bK1', 'z9hG4bKack')
      .replace('1 INVITE', '1 ACK')
      .replace('To: <sip:bob@b.example>', 'To: <sip:bob@b.example>;tag=gw')
      .replace('Max-Forwards', `Route: ${route}\r\nMax-Forwards`);
    runner.receive(ack);
    assert.deepEqual(numbers('ACK sip:bob@127.0.0.1:7001'), ['3']);
    runner.receive(INVITE.replace('INVITE sip', 'CANCEL sip').replace('1 INVITE', '1 CANCEL'));
    assert.deepEqual(runner.lines, ['1', '1', 'ACK -1', 'CANCEL -1']);
  } finally {
    await runner.stop();
  }
});

test('uac_inc_cseq() fails without a dialog, and for numbers below 1', async () => {
  const script = (call: string) => `${call} xlog("$rc\\n"); xlog("end\\n"); exit;`;
  assert.deepEqual(
    await linesOf({ dialect: 'opensips', modules: 'uac uac_auth', script: script('uac_inc_cseq(1);') }),
    ['-1'],
  );
  const modules = 'dialog uac uac_auth';
  assert.deepEqual(
    await linesOf({ dialect: 'opensips', modules, script: script('create_dialog(); uac_inc_cseq(0);') }),
    ['-1'],
  );
});
