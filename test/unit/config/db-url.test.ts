import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseDatabaseUrl, redactUrl } from '../../../src/config/db-url.js';
import { SwitchyardError } from '../../../src/core/errors.js';

describe('database URLs of a server', () => {
  test('a URL may have all parts; ports have defaults, and postgresql is another spelling', () => {
    const mysql = parseDatabaseUrl('mysql://user:passwb@localhost/database', '/etc');
    assert.deepEqual(mysql, {
      kind: 'mysql',
      host: 'localhost',
      port: 3306,
      user: 'user',
      password: 'passwb',
      database: 'database',
      canonical: 'mysql://user:passwb@localhost:3306/database',
      display: 'mysql://user:***@localhost:3306/database',
    });
    const postgres = parseDatabaseUrl('postgresql://u@[2001:db8::1]:6543/d', '/');
    assert.equal(postgres.kind, 'postgres');
    assert.equal(postgres.canonical, 'postgres://u@[2001:db8::1]:6543/d');
    assert.equal(postgres.display, postgres.canonical);
    assert.equal(parseDatabaseUrl('POSTGRES://h/d', '/').canonical, 'postgres://h:5432/d');
  });

  test('a password may have "@", "/", ":" and "%", escaped or not', () => {
    for (const written of ['p@s/s:w', 'p%40s%2Fs%3Aw']) {
      const url = parseDatabaseUrl(`mysql://u:${written}@h/d`, '/');
      assert.equal(url.kind === 'mysql' && url.password, 'p@s/s:w');
    }
    const stray = parseDatabaseUrl('mysql://u:100%@h/d', '/');
    assert.equal(stray.kind === 'mysql' && stray.password, '100%');
  });

  test('malformed URLs are refused without showing the password', () => {
    for (const bad of [
      'mysql:u:geheim@h/d',
      'mysql://u:geheim@h',
      'mysql://u:geheim@h/',
      'mysql://u:geheim@h:99999/d',
      'mysql://u:geheim@h:x/d',
      'mysql://u:geheim@/d',
      'mysql://u:geheim/d',
      'mysql://u:geheim',
      'mysql://u:geheim@300.1.1.1/d',
      'mysql://u:geheim@[::1/d',
      'mysql://u:geheim@h/d?ssl=1',
      'mysql://u:geheim@h/d/e',
      'mysqll://u:geheim@h/d',
      'u:geheim@h/d',
      'mysql://u:geheim@h/d\nx',
    ]) {
      assert.throws(
        () => parseDatabaseUrl(bad, '/'),
        (error) =>
          error instanceof SwitchyardError && error.code === 'CONFIG_INVALID' && !error.message.includes('geheim'),
        bad,
      );
    }
  });
});

describe('database URLs of files', () => {
  test('database URLs of files have absolute or relative paths', () => {
    assert.deepEqual(parseDatabaseUrl('sqlite:///var/a.db', '/etc'), {
      kind: 'sqlite',
      path: '/var/a.db',
      canonical: 'sqlite:///var/a.db',
      display: 'sqlite:///var/a.db',
    });
    assert.equal(parseDatabaseUrl('sqlite:./a/../b.db', '/etc/sw').canonical, 'sqlite:///etc/sw/b.db');
    assert.equal(parseDatabaseUrl('sqlite:b.db', '/etc/sw').canonical, 'sqlite:///etc/sw/b.db');
    assert.equal(parseDatabaseUrl('sqlite://./b.db', '/etc/sw').canonical, 'sqlite:///etc/sw/b.db');
    assert.equal(parseDatabaseUrl('text:///etc/dbtext', '/').canonical, 'text:///etc/dbtext');
    assert.equal(parseDatabaseUrl('list:./dispatcher.list', '/etc/k').canonical, 'list:///etc/k/dispatcher.list');
  });

  test('a missing path and a host where a path belongs are refused', () => {
    for (const bad of ['sqlite:', 'sqlite://', 'text://host/dir', 'list:', '', ':', 'nothing', 'oracle://h/d']) {
      assert.throws(() => parseDatabaseUrl(bad, '/'), SwitchyardError, bad);
    }
  });
});

test('redactUrl hides passwords and tokens, also in text that is not a URL', () => {
  assert.equal(redactUrl('mysql://u:p:q@s@h/d'), 'mysql://u:***@h/d');
  assert.equal(redactUrl('postgres://u@h/d'), 'postgres://u@h/d');
  assert.equal(redactUrl('nats://token@h:4222'), 'nats://***@h:4222');
  assert.equal(redactUrl('nats://u:p@h:4222'), 'nats://u:***@h:4222');
  assert.equal(redactUrl('u:p@h/d'), '***@h/d');
  assert.equal(redactUrl('sqlite:///a@b:c@d.db'), 'sqlite:///a@b:c@d.db');
  assert.equal(redactUrl('plain'), 'plain');
  assert.equal(redactUrl('postgres://h/d?user=u&password=p'), 'postgres://h/d?user=***&password=***');
  assert.equal(redactUrl('postgres://h/d?password=p?q=r@s&ssl=1'), 'postgres://h/d?password=***&ssl=***');
  assert.equal(redactUrl('mysql://u:a@h/d?password=p@s'), 'mysql://u:***@h/d?password=***');
  assert.equal(redactUrl('mysql://h:3306/d?password=p@s@t'), 'mysql://h:3306/d?password=***');
  assert.equal(redactUrl('mysql://u:p?x=1@h/d'), 'mysql://***?x=***');
});

test('any text gives a URL or the documented error, and a canonical form reads back as itself', () => {
  const kinds = fc.constantFrom('mysql://', 'postgres://', 'sqlite:', 'sqlite://', 'text:', 'list:', '');
  fc.assert(
    fc.property(kinds, fc.string(), (kind, tail) => {
      try {
        const url = parseDatabaseUrl(kind + tail, '/base');
        assert.equal(parseDatabaseUrl(url.canonical, '/elsewhere').canonical, url.canonical);
      } catch (error) {
        assert.ok(error instanceof SwitchyardError && error.code === 'CONFIG_INVALID', String(error));
      }
    }),
  );
});

test('a password never shows in the display form', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9:@/%+=-]{0,20}$/), (noise) => {
      const url = parseDatabaseUrl(`mysql://u:S3CRET${noise}@h/d`, '/');
      assert.ok(!url.display.includes('S3CRET'));
      assert.ok(!redactUrl(`mysql://u:S3CRET${noise}@h/d`).includes('S3CRET'));
    }),
  );
});
