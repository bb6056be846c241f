import { answered, givenUp } from '../support/two-proxies.js';
import { GATEWAYS, type OperatorFile } from './operator-file.js';
import { writeList } from './tables.js';
import { talked } from './talks.js';

export const POOL_TENANTS: OperatorFile = {
  file: 'pool-tenants-5.6.cfg',
  inOrder: true,
  gateways: GATEWAYS,
  prepare: (folder, lane) =>
    writeList(folder, lane, 'dispatcher.list', [
      '100 sip:127.0.0.1:GW2_PORT 0 0 strip=0',
      '101 sip:127.0.0.1:GW1_PORT 0 10 strip=2;tag=gold',
      '101 sip:127.0.0.1:GW2_PORT 0 5 plus;sock=x',
      '102 sip:127.0.0.1:GW1_PORT 0 0 plus=yes',
      '103 sip:127.0.0.1:GW2_PORT 0 0 tag=silver',
    ]),
  calls: {
    'a tenant by its domain': ['4930123', talked()],
    'a tenant of two sets': ['4930123', (call) => call.invite({ from: '<sip:carol@b.example>' })],
    'a tenant in capitals': ['4930123', (call) => call.invite({ from: '<sip:carol@B.Example>' })],
    'a set that is not there': ['4930123', (call) => call.invite({ from: '<sip:carol@c.example>' })],
    'a technical prefix': ['774930', (call) => answered(call)],
    'the default': ['4930123', (call) => call.invite({ from: '<sip:dan@d.example>' })],
    'relative weights': ['rel1', (call) => call.invite()],
    'switched off': ['off', (call) => call.invite({ from: '<sip:carol@b.example>' })],
    'the first fails': ['4930over', (call) => call.invite({ from: '<sip:carol@b.example>' })],
    'all fail': ['4930none', (call) => call.invite({ from: '<sip:carol@b.example>' })],
    busy: ['4930busy', (call) => call.invite({ from: '<sip:carol@b.example>' })],
    moved: ['4930moved', (call) => call.invite({ from: '<sip:carol@b.example>' })],
    early: ['4930early', (call) => answered(call)],
    'given up': ['4930ring', givenUp],
    'a message': ['bob', (call) => call.ask('MESSAGE', { body: 'x' })],
    'a registration': ['bob', (call) => call.ask('REGISTER')],
    'an OPTIONS': ['bob', (call) => call.ask('OPTIONS')],
    'an INFO of nobody': ['bob', (call) => call.ask('INFO', { to: ';tag=none' })],
    'no hops left': ['bob', (call) => call.ask('INVITE', { hops: 0 })],
  },
};
