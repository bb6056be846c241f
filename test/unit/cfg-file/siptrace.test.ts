import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inventory } from '../../../src/cfg-file/inventory.js';
import { readCfg } from '../../../src/cfg-file/load.js';

function read(parameters: readonly string[], route = 'exit;') {
  const folder = mkdtempSync(join(tmpdir(), 'sw-trace-'));
  try {
    const file = join(folder, 'kamailio.cfg');
    const lines = parameters.map((each) => `modparam("siptrace", ${each})`).join('\n');
    writeFileSync(file, `#!KAMAILIO\nloadmodule "siptrace.so"\n${lines}\nrequest_route { ${route} }\n`);
    const reading = readCfg(file, { dialect: 'kamailio' });
    const { things, verdict } = inventory(reading);
    const messages = things.filter(({ message }) => message !== '').map(({ message }) => message);
    return { hep: reading.settings?.['hep'], verdict, messages };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const HOMER = ['"duplicate_uri", "sip:10.0.0.9:9060;transport=tcp"', '"hep_mode_on", 1', '"hep_version", 3'];

test('parameters of siptrace are the capture server of the settings', () => {
  assert.deepEqual(read([...HOMER, '"trace_on", 1', '"hep_capture_id", 241', '"auth_key", "k"']).hep, {
    to: 'tcp:10.0.0.9:9060',
    id: 241,
    password: 'k',
    chosen: true,
  });
  assert.deepEqual(read([...HOMER, '"trace_on", 1', '"trace_mode", 1']).hep, {
    to: 'tcp:10.0.0.9:9060',
    id: 1,
    chosen: false,
  });
  assert.equal(read([...HOMER, '"trace_on", 0']).hep, undefined);
  assert.equal(read([]).hep, undefined);
});

test('parameters of siptrace without effect are named', () => {
  assert.deepEqual(
    read([...HOMER.slice(0, 2), '"trace_on", 1', '"hep_version", 2', '"db_url", "sqlite:///x"']).messages,
    [
      'siptrace: HEP version 3 is sent, whatever version is configured',
      'siptrace: messages are not written to a database',
    ],
  );
  assert.deepEqual(read(['"duplicate_uri", "sip:10.0.0.9:9060"', '"trace_on", 1']).messages, [
    'siptrace: copies are sent as HEP only: set hep_mode_on to 1',
  ]);
  const { verdict, messages } = read([], 'sip_trace();');
  assert.equal(verdict, 'runs without');
  assert.match(messages.join(), /sip_trace\(\) sends nothing: siptrace names no server/);
  assert.equal(read(['"duplicate_uri", "nowhere"', '"hep_mode_on", 1', '"trace_on", 1']).verdict, 'cannot run');
});
