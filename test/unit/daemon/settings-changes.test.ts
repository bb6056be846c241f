import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSettings } from '../../../src/config/load.js';
import { settingsChanges } from '../../../src/daemon/settings-changes.js';

const settings = (value: object) => readSettings(value, { cwd: '/etc/sw', hostname: 'n' }).settings;
const partition = (name: string, more: object = {}) => ({ name, db_url: `text:./${name}`, ...more });

test('differences are named by their path, partitions by their names', () => {
  const before = settings({ partitions: [partition('a'), partition('b')] });
  const after = settings({ partitions: [partition('b', { table_name: 'gws' }), partition('a')] });
  assert.deepEqual(settingsChanges(before, after), [{ path: 'partitions/b/tableName', from: 'dispatcher', to: 'gws' }]);
  assert.deepEqual(settingsChanges(before, before), []);
});

test('secrets are masked, and still named when they change', () => {
  const nats = (token: string) => ({ events: { nats: { servers: 'nats://127.0.0.1:4222', token } } });
  const url = (password: string) => ({ partitions: [{ name: 'a', db_url: `mysql://u:${password}@h/d` }] });
  const changes = settingsChanges(
    settings({ ...url('one'), ...nats('old') }),
    settings({ ...url('two'), ...nats('new') }),
  );
  assert.deepEqual(changes, [
    { path: 'partitions/a/dbUrl', from: 'mysql://u:***@h/d', to: 'mysql://u:***@h/d' },
    { path: 'events/nats/token', from: '***', to: '***' },
  ]);
});
