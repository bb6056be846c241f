import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import type { ProbeOutcome } from './probe.js';
import type { ProbeInFlight, Watched } from './roster.js';

/** What the probes under way are bounded and followed with. */
export interface FlightOptions {
  readonly clock: Clock;
  /** Probes in flight at most; the rest wait in a queue. */
  readonly limit: number;
  readonly timeoutMs: number;
  /** Whether a member at the head of the queue is still to be probed. */
  readonly wanted: (member: Watched) => boolean;
  /** Sends; `done` may be called before it returns. May throw. Returns what cancels. */
  readonly send: (member: Watched, done: (outcome: ProbeOutcome) => void) => () => void;
  /** Called once for each probe that was not abandoned. */
  readonly ended: (flight: ProbeInFlight, outcome: ProbeOutcome) => void;
  readonly cancelFailed: (error: unknown) => void;
}

/**
 * A deadline noticed this many milliseconds late means that the process stood still: answers may have come and not been
 * read, since timers run before sockets are read. They get some time more to be read, a few times in a row at most.
 */
const STOOD_STILL = 50;
const GRACE = 100;
const MAX_GRACES = 3;

/** The probes under way: how many at once, until when, and who waits. At most one for each destination. */
export class Flights {
  inFlight = 0;
  sent = 0;
  private line: Watched[] = [];
  private lineHead = 0;
  /** In the order they were sent, which is that of their deadlines. */
  private flights: ProbeInFlight[] = [];
  private flightsHead = 0;
  private cancelDeadline: (() => void) | undefined;
  /** Clock.monotonic() the timer is set for. */
  private due = 0;
  private graces = 0;
  private sweeping = false;
  private releasing = false;

  constructor(private readonly options: FlightOptions) {}

  /** Destinations that wait for a probe to end. */
  get queued(): number {
    return this.line.length - this.lineHead;
  }

  /** Probes the member, now or when the limit allows; false when its last probe is still waiting or under way. */
  request(member: Watched): boolean {
    if (member.flight !== undefined || member.queued) return false;
    if (this.inFlight < this.options.limit) {
      this.launch(member);
    } else {
      member.queued = true;
      this.line.push(member);
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

  /** Takes out all destinations that wait. */
  clearLine(): void {
    for (let i = this.lineHead; i < this.line.length; i++) (this.line[i] as Watched).queued = false;
    this.line = [];
    this.lineHead = 0;
  }

  /** Cancels everything. */
  stop(): void {
    this.clearLine();
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
      // The sender may have answered before it returned.
      if (member.flight === flight) flight.cancel = cancel;
    } catch (error) {
      this.land(flight, { code: 503, cause: 'send', reason: messageOf(error) });
    }
  }

  /** A probe ended. Later answers to it find that it is no longer the destination's probe. */
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

  /** A probe has ended: starts waiting ones up to the limit. */
  private release(): void {
    this.inFlight--;
    // A sender that answers before it returns calls this again: the loop below continues instead of a deeper recursion.
    if (this.releasing) return;
    this.releasing = true;
    try {
      while (this.inFlight < this.options.limit && this.lineHead < this.line.length) this.launchNext();
    } finally {
      this.releasing = false;
    }
  }

  private launchNext(): void {
    const member = this.line[this.lineHead++] as Watched;
    if (this.lineHead > 1024) {
      this.line = this.line.slice(this.lineHead);
      this.lineHead = 0;
    }
    member.queued = false;
    if (this.options.wanted(member)) this.launch(member);
  }

  /** Ends the probes whose time is up and sets the timer for the next one. */
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
      if (clock.monotonic() - this.due > STOOD_STILL && this.graces < MAX_GRACES) {
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
