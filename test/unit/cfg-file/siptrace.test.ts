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

test('parameters of siptrace become the capture server of the settings', () => {
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

/** What an opensips.cfg with these parameters of proto_hep and tracer says. */
function readOpensips(parameters: readonly string[], route = 'trace("tid");') {
  const folder = mkdtempSync(join(tmpdir(), 'sw-trace-'));
  try {
    const file = join(folder, 'opensips.cfg');
    const lines = parameters.map((each) => `modparam(${each})`).join('\n');
    writeFileSync(
      file,
      `#!OPENSIPS\nsocket=udp:127.0.0.1:5060\nloadmodule "proto_udp.so"\nloadmodule "proto_hep.so"\nloadmodule "tracer.so"\n${lines}\nroute { ${route} }\n`,
    );
    const reading = readCfg(file, { dialect: 'opensips' });
    const { things, verdict } = inventory(reading);
    const messages = things.filter(({ message }) => message !== '').map(({ message }) => message);
    return { hep: reading.settings?.['hep'], verdict, messages };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('trace_id and hep_id of opensips.cfg become the capture server of the settings', () => {
  const traced = '"tracer", "trace_id", "[tid]\nuri=hep:hid;"';
  const hep = (text: string) => readOpensips([`"proto_hep", "hep_id", "[hid] ${text}"`, traced]).hep;
  assert.deepEqual(hep('10.0.0.9:9060'), { to: 'tcp:10.0.0.9:9060', id: 1, chosen: true });
  assert.deepEqual(hep('10.0.0.9:9060; transport=udp; version=3'), { to: 'udp:10.0.0.9:9060', id: 1, chosen: true });
  assert.deepEqual(hep('homer.example;version=2'), { to: 'udp:homer.example:5656', id: 1, chosen: true });
  const { hep: named, verdict } = readOpensips([
    '"proto_hep", "hep_capture_id", 7',
    '"proto_hep", "hep_port", 9061',
    '"proto_hep", "hep_id", "[hid][2001:db8::1]"',
    traced,
  ]);
  assert.deepEqual([named, verdict], [{ to: 'tcp:[2001:db8::1]:9061', id: 7, chosen: true }, 'runs whole']);
  const direct = readOpensips(['"tracer", "trace_id", "[tid]uri=hep:10.0.0.2:9060;transport=udp"']);
  assert.deepEqual(direct.hep, { to: 'udp:10.0.0.2:9060', id: 1, chosen: true });
});

test('trace ids that are sent nowhere are named, mistakes in them refuse the file', () => {
  const none = readOpensips(['"tracer", "trace_id", "[tid]uri=file:/tmp/x"']);
  assert.equal(none.verdict, 'runs without');
  assert.deepEqual(none.messages, [
    'tracer: nothing is written to file: copies are sent as HEP only (uri=hep:HEP_ID)',
    'trace() sends nothing: no trace_id names a capture server (trace_id "[ID]uri=hep:HEP_ID", hep_id of proto_hep)',
  ]);
  for (const [parameters, message] of [
    [['"tracer", "trace_id", "[tid]uri=hep:hid"'], /proto_hep has no hep_id "hid"/],
    [['"proto_hep", "hep_id", "10.0.0.1:9060"'], /hep_id does not begin with a name in brackets/],
    [
      ['"tracer", "trace_id", "uri=mysql://u:secret@db/homer"'],
      /^(?!.*secret)trace_id does not begin with a name in brackets/s,
    ],
    [['"proto_hep", "hep_id", "[h] a:99999"', '"tracer", "trace_id", "[t]uri=hep:h"'], /is not HOST:PORT/],
    [['"proto_hep", "hep_id", "[h] a:1;transport=sctp"', '"tracer", "trace_id", "[t]uri=hep:h"'], /"sctp" is not udp/],
  ] as const) {
    const { verdict, messages } = readOpensips(parameters);
    assert.equal(verdict, 'cannot run');
    assert.match(messages.join('\n'), message);
  }
  const two = readOpensips([
    '"proto_hep", "hep_id", "[a] 10.0.0.1:9060"',
    '"proto_hep", "hep_id", "[b] 10.0.0.2:9060;version=1"',
    '"tracer", "trace_id", "[tid]uri=hep:a"',
    '"tracer", "trace_id", "[tid]uri=hep:b"',
  ]);
  assert.match(two.messages.join('\n'), /nothing is sent to the capture server "b": copies go to one server, "a"/);
});
