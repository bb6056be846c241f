import type { DispatcherConfig } from '../config/dispatcher-settings.js';
import type { PartitionConfig } from '../config/settings.js';
import { messageOf } from '../core/errors.js';
import type { Destination } from '../engine/destination.js';
import { recordProbe } from '../engine/probe-record.js';
import { Flights } from './flights.js';
import { Latency, type LatencyFigures } from './latency.js';
import { probeResult, probeSignal } from './outcome.js';
import { planProbes } from './plan.js';
import type { ProbeOutcome } from './probe.js';
import type { Prober, ProberFigures, ProberOptions } from './prober.js';
import { compareRoster, type ProbeInFlight, type Watched, type WatchedPartition, watchPartition } from './roster.js';
import { phaseHash, Wheel } from './wheel.js';

/** Probes in flight at a time; further ones wait in a queue. */
export const MAX_IN_FLIGHT = 1000;
/** Milliseconds between checks for newly loaded partitions, where nobody calls `refresh`. */
const LOOK_EVERY = 500;
/** The longest part of the interval that a probe may take, so that no destination has two probes in flight. */
const LONGEST_PART = 0.9;
/** Milliseconds between two groups of the extra probes that `probeSoon()` sends. */
const HURRY_TICK = 10;

/** Creates the prober. */
export function createProber(options: ProberOptions): Prober {
  return new ScheduledProber(options);
}

class ScheduledProber implements Prober {
  readonly name = 'prober';
  active = true;
  /** Partitions whose destinations are not probed. */
  private readonly paused = new Set<string>();
  private started = false;
  private wheel: Wheel<Watched> | undefined;
  private intervalMs = 0;
  private timeoutMs = 0;
  private config: DispatcherConfig;
  private partitions: ReadonlyMap<string, PartitionConfig>;
  private readonly watched = new Map<string, WatchedPartition>();
  private readonly salt: number;
  private flights: Flights | undefined;
  private cancelLook: (() => void) | undefined;
  private cancelSlices: (() => void) | undefined;
  /** Round trip times collected before the last change of settings. */
  private retained: ReadonlyMap<string, Latency> = new Map();
  /** Probes sent before the last change of settings. */
  private sentBefore = 0;
  private good = 0;
  private bad = 0;
  private timeouts = 0;
  private stale = 0;
  private skipped = 0;

  constructor(private readonly options: ProberOptions) {
    this.config = options.config;
    this.partitions = byName(options.partitions);
    this.salt = options.random.uint32();
  }

  start(): Promise<void> {
    if (!this.started) {
      this.started = true;
      this.begin();
    }
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.started = false;
    this.end();
    return Promise.resolve();
  }

  isActive(partition: string): boolean {
    return this.active && !this.paused.has(partition);
  }

  setActive(active: boolean, partition?: string): void {
    if (partition === undefined) {
      this.active = active;
      if (!active) this.flights?.clearQueue();
    } else if (active) this.paused.delete(partition);
    else this.paused.add(partition);
  }

  configure(config: DispatcherConfig, partitions: readonly PartitionConfig[]): void {
    this.config = config;
    this.partitions = byName(partitions);
    if (!this.started) return;
    const latencies = new Map<string, Latency>();
    for (const each of this.watched.values()) {
      for (const [key, { latency }] of each.byKey) if (latency !== undefined) latencies.set(key, latency);
    }
    this.retained = latencies;
    this.end();
    this.begin();
  }

  refresh(): void {
    if (this.wheel === undefined) return;
    const present = new Set<string>();
    for (const partition of this.options.engine.partitions) {
      present.add(partition.name);
      let watched = this.watched.get(partition.name);
      if (watched !== undefined && watched.partition !== partition) {
        this.forget(watched);
        watched = undefined;
      }
      if (watched === undefined) {
        const plan = planProbes(partition.name, this.config, this.partitions.get(partition.name));
        watched = watchPartition(partition, plan);
        this.watched.set(partition.name, watched);
      }
      this.update(watched);
    }
    if (present.size !== this.watched.size) {
      for (const [name, watched] of this.watched) if (!present.has(name)) this.forget(watched);
    }
  }

  latency({ partition, key }: Pick<Destination, 'partition' | 'key'>): LatencyFigures | undefined {
    return this.watched.get(partition)?.byKey.get(key)?.latency;
  }

  probeNow({ partition, key }: Pick<Destination, 'partition' | 'key'>): boolean {
    const member = this.watched.get(partition)?.byKey.get(key);
    if (member === undefined || !this.active || member.slot < 0 || !this.wanted(member)) return false;
    return this.flights?.request(member) ?? false;
  }

