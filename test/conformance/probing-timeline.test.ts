import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HealthState } from '../../src/engine/destination.js';
import { ProbingLab, row } from '../support/probing.js';

/**
 * The probing timeline recorded from OpenSIPS 4.1.0-dev: ds_ping_interval 1, ds_probing_mode 1, threshold 3,
 * options_reply_codes 501,403; A active, B inactive, C in state probing at load, P in partition p2. Answers, seconds,
 * the states at the end of each phase and the events in it are as recorded.  Two intentional differences: probes of one
 * destination do not overlap, so a silent one is detected a little earlier; and each destination is probed at a time of
 * its own within the interval, so it gets one OPTIONS per second of a phase, plus or minus one.
 */
const A = 'sip:127.0.61.1:5066';
const B = 'sip:usr@127.0.61.2:5066;transport=udp';
const C = 'sip:127.0.61.3:5066';
const P = 'sip:127.0.61.30:5066';

const BAD = 'negative probing reply';
const GOOD = '200 OK probing reply';

interface Phase {
  readonly name: string;
  readonly answers: Readonly<Record<string, number | 'silent'>>;
  readonly seconds: number;
  readonly a: HealthState;
  /** Destination, status, reason. */
  readonly events: readonly (readonly [string, string, string])[];
  /** State of A that MI sets before the phase. */
  readonly mi?: HealthState;
}

const TIMELINE: readonly Phase[] = [
  // The recording has no event here: the first ping, which enabled C, came before the listener subscribed.
  {
    name: 'A & C answer 200',
    answers: { [A]: 200, [C]: 200 },
    seconds: 2.5,
    a: 'active',
    events: [[C, 'active', GOOD]],
  },
  { name: 'A answers 503', answers: { [A]: 503 }, seconds: 5, a: 'probing', events: [[A, 'inactive', BAD]] },
  { name: 'A answers 200 again', answers: { [A]: 200 }, seconds: 2.5, a: 'active', events: [[A, 'active', GOOD]] },
  { name: 'A answers 404', answers: { [A]: 404 }, seconds: 4.5, a: 'probing', events: [[A, 'inactive', BAD]] },
  { name: 'A answers 403, listed', answers: { [A]: 403 }, seconds: 2.5, a: 'active', events: [[A, 'active', GOOD]] },
  { name: 'A is silent', answers: { [A]: 'silent' }, seconds: 8, a: 'probing', events: [[A, 'inactive', BAD]] },
  { name: 'A answers 501, listed', answers: { [A]: 501 }, seconds: 3.5, a: 'active', events: [[A, 'active', GOOD]] },
  { name: 'A answers 408 by itself', answers: { [A]: 408 }, seconds: 5, a: 'probing', events: [[A, 'inactive', BAD]] },
  { name: 'A 200', answers: { [A]: 200 }, seconds: 2.5, a: 'active', events: [[A, 'active', GOOD]] },
  { name: 'A 503 twice', answers: { [A]: 503 }, seconds: 2, a: 'active', events: [] },
  { name: 'then 200', answers: { [A]: 200 }, seconds: 1.5, a: 'active', events: [] },
  { name: 'p2 answers 503', answers: { [P]: 503 }, seconds: 4.5, a: 'active', events: [[P, 'inactive', BAD]] },
  { name: 'p2 answers 200', answers: { [P]: 200 }, seconds: 2.5, a: 'active', events: [[P, 'active', GOOD]] },
  {
    name: 'MI i on A',
    answers: {},
    seconds: 3,
    a: 'inactive',
    events: [[A, 'inactive', 'MI command']],
    mi: 'inactive',
  },
  { name: 'MI a on A', answers: {}, seconds: 2, a: 'active', events: [[A, 'active', 'MI command']], mi: 'active' },
];

test('states, events and probes of each phase of the recorded timeline are reproduced', async () => {
  const lab = new ProbingLab({
    config: {
      pingInterval: 1,
      pingTimeout: 2,
      probingMode: 1,
      optionsReplyCodes: [501, 403],
      pingFrom: 'sip:pinger@lab.example',
    },
  });
  lab.load('default', [row(1, A), row(1, B, { state: 'inactive' }), row(1, C, { state: 'probing' })]);
  lab.load('p2', [row(7, P)]);
  await lab.prober.start();
  for (const phase of TIMELINE) {
    for (const [uri, answer] of Object.entries(phase.answers)) lab.answers.set(uri, answer);
    lab.changes.length = 0;
    const before = [A, B, C].map((uri) => lab.count(uri));
    if (phase.mi !== undefined) {
      lab.engine.states.apply({
        destination: lab.find(A),
        kind: 'set',
        to: phase.mi,
        origin: 'mi',
        reason: 'MI command',
      });
    }
    lab.clock.advance(phase.seconds * 1000);
    assert.deepEqual([lab.state(A), lab.state(B), lab.state(C)], [phase.a, 'inactive', 'active'], phase.name);
    assert.deepEqual(
      lab.changes.filter(({ edge }) => edge !== undefined).map(({ address, edge, reason }) => [address, edge, reason]),
      phase.events,
      phase.name,
    );
    const [a = 0, b = 0, c = 0] = [A, B, C].map((uri, i) => lab.count(uri) - (before[i] ?? 0));
    assert.equal(b, 0, `${phase.name}: inactive is never probed`);
    const expected = phase.mi === 'inactive' ? 0 : phase.seconds;
    assert.ok(Math.abs(a - expected) <= 1, `${phase.name}: ${a} to A`);
    assert.ok(Math.abs(c - phase.seconds) <= 1, `${phase.name}: ${c} to C`);
  }
  const first = lab.sent.find(({ request }) => request.uri === A)?.request;
  assert.deepEqual([first?.method, first?.from, first?.maxForwards], ['OPTIONS', 'sip:pinger@lab.example', 70]);
});
