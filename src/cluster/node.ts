import type { Clock } from '../core/clock.js';
import type { Logger } from '../core/logger.js';
import type { Random } from '../core/random.js';
import type { Destination } from '../engine/destination.js';
import type { StateChange, StateSignal } from '../engine/state.js';
import type { DispatcherEvent } from '../events/event.js';
import { Announcer } from './announcer.js';
import { type BusHandlers, type ClusterBus, type ClusterCounters, newCounters } from './bus.js';
import { FeedPosition } from './feed.js';
import { encodeHeartbeat, type Phase, PROTOCOL, parseHeartbeat } from './heartbeat.js';
import { Membership } from './membership.js';
import { Owners } from './owners.js';
import { type DestinationRecord, type Intent, isWord } from './record.js';
import { type Entry, Records } from './records.js';
import { Rows, recordKey } from './rows.js';
import type { ClusterSettings, PartitionShare } from './settings.js';
import { StoreWatch } from './store-watch.js';
import { storedNote, takeStoredNote } from './stored-notes.js';
import { Suspicions } from './suspicions.js';
import { Values } from './values.js';

/** What the node does to and asks of the process it is in. */
export interface ClusterHost {
  /** How a partition takes part; undefined: it does not. */
  share(partition: string): PartitionShare | undefined;
  /** Brings a destination's state to its record. */
  adopt(destination: Destination, record: DestinationRecord): void;
  /** Hands an event to the stream. */
  publish(event: DispatcherEvent): void;
  /** Whether events of an outbox key are still on their way. */
  holds(outboxKey: string): boolean;
  /** Probes a destination once, outside its interval; whether it answered well. */
  check(destination: Destination, done: (good: boolean) => void): void;
  /** These destinations have come to this node: their first probes are due soon. */
  hurry(destinations: readonly Destination[]): void;
  /** Whether anybody probes the destination at all. */
  isProbed(destination: Destination): boolean;
  /** Milliseconds between two probes of a destination. */
  intervalMs(): number;
  /** Forgets all probes under way. */
  dropProbes(): void;
  /** Flavour kamailio: the state bits of a destination. */
  bits(destination: Destination): number | undefined;
  /** Ownership of destinations, tables or tags may have moved. */
  moved(): void;
  /** What this node says of itself, kept in the bucket. */
  member(): object;
}

export interface ClusterNodeOptions {
  readonly node: string;
  readonly settings: ClusterSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly bus: ClusterBus;
  readonly host: ClusterHost;
  /** Milliseconds each commit took. */
  readonly took?: (ms: number) => void;
}

const TICK_MS = 100;
/** Milliseconds the event loop may stand still before this node gives up what it owns; less than others wait. */
const FENCE_MS = 1000;
/** Milliseconds between listening and taking part: a second node of the same name is detected within them. */
const SETTLE_MS = 1500;
/** Milliseconds without the own echo, and with a commit that gets no answer, after which a node is alone. */
const ALONE_ECHO_MS = 3000;
const ALONE_COMMIT_MS = 15_000;
/** Milliseconds between two looks whether the bucket is still the same one. */
const INSPECT_MS = 30_000;
/** Milliseconds a peer may know more than this node before what is missing is read. */
const BEHIND_MS = 1000;
const RETRY_MS = 500;
/** Milliseconds a joining node waits at most for peers that still have to learn of a new bucket. */
const ELSEWHERE_MS = 6000;

/** Stage of joining the cluster. */
type Stage = 'down' | 'opening' | 'waiting' | 'reading' | 'settling' | 'resolving' | 'in';

/**
 * One node of a cluster: receives from the others, owns its share of the destinations, commits its findings and applies
 * what others have committed. The path of a call never waits for it.
 */