  probeSoon(destinations: readonly Destination[], withinMs: number): void {
    const slots = new Map<number, Watched[]>();
    const count = Math.max(1, Math.floor(Math.min(withinMs, this.intervalMs) / HURRY_TICK));
    for (const { partition, key } of destinations) {
      const member = this.watched.get(partition)?.byKey.get(key);
      if (member === undefined) continue;
      const slot = Math.floor((phaseHash(key, this.salt) / 2 ** 32) * count);
      const members = slots.get(slot);
      if (members === undefined) slots.set(slot, [member]);
      else members.push(member);
    }
    for (const [slot, members] of slots) {
      this.options.clock.schedule(slot * HURRY_TICK, () => {
        for (const member of members) if (this.started) this.visit(member);
      });
    }
  }

  check(destination: Destination, done: (good: boolean) => void): void {
    const { clock, send, engine } = this.options;
    const { partition } = destination;
    const found = [...engine.partitions].find(({ name }) => name === partition);
    if (found === undefined) {
      done(false);
      return;
    }
    const { flavour } = found;
    const plan =
      this.watched.get(partition)?.plan ?? planProbes(partition, this.config, this.partitions.get(partition));
    const timeoutMs = this.timeoutMs > 0 ? this.timeoutMs : this.config.pingTimeout * 1000;
    let open = true;
    let cancel = () => {};
    const end = (good: boolean) => {
      if (!open) return;
      open = false;
      stop();
      done(good);
    };
    const stop = clock.schedule(timeoutMs, () => {
      cancel();
      end(false);
    });
    try {
      cancel = send(plan.request(destination, timeoutMs, flavour), (outcome) => {
        end(outcome.cause === undefined && flavour.acceptsReply(outcome.code, plan.goodCodes));
      });
    } catch {
      end(false);
    }
  }

  abandon(): void {
    const { flights } = this;
    if (flights === undefined) return;
    flights.clearQueue();
    for (const { byKey } of this.watched.values()) for (const member of byKey.values()) flights.abandon(member);
  }

  figures(): ProberFigures {
    const { flights, good, bad, timeouts, stale, skipped } = this;
    const sent = this.sentBefore + (flights?.sent ?? 0);
    const inFlight = flights?.inFlight ?? 0;
    const queued = flights?.queued ?? 0;
    return { watched: this.wheel?.size ?? 0, inFlight, queued, sent, good, bad, timeouts, stale, skipped };
  }

  private begin(): void {
    this.intervalMs = this.config.pingInterval * 1000;
    if (this.intervalMs <= 0) return;
    this.timeoutMs = this.config.pingTimeout * 1000;
    const longest = this.intervalMs * LONGEST_PART;
    if (!(this.timeoutMs > 0 && this.timeoutMs <= longest)) {
      const said = `a probe may take ${longest} ms instead of ds_ping_timeout ${this.config.pingTimeout} s, so that it ends within ds_ping_interval ${this.config.pingInterval} s`;
      this.options.logger.warn({ timeoutMs: longest }, said);
      this.timeoutMs = longest;
    }
    this.flights = this.makeFlights();
    this.wheel = new Wheel(this.options.clock, this.intervalMs, (member) => this.visit(member));
    this.wheel.start();
    this.refresh();
    this.look();
  }

  private makeFlights(): Flights {
    const { clock, send, observer, logger, maxInFlight } = this.options;
    return new Flights({
      clock,
      limit: maxInFlight ?? MAX_IN_FLIGHT,
      timeoutMs: this.timeoutMs,
      wanted: (member) => this.active && member.slot >= 0 && this.wanted(member),
      send: (member, done) => {
        const { partition, destination } = member;
        const request = partition.plan.request(destination, this.timeoutMs, partition.partition.flavour);
        observer?.sent?.(member.destination);
        return send(request, done);
      },
      ended: (flight, outcome) => this.settle(flight, outcome),
      cancelFailed: (error) => logger.warn({ error: messageOf(error) }, 'a probe could not be cancelled'),
    });
  }

  private end(): void {
    this.wheel?.stop();
    this.wheel = undefined;
    this.cancelLook?.();
    this.cancelSlices?.();
    this.cancelLook = this.cancelSlices = undefined;
    this.flights?.stop();
    this.sentBefore += this.flights?.sent ?? 0;
    this.flights = undefined;
    this.watched.clear();
  }

