import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadCfg } from '../../../src/cfg-file/load.js';
import { ScriptPath } from '../../../src/cfg-file/script-path.js';
import { readSettings } from '../../../src/config/load.js';
import { nullLogger } from '../../../src/core/logger.js';
import { Daemon } from '../../../src/daemon/daemon.js';
import { INVITE } from '../../support/script-run.js';

test('the steps of a script show no constants that are secrets, nor the values of their variables', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-path-'));
  const file = join(folder, 'proxy.cfg');
  writeFileSync(
    file,
    `#!KAMAILIO
listen=udp:127.0.0.1:5060
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "auth.so"
loadmodule "textops.so"
loadmodule "siputils.so"
request_route {
  $var(password) = "s3cret-1";
  $avp(ApiToken) = 's3cret-2';
  $var(greeting) = "hello";
  append_hf("Authorization: Bearer s3cret-4\\r\\n");
  if ($var(password) == "s3cret-5") xlog("$var(password) $var(greeting)\\n");
  pv_www_authenticate("$td", "s3cret-3", "0");
  exit;
}
`,
  );
  const cfg = loadCfg(file, { traced: true });
  const path = new ScriptPath(cfg);
  const { settings } = readSettings(cfg.settings, { cwd: folder }, file);
  const options = { settings, log: nullLogger, drainMs: 0, cfg, scriptTrace: path, unsent: () => {} };
  const daemon = new Daemon({ ...options, scriptOutput: () => {} });
  try {
    const socket = daemon.sockets.all[0];
    if (socket === undefined) throw new Error('no socket');
    daemon.layer.receive(INVITE, { socket, address: '127.0.0.1', port: 5070, flow: undefined });
    const shown = JSON.stringify(path.steps);
    assert.doesNotMatch(shown, /s3cret/);
    assert.match(shown, /hello/);
    assert.ok(path.steps.length >= 5);
  } finally {
    await daemon.stop();
    rmSync(folder, { recursive: true });
  }
});