export class ClusterNode {
  readonly counters: ClusterCounters = newCounters();
  readonly inc: string;
  readonly membership: Membership;
  readonly records: Records;
  readonly values: Values;
  readonly rows = new Rows();
  readonly owners: Owners;
  readonly announcer: Announcer;
  readonly feed = new FeedPosition();
  phase: Phase = 'joining';
  /** Why this node cannot take part at all; undefined when it can. */
  refused: string | undefined;
  readonly store = new StoreWatch(this);
  private stage: Stage = 'down';
  private stageAt = 0;
  private started = false;
  private startedAt = 0;
  private draining = false;
  private everReady = false;
  private tickedAt = 0;
  private beatAt = Number.NEGATIVE_INFINITY;
  private slowAt = 0;
  private behindSince: number | undefined;
  private reading = false;
  private cancelTick: (() => void) | undefined;
  readonly suspicions = new Suspicions(this);
  private readonly messages = new Map<string, (node: string, text: string) => void>();
  private readonly valueListeners: ((key: string, text: string) => void)[] = [];
  private readonly tickListeners: ((now: number) => void)[] = [];
  private readonly phaseListeners: ((phase: Phase) => void)[] = [];
  private readonly recordListeners: ((entry: Entry) => void)[] = [];
  private readonly memberListeners: ((name: string, phase: Phase | 'dead') => void)[] = [];

  constructor(readonly options: ClusterNodeOptions) {
    const { node, settings, clock, random, bus, host } = options;
    this.inc = random.token(6);
    this.membership = new Membership({
      node,
      inc: this.inc,
      deadAfterMs: settings.deadAfterMs,
      changed: (name, phase) => this.peerChanged(name, phase),
    });
    this.values = new Values(bus, clock, (key, text) => this.valueChanged(key, text));
    this.records = new Records({
      node,
      clock,
      random,
      bus,
      counters: this.counters,
      generation: () => this.store.generation,
      open: () => this.isOpen,
      told: (key) => this.announcer.told(key),
      find: (key) => this.rows.find(key),
      adopt: (destination, record) => this.bring(destination, record),
      recorded: (entry) => this.recorded(entry),
      lost: () => this.store.suspect(),
      stale: (entry) => this.store.stale(entry),
      ...(options.took === undefined ? {} : { took: options.took }),
    });
    this.owners = new Owners(this);
    this.announcer = new Announcer({
      cluster: settings.name,
      clock,
      owns: (destination) => this.owners.owns(destination),
      publish: (event) => host.publish(event),
      holds: (key) => host.holds(key),
      note: (entry) => this.note(entry),
      republished: () => this.counters.republished++,
    });
    // Calls fail elsewhere: this node, which probes the destination, looks at once.
    this.on('suspect', (_self, key) => {
      const destination = this.rows.find(key);
      if (destination !== undefined && this.owners.owns(destination)) host.hurry([destination]);
    });
  }

  get name(): string {
    return this.options.node;
  }

  get now(): number {
    return this.options.clock.monotonic();
  }

  /** Whether changes can be committed now. */
  get isOpen(): boolean {
    const { stage } = this;
    if (!this.options.bus.connected || this.refused !== undefined) return false;
    return stage === 'resolving' || (this.isIn && (stage === 'in' || stage === 'opening'));
  }

  /** Whether the bucket was read and is followed. */
  get isThere(): boolean {
    return this.stage === 'in';
  }

  /** Whether this node takes part: it receives from the others and its changes count. */
  get isIn(): boolean {
    return this.phase === 'ready' || this.phase === 'draining';
  }

  /** Calls `listen` for core messages "<kind>.<node>". */
  on(kind: string, listen: (node: string, text: string) => void): void {
    this.messages.set(kind, listen);
  }

  /** Calls `listen` when a value of the bucket that is no destination's record is known anew. */
  onValue(listen: (key: string, text: string) => void): void {
    this.valueListeners.push(listen);
  }

  /** Calls `listen` about ten times a second. */
  onTick(listen: (now: number) => void): void {
    this.tickListeners.push(listen);
  }

  onPhase(listen: (phase: Phase) => void): void {
    this.phaseListeners.push(listen);
  }

  /** Calls `listen` when a newer record of a destination is known. */
  onRecorded(listen: (entry: Entry) => void): void {
    this.recordListeners.push(listen);
  }

  onMember(listen: (name: string, phase: Phase | 'dead') => void): void {
    this.memberListeners.push(listen);
  }

  start(): void {
    this.started = true;
    this.startedAt = this.tickedAt = this.store.inspectedAt = this.now;
    this.options.bus.listen(this.handlers);
    if (this.options.bus.connected) this.handlers.up();
    this.schedule();
  }

