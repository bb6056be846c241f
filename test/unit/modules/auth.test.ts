import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type NonceOptions, Nonces } from '../../../src/modules/auth/nonces.js';
import { authentication } from '../../../src/modules/auth/settings.js';
import { answerChallenge, readChallenge } from '../../../src/modules/digest.js';
import { ModuleParameters } from '../../../src/script/environment.js';
import { stillClock } from '../../support/partitions.js';
import { headersOf } from '../../support/raw-agent.js';
import { INVITE, type ScriptRunner, startScript } from '../../support/script-run.js';
import { executeSqlite } from '../../support/sqlite-file.js';
import { until } from '../../support/until.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-auth-'));
const database = join(folder, 'data.db');
executeSqlite(
  database,
  `create table subscriber (username text, domain text, password text, ha1 text, ha1b text, rpid text);
   insert into subscriber values ('alice', 'a.example', 'secret', '', '', '+49301'), ('bob', 'a.example', 'pw', '', '', '');`,
);
after(() => rmSync(folder, { recursive: true, force: true }));

function noncesOf(over: Partial<NonceOptions> = {}) {
  const clock = stillClock();
  const options = { lifetime: 300, counts: false, once: false, max: 100, secret: undefined, ...over };
  return { clock, nonces: new Nonces(options, { token: (bytes) => 'ab'.repeat(bytes) }, clock) };
}

test('a nonce is valid for its lifetime, and any other text is not', () => {
  const { clock, nonces } = noncesOf();
  const nonce = nonces.make('');
  assert.notEqual(nonces.make(''), nonce, 'each is another one');
  assert.equal(nonces.check(nonce, ''), 'good');
  for (let i = 0; i < nonce.length; i++) {
    const changed = nonce.slice(0, i) + (nonce[i] === 'A' ? 'B' : 'A') + nonce.slice(i + 1);
    // The last character of base64url has unused bits.
    if (i < nonce.length - 1) assert.equal(nonces.check(changed, ''), 'bad', `letter ${i}`);
  }
  for (const other of ['', 'x', `${nonce}${nonce}`, `${nonce}\r\n`, 'A'.repeat(100_000)])
    assert.equal(nonces.check(other, ''), 'bad');
  clock.time += 300_000;
  assert.equal(nonces.check(nonce, ''), 'good');
  clock.time += 1000;
  assert.equal(nonces.check(nonce, ''), 'stale');
});

test('a nonce for one message is stale for another, and one of another secret is bad', () => {
  const { nonces } = noncesOf();
  const nonce = nonces.make('sip:b@x');
  assert.equal(nonces.check(nonce, 'sip:b@x'), 'good');
  assert.equal(nonces.check(nonce, 'sip:c@x'), 'stale');
  assert.equal(noncesOf({ secret: 'another' }).nonces.check(nonce, 'sip:b@x'), 'bad');
  assert.equal(noncesOf({ secret: 's' }).nonces.check(noncesOf({ secret: 's' }).nonces.make(''), ''), 'good');
});

test('with nonce_count counts rise up to 255; with one_time_nonce an answer without count comes once', () => {
  const { nonces } = noncesOf({ counts: true, once: true });
  assert.deepEqual(
    [1, 1, 2, undefined, undefined, 255, 256].map((count) => nonces.use('n', count)),
    ['good', 'stale', 'good', 'good', 'used', 'good', 'stale'],
  );
  assert.deepEqual(
    [1, 1].map((count) => noncesOf({ once: true }).nonces.use('n', count)),
    ['good', 'good'],
    'of each by itself',
  );
  const once = noncesOf({ once: true }).nonces;
  assert.deepEqual(
    [1, 2].map((count) => once.use('n', count)),
    ['good', 'used'],
  );
});

const HEAD = `modparam("auth_db", "db_url", "sqlite://${database}")
modparam("auth_db", "calculate_ha1", yes)
modparam("auth_db", "password_column", "password")
modparam("auth_db", "load_credentials", "$avp(rp)=rpid")`;

