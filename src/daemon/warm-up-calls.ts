import { randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { systemClock } from '../core/clock.js';
import type { DestinationRow } from '../engine/destination.js';
import type { FlavourName } from '../engine/options.js';
import type { DatagramIo, DatagramReader } from '../sip/transport/datagram-io.js';
import type { Receiver, SipSocket, Source } from '../sip/transport/transport.js';
import { UdpSocket } from '../sip/transport/udp.js';
import type { WarmUpPlan } from '../workers/protocol.js';
import { nextMessage, WARM_UP_PORTS, type WarmUpDatagram, type WarmUpPorts, warmUpInvite } from './warm-up-messages.js';

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
/** Settings for warm-up calls in a partition of a flavour. `port`: of the socket for them. */
export const warmUpSettings = (flavour: FlavourName, port: number) => ({
  listen: [`udp:127.0.0.1:${port}`],
  secret: randomBytes(16).toString('hex'),
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
 * Makes V8 compile the code of calls before the first real ones come: makes calls through the subjects that
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
  const made: WarmUpSubject[] = [];
  let before = 0;
  const completed = () => made.reduce((sum, subject) => sum + subject.calls.completed, before);
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
        before += oldest?.calls.completed ?? 0;
        await oldest?.end();
        made.push(await begin(flavours[begun++ % flavours.length] as FlavourName));
      }
      const subject = made[steps++ % made.length];
      subject?.calls.step();
      subject?.stepped?.();
    }
  } catch {
    // What is not compiled yet will be by the first real calls.
  } finally {
    if (budget) setFlagsFromString(`--interrupt-budget=${USUAL_BUDGET}`);
    for (const each of made) await each.end();
  }
  return completed();
}

/** What warm-up calls pass through, and the calls. */
export interface WarmUpSubject {
  readonly calls: WarmUpCalls;
  /** Called at each step. */
  stepped?(): void;
  end(): Promise<void>;
}

/** A caller and two gateways. A subclass brings their messages to the subject, and the subject's to `received`. */
export abstract class WarmUpCalls {
  completed = 0;
  private started = 0;
  private handled = 0;
  /** Datagrams for the subject. */
  private pending: WarmUpDatagram[] = [];

  /** `ports`: of caller, gateways and subject. */
  constructor(protected readonly ports: WarmUpPorts) {}

  /** Gives some messages to the subject, which handles them in the next event loop iterations. */
  step(): void {
    if (this.pending.length < MESSAGES) {
      this.pending.push({ text: warmUpInvite(this.started++, this.ports), port: this.ports.caller });
    }
    this.deliver();
  }

  /** Brings the messages of `next()` to the subject. */
  protected abstract deliver(): void;

  /** The messages of one step. */
  protected next(): readonly WarmUpDatagram[] {
    const some = this.pending.splice(0, this.handled < FIRST_MESSAGES ? 1 : MESSAGES);
    this.handled += some.length;
    return some;
  }

  /** A message of the subject has come to the peer at `port`. */
  protected received(text: string, port: number): void {
    const next = nextMessage(text, port, this.ports);
    if (next === 'completed') this.completed++;
    else this.pending.push(...next);
  }
}

/** Calls whose messages only pass through memory, over a socket that is not opened. */
export class CallsInMemory extends WarmUpCalls implements DatagramIo, DatagramReader {
  readonly longestWaitMs = 0;
  private readonly socket: UdpSocket;

  constructor(socket: SipSocket | undefined) {
    super(WARM_UP_PORTS);
    if (!(socket instanceof UdpSocket)) throw new Error('there is no socket');
    this.socket = socket;
    socket.openOn(this, this);
  }

  protected deliver(): void {
    this.socket.queue.read(this);
  }

  read(receive: (text: string, source: Source, receiver: Receiver) => void): number {
    const some = this.next();
    for (const { text, port } of some) {
      // A flat one-byte string, as if read from a socket.
      const flat = Buffer.from(text, 'latin1').toString('latin1');
      receive(flat, this.socket.sourceOf('127.0.0.1', port), this.socket.receiver);
    }
    return some.length;
  }

  transmit(text: string, _address: string, port: number): void {
    this.received(text, port);
  }

  commit(): void {}

  watch(): void {}

  async bind(): Promise<number> {
    return WARM_UP_PORTS.proxy;
  }

  async close(): Promise<void> {}
}