  /** Leaves: others take over at once. */
  stop(): void {
    if (!this.started) return;
    this.started = false;
    this.cancelTick?.();
    const { bus, node } = this.options;
    if (bus.connected && this.refused === undefined) bus.publish('bye', node, this.inc);
  }

  /** Gives up all ownership and goes on routing; or takes part again. */
  drain(on: boolean): void {
    this.draining = on;
    if (this.phase === 'ready' || this.phase === 'draining') this.enter(on ? 'draining' : 'ready');
  }

  /** Reads everything from the bucket again. */
  resync(done: (ok: boolean) => void): void {
    this.read(1, done);
  }

  /**
   * Whether a signal may change memory now. Everything this node owns by being alive is given up here first when it has
   * stood still: verdicts of before the standstill must not count.
   */
  admits(signal: StateSignal): boolean {
    const { destination, origin } = signal;
    if (origin !== 'probe' || this.options.host.share(destination.partition) === undefined) return true;
    this.guard();
    if (!this.owners.judges(destination)) return false;
    if (this.holds(signal)) return false;
    if (this.phase === 'ready') this.failures?.noted(signal, recordKey(destination));
    return true;
  }

  /** Whether a signal has to wait for what others find. Set by the part that asks them. */
  holds: (signal: StateSignal) => boolean = () => false;
  /** Whether a change is for this node alone. Set by the part that knows. */
  diverts: (destination: Destination) => boolean = () => false;
  /** Whether a record does not count here, since this node cannot reach the destination. Set by the part that knows. */
  keepsOut: (destination: Destination, record: DestinationRecord) => boolean = () => false;
  /** Failures counted toward thresholds. Set by the part that counts. */
  failures: { noted(signal: StateSignal, key: string): void } | undefined;

  /** Notes in the record that this node cannot reach the destination, so that the next node probes it for a while. */
  skip(entry: Entry, destination: Destination): void {
    const { state, seq } = destination.health;
    const reason = `${this.options.node}@${(entry.record?.v ?? 0) + 1}`;
    const time = this.options.clock.now();
    this.records.submit(entry, { kind: 'skip', origin: 'cluster', time, reason }, { state, seq });
  }

  /** A state has changed in memory; called in the order of the changes. */
  changed(change: StateChange): void {
    const { destination, origin, signal } = change;
    const share = this.options.host.share(destination.partition);
    if (share === undefined || origin === 'cluster' || signal === undefined) return;
    if (origin === 'store' && signal.reason !== 'reload') return;
    const intent = this.intentOf(change, signal);
    if (share.ownVerdict && !isWord(intent)) return;
    const entry = this.records.entry(recordKey(destination));
    entry.destination ??= destination;
    const before = { state: change.previous, seq: change.edge === undefined ? change.seq : change.seq - 1 };
    if (this.diverts(destination)) return;
    if (this.suspicions.concerns(intent, destination)) this.suspicions.add(entry, destination, before);
    else {
      this.suspicions.drop(entry);
      this.records.submit(entry, intent, before);
    }
  }

  /** A partition was loaded or taken away: its rows are known anew. */
  rowsChanged(partition: string): void {
    const present = this.rows.of(partition);
    for (const entry of this.records.entries.values()) {
      const found = present.get(entry.key);
      if (found !== undefined) {
        entry.destination = found;
        if (entry.record !== undefined && entry.queue.length === 0) this.bring(found, entry.record);
      } else if (entry.destination?.partition === partition) entry.destination = undefined;
    }
    this.owners.invalidate();
    this.writeMember();
    this.options.host.moved();
  }

  /** The entry of a destination; made when there is none. */
  entryOf(destination: Destination): Entry {
    return this.records.entry(recordKey(destination));
  }

  /** Entries whose state here is not the record's, or not known to be. */
  get overlays(): number {
    return this.records.pending.size + this.suspicions.size;
  }