interface Asked {
  readonly user?: string;
  readonly password?: string;
  readonly from?: string;
  readonly method?: string;
}

/** Sends a request, answers the challenge, and returns the script's output for the second request. */
async function answered(runner: ScriptRunner, { user = 'alice', password = 'secret', from, method = 'INVITE' }: Asked) {
  const text = INVITE.replace('sip:alice@a.example>;tag', `${from ?? 'sip:alice@a.example'}>;tag`)
    .replace(/^INVITE/, method)
    .replace('1 INVITE', `1 ${method}`);
  const at = runner.sent.length;
  runner.receive(text);
  await until('a challenge', () => runner.sent.slice(at).some((each) => /^SIP\/2.0 4/.test(each.text)));
  const refused = runner.sent.slice(at).find((each) => /^SIP\/2.0 4/.test(each.text))?.text ?? '';
  const www = refused.startsWith('SIP/2.0 401');
  const challenge = readChallenge(headersOf(refused, www ? 'www-authenticate' : 'proxy-authenticate')[0] ?? '');
  assert.ok(challenge !== undefined, refused);
  const request = { method, uri: 'sip:bob@sw.example', body: '' };
  const line = answerChallenge(challenge, request, { user, password }, 'cn');
  const before = runner.lines.length;
  runner.receive(
    text
      .replace('z9hG4bK1', 'z9hG4bK2')
      .replace('CSeq: 1', 'CSeq: 2')
      .replace('Contact:', `${www ? 'Authorization' : 'Proxy-Authorization'}: ${line}\r\nContact:`),
  );
  await until('the lines of the script', () => runner.lines.length > before);
  return runner.lines.slice(before);
}

const CHECK = (flags: string) => `$var(r) = auth_check("a.example", "subscriber", "${flags}");
  if ($var(r) == -5) { auth_challenge("a.example", "1"); exit; }
  if ($var(r) > 0) consume_credentials();
  msg_apply_changes();
  xlog("$var(r) $avp(rp) $hdr(Proxy-Authorization)\\n");`;

test('a user with the right password passes, the credentials are removed, and columns of the user table are loaded', async () => {
  const runner = startScript({ dialect: 'kamailio', modules: 'auth auth_db textopsx', head: HEAD, script: CHECK('1') });
  try {
    assert.deepEqual(await answered(runner, {}), ['1 +49301 <null>']);
    assert.match((await answered(runner, { password: 'wrong' }))[0] ?? '', /^-2 .*Digest/);
    assert.match((await answered(runner, { user: 'zoe' }))[0] ?? '', /^-3 .*Digest/);
    assert.match((await answered(runner, { user: "a' or 1=1 --" }))[0] ?? '', /^-3/);
    assert.match((await answered(runner, { from: 'sip:eve@a.example' }))[0] ?? '', /^-8 .*Digest/);
    assert.match((await answered(runner, { method: 'REGISTER' }))[0] ?? '', /^-8/, 'To is another user');
  } finally {
    await runner.stop();
  }
});

test('with use_domain a REGISTER must have exactly the same host in From and To', async () => {
  const script = CHECK('1').replace('proxy', 'www');
  const register = { method: 'REGISTER', user: 'bob', password: 'pw' };
  for (const [useDomain, from, result] of [
    [1, 'sip:bob@b.example', /^1 /],
    [1, 'sip:bob@a.example', /^-8 /],
    [1, 'sip:bob@B.example', /^-8 /],
    [0, 'sip:bob@a.example', /^1 /],
  ] as const) {
    const head = `${HEAD}modparam("auth_db", "use_domain", ${useDomain})\n`;
    const runner = startScript({ dialect: 'kamailio', modules: 'auth auth_db textopsx', head, script });
    try {
      assert.match((await answered(runner, { ...register, from }))[0] ?? '', result, `${useDomain} ${from}`);
    } finally {
      await runner.stop();
    }
  }
});

