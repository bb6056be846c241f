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

test('switchyard.json in the folder of a cfg file names its dialect and decides about unknown functions', () => {
  const { cfg } = load(SCRIPT, { dialect: 'opensips', unknown_functions: 'log' });
  assert.equal(cfg.dialect.name, 'opensips');
  assert.match(cfg.warnings[0]?.message ?? '', /unknown function nosuch\(\)/);
  assert.throws(() => load(SCRIPT, { dialect: 'opensips' }), CfgError);
});

test('a preprocessor can be named in switchyard.json beside the cfg file', () => {
  const command = `"${process.execPath}" -e "process.stdin.resume();process.stdin.on('end',()=>console.log('route { exit; }'))"`;
  assert.equal(load('IGNORED', { dialect: 'opensips', preprocess: command }).cfg.tree.routes.length, 1);
});

test('keys of switchyard.json that the settings do not have are refused', () => {
  assert.throws(() => load('route { exit; }', { dialect: 'opensips', unknown_functions: 'skip' }), ConfigError);
});

const PAIR = `loadmodule "clusterer.so"
loadmodule "dispatcher.so"
modparam("clusterer", "my_node_id", 2)
modparam("clusterer", "sharing_tag", "vip/1=active")
modparam("clusterer", "sharing_tag", "other/1=backup")
modparam("dispatcher", "db_url", "text:./db")
modparam("dispatcher", "cluster_id", 1)
modparam("dispatcher", "cluster_sharing_tag", "vip")
route { exit; }
`;
const NATS = { dialect: 'opensips', events: { nats: { servers: ['nats://127.0.0.1:4222'], jetstream: {} } } };

test('clusterer names the node and its sharing tags where NATS connects the nodes', () => {
  const { settings } = load(PAIR, NATS);
  assert.equal(settings.node, '2');
  assert.deepEqual(
    [...(settings.cluster?.tags ?? [])],
    [
      ['vip', { prefer: ['2'], auto: false }],
      ['other', { prefer: [], auto: false }],
    ],
  );
  assert.equal(load(PAIR, { dialect: 'opensips' }).settings.cluster, undefined);
});

test('node and tags in switchyard.json override those of the cfg file', () => {
  const tags = { vip: { prefer: ['b', 'a'], auto: true } };
  const { settings } = load(PAIR, { ...NATS, node: 'a', cluster: { name: 'pair', tags } });
  assert.equal(settings.node, 'a');
  assert.equal(settings.cluster?.name, 'pair');
  assert.deepEqual(settings.cluster?.tags.get('vip'), { prefer: ['b', 'a'], auto: true });
  assert.deepEqual(settings.cluster?.tags.get('other'), { prefer: [], auto: false });
});

test('a sharing tag without a state is refused with its line', () => {
  assert.throws(
    () => load(PAIR.replace('vip/1=active', 'vip'), NATS),
    /opensips\.cfg:4:\d+: sharing_tag "vip" of clusterer is not TAG\/CLUSTER=active or =backup/,
  );
});

test('only a file that selects destinations is warned that it has none', () => {
  const warned = (modules: string): string[] =>
    load(`${modules}\nroute { exit; }\n`, { dialect: 'opensips' }).warnings.map(({ reason }) => reason);
  assert.deepEqual(warned('loadmodule "sl.so"'), []);
});
