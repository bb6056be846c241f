import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Access, type AccessUser } from '../../../src/access/access.js';
import { AuditTrail } from '../../../src/access/audit.js';
import { unbounded } from '../../../src/access/caller.js';
import { mayDo, type Role, sees, withinPartition } from '../../../src/access/rights.js';
import {
  hashPassword,
  hashToken,
  isPassword,
  newToken,
  PASSWORD_HASH,
  TOKEN_HASH,
} from '../../../src/access/secret.js';
import { FakeClock } from '../../support/fake-clock.js';

const user = (values: Partial<AccessUser> = {}): AccessUser => ({
  name: 'noc',
  password: undefined,
  token: undefined,
  role: 'operator',
  partitions: ['acme'],
  ...values,
});

describe('rights', () => {
  test('each role may do what the lower roles may do', () => {
    const may = (role: Role) =>
      (['viewer', 'operator', 'admin'] as const).filter((need) =>
        mayDo({ role, partitions: undefined }, { role: need }),
      );
    assert.deepEqual(
      [may('viewer'), may('operator'), may('admin')],
      [['viewer'], ['viewer', 'operator'], ['viewer', 'operator', 'admin']],
    );
  });

  test('a user restricted to partitions cannot change the whole process', () => {
    const rights = { role: 'admin', partitions: new Set(['acme']) } as const;
    assert.equal(mayDo(rights, { role: 'viewer', wholeProcess: true }), false);
    assert.deepEqual(
      ['acme', 'globex'].map((each) => sees(rights, each)),
      [true, false],
    );
    assert.deepEqual([...(withinPartition(rights, 'globex').partitions ?? [])], []);
  });
});

describe('secrets', () => {
  test('a password is stored as a salted hash, and compared with it', async () => {
    const [one, other] = [await hashPassword('correct horse'), await hashPassword('correct horse')];
    assert.match(one, PASSWORD_HASH);
    assert.notEqual(one, other);
    assert.deepEqual([await isPassword('correct horse', one), await isPassword('correct horsf', one)], [true, false]);
    assert.equal(await isPassword('x', 'no hash'), false);
  });

  test('a token has 256 random bits, and only its hash is stored', () => {
    const token = newToken();
    assert.match(token, /^swy_[A-Za-z0-9_-]{43}$/);
    assert.match(hashToken(token), TOKEN_HASH);
    assert.notEqual(token, newToken());
  });

  test('verifying a password does not block the event loop', async () => {
    const hash = await hashPassword('correct horse');
    let iterations = 0;
    const timer = setInterval(() => iterations++, 1);
    await Promise.all([1, 2, 3].map((each) => isPassword(String(each), hash)));
    clearInterval(timer);
    assert.ok(iterations > 20, `${iterations} iterations`);
  });
});

/** The longest delay in milliseconds after a wrong password. */
const LONGEST_REST = 2000;

