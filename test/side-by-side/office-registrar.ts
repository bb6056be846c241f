import type { Lane, TestCall } from '../support/side-by-side.js';
import { answered, type Calls, givenUp } from '../support/two-proxies.js';
import { credentials } from './credentials.js';
import { GATEWAYS, type OperatorFile } from './operator-file.js';
import { writeList } from './tables.js';
import { talked } from './talks.js';

const OFFICE = 'sip:sw.example';

/** A REGISTER without credentials, as sent by the phone at the door. */
const door =
  (contact: string, more = '') =>
  (call: TestCall, lane: Lane): Promise<string> =>
    call.ask('REGISTER', { uri: OFFICE, contact: lane.named(contact), more });

/** A REGISTER that is challenged, then repeated with credentials; the first `cseq` of two. */
const registered =
  (user: string, contact: string, more = '', password = 'open sesame', cseq = 1) =>
  async (call: TestCall, lane: Lane): Promise<string> => {
    const options = { uri: OFFICE, contact: lane.named(contact), more: lane.named(more) };
    const first = await call.ask('REGISTER', { ...options, cseq });
    const proof = credentials(first, user, password, 'REGISTER', OFFICE);
    return call.ask('REGISTER', { ...options, cseq: cseq + 1, more: options.more + proof });
  };

/** From of a registered user. */
const ALICE = '"Alice" <sip:alice@sw.example>';

const CALLS: Calls = {
  'nobody is there': ['alice', (call) => call.invite()],
  'everyone, when nobody is there': ['20', (call) => call.invite()],
  'the door registers': ['door', door('<sip:door@127.0.0.1:GW1_PORT>;expires=300')],
  'the door registers a second contact': ['door', door('<sip:door@127.0.0.1:GW2_PORT>')],
  'the door asks what is registered': ['door', door('<sip:door@127.0.0.1:GW1_PORT>;expires=20')],
  'to the door': ['door', talked()],
  'a message to the door': ['door', (call) => call.ask('MESSAGE', { body: 'x' })],
  'alice registers': ['alice', registered('alice', '<sip:alice-busy@127.0.0.1:GW1_PORT>;q=0.9')],
  'alice registers a second contact': ['alice', registered('alice', '<sip:alice-none@127.0.0.1:GW2_PORT>;q=0.2')],
  everyone: ['20', (call) => answered(call)],
  'with a wrong password': ['alice', registered('alice', '<sip:x@127.0.0.1>', '', 'wrong')],
  'as somebody else': ['alice', registered('bob', '<sip:x@127.0.0.1>')],
  'alice behind NAT': [
    'alice',
    registered('alice', '<sip:alice-nat@10.0.0.5:5070>;q=0.1;methods="INVITE, ACK, BYE, CANCEL"'),
  ],
  'no contact': ['alice', registered('alice', 'none')],
  'a star': ['carol', registered('carol', '*', 'Expires: 30\r\n')],
  'with a Path': ['carol', registered('carol', '<sip:carol@10.0.0.7>', 'Path: <sip:127.0.0.1:GW1_PORT;lr>\r\n')],
  'to one along a Path': ['13', talked()],
  'to alice, all at once': ['11', (call) => answered(call)],
  'to alice, one after the other': ['alice', (call) => call.invite({ more: 'X-Serial: 1\r\n' })],
  'bob registers': ['bob', registered('bob', '<sip:bob-busy@127.0.0.1:GW1_PORT>;methods="INVITE"')],
  'to bob, who is busy': ['bob', (call) => answered(call)],
  'a message to bob, who takes none': ['bob', (call) => call.ask('MESSAGE', { body: 'x' })],
  'bob rings': ['bob', registered('bob', '<sip:bob-ring@127.0.0.1:GW1_PORT>', 'X-Only: 1\r\n')],
  'to bob, given up': ['bob', givenUp],
  'bob is silent': ['bob', registered('bob', '<sip:bob-silent@127.0.0.1:GW1_PORT>', 'X-Only: 1\r\n')],
  'to bob, who does not answer': ['bob', (call) => answered(call)],
  'to bob, who has moved': [
    'bob',
    async (call, lane) => {
      await registered('bob', '<sip:bob-moved@127.0.0.1:GW1_PORT>', 'X-Only: 1\r\n')(call, lane);
      await call.invite({ cseq: 7 });
    },
  ],
  'bob is away': ['*21', (call) => call.ask('MESSAGE', { from: '<sip:bob@sw.example>' })],
  'to bob, who is away': ['bob', (call) => answered(call)],
  'bob is back': ['*20', (call) => call.ask('MESSAGE', { from: '<sip:bob@sw.example>' })],
  'the own mailbox': ['*97', talked({ from: ALICE })],
  abroad: ['00441234567', talked({ from: ALICE })],
  'to another city': ['0891234567', (call) => call.invite({ from: ALICE })],
  'the first provider fails': ['0891234over', (call) => call.invite({ from: ALICE })],
  'a number that is lost': ['+4930404404', (call) => call.invite({ from: ALICE })],
  'a stranger abroad': ['00441234567', (call) => call.invite({ from: '<sip:nobody@sw.example>' })],
  'to elsewhere': ['x', (call) => call.invite({ uri: 'sip:x@elsewhere.example' })],
  'a telephone behind NAT calls': ['door', talked({ contact: '<sip:alice@10.0.0.5:5070>' })],
  'bob goes': ['bob', registered('bob', '*', 'Expires: 0\r\n')],
  'to bob, who has gone': ['bob', (call) => call.invite()],
  'the door goes': ['door', door('<sip:door@127.0.0.1:GW1_PORT>;expires=0')],
  'to the door, which has gone': ['door', (call) => call.invite()],
  'a ping': ['', (call) => call.ask('OPTIONS', { uri: OFFICE })],
  'a SUBSCRIBE': ['alice', (call) => call.ask('SUBSCRIBE', { more: 'Event: presence\r\n' })],
  'an INFO of nobody': ['bob', (call) => call.ask('INFO', { to: ';tag=none' })],
};

/** A small office: phones that register, a voicemail server, two providers. */
export const OFFICE_REGISTRAR: OperatorFile = {
  file: 'office-registrar-5.6.cfg',
  gateways: GATEWAYS,
  inOrder: true,
  prepare(folder, lane) {
    writeList(folder, lane, 'dispatcher.list', ['1 sip:127.0.0.1:GW1_PORT 0 10', '1 sip:127.0.0.1:GW2_PORT 0 5']);
  },
  // The expiry counts down while the calls are made.
  alike: (text) => text.replace(/(nonce|opaque)=\\?"?[\w+/=.-]+\\?"?/g, '$1=*').replace(/;expires=\d+/g, ';expires=*'),
  calls: CALLS,
};
