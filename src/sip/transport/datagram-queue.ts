import type { HeldClock } from '../../core/held-clock.js';
import type { SipMessage } from '../message.js';
import type { DatagramReader, DatagramSender, ErrorListener } from './datagram-io.js';
import { DatagramPace, MIN_INTERVAL_MS } from './datagram-pace.js';
import { BATCH } from './native/datagrams.js';
import type { Receiver, Source } from './transport.js';

interface Received {
  readonly text: string;
  readonly source: Source;
  readonly receiver: Receiver;
  /** The parsed message, if the receiver parses ahead. */
  readonly parsed: SipMessage | undefined;
}

interface Outgoing {
  readonly sender: DatagramSender;
  readonly text: string;
  readonly address: string;
  readonly port: number;
  readonly onError: ErrorListener;
}

/** How datagrams are collected. */
export interface DatagramQueueOptions {
  /**
   * While datagrams arrive fast: the least milliseconds between two rounds, so that those arriving in between are
   * handled together. 0: the next round begins as soon as there is something to read.
   */
  readonly gatherMs: number;
  /** Maximum milliseconds between two readings at a middle rate; 0: datagrams are read at once (`DatagramPace`). */
  readonly paceMs: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** A clock that stands still while messages are handled, so that all of a round have the same time. */
  readonly clock: Pick<HeldClock, 'hold' | 'release'> | undefined;
  /** Lets the thread sleep. */
  readonly sleep: (ms: number) => void;
  /** Runs a function at intervals; returns a function that stops this. */
  readonly repeat: (everyMs: number, run: () => void) => () => void;
  /** Called with the number of datagrams handled, and whether more may be waiting. */
  readonly handled: ((datagrams: number, full: boolean) => void) | undefined;
}

/** Datagrams after which their rate is measured. */
const SAMPLE = 64;
/** When SAMPLE datagrams come within this many milliseconds (2,000 a second), they arrive fast. */
const FAST_MS = 32;
/** Maximum number of datagrams that one event loop iteration reads from a socket: with so many, more may be waiting. */
const FULL_ITERATION = 32;
/** Rounds before control returns to the event loop, for timers and connections. */
const MAX_ROUNDS = 4;
/** Messages handled with the same held time: they take less than a millisecond. */
const SAME_TIME = 8;
/** A sleep shorter than this, in milliseconds, costs more than it saves. */
const MIN_SLEEP = 0.1;

const cell = new Int32Array(new SharedArrayBuffer(4));

/** Blocks the thread; a datagram does not wake it. */
function sleepThread(ms: number): void {
  Atomics.wait(cell, 0, 0, ms);
}

/** Runs a function at intervals on the event loop. */
function repeatedly(everyMs: number, run: () => void): () => void {
  const timer = setInterval(run, everyMs);
  return () => clearInterval(timer);
}

/**
 * Handles the datagrams of an event loop iteration in rounds of three steps: read all waiting datagrams, handle all,
 * send all results. No datagram waits longer than its round. If datagrams were handled one by one, each would load the
 * code of kernel and proxy into the processor's caches again and wake its receiver separately: a call then costs a
 * third more (test/bench/README.md). All datagram sockets of a thread share one queue, since a message
 * received on one may be forwarded on another.
 */
export class DatagramQueue {
  private received: Received[] = [];
  private outgoing: Outgoing[] = [];
  private scheduled = false;
  private readonly readers: DatagramReader[] = [];
  private readonly senders: DatagramSender[] = [];
  /** Whether a read since the last handling returned as many datagrams as it can. */
  private full = false;
  /** Whether datagrams arrive fast; number of datagrams and start time of the current measurement. */
  private fast = false;
  private sampled = 0;
  /*
   * Times have fractions. With -0 V8 keeps these fields as floating point numbers from the start; with 0 it would change
   * the shape of the queue with the first time, and compile all that uses a queue again.
   */
  private sampleBegan = -0;
  /** Milliseconds the thread has slept so far within event loop iterations. */
  sleptMs = -0;
  /** When the last round ended, including its sleep. */
  private ended = -0;
  private readonly pace: DatagramPace | undefined;
  /** Stops the timer that reads the sockets; undefined: the event loop watches them. */
  private endTimer: (() => void) | undefined = undefined;
  private readonly options: DatagramQueueOptions;

  constructor(options: Partial<DatagramQueueOptions> = {}) {
    this.options = {
      gatherMs: 0,
      paceMs: 0,
      now: () => performance.now(),
      clock: undefined,
      sleep: sleepThread,
      repeat: repeatedly,
      handled: undefined,
      ...options,
    };
    if (this.options.paceMs > 0) this.pace = new DatagramPace(this.options.paceMs);
  }

  /** Queues a datagram until reading has ended. An iteration reads at most 32 of a socket, which bounds the queue. */
  receive(text: string, source: Source, receiver: Receiver): void {
    this.keep(text, source, receiver);
    if (!this.scheduled) this.schedule();
  }

  /** Queues a datagram to send at the end of the round. */
  send(sender: DatagramSender, text: string, address: string, port: number, onError: ErrorListener): void {
    this.outgoing.push({ sender, text, address, port, onError });
    if (!this.scheduled) this.schedule();
  }

