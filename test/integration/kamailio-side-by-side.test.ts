import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Answers } from '../support/side-by-side.js';
import { answered, type Calls, givenUp, sideBySide } from '../support/two-proxies.js';

const CFG = readFileSync(new URL('../fixtures/side-by-side/kamailio.cfg', import.meta.url), 'latin1');
const RINGING = [180, 'Ringing'] as const;
const ANSWERED = [RINGING, [200, 'OK']] as const;

/** The first gateway rejects calls to some users; the second only those to users that nobody answers. */
const GATEWAYS: Readonly<Record<string, Answers>> = {
  gw1: (method, user) => {
    if (method !== 'INVITE') return user === 'lost' ? [[404, 'Not Found']] : [[202, 'Accepted']];
    if (user === 'busy') return [[486, 'Busy Here']];
    if (user === 'over' || user === 'none') return [[503, 'Service Unavailable']];
    if (user === 'late') return [RINGING, [503, 'Service Unavailable']];
    if (user === 'decline') return [[603, 'Decline']];
    if (user === 'moved') return [[302, 'Moved Temporarily']];
    if (user === 'silent') return [];
    return user === 'ring' ? [RINGING] : ANSWERED;
  },
  gw2: (_method, user) => (user === 'none' ? [[503, 'Service Unavailable']] : ANSWERED),
};

const CALLS: Calls = {
  answered: ['bob', (call) => answered(call)],
  'answered, with an INFO within': [
    'bob',
    async (call) => {
      const answer = await call.invite();
      call.send('ACK', call.within(answer, 1));
      await call.ask('INFO', call.within(answer, 2));
      await call.ask('BYE', call.within(answer, 3));
    },
  ],
  'a number that is rewritten': ['004930123', (call) => answered(call, 'X-Internal: secret\r\nX-Kept: yes\r\n')],
  'the first gateway answers 503': ['over', (call) => answered(call)],
  'the first gateway rings, then answers 503': ['late', (call) => answered(call)],
  'the first gateway is silent': ['silent', (call) => answered(call)],
  busy: ['busy', (call) => call.invite()],
  'every gateway answers 503': ['none', (call) => call.invite()],
  'declined, which the script replaces': ['decline', (call) => call.invite()],
  redirected: ['moved', (call) => call.invite()],
  'given up while it rings': ['ring', givenUp],
  'no destination': ['nowhere', (call) => call.invite()],
  'refused by the script': ['forbidden', (call) => call.invite()],
  'too many hops': ['bob', (call) => call.ask('MESSAGE', { hops: 0 })],
  'a MESSAGE': ['bob', (call) => call.ask('MESSAGE', { body: 'hello' })],
  'a MESSAGE to nobody': ['lost', (call) => call.ask('MESSAGE')],
  'an OPTIONS for the proxy': ['ping', (call) => call.ask('OPTIONS')],
  'a BYE of no call': ['bob', (call) => call.ask('BYE', { to: ';tag=none' })],
};

test('Kamailio and switchyard send the same messages for the same file and the same calls', (t) =>
  sideBySide(t, { text: CFG, gateways: GATEWAYS, calls: CALLS }));
