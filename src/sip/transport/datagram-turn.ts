import { BATCH } from './native/datagrams.js';
import type { Receiver, Source, TransportError } from './transport.js';

/** A socket's own way to the system, for what had to wait for the end of the turn. Never throws. */
export interface DatagramSender {
  transmit(text: string, address: string, port: number, onError: ((error: TransportError) => void) | undefined): void;
  /** Gives to the system what `transmit` has only collected. */
  commit?(): void;
}

/** A socket that can be read at any time, many datagrams at once. */
export interface DatagramReader {
  /** Hands what waits to `heard`, at most BATCH. Returns how many. */
  read(heard: (text: string, source: Source, receiver: Receiver) => void): number;
}

interface Heard {
  readonly text: string;
  readonly source: Source;
  readonly receiver: Receiver;
}

interface Outgoing {
  readonly sender: DatagramSender;
  readonly text: string;
  readonly address: string;
  readonly port: number;
  readonly onError: ((error: TransportError) => void) | undefined;
}

export interface DatagramTurnOptions {
  /**
   * Milliseconds that lie between two turns at least while datagrams come fast: those that gather meanwhile are handled
   * together. 0: the next turn begins as soon as there is something to read.
   */
  readonly gatherMs: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Lets the thread sleep. */
  readonly sleep: (ms: number) => void;
  /** Called with how many datagrams were handled, and whether others may have been left unread. */
  readonly handled: ((datagrams: number, full: boolean) => void) | undefined;
}

/** Datagrams after which their rate is looked at. */
const SAMPLE = 64;
/** Milliseconds for a sample to come in that is called fast: 2,000 datagrams a second. */
const FAST_MS = 32;
/** Datagrams of a turn that may have left others unread: the system hands out that many of one socket at most. */
export const FULL_TURN = 32;
/** Times the sockets are read before the event loop gets its turn for timers and connections. */
const MAX_ROUNDS = 4;
/** A sleep shorter than this, in milliseconds, costs more than it spares. */
const LEAST_SLEEP = 0.1;

const cell = new Int32Array(new SharedArrayBuffer(4));

/** Sleeps as a thread, not as a promise: no datagram wakes it. */
function sleepThread(ms: number): void {
  Atomics.wait(cell, 0, 0, ms);
}

/**
 * The datagrams of one turn of the event loop, in three strides: all that wait are read, then all are handled, then all
 * that this gave is sent. Nothing waits longer than the turn lasts. One after the other, each message would pull the
 * system's code and ours into the processor's caches anew, and wake its receiver with each datagram instead of once: a call
 * costs a third more that way (test/README.md, "Where the time goes"). All datagram sockets of a thread share one: what comes in on
 * one leaves by another.
 */
export class DatagramTurn {
  private heard: Heard[] = [];
  private outgoing: Outgoing[] = [];
  private scheduled = false;
  private readonly readers: DatagramReader[] = [];
  private readonly senders: DatagramSender[] = [];
  /** Whether a read since the last handling took as many as it can. */
  private full = false;
  /** Whether datagrams come fast; the sample that tells it, and when that began. */
  private fast = false;
  private sampled = 0;
  private sampleBegan = 0;
  /** When the last turn ended, its sleep included. */
  private ended = 0;
  private readonly options: DatagramTurnOptions;

  constructor(options: Partial<DatagramTurnOptions> = {}) {
    this.options = { gatherMs: 0, now: () => performance.now(), sleep: sleepThread, handled: undefined, ...options };
  }

  /** Keeps a datagram for the end of reading. The system hands out at most 32 of a socket in one turn, so that this is bounded. */
  receive(text: string, source: Source, receiver: Receiver): void {
    this.heard.push({ text, source, receiver });
    if (!this.scheduled) this.schedule();
  }

  /** Keeps what is to be sent for the end of the turn. */
  send(
    sender: DatagramSender,
    text: string,
    address: string,
    port: number,
    onError: ((error: TransportError) => void) | undefined,
  ): void {
    this.outgoing.push({ sender, text, address, port, onError });
    if (!this.scheduled) this.schedule();
  }