  /** Adds a socket that is read again after each sleep, without returning to the event loop. */
  addReader(reader: DatagramReader): void {
    this.readers.push(reader);
    if (this.endTimer !== undefined) reader.watch(false);
  }

  /** Removes a socket. */
  removeReader(reader: DatagramReader): void {
    const index = this.readers.indexOf(reader);
    if (index >= 0) this.readers.splice(index, 1);
    if (this.readers.length === 0) this.watchAll();
  }

  /** Reads the waiting datagrams of a socket. */
  read(reader: DatagramReader): void {
    this.readFrom(reader);
    if (!this.scheduled && this.received.length > 0) this.schedule();
  }

  private readFrom(reader: DatagramReader): void {
    if (reader.read(this.keep) === BATCH) this.full = true;
  }

  private readonly keep = (text: string, source: Source, receiver: Receiver): void => {
    this.received.push({ text, source, receiver, parsed: receiver.parse?.(text) });
  };

  /** Sends the queued datagrams at once; for a socket that is about to close. */
  flush(): void {
    const { outgoing, senders } = this;
    if (outgoing.length === 0) return;
    this.outgoing = [];
    for (const { sender, text, address, port, onError } of outgoing) {
      sender.transmit(text, address, port, onError);
      if (sender.commit !== undefined && !senders.includes(sender)) senders.push(sender);
    }
    // Uses pop, since V8 has no optimised code for setting the length of an array.
    for (let sender = senders.pop(); sender !== undefined; sender = senders.pop()) sender.commit?.();
  }

  private schedule(): void {
    this.scheduled = true;
    setImmediate(this.run);
  }

  private readonly run = (): void => {
    for (let round = 1; ; round++) {
      const { handled, full } = this.handleAll();
      if (this.pace !== undefined && this.readers.length > 0) this.keepPace(this.pace, handled);
      if (this.options.gatherMs > 0 && handled > 0 && this.received.length === 0 && this.endTimer === undefined) {
        this.gather(handled, full);
      }
      if (this.readers.length > 0 && (this.fast || full)) {
        for (const reader of this.readers) this.read(reader);
        if (this.received.length > 0 && round < MAX_ROUNDS) continue;
      }
      // After a full round, only the next one shows whether more datagrams wait; it may find none.
      if ((this.received.length > 0 || full) && !this.scheduled) this.schedule();
      return;
    }
  };

  /** Switches between a timer that reads the sockets (middle rate) and watching them on the event loop. */
  private keepPace(pace: DatagramPace, handled: number): void {
    if (!pace.handled(handled, this.options.now())) return;
    const longest = Math.min(...this.readers.map((reader) => reader.longestWaitMs));
    const everyMs = Math.min(pace.intervalMs, Math.floor(longest));
    if (everyMs < MIN_INTERVAL_MS) this.watchAll();
    else {
      if (this.endTimer === undefined) for (const reader of this.readers) reader.watch(false);
      this.endTimer?.();
      this.endTimer = this.options.repeat(everyMs, this.readAll);
      this.fast = false;
    }
  }

  private watchAll(): void {
    if (this.endTimer === undefined) return;
    this.endTimer();
    this.endTimer = undefined;
    for (const reader of this.readers) reader.watch(true);
  }

  /** Called by the timer. It reports also when no datagram came, which ends the pace. */
  private readonly readAll = (): void => {
    for (const reader of this.readers) this.readFrom(reader);
    this.run();
  };

  /** Handles the received datagrams and sends the results. When a receiver throws, only its own message is lost. */
  private handleAll(): { readonly handled: number; readonly full: boolean } {
    const { received } = this;
    const full = this.full || (this.readers.length === 0 && received.length >= FULL_ITERATION);
    this.received = [];
    this.full = false;
    this.scheduled = true;
    const { clock } = this.options;
    let handled = 0;
    try {
      for (; handled < received.length; handled++) {
        if (handled % SAME_TIME === 0) clock?.hold();
        const { text, source, receiver, parsed } = received[handled] as Received;
        receiver.receive(text, source, parsed);
      }
    } finally {
      clock?.release();
      // After an error, too, the rest is handled and the next round is scheduled.
      this.scheduled = false;
      const broken = handled < received.length;
      if (broken) this.received = [...received.slice(handled + 1), ...this.received];
      this.flush();
      this.options.handled?.(received.length, full);
      if (broken) this.schedule();
    }
    return { handled, full };
  }

  /**
   * While datagrams arrive fast: sleeps for the rest of `gatherMs` since the last round, like interrupt coalescing in
   * network cards. So the fixed cost of a round is paid once for many datagrams. After a full round the next one begins
   * at once, since datagrams are known to wait.
   */
  private gather(handled: number, full: boolean): void {
    const { now, sleep, gatherMs } = this.options;
    const at = now();
    this.sampled += handled;
    if (at - this.ended > FAST_MS) this.sample(at, false);
    else if (this.sampled >= SAMPLE) this.sample(at, at - this.sampleBegan < FAST_MS);
    const left = gatherMs - (at - this.ended);
    if (this.fast && !full && left >= MIN_SLEEP) {
      sleep(left);
      this.ended = now();
      this.sleptMs += this.ended - at;
    } else this.ended = at;
  }

  private sample(at: number, fast: boolean): void {
    this.fast = fast;
    this.sampled = 0;
    this.sampleBegan = at;
  }
}