  /** Checks for new snapshots, in case nobody called `refresh` after a load. */
  private look(): void {
    this.cancelLook = this.options.clock.schedule(Math.min(LOOK_EVERY, this.intervalMs / 4), () => {
      this.refresh();
      this.look();
    });
  }

  private update(watched: WatchedPartition): void {
    if (watched.running === undefined && watched.snapshot !== watched.partition.snapshot) {
      watched.running = compareRoster(
        watched,
        (member) => this.admit(member),
        (member) => this.drop(member),
      );
      this.slice(watched);
    }
    if (watched.running !== undefined) this.continueLater();
  }

  private slice(watched: WatchedPartition): void {
    if (watched.running?.next().done === true) watched.running = undefined;
  }

  /** Compares large partitions in slices, so that calls are handled in between. */
  private continueLater(): void {
    if (this.cancelSlices !== undefined) return;
    this.cancelSlices = this.options.clock.schedule(1, () => {
      this.cancelSlices = undefined;
      for (const watched of this.watched.values()) {
        if (watched.running !== undefined) {
          this.slice(watched);
          this.update(watched);
        }
      }
    });
  }

  private forget(watched: WatchedPartition): void {
    watched.running = undefined;
    for (const member of watched.byKey.values()) this.drop(member);
    watched.byKey.clear();
    this.watched.delete(watched.partition.name);
  }

  private admit(member: Watched): void {
    const { key } = member.destination;
    member.latency = this.retained.get(key);
    this.wheel?.add(member, phaseHash(key, this.salt));
  }

  /** Removes a destination that is gone, and abandons its probe. */
  private drop(member: Watched): void {
    this.wheel?.remove(member);
    if (this.flights?.abandon(member) === true) this.stale++;
  }

  private visit(member: Watched): void {
    if (!this.active) return;
    if (member.partition.snapshot !== member.partition.partition.snapshot) this.update(member.partition);
    if (member.slot < 0 || !this.wanted(member)) return;
    if (this.flights?.request(member) === false) this.skipped++;
  }

  private wanted({ destination, partition }: Watched): boolean {
    const { owns } = this.options;
    if (this.paused.size > 0 && this.paused.has(destination.partition)) return false;
    const { flavour } = partition.partition;
    return flavour.wantsProbe(destination, partition.plan.all) && (owns?.(destination) ?? true);
  }

  /** Reports an outcome to the state table, unless the probe was sent for an older load of the partition. */
  private settle(flight: ProbeInFlight, outcome: ProbeOutcome): void {
    const { watched: member } = flight;
    const { partition } = member;
    if (partition.snapshot !== partition.partition.snapshot) this.update(partition);
    const outdated = flight.snapshot !== partition.snapshot || member.slot < 0;
    // While a large load is being compared, a destination not reached yet may be gone.
    if (outdated || (partition.running !== undefined && member.seen !== partition.run)) {
      this.stale++;
      this.options.observer?.ended?.(flight.destination, outcome, undefined);
      return;
    }
    this.judge(member, outcome);
  }

  private judge(member: Watched, outcome: ProbeOutcome): void {
    const { destination, partition } = member;
    const { clock, stateTable, logger, observer } = this.options;
    const { flavour, snapshot } = partition.partition;
    // No reply is a failure, whatever options_reply_codes lists: a listed 408 is good only when the gateway sent it.
    const good = outcome.cause === undefined && flavour.acceptsReply(outcome.code, partition.plan.goodCodes);
    if (good) this.good++;
    else this.bad++;
    if (outcome.cause === 'timeout') this.timeouts++;
    if (outcome.rtt !== undefined || outcome.cause === 'timeout') {
      member.latency ??= new Latency();
      if (outcome.rtt !== undefined) member.latency.observe(outcome.rtt);
      else member.latency.timedOut();
    }
    recordProbe(destination, probeResult(outcome, good, clock.now()));
    const change = stateTable.apply(probeSignal(destination, outcome, good));
    if (change !== undefined && logger.isLevelEnabled('debug')) {
      logger.debug(
        {
          partition: destination.partition,
          set: destination.setId,
          uri: destination.row.uri,
          code: outcome.code,
          cause: outcome.cause,
          said: outcome.reason,
        },
        `destination went from ${change.previous} to ${change.state}: ${change.reason}`,
      );
    }
    flavour.probeEnded(destination, snapshot.sets.get(destination.setId), outcome);
    observer?.ended?.(destination, outcome, good);
  }
}

function byName(partitions: readonly PartitionConfig[]): ReadonlyMap<string, PartitionConfig> {
  return new Map(partitions.map((partition) => [partition.name, partition]));
}
