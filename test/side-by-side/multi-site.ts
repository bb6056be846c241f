import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { operatorFile } from '../support/operator-files.js';
import { answered, givenUp } from '../support/two-proxies.js';
import { GATEWAYS, type OperatorFile } from './operator-file.js';
import { writeList } from './tables.js';
import { talked } from './talks.js';

/** One file for all sites, with conditional parts and defines. */
export const MULTI_SITE: OperatorFile = {
  file: 'multi-site-5.6.cfg',
  inOrder: true,
  gateways: GATEWAYS,
  prepare(folder, lane) {
    mkdirSync(join(folder, 'parts'));
    for (const name of ['names', 'modules', 'numbers'].map((each) => `parts/multi-site-${each}.cfg`))
      copyFileSync(operatorFile('kamailio', name), join(folder, name));
    writeList(folder, lane, 'dispatcher.list', [
      '30 sip:127.0.0.1:GW1_PORT 0 10',
      '30 sip:127.0.0.1:GW2_PORT 0 5',
      '1 sip:127.0.0.1:GW2_PORT',
    ]);
  },
  calls: {
    'a ping': ['ping', (call) => call.ask('OPTIONS', { uri: 'sip:berlin.sw.example' })],
    'a number of the site': ['+49301234', talked()],
    'an extension': ['200', talked()],
    'another city': ['49891234', (call) => answered(call)],
    'a gateway fails': ['4930over', (call) => call.invite()],
    'both fail': ['4930none', (call) => call.invite()],
    'given up': ['4930ring', givenUp],
    'a message': ['4930555', (call) => call.ask('MESSAGE', { body: 'x' })],
    'a PUBLISH': ['4930', (call) => call.ask('PUBLISH', { more: 'Event: presence\r\n' })],
    'an INFO of nobody': ['4930', (call) => call.ask('INFO', { to: ';tag=none' })],
    'no hops left': ['4930', (call) => call.ask('INVITE', { hops: 0 })],
    'many hops': ['49301234', (call) => call.invite({ hops: 90 })],
  },
};
