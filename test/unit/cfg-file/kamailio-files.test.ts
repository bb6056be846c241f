import { describe } from 'node:test';
import { type FileVerdict, testFiles } from '../../support/operator-files.js';

const FILES: readonly FileVerdict[] = [
  ['permissions-table-5.4.cfg', 'kamailio-5.6', 'runs whole', []],
  ['acc-dialog-5.5.cfg', 'kamailio-5.6', 'runs whole', []],
  ['load-balancer-5.5.cfg', 'kamailio-5.6', 'runs whole', []],
  ['endpoints-5.5.cfg', 'kamailio-5.6', 'runs without', [/jsonrpc_exec\(\)/, /jsonrpc_dispatch\(\) answers 501/]],
  ['blocking-5.6.cfg', 'kamailio-5.6', 'runs whole', []],
  ['default-5.6.cfg', 'kamailio-5.6', 'runs without', [/save\(\) answers 501/, /lookup\(\) answers 501/]],
  ['down-events-5.6.cfg', 'kamailio-5.6', 'runs whole', []],
  ['includes-5.6.cfg', 'kamailio-5.6', 'runs whole', []],
  ['number-rewriting-5.6.cfg', 'kamailio-5.6', 'runs whole', []],
  ['rate-limits-5.6.cfg', 'kamailio-5.6', 'runs whole', []],
  ['sbc-edge-5.6.cfg', 'kamailio-5.6', 'runs whole', []],
  ['siptrace-5.6.cfg', 'kamailio-5.6', 'runs without', [/sip_trace\(\)/]],
  ['weights-attributes-5.6.cfg', 'kamailio-5.6', 'runs whole', []],
  ['domain-attributes-5.6.cfg', 'kamailio-5.6', 'runs whole', []],
  ['tenants-5.7.cfg', 'kamailio-5.6', 'runs whole', []],
  ['trunk-failover-5.7.cfg', 'kamailio-5.6', 'runs whole', []],
  ['registrar-front-5.8.cfg', 'kamailio-5.6', 'runs without', [/save\(\) answers 501/, /registered\(\) answers 501/]],
  ['websocket-edge-5.8.cfg', 'kamailio-5.6', 'runs whole', []],
  ['webrtc-gateway-5.6.cfg', 'kamailio-5.6', 'runs whole', []],
  ['call-limits-5.6.cfg', 'kamailio-5.6', 'runs whole', []],
  ['rtpengine-edge-6.0.cfg', 'kamailio-6', 'runs whole', []],
  [
    'mixed-up.cfg',
    'kamailio-5.6',
    'cannot run',
    [
      /unknown parameter "log_level"/,
      /there is no module proto_udp/,
      /no parameter "fr_timeout"; did you mean fr_timer\?/,
      /"ds_ping_interval" of dispatcher must be a number/,
      /ds_select_dst\(\) takes 2 or 3 arguments, not 5/,
      /route "RELAY" is not defined/,
    ],
  ],
];

describe('files as operators of Kamailio write them', () => testFiles('kamailio', FILES));
