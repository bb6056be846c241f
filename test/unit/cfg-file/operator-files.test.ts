import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { inventory } from '../../../src/cfg-file/inventory.js';
import { readCfg } from '../../../src/cfg-file/load.js';
import { type FileVerdict, operatorFile, testFiles } from '../../support/operator-files.js';

const FILES: readonly FileVerdict[] = [
  ['old-style-1.8.cfg', 'opensips-2.1', 'runs whole', []],
  ['failover-1.11.cfg', 'opensips-2.1', 'runs whole', []],
  ['residential-proxy-2.1.cfg', 'opensips-2.1', 'runs whole', []],
  ['topology-2.2.cfg', 'opensips-2.1', 'runs whole', []],
  ['nat-edge-2.3.cfg', 'opensips-2.1', 'runs whole', []],
  ['load-balancer-2.4.cfg', 'opensips-2.1', 'runs whole', []],
  ['residential-2.4.cfg', 'opensips-2.1', 'runs without', [/save\(\) answers 501/, /lookup\(\) finds nobody/]],
  ['presence-edge-2.4.cfg', 'opensips-2.1', 'runs whole', []],
  ['registrar-front-3.0.cfg', 'opensips-3', 'runs whole', []],
  ['class4-carriers-3.4.cfg', 'opensips-4', 'runs whole', []],
  ['includes-3.1.cfg', 'opensips-3', 'runs whole', []],
  ['uac-trunks-3.1.cfg', 'opensips-3', 'runs whole', []],
  ['trunk-failover-3.1.cfg', 'opensips-3', 'runs whole', []],
  ['acc-dialog-3.2.cfg', 'opensips-3', 'runs whole', []],
  ['websocket-edge-3.2.cfg', 'opensips-3', 'runs whole', []],
  ['mi-http-3.3.cfg', 'opensips-3', 'runs whole', []],
  ['drouting-3.4.cfg', 'opensips-4', 'runs whole', []],
  ['load-balancer-module-3.4.cfg', 'opensips-4', 'runs whole', []],
  ['residential-3.4.cfg', 'opensips-4', 'runs without', [/www_authorize\(\) answers 501/]],
  ['tenants-3.4.cfg', 'opensips-4', 'runs whole', []],
  ['guarded-edge-3.5.cfg', 'opensips-4', 'runs whole', []],
  ['unused-modules-3.6.cfg', 'opensips-4', 'runs whole', []],
  ['path-edge-3.2.cfg', 'opensips-4', 'runs whole', []],
  ['sbc-edge-3.3.cfg', 'opensips-4', 'runs whole', []],
  ['sharing-tags-3.3.cfg', 'opensips-4', 'runs whole', []],
  ['async-sql-3.4.cfg', 'opensips-4', 'runs whole', []],
  ['dialplan-trunks-3.4.cfg', 'opensips-4', 'runs whole', []],
  ['rest-routing-3.4.cfg', 'opensips-4', 'runs whole', []],
  ['statistics-3.4.cfg', 'opensips-4', 'runs whole', []],
  ['tracing-3.4.cfg', 'opensips-4', 'runs whole', []],
  ['partitions-3.5.cfg', 'opensips-4', 'runs whole', []],
  ['events-3.6.cfg', 'opensips-4', 'runs whole', []],
  ['webrtc-gateway-3.6.cfg', 'opensips-4', 'runs whole', []],
  ['load-balancer-module-2.1.cfg', 'opensips-2.1', 'runs whole', []],
  ['residential-accounting-2.4.cfg', 'opensips-2.1', 'runs whole', []],
  ['drouting-2.4.cfg', 'opensips-2.1', 'runs whole', []],
  ['rtpengine-edge-2.4.cfg', 'opensips-2.1', 'runs whole', []],
  ['trunks-limits-3.1.cfg', 'opensips-3', 'runs whole', []],
  ['events-rest-3.1.cfg', 'opensips-3', 'runs whole', []],
  ['cluster-pair-3.4.cfg', 'opensips-3', 'runs whole', []],
  ['tls-edge-3.4.cfg', 'opensips-4', 'runs whole', []],
  ['sbc-hidden-3.4.cfg', 'opensips-4', 'runs whole', []],
  ['carrier-edge-2.4.cfg', 'opensips-2.1', 'runs whole', []],
  ['trunk-carriers-3.4.cfg', 'opensips-4', 'runs whole', []],
  ['trunk-fraud-3.4.cfg', 'opensips-4', 'runs whole', []],
  ['services-3.1.cfg', 'opensips-4', 'runs whole', []],
  ['cloud-trunk-3.4.cfg', 'opensips-4', 'runs whole', []],
  ['hosted-pbx-2.4.cfg', 'opensips-2.1', 'runs whole', []],
  ['trunk-routing-3.1.cfg', 'opensips-3', 'runs whole', []],
  ['hidden-border-3.3.cfg', 'opensips-3', 'runs whole', []],
  ['pbx-farm-3.2.cfg', 'opensips-3', 'runs whole', []],
  ['wholesale-router-2.4.cfg', 'opensips-2.1', 'runs whole', []],
  ['trunk-hybrid-3.1.cfg', 'opensips-3', 'runs whole', []],
  ['media-path-3.4.cfg', 'opensips-4', 'runs whole', []],
  ['tenant-hub-3.4.cfg', 'opensips-4', 'runs whole', []],
  [
    'residential-options-3.4.cfg',
    'opensips-4',
    'runs without',
    [/proxy_authorize\(\) answers 501/, /lookup\(\) finds nobody/, /handle_publish\(\) answers 501/],
  ],
  ['trunking-limits-3.5.cfg', 'opensips-4', 'runs whole', []],
  ['sbc-webrtc-3.4.cfg', 'opensips-4', 'runs whole', []],
  ['class4-switch-2.1.cfg', 'opensips-2.1', 'runs without', [/bm_start_timer\(\) measures nothing/]],
  ['residential-nat-2.3.cfg', 'opensips-2.1', 'runs without', [/www_authorize\(\) answers 501/]],
  ['trunk-guard-3.1.cfg', 'opensips-3', 'runs whole', []],
  ['media-farm-3.2.cfg', 'opensips-3', 'runs whole', []],
  ['teams-edge-3.4.cfg', 'opensips-4', 'runs whole', []],
  ['hidden-sbc-3.6.cfg', 'opensips-4', 'runs whole', []],
  ['mixed-versions.cfg', 'opensips-3', 'cannot run', [/use log_level/, /use udp_workers/, /no parameter "fr_timer"/]],
];

describe('files as operators of OpenSIPS write them', () => testFiles('opensips', FILES));

const m4 = spawnSync('m4', ['--version']).status === 0;
test('m4-template.m4.cfg is supported whole after m4 has expanded it', {
  skip: m4 ? false : 'm4 is not installed',
}, () => {
  const reading = readCfg(operatorFile('opensips', 'm4-template.m4.cfg'), { preprocess: 'm4 -s' });
  assert.equal(inventory(reading).verdict, 'runs whole');
  assert.deepEqual(reading.loaded?.settings['listen'], ['udp:127.0.0.1:5060']);
});

test('tls-peers-3.4.m4.cfg is supported whole after m4 has expanded it', {
  skip: m4 ? false : 'm4 is not installed',
}, () => {
  const reading = readCfg(operatorFile('opensips', 'tls-peers-3.4.m4.cfg'), { preprocess: 'm4 -s' });
  assert.equal(inventory(reading).verdict, 'runs whole');
  const tls = reading.loaded?.settings['tls'] as { readonly verify_client?: unknown } | undefined;
  assert.equal(tls?.verify_client, 'if_shown');
});
