import { setFlagsFromString } from 'node:v8';
import { systemClock } from '../core/clock.js';
import type { DestinationRow } from '../engine/destination.js';
import type { FlavourName } from '../engine/options.js';
import type { DatagramIo, DatagramReader } from '../sip/transport/datagram-io.js';
import type { Receiver, SipSocket, Source } from '../sip/transport/transport.js';
import { UdpSocket } from '../sip/transport/udp.js';
import type { WarmUpPlan } from '../workers/protocol.js';
import { nextMessage, WARM_UP_PORTS, warmUpInvite } from './warm-up-messages.js';

/** Messages handled without a pause: at first one, while everything is compiled for the first time, later several. */
const FIRST_MESSAGES = 100;
const MESSAGES = 8;
/** Milliseconds between them. */
const PAUSE_MS = 2;
/** When a pause ends this much too late, there is other work; and the milliseconds to wait then. */
const LATE_MS = 3;
const BUSY_MS = 10;
/**
 * Calls after which the next subject is used; each later one follows after more calls. What V8 compiles depends on a
 * subject's closures and history, and the daemon itself is another object at its beginning. So several subjects are
 * used, two at a time, and each begins anew.
 */
const FIRST_CALLS = 25;
/** Milliseconds after which the warm-up ends. */
const MAX_MS = 20_000;
/**
 * V8 of Node 20 optimises a function after this much bytecode of it has run. During the warm-up a third is enough, so
 * that functions that run once per call are optimised too. Later releases count calls instead, and their settings are
 * not changed.
 */
const USUAL_BUDGET = 67_584;
const BUDGET = 20_000;

/** A row for warm-up calls, with the same keys in the same order as rows from a store. */
export const warmUpRow = (uri: string): DestinationRow => ({
  rowId: 1,
  setId: 1,
  uri,
  socket: '',
  state: 'active',
  probeMode: 0,
  weight: 1,
  priority: 0,
  attrs: '',
  description: '',
});
/** Settings for warm-up calls in a partition of a flavour. */
export const warmUpSettings = (flavour: FlavourName) => ({
  listen: [`udp:127.0.0.1:${WARM_UP_PORTS.proxy}`],
  secret: 'of-no-daemon-but-this',
  modparam: { db_url: 'text:./none' },
  partitions: [{ name: 'default', flavour }],
  routing: [
    {
      match: {},
      select: { set: 1, alg: 4, flags: 'f' },
      relay: 'stateful',
      failover: { codes: ['408', '503'] },
      record_route: true,
      reject: { code: 503, reason: 'No destinations' },
    },
  ],
});

/**
 * Makes V8 compile the code of calls before the first real ones come: makes calls in memory through the subjects that
 * `begin` creates, a few messages at a time, while there is nothing else to do. `ended`: whether to stop after this
 * number of calls. Resolves with the number of calls; never rejects.
 */
export async function makeWarmUpCalls(
  { calls, flavours }: WarmUpPlan,
  ended: (made: number) => boolean,
  begin: (flavour: FlavourName) => Promise<WarmUpSubject>,
): Promise<number> {
  const budget = process.versions.v8.startsWith('11.3.');
  if (budget) setFlagsFromString(`--interrupt-budget=${BUDGET}`);
  const made: WarmUpCalls[] = [];
  let before = 0;
  const completed = () => made.reduce((sum, each) => sum + each.completed, before);
  try {
    let begun = 0;
    let steps = 0;
    const until = performance.now() + MAX_MS;
    for (let pause = PAUSE_MS; performance.now() < until && completed() < calls && !ended(completed()); ) {
      const due = performance.now() + pause;
      await new Promise<void>((resolve) => systemClock.schedule(pause, resolve));
      pause = performance.now() - due > LATE_MS ? BUSY_MS : PAUSE_MS;
      if (pause !== PAUSE_MS) continue;
      if (completed() >= FIRST_CALLS * begun ** 2) {
        const oldest = made.length < 2 * flavours.length ? undefined : made.shift();
        before += oldest?.completed ?? 0;
        await oldest?.end();
        made.push(new WarmUpCalls(await begin(flavours[begun++ % flavours.length] as FlavourName)));
      }
      made[steps++ % made.length]?.step();
    }
  } catch {
    // What is not compiled yet will be by the first real calls.
  } finally {
    if (budget) setFlagsFromString(`--interrupt-budget=${USUAL_BUDGET}`);
    for (const each of made) await each.end();
  }
  return completed();
}

/** What warm-up calls pass through. It reads and sends with a socket that is not opened. */
export interface WarmUpSubject {
  readonly socket: SipSocket | undefined;
  /** The socket can be used now. */
  opened(): void;
  /** Called at each step. */
  stepped?(): void;
  end(): Promise<void>;
}

/** A caller and gateways in memory, and the subject between them. */
class WarmUpCalls implements DatagramIo, DatagramReader {
  completed = 0;
  readonly longestWaitMs = 0;
  private started = 0;
  private handled = 0;
  private readonly socket: UdpSocket;
  /** Datagrams for the daemon. */
  private pending: { readonly text: string; readonly port: number }[] = [];

  constructor(private readonly subject: WarmUpSubject) {
    const { socket } = subject;
    if (!(socket instanceof UdpSocket)) throw new Error('there is no socket');
    this.socket = socket;
    socket.openOn(this, this);
    subject.opened();
  }

  /** Lets the daemon handle some messages in the next event loop iteration. */
  step(): void {
    if (this.pending.length < MESSAGES) {
      this.pending.push({ text: warmUpInvite(this.started++), port: WARM_UP_PORTS.caller });
    }
    this.socket.queue.read(this);
    this.subject.stepped?.();
  }

  end(): Promise<void> {
    return this.subject.end();
  }

  read(receive: (text: string, source: Source, receiver: Receiver) => void): number {
    const some = this.pending.splice(0, this.handled < FIRST_MESSAGES ? 1 : MESSAGES);
    this.handled += some.length;
    for (const { text, port } of some) {
      // A flat one-byte string, as if read from a socket.
      const flat = Buffer.from(text, 'latin1').toString('latin1');
      receive(flat, this.socket.sourceOf('127.0.0.1', port), this.socket.receiver);
    }
    return some.length;
  }

  transmit(text: string, _address: string, port: number): void {
    const next = nextMessage(text, port);
    if (next === 'completed') this.completed++;
    else this.pending.push(...next);
  }

  commit(): void {}

  watch(): void {}

  async bind(): Promise<number> {
    return WARM_UP_PORTS.proxy;
  }

  async close(): Promise<void> {}
}