  /** Gives up everything when the event loop stood still for too long. */
  guard(): void {
    const { now } = this;
    if (!this.started || now - this.tickedAt <= FENCE_MS) return;
    const ms = Math.round(now - this.tickedAt);
    this.tickedAt = now;
    this.counters.fences++;
    this.options.log.warn({ ms }, 'cluster: this process stood still; it gives up what it owns and joins again');
    this.options.host.dropProbes();
    for (const entry of [...this.records.pending]) {
      this.records.replace(entry, entry.queue.filter(isWord));
    }
    if (this.phase === 'alone') return;
    this.enter('joining');
    this.stageTo(this.options.bus.connected ? 'waiting' : 'down');
    this.stageAt = now;
  }

  private readonly handlers: BusHandlers = {
    up: () => {
      this.membership.connectionUp(this.now);
      this.stageTo('opening');
      this.open();
    },
    down: () => {
      this.membership.connectionDown(this.now);
      this.stageTo('down');
      this.reading = false;
    },
    message: (kind, node, text) => {
      if (kind === 'hb') this.heard(node, text);
      else if (kind === 'bye') this.membership.left(node, text);
      else if (kind === 'told') {
        if (node !== this.options.node) takeStoredNote(this.announcer, text);
      } else this.messages.get(kind)?.(node, text);
    },
    record: (key, revision, text) => {
      this.take(key, revision, text);
      this.feed.came(revision);
      if (this.feed.hasGap && !this.reading && this.stage === 'in') {
        this.counters.gaps++;
        this.read(this.feed.rev + 1, () => {});
      }
    },
    asked: (text, answer) => this.asked(text, answer),
  };

  /** Answers questions of other nodes; set by the parts that know the answer. */
  asked: (text: string, answer: (text: string) => void) => void = () => {};

  private heard(name: string, text: string): void {
    const beat = parseHeartbeat(text);
    if (beat === undefined) return;
    this.membership.heard(name, beat, this.now);
  }

  private peerChanged(name: string, phase: Phase | 'dead'): void {
    const fields = { node: name, phase };
    if (phase === 'dead') this.options.log.warn(fields, `cluster: node ${name} is gone`);
    else this.options.log.info(fields, `cluster: node ${name} is ${phase}`);
    for (const listen of this.memberListeners) listen(name, phase);
    this.ownershipMoved();
  }

  /** Ownership may have moved: probes, events and tables follow. */
  ownershipMoved(): void {
    const gained = this.owners.invalidate();
    if (gained.length > 0) {
      this.counters.takeovers += gained.length;
      this.options.host.hurry(gained);
    }
    this.announcer.ownershipChanged();
    this.options.host.moved();
  }

  private schedule(): void {
    this.cancelTick = this.options.clock.schedule(TICK_MS, () => {
      this.tick();
      if (this.started) this.schedule();
    });
  }

  private tick(): void {
    this.guard();
    const { now } = this;
    this.tickedAt = now;
    if (now - this.beatAt >= this.options.settings.heartbeatMs - TICK_MS / 2) this.beat();
    this.membership.tick(now);
    this.lookAround(now);
    this.suspicions.end(now);
    for (const listen of this.tickListeners) listen(now);
    if (now - this.slowAt >= 1000) {
      this.slowAt = now;
      if (this.isIn) {
        this.announcer.tick();
        const note = storedNote(this.announcer);
        if (note !== undefined) this.options.bus.publish('told', this.options.node, note);
      }
      if (this.isOpen) this.records.pump();
      this.lookBehind(now);
      if (now - this.store.inspectedAt >= INSPECT_MS && this.stage === 'in') this.store.inspect();
    }
    this.store.repair();
  }

  private beat(): void {
    this.beatAt = this.now;
    const { bus, node, settings } = this.options;
    if (!bus.connected || this.refused !== undefined) return;
    bus.publish(
      'hb',
      node,
      encodeHeartbeat({
        inc: this.inc,
        pv: PROTOCOL,
        phase: this.phase,
        gen: this.store.generation,
        rev: this.feed.rev,
        view: this.membership.view,
        tags: this.owners.ownTags(),
        weight: settings.weight,
        zone: settings.zone,
      }),
    );
  }

