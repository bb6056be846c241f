import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inventory } from '../../../src/cfg-file/inventory.js';
import { readCfg } from '../../../src/cfg-file/load.js';
import type { Binding } from '../../../src/modules/registrar/contact.js';
import { Locations } from '../../../src/modules/registrar/locations.js';

test('each address of record is looked at once in a search for expired contacts, some at a time', () => {
  const locations = new Locations(false);
  let looked = 0;
  for (let i = 0; i < 1000; i++) {
    const binding = {
      ruid: `r${i}`,
      aor: `u${i}`,
      q: -1,
      get expires() {
        looked++;
        return i < 500 ? 500 : 10;
      },
    };
    locations.add(binding as unknown as Binding);
  }
  looked = 0;
  let calls = 0;
  let gone = 0;
  for (let isDone = false; !isDone; calls++) {
    const before = looked;
    const swept = locations.expired(100, 100);
    assert.ok(looked - before <= 100);
    gone += swept.found.length;
    isDone = swept.isDone;
  }
  assert.deepEqual([gone, locations.size, looked, calls], [500, 500, 1000, 11]);
  assert.deepEqual(locations.expired(600, 100).found.length, 100);
});

test('check --cfg lists usrloc of Kamailio as supported', () => {
  const file = join(tmpdir(), `switchyard-usrloc-${process.pid}.cfg`);
  const text = 'loadmodule "usrloc.so"\nloadmodule "registrar.so"\nrequest_route { save("location"); }\n';
  writeFileSync(file, `#!KAMAILIO\nlisten=udp:127.0.0.1:5060\n${text}`);
  try {
    const { things, verdict } = inventory(readCfg(file));
    assert.deepEqual([verdict, things.filter(({ standing }) => standing !== 'supported')], ['runs whole', []]);
  } finally {
    rmSync(file, { force: true });
  }
});
