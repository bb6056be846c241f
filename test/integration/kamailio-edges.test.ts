import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Answers } from '../support/side-by-side.js';
import { answered, type Calls, givenUp, sideBySide } from '../support/two-proxies.js';

const fixture = (name: string) => readFileSync(new URL(`../fixtures/side-by-side/${name}`, import.meta.url), 'latin1');
const RINGING = [180, 'Ringing'] as const;
const ANSWERED = [RINGING, [200, 'OK']] as const;

/** The first gateway refuses some users; the second answers all. */
const GATEWAYS: Readonly<Record<string, Answers>> = {
  gw1: (method, user) => {
    if (method !== 'INVITE') return user === 'lost' ? [[404, 'Not Found']] : [[202, 'Accepted']];
    if (user === 'busy') return [[486, 'Busy Here']];
    if (user === 'over') return [[503, 'Service Unavailable']];
    if (user === 'moved') return [[302, 'Moved Temporarily']];
    return user === 'ring' ? [RINGING] : ANSWERED;
  },
  gw2: () => ANSWERED,
};

const UPSTREAM =
  'Via: SIP/2.0/TCP 192.0.2.5:5070;branch=z9hG4bKup;received=192.0.2.6;rport=77, SIP/2.0/UDP phone.example;branch=z9hG4bKphone\r\nRecord-Route: <sip:192.0.2.5;lr;ftag=x>\r\nRecord-Route: <sip:192.0.2.4;lr>\r\n';

const HIDDEN: Calls = {
  answered: ['bob', (call) => answered(call)],
  'with proxies before it': ['bob', (call) => call.invite({ more: UPSTREAM })],
  'the callee asks within it': [
    'bob',
    async (call, lane) => {
      const answer = await call.invite();
      call.send('ACK', call.within(answer, 1));
      await call.ask('INFO', call.within(answer, 2));
      await lane.fromGateway('gw1', 'the-callee-asks-within-it', 'INFO', 30);
      await lane.fromGateway('gw1', 'the-callee-asks-within-it', 'BYE', 31);
    },
  ],
  'the second gateway answers': ['over', (call) => answered(call)],
  busy: ['busy', (call) => call.invite()],
  'redirected by the gateway': ['moved', (call) => call.invite()],
  'redirected here': ['moved-here', (call) => call.invite()],
  'given up': ['ring', givenUp],
  'a message': ['bob', (call) => call.ask('MESSAGE', { body: 'hello' })],
  'a message to nobody': ['lost', (call) => call.ask('MESSAGE')],
  'a registration': ['bob', (call) => call.ask('REGISTER')],
  'a subscription': ['bob', (call) => call.ask('SUBSCRIBE', { more: 'Event: presence\r\n' })],
  'left open by the event route': ['open', (call) => answered(call)],
};

test('topoh hides the same of the same messages', (t) =>
  sideBySide(t, {
    text: fixture('hidden-edge.cfg'),
    gateways: GATEWAYS,
    calls: HIDDEN,
    // Where an event route leaves a request as it is, both programs leave a sign of their own in it.
    alike: (text) => text.replace(/;TH=\w+/g, '').replace(/\\nth: \w+/g, ''),
  }));
