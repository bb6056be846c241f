import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadCfg } from '../../../src/cfg-file/load.js';

function listen(head: string, first = '#!KAMAILIO', route = 'request_route'): unknown {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-listen-'));
  const file = join(folder, 'x.cfg');
  writeFileSync(file, `${first}\n${head}\n${route} { exit; }\n`);
  try {
    return loadCfg(file).settings['listen'];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a listener of Kamailio without a protocol is for UDP and TCP', () => {
  assert.deepEqual(listen('listen=127.0.0.1'), ['udp:127.0.0.1:5060', 'tcp:127.0.0.1:5060']);
  assert.deepEqual(listen('port=5070\nlisten=127.0.0.1\nlisten=udp:127.0.0.2'), [
    'udp:127.0.0.1:5070',
    'tcp:127.0.0.1:5070',
    'udp:127.0.0.2:5070',
  ]);
  assert.deepEqual(listen('listen=127.0.0.1:5080 advertise 203.0.113.1:5060'), [
    'udp:127.0.0.1:5080 as 203.0.113.1:5060',
    'tcp:127.0.0.1:5080 as 203.0.113.1:5060',
  ]);
  assert.deepEqual(listen('listen=127.0.0.1\ndisable_tcp=yes'), ['udp:127.0.0.1:5060']);
});

test('a file without a listener listens on all addresses', () => {
  assert.deepEqual(listen(''), ['udp:0.0.0.0:5060', 'tcp:0.0.0.0:5060']);
  assert.deepEqual(listen('disable_tcp=yes\nport=5075'), ['udp:0.0.0.0:5075']);
  assert.deepEqual(listen('log_level=3', '#!OPENSIPS', 'route'), ['udp:0.0.0.0:5060']);
});

test('a listener that ends with a colon is refused', () => {
  for (const text of ['udp:', 'udp:127.0.0.1:', 'udp :'])
    assert.throws(() => listen(`listen=${text}`), /an address is missing/, text);
});
