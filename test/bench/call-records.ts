/**
 * CPU time of one call through the proxy core with call records, with a trace of one call in a thousand, and with neither; in
 * alternating rounds, over recorders in place of sockets. Run: node --import tsx --expose-gc test/bench/call-records.ts
 */

import { CallLedger } from '../../src/calls/call-ledger.js';
import { callIdOf } from '../../src/trace/call-id.js';
import { TraceSession } from '../../src/trace/trace-session.js';
import { makeDestination } from '../support/event-fixtures.js';
import type { FakeClock } from '../support/fake-clock.js';
import { hopTo, ListPlan, proxyFixture } from '../support/proxy-fixture.js';

const CALLS = 1500;
const ROUNDS = 40;
const GATEWAY = '192.0.2.10';
const hop = hopTo(`sip:${GATEWAY}`, { destination: makeDestination({ uri: `sip:${GATEWAY}:5060` }) });
const SDP = `v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n`;

type Kind = 'neither' | 'records' | 'trace';
const worlds = new Map<Kind, ReturnType<typeof world>>();
let numbers = 0;

function world(kind: Kind) {
  const config = { maxTransactions: 1_000_000 };
  const fixture = proxyFixture({
    config,
    decide: () => ({ kind: 'relay', plan: new ListPlan([hop], [503], true) }),
    ...(kind === 'records' ? { observer: (clock: FakeClock) => new CallLedger(clock) } : {}),
  });
  const bounds = { seconds: 1e6, calls: 1e6, messages: 1e6, bytes: 1e9 };
  const session = kind === 'trace' ? new TraceSession(1, { oneIn: 1000 }, bounds, true, 1e12) : undefined;
  return { fixture, session };
}

function round(kind: Kind): number {
  const { fixture, session } = worlds.get(kind) as ReturnType<typeof world>;
  const { udp } = fixture;
  const see = (text: string, direction: 'in' | 'out') => {
    if (session === undefined) return;
    const callId = callIdOf(text);
    if (!session.wants(callId, text, direction, '192.0.2.1')) return;
    const local = { address: '127.0.0.1', port: 5060 };
    session.keep({ time: 0, direction, transport: 'udp', local, remote: local, callId, text });
  };
  const before = process.cpuUsage();
  for (let i = 0; i < CALLS; i++) {
    const n = ++numbers;
    const callId = `${n}-a84b4c76e66710@pc33.atlanta.example`;
    udp.sent.length = 0;
    see(fixture.call({ callId, branch: `z9hG4bKi${n}`, body: SDP }), 'in');
    const invite = udp.sent.find((each) => each.address === GATEWAY)?.text ?? '';
    fixture.answer(invite, 180, 'b');
    fixture.answer(invite, 200, 'b');
    const route = 'Route: <sip:127.0.0.1:5060;lr>\r\n';
    const dialog = { callId, toTag: 'b', uri: `sip:${GATEWAY}`, headers: route };
    see(fixture.call({ ...dialog, method: 'ACK', branch: `z9hG4bKa${n}` }), 'in');
    const at = udp.sent.length;
    see(fixture.call({ ...dialog, method: 'BYE', branch: `z9hG4bKb${n}` }), 'in');
    const bye = udp.sent.slice(at).find((each) => each.address === GATEWAY)?.text ?? '';
    fixture.answer(bye, 200, 'b');
    if (session !== undefined) for (const { text } of udp.sent) see(text, 'out');
    // The replies that came, which the recorder does not hand out.
    if (session !== undefined) for (let reply = 0; reply < 3; reply++) see(invite, 'in');
    if (i % 100 === 0) fixture.clock.advance(50);
  }
  const { user, system } = process.cpuUsage(before);
  fixture.clock.advance(40_000);
  return (user + system) / CALLS;
}

const kinds: readonly Kind[] = ['neither', 'records', 'trace'];
const times = new Map<Kind, number[]>(kinds.map((kind) => [kind, []]));
for (const kind of kinds) {
  worlds.set(kind, world(kind));
  round(kind);
}
for (let i = 0; i < ROUNDS; i++) {
  for (let k = 0; k < kinds.length; k++) {
    const kind = kinds[(i + k) % kinds.length] as Kind;
    globalThis.gc?.();
    times.get(kind)?.push(round(kind));
  }
}
// Others on the machine only ever add: the quarter of the rounds that took least shows what the work costs.
const least = (all: readonly number[]) => {
  const sorted = [...all].sort((a, b) => a - b).slice(0, Math.ceil(all.length / 4));
  return sorted.reduce((sum, each) => sum + each, 0) / sorted.length;
};
const base = least(times.get('neither') as number[]);
for (const kind of kinds) {
  const cost = least(times.get(kind) as number[]);
  const more = cost - base;
  console.log(`${kind.padEnd(8)} ${cost.toFixed(1)} microseconds a call, ${more.toFixed(2)} more than with neither`);
}