  /** Advances the stage of joining or leaving the cluster. */
  private lookAround(now: number): void {
    if (this.refused !== undefined) return;
    const deaf = this.membership.echoAge(now) > ALONE_ECHO_MS;
    const since = now - this.startedAt;
    if (this.phase !== 'alone') {
      const stuck = this.records.oldestMs() > ALONE_COMMIT_MS && this.everReady;
      if (stuck || (deaf && since > ALONE_ECHO_MS)) {
        this.becomeAlone(stuck ? 'nothing it decides can be committed' : 'it hears itself no longer');
        return;
      }
    } else if (!deaf && this.options.bus.connected && this.stage === 'in') this.comeBack(now);
    const waited = now - this.stageAt;
    if (this.stage === 'waiting' && waited >= 0) this.join();
    else if (this.stage === 'settling' && waited >= SETTLE_MS) this.settle();
    else if (this.stage === 'resolving') this.resolve();
    const { twin } = this.membership;
    if (twin !== undefined && twin.at >= now - TICK_MS && this.stage === 'in' && twin.phase === 'ready') {
      // Two nodes of one name were partitioned and are connected again: one leaves, and both compute which.
      if (this.inc > twin.inc) this.refuse();
    }
  }

  private becomeAlone(why: string): void {
    this.options.log.warn(
      { why, undecided: this.records.pending.size },
      `cluster: this node is alone (${why}); it routes by what it knows and decides for itself`,
    );
    if (this.stage !== 'down') this.stageTo('in');
    this.enter('alone');
  }

  /** While alone with a connection: tries whether commits succeed again, then joins like a new node. */
  private comeBack(now: number): void {
    if (now - this.stageAt < 1000) return;
    this.stageAt = now;
    this.options.bus.status((status) => {
      if (typeof status !== 'object' || this.phase !== 'alone' || this.stage !== 'in') return;
      this.wait();
    });
  }

  /** Listens for a while before the bucket is read: many nodes may come back at once. */
  private wait(): void {
    this.stageTo('waiting');
    this.stageAt = this.now + (this.everReady ? 1000 + (this.options.random.uint32() % 2000) : 0);
  }

  private open(): void {
    this.options.bus.create((made) => {
      if (this.stage !== 'opening') return;
      if (!made) {
        this.options.clock.schedule(RETRY_MS, () => {
          if (this.stage === 'opening') this.open();
        });
        return;
      }
      this.store.inspectedAt = this.now;
      if (this.phase !== 'ready' && this.phase !== 'draining') {
        this.wait();
        return;
      }
      // A connection that was lost for a moment: what was missed is read, and nothing else changes.
      this.stageTo('in');
      this.store.check((ok) => {
        if (ok) this.read(this.feed.rev + 1, () => this.records.pump());
      });
    });
  }

  private join(): void {
    this.stageTo('reading');
    const retry = () => {
      if (this.stage === 'reading') {
        this.stageTo('waiting');
        this.stageAt = this.now + RETRY_MS;
      }
    };
    this.options.bus.create((made) => {
      if (this.stage !== 'reading') return;
      if (!made) return retry();
      this.store.check((ok) => {
        if (this.stage !== 'reading') return;
        if (!ok) return retry();
        this.read(this.feed.rev + 1, (whole) => {
          if (this.stage !== 'reading') return;
          if (!whole) return retry();
          this.stageTo('settling');
        });
      });
    });
  }

  private settle(): void {
    const { twin, others } = this.membership;
    // Peers that do not know this bucket yet may have the records it lost.
    const elsewhere = [...others.values()].some(({ gen }) => gen !== '' && gen !== this.store.generation);
    if (elsewhere && this.now - this.stageAt < ELSEWHERE_MS) return;
    if (twin !== undefined && twin.at > this.now - 2 * SETTLE_MS) {
      this.refuse();
      return;
    }
    this.writeMember();
    this.records.holdAll();
    this.stageTo('resolving');
    this.resolve();
  }

  /** Whatever was decided alone is settled, some at each tick; then the node is ready. */
  private resolve(): void {
    if (!this.returning()) return;
    this.stageTo('in');
    if (this.everReady) this.counters.rejoins++;
    this.everReady = true;
    this.enter(this.draining ? 'draining' : 'ready');
    this.beat();
    this.records.pump();
  }

  /** Settles what this node decided while it was alone; true when nothing is left. Set by the part that does it. */
  returning: () => boolean = () => true;

