import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inventory } from '../../../src/cfg-file/inventory.js';
import { readCfg } from '../../../src/cfg-file/load.js';

/** What the check says about a file besides its verdict. */
function said(head: string, routes: string): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'sw-not-run-'));
  try {
    const file = join(folder, 'kamailio.cfg');
    writeFileSync(file, `#!KAMAILIO\nlisten=udp:127.0.0.1:5060\n${head}\nrequest_route { exit; }\n${routes}\n`);
    const { things, verdict } = inventory(readCfg(file, { dialect: 'kamailio' }));
    return [verdict, ...things.filter(({ message }) => message !== '').map(({ message }) => message)];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const RECEIVED = 'event_route[core:msg-received] { exit; }';

test('a route that 5.6.3 does not run either is noted', () => {
  const name = 'event_route[core:msg-received]';
  assert.deepEqual(said('', RECEIVED), ['runs whole', `${name} is never run without received_route_mode`]);
  assert.deepEqual(said('received_route_mode=0', RECEIVED).at(0), 'runs whole');
  assert.ok(said('received_route_mode=1', RECEIVED).includes(`${name} is not run`));
  assert.equal(said('received_route_mode=1', RECEIVED).at(0), 'runs without');
});

test('contacts that are only in the database are not pinged, which the check says', () => {
  const head = (mode: number, interval: number) =>
    `loadmodule "usrloc.so"\nloadmodule "nathelper.so"\nmodparam("usrloc", "db_mode", ${mode})
    modparam("usrloc", "db_url", "sqlite:///tmp/x.db")\nmodparam("nathelper", "natping_interval", ${interval})`;
  const message = 'contacts that are only in the database (db_mode 3 of usrloc) are not pinged';
  assert.ok(said(head(3, 30), '').includes(message));
  assert.ok(!said(head(3, 0), '').includes(message));
  assert.ok(!said(head(1, 30), '').includes(message));
});
