/**
 * CPU time, garbage collection time and allocated bytes per call (INVITE 180 200 ACK BYE 200) through the proxy core:
 * with call records, with a trace of one call in a thousand, and with neither. Rounds are interleaved; recorders stand
 * in for sockets. Messages pass the daemon's tap for traces. Run: node --import tsx --expose-gc
 * test/bench/call-records.ts [SHORT ROUNDS] [LONG ROUNDS]
 */

import { GCProfiler } from 'node:v8';
import { CallLedger } from '../../src/calls/call-ledger.js';
import { TapPoint } from '../../src/sip/transport/tap.js';
import { Tracer } from '../../src/trace/tracer.js';
import { makeDestination } from '../support/event-fixtures.js';
import type { FakeClock } from '../support/fake-clock.js';
import { hopTo, ListPlan, proxyFixture } from '../support/proxy-fixture.js';
import { quantile } from '../support/quantile.js';
import { RecordingSocket, replyTo, requestText, sourceOf } from '../support/sip-recorder.js';

/** Short rounds show the CPU time: the fastest of them were not disturbed by other processes. */
const [SHORT = 6000, LONG = 10] = process.argv.slice(2).map(Number);
const SHORT_CALLS = 10;
/** Long rounds contain several garbage collections. */
const LONG_CALLS = 1500;
const GATEWAY = '192.0.2.10';
const CALLER = '192.0.2.1';
const hop = hopTo(`sip:${GATEWAY}`, { destination: makeDestination({ uri: `sip:${GATEWAY}:5060` }) });
const SDP = `v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n`;
const ROUTE = 'Route: <sip:127.0.0.1:5060;lr>\r\n';
/** Milliseconds between two messages; a fraction, as with the system clock. */
const STEP = 0.1875;

/** Sent text is written to memory, as a socket does. This flattens strings that were built by concatenation. */
const written = Buffer.alloc(65_536);
const { send } = RecordingSocket.prototype;
RecordingSocket.prototype.send = function (...args) {
  written.write(args[0], 'latin1');
  send.apply(this, args);
};

type Kind = 'neither' | 'records' | 'trace';
const KINDS: readonly Kind[] = ['neither', 'records', 'trace'];
let numbers = 0;

/** Result of one round, per call: microseconds, microseconds, bytes. */
interface Cost {
  readonly cpu: number;
  readonly collector: number;
  readonly allocated: number;
}

function world(kind: Kind) {
  const fixture = proxyFixture({
    config: { maxTransactions: 1_000_000 },
    decide: () => ({ kind: 'relay', plan: new ListPlan([hop], [503], true) }),
    ...(kind === 'records' ? { observer: (clock: FakeClock) => new CallLedger(clock) } : {}),
  });
  const { udp, layer, clock } = fixture;
  const point = new TapPoint(layer);
  point.watch([udp]);
  if (kind === 'trace') {
    const bounds = { seconds: 1e6, calls: 1e6, messages: 1e6, bytes: 1e9 };
    new Tracer(point, clock).begin({ filter: { oneIn: 1000 }, bounds });
  }
  const caller = sourceOf(udp, CALLER);
  const gateway = sourceOf(udp, GATEWAY);
  /** The message sent to the gateway since the recorder was emptied. */
  const atGateway = () => udp.sent.find((each) => each.address === GATEWAY)?.text ?? '';
  const come = (text: string, from: typeof caller) => {
    clock.advance(STEP);
    point.receive(text, from);
  };

  /** Places calls; returns the microseconds per call. */
  const measure = (calls: number): number => {
    const before = process.cpuUsage();
    for (let i = 0; i < calls; i++) {
      const n = ++numbers;
      const callId = `${n}-a84b4c76e66710@pc33.atlanta.example`;
      const dialog = { callId, toTag: 'b', uri: `sip:${GATEWAY}`, headers: ROUTE };
      udp.sent.length = 0;
      come(requestText({ callId, branch: `z9hG4bKi${n}`, body: SDP }), caller);
      const invite = atGateway();
      come(replyTo(invite, 180, 'b'), gateway);
      come(replyTo(invite, 200, 'b'), gateway);
      come(requestText({ ...dialog, method: 'ACK', branch: `z9hG4bKa${n}` }), caller);
      udp.sent.length = 0;
      come(requestText({ ...dialog, method: 'BYE', branch: `z9hG4bKb${n}` }), caller);
      come(replyTo(atGateway(), 200, 'b'), gateway);
    }
    const { user, system } = process.cpuUsage(before);
    // Lets the transactions of the round end.
    clock.advance(40_000);
    return (user + system) / calls;
  };

  /** Places calls and observes the garbage collector. */
  const weigh = (calls: number): Cost => {
    globalThis.gc?.();
    const profiler = new GCProfiler();
    profiler.start();
    let allocated = -process.memoryUsage().heapUsed;
    const cpu = measure(calls);
    allocated += process.memoryUsage().heapUsed;
    let collector = 0;
    for (const { cost, beforeGC, afterGC } of profiler.stop()?.statistics ?? []) {
      collector += cost;
      allocated += beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize;
    }
    return { cpu, collector: collector / calls, allocated: allocated / calls };
  };

  return { measure, weigh };
}

const worlds = KINDS.map((kind) => ({ kind, ...world(kind), times: [] as number[], costs: [] as Cost[] }));
for (let warm = 0; warm < 500; warm++) for (const { measure } of worlds) measure(SHORT_CALLS);
for (let i = 0; i < SHORT; i++) {
  for (let k = 0; k < KINDS.length; k++) {
    const each = worlds[(i + k) % KINDS.length];
    each?.times.push(each.measure(SHORT_CALLS));
  }
}
for (let i = 0; i < LONG; i++) for (const each of worlds) each.costs.push(each.weigh(LONG_CALLS));

/** The mean of the lowest twentieth: other processes can only increase a value. */
function least(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b).slice(0, Math.ceil(values.length / 20));
  return sorted.reduce((sum, each) => sum + each, 0) / sorted.length;
}

const base = worlds[0]?.times ?? [];
for (const { kind, times, costs } of worlds) {
  const more = times.map((time, i) => time - (base[i] ?? 0));
  const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => quantile(more, share).toFixed(2));
  const collector = costs.map((each) => each.collector);
  const allocated = costs.map((each) => each.allocated);
  console.log(
    `${kind.padEnd(8)} ${least(times).toFixed(2)} us a call, ${(least(times) - least(base)).toFixed(2)} more than neither; in pairs ` +
      `${middle} more (${low} to ${high}); collector ${quantile(collector, 0.25).toFixed(2)} us, ` +
      `${Math.round(quantile(allocated, 0.5))} bytes allocated`,
  );
}
