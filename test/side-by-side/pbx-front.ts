import { answered, givenUp } from '../support/two-proxies.js';
import { GATEWAYS, type OperatorFile } from './operator-file.js';
import { writeList } from './tables.js';
import { talked } from './talks.js';

const CARRIER = 'X-Carrier: 1\r\n';
const PBX = 'X-PBX: 1\r\n';

/** Two PBXs that are hidden from the outside. */
export const PBX_FRONT: OperatorFile = {
  file: 'pbx-front-5.6.cfg',
  inOrder: true,
  gateways: GATEWAYS,
  prepare(folder, lane) {
    writeList(folder, lane, 'dispatcher.list', [
      '1 sip:127.0.0.1:GW1_PORT 0 10',
      '1 sip:127.0.0.1:GW2_PORT 0 5',
      '1 sip:127.0.0.1:CALLER_PORT 4 0',
      '2 sip:127.0.0.1:GW2_PORT',
    ]);
  },
  calls: {
    'a ping': ['ping', (call) => call.ask('OPTIONS', { uri: 'sip:pbx.sw.example' })],
    'a telephone calls': ['bob', talked()],
    'another telephone calls': ['20', talked({ from: '<sip:carol@pbx.sw.example>' })],
    'busy here': ['busy', (call) => call.invite()],
    'given up': ['ring', givenUp],
    'a PBX fails': ['over', (call) => call.invite()],
    'both fail': ['none', (call) => call.invite()],
    'the carrier calls': ['+4930123456', (call) => answered(call, CARRIER)],
    'a registration': ['alice', (call) => call.ask('REGISTER', { uri: 'sip:pbx.sw.example' })],
    'behind NAT': ['bob', (call) => call.invite({ contact: '<sip:alice@10.0.0.5:5070>' })],
    'a message': ['bob', (call) => call.ask('MESSAGE', { body: 'x' })],
    'a PBX calls': ['089123', (call) => answered(call, PBX)],
    'a PUBLISH': ['bob', (call) => call.ask('PUBLISH', { more: 'Event: presence\r\n' })],
    'a REFER': ['bob', (call) => call.ask('REFER', { more: 'Refer-To: <sip:x@y>\r\n' })],
    'an INFO of nobody': ['bob', (call) => call.ask('INFO', { to: ';tag=none' })],
    'a NOTIFY for the front': ['bob', (call) => call.ask('NOTIFY', { uri: 'sip:pbx.sw.example', to: ';tag=x' })],
    'no hops left': ['bob', (call) => call.ask('INVITE', { hops: 0 })],
  },
};
