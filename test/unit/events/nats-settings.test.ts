import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nkeys } from 'nats';
import { connectionOptions, plainNats, redactServer } from '../../../src/events/sinks/nats-settings.js';
import { subjectMatches } from '../../../src/events/sinks/nats-stream.js';

const base = plainNats('nats://127.0.0.1:4222');

describe('NATS settings', () => {
  test('the NATS client reconnects without limit', () => {
    const options = connectionOptions(base, 'sw');
    assert.deepEqual(
      [options.servers, options.maxReconnectAttempts, options.ignoreAuthErrorAbort, options.pingInterval, options.name],
      [['127.0.0.1:4222'], -1, true, 10_000, 'sw'],
    );
  });

  test('user, password and token are read from the URL; separate settings override them', () => {
    const fromUrl = connectionOptions({ ...base, servers: ['nats://us%40er:p%3Ass@h:1', 'tls://h2'] }, 'sw');
    assert.deepEqual([fromUrl.user, fromUrl.pass, fromUrl.token], ['us@er', 'p:ss', undefined]);
    assert.deepEqual(fromUrl.servers, ['h:1', 'h2']);
    assert.ok(fromUrl.tls, 'asked for by the scheme');
    const token = connectionOptions({ ...base, servers: ['nats://tok@h:1'] }, 'sw');
    assert.deepEqual([token.user, token.token], [undefined, 'tok']);
    const named = connectionOptions({ ...base, servers: ['nats://a:b@h'], user: 'u', pass: 'p' }, 'sw');
    assert.deepEqual([named.user, named.pass], ['u', 'p']);
  });

  test('nkey seeds are checked at once, and can sign', () => {
    const seed = new TextDecoder().decode(nkeys.createUser().getSeed());
    const options = connectionOptions({ ...base, nkeySeed: `${seed}\n` }, 'sw');
    assert.ok(options.authenticator);
    const bad = () => connectionOptions({ ...base, nkeySeed: 'SUNOTASEED' }, 'sw');
    assert.throws(bad, (error: Error & { code?: string }) => {
      assert.equal(error.code, 'CONFIG_INVALID');
      assert.doesNotMatch(error.message, /SUNOTASEED/);
      return true;
    });
  });

  test('refuses servers and credentials files that cannot be used, without showing secrets', () => {
    assert.throws(() => connectionOptions({ ...base, servers: ['http://user:pw@h'] }, 'sw'), /\*\*\*@h/);
    assert.throws(() => connectionOptions({ ...base, credsFile: '/nonexistent/x.creds' }, 'sw'), {
      code: 'CONFIG_INVALID',
    });
    assert.equal(redactServer('nats://u:p@h:4222'), 'nats://***@h:4222');
    assert.equal(redactServer('u:p@h:4222'), '***@h:4222');
    assert.equal(redactServer('h:4222'), 'h:4222');
  });

  test("a stream's subjects with wildcards match the subjects of events", () => {
    assert.ok(subjectMatches('opensips.>', 'opensips.E.a.1'));
    assert.ok(subjectMatches('opensips.*.a.1', 'opensips.E.a.1'));
    assert.ok(!subjectMatches('opensips.E.>', 'opensips.E'));
    assert.ok(!subjectMatches('opensips.*', 'opensips.E.a'));
    assert.ok(!subjectMatches('other.>', 'opensips.E'));
  });
});
