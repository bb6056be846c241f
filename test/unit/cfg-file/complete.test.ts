import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadCompleteCfg } from '../../../src/cfg-file/complete.js';
import { CfgError } from '../../../src/cfg-file/load.js';
import { ConfigError } from '../../../src/config/problem.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-complete-'));
after(() => rmSync(folder, { recursive: true }));

const SCRIPT = 'route {\n  nosuch();\n  exit;\n}\n';

function load(text: string, json: object) {
  const path = join(folder, 'opensips.cfg');
  writeFileSync(path, text);
  writeFileSync(join(folder, 'switchyard.json'), JSON.stringify(json));
  return loadCompleteCfg(path);
}

test('switchyard.json beside a cfg file says whose it is and what becomes of unknown functions', () => {
  const { cfg } = load(SCRIPT, { dialect: 'opensips', unknown_functions: 'log' });
  assert.equal(cfg.dialect.name, 'opensips');
  assert.match(cfg.warnings[0]?.message ?? '', /unknown function nosuch\(\)/);
  assert.throws(() => load(SCRIPT, { dialect: 'opensips' }), CfgError);
});

test('a preprocessor is named there as well', () => {
  const command = `"${process.execPath}" -e "process.stdin.resume();process.stdin.on('end',()=>console.log('route { exit; }'))"`;
  assert.equal(load('IGNORED', { dialect: 'opensips', preprocess: command }).cfg.tree.routes.length, 1);
});

test('what the settings do not know is refused', () => {
  assert.throws(() => load('route { exit; }', { dialect: 'opensips', unknown_functions: 'skip' }), ConfigError);
});