describe('identifying users', () => {
  test('a token or a password identifies its user; another does not', async () => {
    const token = newToken();
    const clock = new FakeClock();
    const access = new Access(clock);
    access.configure([user({ token: hashToken(token), password: await hashPassword('correct horse') })]);
    assert.equal(access.byToken(token, '::1').kind, 'known');
    assert.equal(access.byToken(`${token}x`, '::1').kind, 'wrong');
    assert.equal((await access.byPassword('noc', 'correct horse', '::1')).kind, 'known');
    assert.equal((await access.byPassword('noc', 'wrong', '::1')).kind, 'wrong');
    const next = access.byPassword('nobody', 'correct horse', '::1');
    clock.advance(LONGEST_REST);
    assert.equal((await next).kind, 'wrong');
  });

  test('wrong attempts delay only the source that makes them', async () => {
    const clock = new FakeClock();
    const token = newToken();
    const access = new Access(clock);
    access.configure([user({ token: hashToken(token), password: await hashPassword('correct horse') })]);
    assert.equal((await access.byPassword('noc', 'correct horse', '10.0.0.1')).kind, 'known');
    const kinds: string[] = [];
    for (let i = 0; i < 6; i++) kinds.push(access.byToken('guess', '10.0.0.1').kind);
    assert.deepEqual(kinds, ['wrong', 'wrong', 'wrong', 'wrong', 'wait', 'wait']);
    // A password that was verified before is still accepted, and so is a token; only unknown passwords wait.
    assert.equal((await access.byPassword('noc', 'correct horse', '10.0.0.1')).kind, 'known');
    assert.equal(access.byToken(token, '10.0.0.1').kind, 'known');
    assert.equal((await access.byPassword('noc', 'guess', '10.0.0.1')).kind, 'wait');
    assert.equal(access.byToken('guess', '10.0.0.2').kind, 'wrong');
    clock.advance(1000);
    assert.equal(access.byToken('guess', '10.0.0.1').kind, 'wrong');
    const next = access.byToken('guess', '10.0.0.1');
    assert.equal(next.kind === 'wait' && next.ms, 2000);
  });

  test('all addresses of an IPv6 network of 64 bits are one source', () => {
    const access = new Access(new FakeClock());
    access.configure([]);
    const kinds = [1, 2, 3, 4, 5].map((each) => access.byToken('guess', `2001:db8::${each}`).kind);
    assert.equal(kinds[4], 'wait');
    assert.equal(access.byToken('guess', '2001:db8:0:1::5').kind, 'wrong');
  });

  test('ten thousand wrong passwords cost a few verifications', async () => {
    const clock = new FakeClock();
    const access = new Access(clock);
    access.configure([user({ password: await hashPassword('correct horse') })]);
    const before = process.cpuUsage();
    const passing = setInterval(() => clock.advance(LONGEST_REST), 5);
    const kinds = await Promise.all(
      Array.from({ length: 10_000 }, (_, i) => access.byPassword('noc', `guess ${i}`, '10.0.0.1')),
    );
    clearInterval(passing);
    assert.ok(kinds.filter(({ kind }) => kind === 'wrong').length <= 4);
    // Processor time, which other work on the machine does not extend.
    const { user: own, system } = process.cpuUsage(before);
    assert.ok(own + system < 10_000_000);
  });

  test('after a wrong password none is verified for a while; after a correct one the next is verified at once', async () => {
    const clock = new FakeClock();
    const access = new Access(clock);
    access.configure([
      user({ password: await hashPassword('correct horse') }),
      user({ name: 'second', password: await hashPassword('battery staple') }),
    ]);
    assert.equal((await access.byPassword('noc', 'correct horse', '::1')).kind, 'known');
    assert.equal((await access.byPassword('second', 'battery staple', '::1')).kind, 'known');
    assert.equal((await access.byPassword('noc', 'guess', '10.0.0.1')).kind, 'wrong');
    let isOver = false;
    const next = access.byPassword('noc', 'guess', '10.0.0.2').then(() => {
      isOver = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(isOver, false);
    clock.advance(LONGEST_REST);
    await next;
  });

  test('a session ends after its time, with its user, or when the secrets of the user change', async () => {
    const clock = new FakeClock();
    const access = new Access(clock);
    const users = [user({ password: 'scrypt:1' })];
    access.configure(users);
    const principal = access.user('noc');
    assert.ok(principal);
    const [first, second] = [access.signIn(principal), access.signIn(principal)];
    assert.equal(access.bySession(first)?.name, 'noc');
    assert.equal(access.bySession('guess'), undefined);
    access.configure([user({ password: 'scrypt:1', role: 'viewer' })]);
    assert.equal(access.bySession(first)?.role, 'viewer');
    access.configure([user({ password: 'scrypt:2' })]);
    assert.equal(access.bySession(first), undefined);
    access.configure(users);
    clock.advance(12 * 3_600_000 + 1);
    assert.equal(access.bySession(second), undefined);
  });
});

describe('audit records', () => {
  const call = (result: 'ok' | 'refused' | 'failed', peer = '10.0.0.1') =>
    ({
      caller: unbounded('http', peer),
      command: 'ds_add',
      params: { uri: 'sip:a:pw@b' },
      partition: 'acme',
      result,
      error: undefined,
      changes: ['sip:a:pw@b added'],
    }) as const;

  test('hold no password, and are bounded', () => {
    const audit = new AuditTrail(new FakeClock());
    audit.record({ ...call('ok'), params: { x: 'y'.repeat(5000) } });
    audit.record(call('ok'));
    const [long, record] = audit.recent();
    assert.ok((long?.params.length ?? 0) < 1010);
    assert.doesNotMatch(JSON.stringify(record), /pw/);
    assert.equal(record?.changes[0], 'sip:a:***@b added');
    for (let i = 0; i < 1100; i++) audit.record(call('ok'));
    assert.equal(audit.recent().length, 1000);
  });

  test('failures that change nothing are merged as refusals are; a request that changes something is always recorded', () => {
    const clock = new FakeClock();
    const audit = new AuditTrail(clock);
    for (let i = 0; i < 50; i++) audit.record({ ...call('failed'), changes: [] });
    assert.equal(audit.recent().length, 5);
    for (let i = 0; i < 50; i++) audit.record(call('failed'));
    assert.equal(audit.recent().length, 55);
    // Fifty per second for many callers together.
    clock.advance(1000);
    for (let i = 0; i < 300; i++) audit.record({ ...call('refused', `10.0.1.${i}`), changes: [] });
    assert.equal(audit.recent().length, 105);
  });

  test('many refusals in a short time are merged into one record, which has their number', () => {
    const clock = new FakeClock();
    const audit = new AuditTrail(clock);
    for (let i = 0; i < 100; i++) audit.record(call('refused'));
    audit.record(call('refused', '10.0.0.2'));
    assert.equal(audit.recent().length, 6);
    clock.advance(1000);
    audit.record(call('refused'));
    assert.equal(audit.recent().at(-1)?.merged, 95);
  });
});