  /** A socket that is read again after each sleep, without a way through the event loop. */
  addReader(reader: DatagramReader): void {
    this.readers.push(reader);
  }

  removeReader(reader: DatagramReader): void {
    const index = this.readers.indexOf(reader);
    if (index >= 0) this.readers.splice(index, 1);
  }

  /** Whether reading all at once is worth a system call: several datagrams have come, or they come fast. */
  get reads(): boolean {
    return this.fast || this.heard.length > 1;
  }

  read(reader: DatagramReader): void {
    if (reader.read(this.keep) === BATCH) this.full = true;
    if (!this.scheduled && this.heard.length > 0) this.schedule();
  }

  private readonly keep = (text: string, source: Source, receiver: Receiver): void => {
    this.heard.push({ text, source, receiver });
  };

  /** Sends at once what waits: for a socket about to close. */
  flush(): void {
    const { outgoing, senders } = this;
    if (outgoing.length === 0) return;
    this.outgoing = [];
    for (const { sender, text, address, port, onError } of outgoing) {
      sender.transmit(text, address, port, onError);
      if (sender.commit !== undefined && !senders.includes(sender)) senders.push(sender);
    }
    for (const sender of senders) sender.commit?.();
    senders.length = 0;
  }

  private schedule(): void {
    this.scheduled = true;
    setImmediate(this.run);
  }

  private readonly run = (): void => {
    for (let round = 1; ; round++) {
      const { handled, full } = this.handleAll();
      if (this.options.gatherMs > 0 && handled > 0 && this.heard.length === 0) this.gather(handled, full);
      if (this.readers.length > 0 && (this.fast || full)) {
        for (const reader of this.readers) this.read(reader);
        if (this.heard.length > 0 && round < MAX_ROUNDS) continue;
      }
      // Whether a full turn has read all there was is told by the next one, which may have nothing.
      if ((this.heard.length > 0 || full) && !this.scheduled) this.schedule();
      return;
    }
  };

  /** Handles what was heard and sends what this gave. A receiver that throws loses its own message, not those after it. */
  private handleAll(): { readonly handled: number; readonly full: boolean } {
    const { heard } = this;
    const full = this.full || (this.readers.length === 0 && heard.length >= FULL_TURN);
    this.heard = [];
    this.full = false;
    this.scheduled = true;
    let handled = 0;
    try {
      for (; handled < heard.length; handled++) {
        const { text, source, receiver } = heard[handled] as Heard;
        receiver.receive(text, source);
      }
    } finally {
      // Whatever happens in handling and sending, the rest is handled and the next turn can be had.
      this.scheduled = false;
      const broken = handled < heard.length;
      if (broken) this.heard = [...heard.slice(handled + 1), ...this.heard];
      this.flush();
      this.options.handled?.(heard.length, full);
      if (broken) this.schedule();
    }
    return { handled, full };
  }

  /**
   * Under load, sleeps out what is left of `gatherMs` since the last turn, as network cards hold back their interrupts. What
   * a single datagram costs by itself, waking, reading, finding nothing more, is then paid once for many. A turn that was
   * full is followed by the next one at once: what waits is never kept waiting for more.
   */
  private gather(handled: number, full: boolean): void {
    const { now, sleep, gatherMs } = this.options;
    const at = now();
    this.sampled += handled;
    if (at - this.ended > FAST_MS) this.sample(at, false);
    else if (this.sampled >= SAMPLE) this.sample(at, at - this.sampleBegan < FAST_MS);
    const left = gatherMs - (at - this.ended);
    if (this.fast && !full && left >= LEAST_SLEEP) {
      sleep(left);
      this.ended = now();
    } else this.ended = at;
  }

  private sample(at: number, fast: boolean): void {
    this.fast = fast;
    this.sampled = 0;
    this.sampleBegan = at;
  }
}
