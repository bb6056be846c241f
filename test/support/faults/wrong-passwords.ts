import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { hashPassword } from '../../../src/access/secret.js';
import { type DaemonProcess, startDaemon } from '../daemon-process.js';
import { quantile } from '../quantile.js';
import { runSipp, startSippUas } from '../sipp.js';
import type { FaultBench } from './bench.js';
import { measureRoundTrips } from './responder.js';

/** One period of calls, as the caller sees it. */
interface Stretch {
  readonly calls: number;
  /** Not 0 only where SIPp itself was not scheduled. */
  readonly failed: number;
  /** SIPp retransmits after 500 ms without an answer. */
  readonly retransmissions: number;
  /** Mean time from INVITE to 200, milliseconds. */
  readonly answerMs: number;
  /** Milliseconds an OPTIONS through the daemon takes: median, 99th percentile, and maximum. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Answers of the daemon to wrong passwords by status; 0: the connection was closed. */
export type Refusals = Readonly<Record<number, number>>;

export interface GuessingFigures {
  readonly quiet: Stretch;
  readonly attacked: Stretch;
  readonly refusals: Refusals;
}

/**
 * Calls run for `seconds` without, and for `seconds` with wrong passwords at `perMinute`, each from its own address: no
 * rate limit applies to such sources, so that every password for which the queue has space is checked. Throws when a
 * call fails, or when a password is answered with another status than 401 or 429.
 */
export async function wrongPasswords(
  bench: FaultBench,
  size: { readonly perMinute: number; readonly seconds: number; readonly callsPerSecond: number },
): Promise<GuessingFigures> {
  const gateway = await startSippUas({ scenario: 'uas-answer' });
  bench.defer(() => gateway.stop());
  const daemon = await startDaemon({
    destinations: [[1, gateway.uri]],
    settings: {
      // No rule matches OPTIONS: the daemon answers it itself.
      routing: [{ match: { $rm: 'INVITE' }, select: { set: 1, alg: 8 }, record_route: true }],
      access: {
        users: [{ name: 'noc', password: await hashPassword('correct horse'), role: 'viewer', partitions: '*' }],
      },
      log: { level: 'fatal' },
      limits: { requests_per_second_per_source: 0 },
    },
  });
  bench.defer(() => daemon.stop());
  const calls = async (seconds: number): Promise<Stretch> => {
    const trips = await measureRoundTrips(daemon.port, 'sip:x@127.0.0.1', 10);
    const { ok, failed, retransmissions, responseMs, errors } = await runSipp({
      scenario: 'uac-call',
      target: `127.0.0.1:${daemon.port}`,
      calls: size.callsPerSecond * seconds,
      rate: size.callsPerSecond,
      timeoutMs: seconds * 1000 + 30_000,
    });
    await trips.stop();
    // When SIPp was not scheduled for half a second it reports that and loses calls itself: then the figure describes
    // the machine.
    const isStalled = errors.some((each) => /watchdog timer/.test(each));
    if (!isStalled) assert.equal(failed, 0, errors.join('\n'));
    const [p50, p99, max] = [0.5, 0.99, 1].map((part) => quantile(trips.times, part)) as [number, number, number];
    return { calls: ok, failed, retransmissions, answerMs: responseMs, p50, p99, max };
  };
  await calls(2);
  const quiet = await calls(size.seconds);
  const guessing = guess(daemon, size.perMinute / 60, size.seconds);
  const attacked = await calls(size.seconds);
  return { quiet, attacked, refusals: await guessing };
}

/** Sends wrong passwords at a rate per second, each from its own address; returns the answers by status. */
async function guess(daemon: DaemonProcess, perSecond: number, seconds: number): Promise<Refusals> {
  const refusals: Record<number, number> = {};
  const { port } = new URL(daemon.http);
  const agent = new Agent({ keepAlive: false });
  const underWay = new Set<Promise<void>>();
  const once = (n: number) =>
    new Promise<void>((done) => {
      const headers = {
        'content-type': 'application/json',
        authorization: `Basic ${Buffer.from(`noc:guess${n}`).toString('base64')}`,
      };
      const localAddress = `127.1.${(n >> 8) & 255}.${n & 255}`;
      const options = { host: '127.0.0.1', port, path: '/mi', method: 'POST', headers, localAddress, agent };
      const asked = request(options, (answer) => {
        const status = answer.statusCode ?? 0;
        refusals[status] = (refusals[status] ?? 0) + 1;
        answer.resume();
        answer.once('end', done);
      });
      // A connection may be closed to make room for another: that is also a refusal.
      asked.once('error', () => {
        refusals[0] = (refusals[0] ?? 0) + 1;
        done();
      });
      asked.end('{"jsonrpc":"2.0","id":1,"method":"version"}');
    });
  const began = performance.now();
  let sent = 0;
  while (sent < perSecond * seconds) {
    const due = Math.min(perSecond * seconds, ((performance.now() - began) / 1000) * perSecond);
    for (; sent < due; sent++) {
      const one = once(sent).finally(() => underWay.delete(one));
      underWay.add(one);
    }
    await new Promise((next) => setTimeout(next, 5));
  }
  await Promise.all(underWay);
  for (const status of Object.keys(refusals)) assert.match(status, /^(0|401|429)$/);
  return refusals;
}
