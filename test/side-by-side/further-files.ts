import type { Lane } from '../support/side-by-side.js';
import { answered, type Calls, givenUp } from '../support/two-proxies.js';
import { GATEWAYS, type OperatorFile } from './operator-file.js';
import { writeList } from './tables.js';
import { talked } from './talks.js';

/** Calls for a file that routes calls to gateways. */
const CALLS: Calls = {
  'an answered call': ['4930123', talked()],
  'a call with early media': ['4930early', (call) => answered(call)],
  'an international number': ['004930123', (call) => answered(call)],
  'a national number': ['030123', (call) => answered(call)],
  'a number with a plus': ['+4930123', (call) => answered(call)],
  'a short number': ['11', (call) => call.invite()],
  'the first fails': ['4930over', (call) => answered(call)],
  'all fail': ['4930none', (call) => call.invite()],
  busy: ['4930busy', (call) => call.invite()],
  lost: ['4930lost', (call) => call.invite()],
  moved: ['4930moved', (call) => call.invite()],
  'given up': ['4930ring', givenUp],
  'a private caller': [
    '4930123',
    (call) => call.invite({ more: 'Privacy: id\r\nP-Asserted-Identity: <sip:alice@a.example>\r\n' }),
  ],
  'a test caller': ['4930123', (call) => call.invite({ from: '<sip:test1@a.example>' })],
  'behind a NAT': ['4930123', (call) => call.invite({ contact: '<sip:alice@10.0.0.5:5070>' })],
  'a preloaded Route': [
    '4930123',
    (call) => call.invite({ more: 'Route: <sip:127.0.0.1:PROXY;lr>\r\nX-Core-A: 1\r\n' }),
  ],
  'a registration': ['bob', (call) => call.ask('REGISTER')],
  'a message': ['bob', (call) => call.ask('MESSAGE', { body: 'x' })],
  'a ping': ['ping', (call) => call.ask('OPTIONS')],
  'an INFO of nobody': [
    'bob',
    async (call) => {
      call.send('INFO', { to: ';tag=none' });
      // Some files do not answer it.
      await call.ask('OPTIONS', { uri: 'sip:ping@sw.example', cseq: 2 });
    },
  ],
  'no hops left': ['bob', (call) => call.ask('INVITE', { hops: 0 })],
};

/** Two gateways for every set that the files use. */
const SETS = [1, 2, 3, 5, 9, 10, 20, 30];

function file(name: string, leaveOut: readonly string[] = [], more: Partial<OperatorFile> = {}): OperatorFile {
  const calls = Object.entries(CALLS).filter(([each]) => !leaveOut.includes(each));
  return {
    file: name,
    gateways: GATEWAYS,
    // Round robin, weights and limits depend on earlier calls.
    inOrder: true,
    prepare(folder: string, lane: Lane): void {
      const gateways = SETS.flatMap((set) => [
        `${set} sip:127.0.0.1:GW1_PORT 0 10 weight=100;rweight=100;prefix=7;duid=a${set}`,
        `${set} sip:127.0.0.1:GW2_PORT 0 5 duid=b${set}`,
      ]);
      for (const list of ['dispatcher.list', 'trunks.list', 'core.list']) writeList(folder, lane, list, gateways);
      writeList(folder, lane, 'address.list', ['1 127.0.0.1 32 0 here']);
    },
    ...more,
    calls: Object.fromEntries(calls),
  };
}

/** Further files, each of a different kind, with the same calls for all. */
export const FURTHER_FILES: readonly OperatorFile[] = [
  file('sbc-edge-5.6.cfg'),
  file('call-limits-5.6.cfg'),
  file('number-rewriting-5.6.cfg'),
  file('weights-attributes-5.6.cfg'),
  file('trunk-failover-5.7.cfg'),
  file('rate-limits-5.6.cfg'),
  file('blocking-5.6.cfg'),
  file('acc-dialog-5.5.cfg'),
  file('down-events-5.6.cfg'),
];
