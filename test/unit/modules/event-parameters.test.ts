import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detectDialect } from '../../../src/cfg/source/detect-dialect.js';
import { INVITE, startScript } from '../../support/script-run.js';

test('files of 2.x take parameters of an event by order and by name', async () => {
  const runner = startScript({
    dialect: 'opensips',
    old: true,
    modules: 'event_route',
    script: `route {
        $avp(n) = "b"; $avp(n) = "a"; $avp(v) = "two"; $avp(v) = "one";
        raise_event("E_TEST", "$avp(n)", "$avp(v)");
      }
      event_route[E_TEST] {
        fetch_event_params("$avp(x);$avp(y)"); xlog("$avp(x) $avp(y)\\n");
        fetch_event_params("b=$var(b); none=$var(none)"); xlog("$var(b) $var(none)\\n");
      }`,
  });
  try {
    runner.receive(INVITE);
    assert.deepEqual(runner.lines, ['one two', 'two <null>']);
  } finally {
    await runner.stop();
  }
});

test('a file that loads a transport module of OpenSIPS is of OpenSIPS, whatever its comments say', () => {
  const file = 'log_level=3\nloadmodule "proto_udp.so"\n#!define WITH_NAT\nroute { exit; }\n';
  assert.equal(detectDialect(file)?.name, 'opensips');
  assert.equal(detectDialect(file.replace('loadmodule "proto_udp.so"\n', ''))?.name, 'kamailio');
});
