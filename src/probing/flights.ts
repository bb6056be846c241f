import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import type { ProbeOutcome } from './probe.js';
import type { ProbeInFlight, Watched } from './roster.js';

/** Bounds and callbacks of the probes in flight. */
export interface FlightOptions {
  readonly clock: Clock;
  /** Probes in flight at a time; further ones wait in a queue. */
  readonly limit: number;
  readonly timeoutMs: number;
  /** Whether a member that comes to the head of the queue is still to be probed. */
  readonly wanted: (member: Watched) => boolean;
  /** Sends a probe and returns a function that cancels it. May call `done` before it returns. May throw. */
  readonly send: (member: Watched, done: (outcome: ProbeOutcome) => void) => () => void;
  /** Called once for each probe that was not abandoned. */
  readonly ended: (flight: ProbeInFlight, outcome: ProbeOutcome) => void;
  readonly cancelFailed: (error: unknown) => void;
}

/**
 * When a deadline is noticed this many milliseconds late, the process was blocked: replies may have arrived that are
 * not read yet, since timers run before sockets are read. The deadline is then extended, a few times in a row at most.
 */
const BLOCKED_MS = 50;
const GRACE = 100;
const MAX_GRACES = 3;

/**
 * The probes in flight, at most one for each destination: it bounds their number, watches their deadlines and queues
 * further ones.
 */
export class Flights {
  inFlight = 0;
  sent = 0;
  private queue: Watched[] = [];
  private queueHead = 0;
  /** In the order of sending, which is also the order of the deadlines. */
  private flights: ProbeInFlight[] = [];
  private flightsHead = 0;
  private cancelDeadline: (() => void) | undefined;
  /** The Clock.monotonic() for which the timer is set. */
  private due = 0;
  private graces = 0;
  private sweeping = false;
  private releasing = false;

  constructor(private readonly options: FlightOptions) {}

  /** Destinations in the queue. */
  get queued(): number {
    return this.queue.length - this.queueHead;
  }

  /**
   * Probes the member now, or when the limit allows. Returns false when its last probe is still queued or in flight.
   */
  request(member: Watched): boolean {
    if (member.flight !== undefined || member.queued) return false;
    if (this.inFlight < this.options.limit) {
      this.launch(member);
    } else {
      member.queued = true;
      this.queue.push(member);
    }
    return true;
  }

  /** Ends the member's probe without an outcome; false when it has none. */
  abandon(member: Watched): boolean {
    const { flight } = member;
    if (flight === undefined) return false;
    member.flight = undefined;
    this.cancelSending(flight);
    this.release();
    return true;
  }

  /** Empties the queue. */
  clearQueue(): void {
    for (let i = this.queueHead; i < this.queue.length; i++) (this.queue[i] as Watched).queued = false;
    this.queue = [];
    this.queueHead = 0;
  }

  /** Empties the queue and abandons all probes in flight. */
  stop(): void {
    this.clearQueue();
    this.cancelDeadline?.();
    this.cancelDeadline = undefined;
    const { flights, flightsHead } = this;
    this.flights = [];
    this.flightsHead = 0;
    for (let i = flightsHead; i < flights.length; i++) this.abandon((flights[i] as ProbeInFlight).watched);
  }

  private launch(member: Watched): void {
    const { clock, timeoutMs, send } = this.options;
    const startedAt = clock.monotonic();
    const flight: ProbeInFlight = {
      watched: member,
      destination: member.destination,
      snapshot: member.partition.partition.snapshot,
      startedAt,
      deadline: startedAt + timeoutMs,
      cancel: undefined,
    };
    member.flight = flight;
    this.inFlight++;
    this.sent++;
    this.flights.push(flight);
    if (this.cancelDeadline === undefined && !this.sweeping) this.awaitDeadline();
    try {
      const cancel = send(member, (outcome) => this.land(flight, outcome));
      // `send` may have called `done` before it returned.
      if (member.flight === flight) flight.cancel = cancel;
    } catch (error) {
      this.land(flight, { code: 503, cause: 'send', reason: messageOf(error) });
    }
  }

  /**
   * Ends a probe that has an outcome. A later reply has no effect, since it is no longer the current probe of its
   * member.
   */
  private land(flight: ProbeInFlight, outcome: ProbeOutcome): void {
    if (flight.watched.flight !== flight) return;
    flight.watched.flight = undefined;
    const measured = this.options.clock.monotonic() - flight.startedAt;
    const complete = outcome.cause !== undefined || outcome.rtt !== undefined ? outcome : { ...outcome, rtt: measured };
    try {
      this.options.ended(flight, complete);
    } finally {
      this.release();
    }
  }

  private cancelSending(flight: ProbeInFlight): void {
    try {
      flight.cancel?.();
    } catch (error) {
      this.options.cancelFailed(error);
    }
    flight.cancel = undefined;
  }

  /** One probe fewer is in flight: starts queued ones up to the limit. */
  private release(): void {
    this.inFlight--;
    // When `send` calls `done` at once, this function is called recursively: it returns, and the loop below goes on.
    if (this.releasing) return;
    this.releasing = true;
    try {
      while (this.inFlight < this.options.limit && this.queueHead < this.queue.length) this.launchNext();
    } finally {
      this.releasing = false;
    }
  }

  private launchNext(): void {
    const member = this.queue[this.queueHead++] as Watched;
    if (this.queueHead > 1024) {
      this.queue = this.queue.slice(this.queueHead);
      this.queueHead = 0;
    }
    member.queued = false;
    if (this.options.wanted(member)) this.launch(member);
  }

  /** Ends the probes whose deadline has passed, and sets the timer for the next deadline. */
  private awaitDeadline(): void {
    const { clock } = this.options;
    this.cancelDeadline = undefined;
    this.sweeping = true;
    let left: number | undefined;
    try {
      left = this.sweep(clock.monotonic());
    } finally {
      this.sweeping = false;
    }
    if (left === undefined || this.flightsHead > 1024) {
      this.flights = this.flights.slice(this.flightsHead);
      this.flightsHead = 0;
    }
    if (left !== undefined) this.setTimer(left);
  }

  private setTimer(ms: number): void {
    const { clock } = this.options;
    this.due = clock.monotonic() + ms;
    this.cancelDeadline = clock.schedule(ms, () => {
      if (clock.monotonic() - this.due > BLOCKED_MS && this.graces < MAX_GRACES) {
        this.graces++;
        this.setTimer(GRACE);
        return;
      }
      this.graces = 0;
      this.awaitDeadline();
    });
  }

  /** Milliseconds until the next deadline; undefined when nothing is in flight. */
  private sweep(now: number): number | undefined {
    while (this.flightsHead < this.flights.length) {
      const flight = this.flights[this.flightsHead] as ProbeInFlight;
      if (flight.watched.flight === flight) {
        const left = flight.deadline - now;
        if (left > 0) return left;
        this.cancelSending(flight);
        this.land(flight, { code: 408, cause: 'timeout', reason: 'no reply in time' });
      }
      this.flightsHead++;
    }
    return undefined;
  }
}