  private refuse(): void {
    this.refused = `another node is named ${this.options.node}`;
    this.options.log.error(
      { node: this.options.node },
      `cluster: another node of the name ${this.options.node} is there; this one does not join and routes by itself`,
    );
    this.enter('alone');
  }

  private enter(phase: Phase): void {
    if (this.phase === phase) return;
    this.phase = phase;
    if (phase === 'ready')
      this.options.log.info({ nodes: this.membership.others.size + 1 }, 'cluster: this node is ready');
    this.membership.version++;
    this.beat();
    for (const listen of this.phaseListeners) listen(phase);
    this.ownershipMoved();
  }

  private stageTo(stage: Stage): void {
    this.stage = stage;
    this.stageAt = this.now;
  }

  private take(key: string, revision: number, text: string): void {
    if (key.startsWith('d.')) this.records.accept(key, revision, text);
    else this.values.accept(key, revision, text);
  }

  /** Reads the bucket from a sequence on, and takes everything. */
  read(from: number, done: (whole: boolean) => void): void {
    this.reading = true;
    const { generation } = this.store;
    this.options.bus.read(
      from,
      (key, revision, text) => {
        if (generation === this.store.generation) this.take(key, revision, text);
      },
      (last) => {
        this.reading = false;
        if (last !== undefined && generation === this.store.generation) this.feed.reach(last);
        else if (this.stage === 'in' && this.options.bus.connected) {
          this.options.clock.schedule(RETRY_MS, () => {
            if (this.stage === 'in' && !this.reading && generation === this.store.generation) this.read(from, () => {});
          });
        }
        done(last !== undefined);
      },
    );
  }

  /** A peer that applied more than this node for a while: something of the feed was lost. */
  private lookBehind(now: number): void {
    let most = 0;
    for (const peer of this.membership.others.values()) {
      if (peer.gen === this.store.generation) most = Math.max(most, peer.rev);
    }
    if (most <= this.feed.rev) this.behindSince = undefined;
    else if (this.behindSince === undefined) this.behindSince = now;
    else if (
      now - this.behindSince >= BEHIND_MS &&
      this.stage === 'in' &&
      !this.reading &&
      this.options.bus.connected
    ) {
      this.behindSince = undefined;
      this.counters.gaps++;
      this.read(this.feed.rev + 1, () => {});
    }
  }

  /** Milliseconds this node has been behind a peer. */
  get lagMs(): number {
    return this.behindSince === undefined ? 0 : this.now - this.behindSince;
  }

  /** Writes down what this node is, when that has changed. */
  writeMember(): void {
    if (!this.options.bus.connected || this.store.generation === '' || this.refused !== undefined) return;
    const text = JSON.stringify({ inc: this.inc, pv: PROTOCOL, ...this.options.host.member() });
    this.values.update(`m.${this.options.node}`, () => text);
  }

  private valueChanged(key: string, text: string): void {
    if (key.startsWith('m.')) this.ownershipMoved();
    for (const listen of this.valueListeners) listen(key, text);
  }

  private recorded(entry: Entry): void {
    this.suspicions.drop(entry);
    this.announcer.recorded(entry);
    for (const listen of this.recordListeners) listen(entry);
  }

  /** Brings a destination's state to a record. */
  bring(destination: Destination, record: DestinationRecord): void {
    const { health } = destination;
    if ((health.state === record.st && health.seq === record.q) || this.keepsOut(destination, record)) return;
    this.options.host.adopt(destination, record);
  }

  private note(entry: Entry): void {
    const { destination } = entry;
    if (destination === undefined) return;
    const { state, seq } = destination.health;
    const time = this.options.clock.now();
    this.records.submit(entry, { kind: 'told', origin: 'cluster', time, reason: '' }, { state, seq });
  }

  private intentOf(change: StateChange, signal: StateSignal): Intent {
    const { time, reason, code, cause, address, origin, state } = change;
    const bits = this.options.host.bits(change.destination);
    const fields = { origin, time, reason, code, cause, address, bits };
    if (signal.kind === 'success' || signal.kind === 'failure') return { kind: signal.kind, ...fields };
    // The resulting state of the order: "p" on an active destination has reached the threshold.
    return { kind: 'set', to: state, ...fields };
  }
}