test('the qop of a challenge is that of its flags, not of the parameter', async () => {
  for (const [flags, qop] of [
    ['0', []],
    ['1', ['auth']],
    ['2', ['auth-int']],
    ['3', ['auth-int']],
  ] as const) {
    const runner = startScript({
      dialect: 'kamailio',
      modules: 'auth',
      head: 'modparam("auth", "qop", "auth")',
      script: `proxy_challenge("a.example", "${flags}"); exit;`,
    });
    try {
      runner.receive(INVITE);
      await until('a challenge', () => runner.sent.some(({ text }) => text.startsWith('SIP/2.0 407')));
      const refused = runner.sent.find(({ text }) => text.startsWith('SIP/2.0 407'))?.text ?? '';
      assert.deepEqual(readChallenge(headersOf(refused, 'proxy-authenticate')[0] ?? '')?.qop, qop, flags);
    } finally {
      await runner.stop();
    }
  }
});

test('with check 3 an INVITE may have an anonymous From, an OPTIONS may not', async () => {
  const runner = startScript({ dialect: 'kamailio', modules: 'auth auth_db textopsx', head: HEAD, script: CHECK('3') });
  try {
    const from = 'sip:anonymous@anonymous.invalid';
    assert.match((await answered(runner, { from }))[0] ?? '', /^1 /);
    assert.match((await answered(runner, { from, method: 'OPTIONS' }))[0] ?? '', /^-8 /);
  } finally {
    await runner.stop();
  }
});

test('a password given by the script works like one of the table, and is HA1 with flag 1', async () => {
  for (const [password, flags] of [
    ['secret', '0'],
    ['c1315c20fa629201948ae020615aea75', '1'],
  ]) {
    const runner = startScript({
      dialect: 'kamailio',
      modules: 'auth',
      head: 'modparam("auth", "qop", "auth")',
      script: `if (!pv_proxy_authenticate("a.example", "${password}", "${flags}")) {
        if ($rc == -5) { proxy_challenge("a.example", "0"); exit; } }
        xlog("$rc\\n");`,
    });
    try {
      assert.deepEqual(await answered(runner, {}), ['1']);
    } finally {
      await runner.stop();
    }
  }
});

test('unsupported parameters of auth are refused at load', () => {
  for (const head of [
    'modparam("auth", "algorithm", "SHA-256")',
    'modparam("auth", "qop", "x")',
    'modparam("auth", "nonce_expire", 0)',
    'modparam("auth_db", "user_column", "a b")',
    'modparam("auth_db", "db_url", "text:///x")',
  ])
    assert.throws(() => startScript({ dialect: 'kamailio', modules: 'auth auth_db', head, script: 'exit;' }), head);
});

test('nonces are valid over a reload, and used ones are remembered if their parameters are unchanged', async () => {
  const run = { env: { random: { uint32: () => 0, token: () => String(drawn++) }, clock: stillClock() } } as never;
  let drawn = 0;
  const parameters = (over: Readonly<Record<string, number>> = {}) =>
    new ModuleParameters(
      new Map(Object.entries({ one_time_nonce: 1, ...over }).map(([name, value]) => [name, [value]])),
    );
  const first = authentication.create(parameters());
  const nonce = first.of(run).make('');
  assert.equal(first.of(run).use(nonce, undefined), 'good');
  const same = authentication.renew(first, parameters());
  assert.deepEqual([same.of(run).check(nonce, ''), same.of(run).use(nonce, undefined)], ['good', 'used']);
  // A configuration that was never asked for a nonce came in between.
  const between = authentication.renew(same, parameters({ nonce_expire: 200 }));
  const other = authentication.renew(between, parameters({ nonce_expire: 100 }));
  assert.equal(other.of(run).check(nonce, ''), 'good');
});
