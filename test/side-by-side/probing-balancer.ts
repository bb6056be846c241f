import { answered, givenUp } from '../support/two-proxies.js';
import { GATEWAYS, type OperatorFile } from './operator-file.js';
import { DISPATCHER, sqliteTables } from './tables.js';
import { talked } from './talks.js';

export const PROBING_BALANCER: OperatorFile = {
  file: 'probing-balancer-5.6.cfg',
  inOrder: true,
  gateways: GATEWAYS,
  prepare: (folder, lane) =>
    sqliteTables(folder, lane, [
      DISPATCHER,
      `INSERT INTO dispatcher (setid, destination, priority, attrs) VALUES (10, 'sip:127.0.0.1:GW1_PORT', 10, 'name=one;headers=yes'),
        (10, 'sip:127.0.0.1:GW2_PORT', 5, 'name=two;weight=30'), (20, 'sip:127.0.0.1:GW2_PORT;transport=udp', 0, 'name=conf;headers=yes')`,
    ]),
  calls: {
    'in turn, the first': ['bob', (call) => answered(call)],
    'in turn, the second': ['bob', (call) => answered(call)],
    'a request within': ['bob', talked()],
    'by priority': ['prio', (call) => answered(call)],
    'a conference': ['conf-17', (call) => answered(call)],
    'the first fails': ['prio-over', (call) => call.invite({ more: 'X-Any: 1\r\n' })],
    'busy everywhere': ['prio-busy', (call) => call.invite()],
    'not found': ['prio-lost', (call) => call.invite()],
    'given up': ['prio-ring', givenUp],
    'ringing that is kept back': ['quiet', (call) => answered(call)],
    'both fail': ['prio-none', (call) => call.invite()],
    'an OPTIONS to the balancer': ['ping', (call) => call.ask('OPTIONS', { uri: 'sip:lb1.sw.example' })],
    'an OPTIONS elsewhere': ['bob', (call) => call.ask('OPTIONS', { uri: 'sip:bob@other.example' })],
    'a registration': ['bob', (call) => call.ask('REGISTER')],
    'a BYE of nobody': ['bob', (call) => call.ask('BYE', { to: ';tag=none' })],
    'no hops left': ['bob', (call) => call.ask('INVITE', { hops: 0 })],
    'a large message': ['bob', (call) => call.ask('MESSAGE', { body: 'x'.repeat(17000) })],
    'a message': ['bob', (call) => call.ask('MESSAGE', { body: 'x' })],
    'a session refresh': [
      'prio',
      async (call) => {
        const answer = await call.invite();
        call.send('ACK', call.within(answer, 1));
        const within = call.within(answer, 2);
        await call.ask('UPDATE', { ...within, more: `${within.more}Session-Expires: 90;refresher=uac\r\n` });
      },
    ],
    'the first is silent': ['prio-silent', (call) => answered(call)],
    'after it was silent': ['prio-silent', (call) => answered(call)],
  },
};
