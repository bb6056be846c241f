import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseFreeswitchUrl } from '../../../src/config/freeswitch-url.js';

test('the documented forms of a FreeSWITCH address', () => {
  assert.deepEqual(parseFreeswitchUrl('fs://:password@freeswitch.example.com'), {
    user: '',
    password: 'password',
    host: 'freeswitch.example.com',
    port: 8021,
    display: 'fs://freeswitch.example.com:8021',
  });
  const named = parseFreeswitchUrl('FS://user:p:w@x@127.0.0.1:8022');
  assert.deepEqual([named.user, named.password, named.host, named.port], ['user', 'p:w@x', '127.0.0.1', 8022]);
  assert.equal(parseFreeswitchUrl('fs://:x@[::1]').display, 'fs://[::1]:8021');
});

test('a text of another form is refused without showing it', () => {
  for (const text of [
    'fs://geheim',
    'fs://geheim@host',
    'fs://:@host',
    'fs://:geheim@',
    'fs://:geheim@host:0',
    'fs://:geheim@host:99999',
    'fs://:geheim\nbgapi shutdown@host',
    'fs://:geheim geheim@host',
    `fs://:${'geheim'.repeat(100)}@host`,
    'http://:geheim@host',
  ]) {
    assert.throws(() => parseFreeswitchUrl(text), {
      code: 'CONFIG_INVALID',
      message: 'expected fs://[username]:password@host[:port]',
    });
  }
  fc.assert(
    fc.property(fc.string({ maxLength: 80 }), (text) => {
      try {
        const { password, user } = parseFreeswitchUrl(`fs://${text}`);
        assert.match(user + password, /^[\x21-\x7e]+$/);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'CONFIG_INVALID');
      }
    }),
  );
});
