import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nullLogger } from '../../../src/core/logger.js';
import { createStore } from '../../../src/store/create-store.js';
import { DatabasePools, requireDriver } from '../../../src/store/pools.js';
import { storeConfig } from '../../support/store-fixtures.js';

test('a driver that is not installed is named with the command that installs it', () => {
  assert.throws(() => requireDriver('no-such-driver'), { code: 'STORE_DRIVER', message: /npm i no-such-driver/ });
});

test('pools are shared by canonical URL and closed with the last share', async () => {
  const pools = new DatabasePools(nullLogger);
  const store = (dbUrl: string) => createStore(storeConfig(dbUrl, 'dispatcher'), { pools });
  const stores = [
    store('postgres://u:p@127.0.0.1:5432/d'),
    store('postgresql://u:p@127.0.0.1/d'),
    store('postgres://u:other@127.0.0.1/d'),
    store('sqlite:./a.db'),
    store('sqlite:///etc/switchyard/partitions/a.db'),
  ];
  assert.equal(pools.size, 3, 'a relative path starts at the folder of the partition file');
  await stores[0]?.close();
  await stores[0]?.close();
  assert.equal(pools.size, 3);
  await Promise.all(stores.map((each) => each.close()));
  assert.equal(pools.size, 0);
});

test('descriptions and errors show no password', async () => {
  const pools = new DatabasePools(nullLogger);
  const store = createStore(storeConfig('mysql://u:geheim@127.0.0.1:1/d', 'dispatcher'), { pools });
  assert.equal(store.description, 'table dispatcher of mysql://u:***@127.0.0.1:1/d');
  await assert.rejects(store.load(), (error: Error) => {
    assert.match(error.message, /ECONNREFUSED/);
    assert.doesNotMatch(error.message, /geheim/);
    return true;
  });
  await store.close();
});

test('a list file asks for the Kamailio flavour', () => {
  const pools = new DatabasePools(nullLogger);
  assert.throws(() => createStore(storeConfig('list:./dispatcher.list', 'dispatcher'), { pools }), {
    code: 'STORE_DRIVER',
    message: /flavour kamailio/,
  });
});
