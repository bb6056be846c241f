import { LineLimit } from '../core/line-limit.js';
import type { Destination } from '../engine/destination.js';
import { Announcer } from './announcer.js';
import { type BusHandlers, type ClusterCounters, newCounters } from './bus.js';
import { Changes } from './changes.js';
import { Following } from './following.js';
import { encodeHeartbeat, type Heartbeat, type Phase, PROTOCOL, parseHeartbeat } from './heartbeat.js';
import type { ClusterNodeOptions } from './host.js';
import { Joining } from './joining.js';
import { Membership } from './membership.js';
import { Orders } from './orders.js';
import { Owners } from './owners.js';
import { isCommand } from './record.js';
import type { Entry } from './record-entry.js';
import { Records } from './records.js';
import { ClusterRows } from './rows.js';
import { StoreWatch } from './store-watch.js';
import { storedNote, takeStoredNote } from './stored-notes.js';
import { Suspicions } from './suspicions.js';
import { Values } from './values.js';
import { Zones } from './zones.js';

/** Milliseconds between two ticks, and while nothing is in progress. */
const TICK_MS = 100;
const CALM_TICK_MS = 200;
/**
 * Milliseconds for which the event loop may be blocked before this node gives up what it owns; shorter than other nodes
 * wait for its heartbeats.
 */
const FENCE_MS = 1000;
/** Milliseconds between two checks whether the bucket is still the same. */
const INSPECT_MS = 30_000;
/** Maximum number of heartbeats kept as text, since anybody who may publish them could invent names. */
const MAX_BEATS = 1024;
/** Log lines a minute about other nodes' phases, of all and of one, and the longest name of a node. */
const MAX_LINES = 400;
const MAX_LINES_OF_NODE = 10;
const MAX_NAME = 128;
/**
 * Up to this many other nodes, this node sends its heartbeats at the same time as they do. With more, each node would
 * get all heartbeats at once.
 */
const IN_STEP = 8;

/**
 * One node of a cluster. It owns its share of the destinations, commits what it finds out about them, and applies what
 * other nodes have committed. Calls never wait for it. The other files of this folder have one subject each; this file
 * connects them and runs their timer.
 */
export class ClusterNode {
  readonly counters: ClusterCounters = newCounters();
  readonly inc: string;
  readonly membership: Membership;
  readonly records: Records;
  readonly values: Values;
  readonly rows: ClusterRows;
  readonly owners: Owners;
  readonly announcer: Announcer;
  readonly following: Following;
  readonly joining: Joining;
  readonly store: StoreWatch;
  readonly suspicions: Suspicions;
  readonly changes: Changes;
  readonly zones: Zones;
  readonly orders: Orders;
  phase: Phase = 'joining';
  draining = false;
  private started = false;
  private tickedAt = 0;
  private beatAt = Number.NEGATIVE_INFINITY;
  private slowAt = 0;
  private readonly beats = new Map<string, { readonly text: string; readonly beat: Heartbeat }>();
  private cancelTick: (() => void) | undefined;
  private readonly messages = new Map<string, (node: string, text: string) => void>();
  private readonly valueListeners: ((key: string, text: string) => void)[] = [];
  private readonly tickListeners: ((now: number) => void)[] = [];
  private readonly phaseListeners: ((phase: Phase) => void)[] = [];
  private readonly recordListeners: ((entry: Entry) => void)[] = [];
  private readonly lines: LineLimit;
  private readonly linesOfNode: LineLimit;
  private readonly memberListeners: ((name: string, phase: Phase | 'dead') => void)[] = [];

  constructor(readonly options: ClusterNodeOptions) {
    const { node, settings, clock, random, bus, host } = options;
    this.inc = random.token(6);
    this.lines = new LineLimit(60_000, MAX_LINES, () => this.now);
    this.linesOfNode = new LineLimit(60_000, MAX_LINES_OF_NODE, () => this.now);
    this.rows = new ClusterRows((partition) => (host.share(partition)?.perZone === true ? settings.zone : ''));
    this.membership = new Membership({
      node,
      inc: this.inc,
      deadAfterMs: settings.deadAfterMs,
      changed: (name, phase) => this.peerChanged(name, phase),
    });
    this.values = new Values(bus, clock, (key, text) => this.valueChanged(key, text));
    this.joining = new Joining(this);
    this.following = new Following(this);
    this.store = new StoreWatch(this);
    this.suspicions = new Suspicions(this);
    this.zones = new Zones(this);
    this.orders = new Orders(this);
    this.changes = new Changes(this);
    this.records = new Records({
      node,
      clock,
      random,
      bus,
      counters: this.counters,
      generation: () => this.store.generation,
      open: () => this.isOpen,
      published: (key) => this.announcer.published(key),
      find: (key) => this.rows.find(key),
      adopt: (destination, record) => this.changes.applyRecord(destination, record),
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
      publish: (event, since) => host.publish(event, since),
      holds: (key) => host.holds(key),
      note: (entry) => this.changes.note(entry),
      republished: () => this.counters.republished++,
    });
    this.on('bye', (name, text) => this.membership.left(name, text));
    this.on('told', (name, text) => {
      if (name !== node) takeStoredNote(this.announcer, text);
    });
    this.on('hb', (name, text) => {
      const beat = this.readBeat(name, text);
      if (beat === undefined) return;
      this.membership.received(name, beat, this.now);
      this.beatInStep(name);
      // Another node knows another bucket: one of the two has not noticed yet that the bucket was recreated.
      if (this.isThere && beat.gen !== '' && beat.gen !== this.store.generation) this.store.suspect();
    });
    // Calls fail at another node: this node, which probes the destination, probes it at once.
    this.on('suspect', (_self, key) => {
      const destination = this.rows.find(key);
      if (destination !== undefined && this.owners.owns(destination)) host.probeSoon([destination]);
    });
  }

  /** The name of this node (`cluster.node`). */
  get name(): string {
    return this.options.node;
  }

  /** Milliseconds of the monotonic clock. */
  get now(): number {
    return this.options.clock.monotonic();
  }

  /** Why this node cannot take part at all; undefined: it can. */
  get refused(): string | undefined {
    return this.joining.refused;
  }

  /** Whether changes can be committed now. */
  get isOpen(): boolean {
    return this.options.bus.connected && this.refused === undefined && this.joining.opens(this.isIn);
  }

  /** Whether the bucket was read and is followed. */
  get isThere(): boolean {
    return this.joining.isThere;
  }

  /** Whether this node takes part: it receives from the others and its changes count. */
  get isIn(): boolean {
    return this.phase === 'ready' || this.phase === 'draining';
  }

  /** Number of destinations whose state here differs, or may differ, from the record. */
  get overlays(): number {
    return this.records.pending.size + this.suspicions.size;
  }

  /** Calls `listen` for core messages "<kind>.<node>". */
  on(kind: string, listen: (node: string, text: string) => void): void {
    this.messages.set(kind, listen);
  }

  /** Calls `listen` when a value of the bucket, other than a destination's record, has changed. */
  onValue(listen: (key: string, text: string) => void): void {
    this.valueListeners.push(listen);
  }

  /** Calls `listen` about ten times a second, or five times while nothing is in progress. */
  onTick(listen: (now: number) => void): void {
    this.tickListeners.push(listen);
  }

  /** Calls `listen` when this node's phase changes. */
  onPhase(listen: (phase: Phase) => void): void {
    this.phaseListeners.push(listen);
  }

  /** Calls `listen` when a newer record of a destination is known. */
  onRecorded(listen: (entry: Entry) => void): void {
    this.recordListeners.push(listen);
  }

  /** Calls `listen` when another node appears, changes its phase or is found dead. */
  onMember(listen: (name: string, phase: Phase | 'dead') => void): void {
    this.memberListeners.push(listen);
  }

  /** Begins to listen, and joins when there is a connection. */
  start(): void {
    this.started = true;
    this.tickedAt = this.store.inspectedAt = this.now;
    this.joining.started();
    this.options.bus.listen(this.handlers);
    if (this.options.bus.connected) this.handlers.up();
    this.schedule();
  }

  /** Leaves the cluster: other nodes take over at once. */
  stop(): void {
    if (!this.started) return;
    this.started = false;
    this.cancelTick?.();
    if (this.isIn) this.shareStored();
    const { bus, node } = this.options;
    if (bus.connected && this.refused === undefined) bus.publish('bye', node, this.inc);
  }

  /** Gives up everything this node owns, while it goes on routing; or takes part again. */
  drain(on: boolean): void {
    this.draining = on;
    if (this.isIn) this.enter(on ? 'draining' : 'ready');
  }

  /** The entry of a destination, created when there is none. */
  entryOf(destination: Destination): Entry {
    return this.records.entry(this.rows.keyOf(destination));
  }

  /** Whether each zone has a record of its own for the destination. */
  sharesByZone({ partition }: Destination): boolean {
    return this.options.host.share(partition)?.perZone === true;
  }

  /** A partition was loaded or removed: indexes its rows again. */
  rowsChanged(partition: string): void {
    if (this.rows.isNew(partition)) this.following.readPartition(partition);
    const present = this.rows.of(partition);
    for (const entry of this.records.entries.values()) {
      const found = present.get(entry.key);
      if (found !== undefined) {
        entry.destination = found;
        if (entry.record !== undefined && entry.queue.length === 0) this.changes.applyRecord(found, entry.record);
      } else if (entry.destination?.partition === partition) entry.destination = undefined;
    }
    this.owners.invalidate();
    this.writeMember();
    this.options.host.moved();
  }

  /** Gives up everything when the event loop was blocked for too long. */
  guard(): void {
    const { now } = this;
    if (!this.started || now - this.tickedAt <= FENCE_MS) return;
    const ms = Math.round(now - this.tickedAt);
    this.tickedAt = now;
    this.counters.fences++;
    this.options.log.warn(
      { ms },
      'cluster: this process did not run for some time; it gives up its destinations and joins again',
    );
    this.options.host.dropProbes();
    for (const entry of [...this.records.pending]) {
      this.records.replace(entry, entry.queue.filter(isCommand));
    }
    if (this.phase === 'alone') return;
    this.enter('joining');
    this.joining.again();
  }

  /** Owners may have changed: probes, events and tables follow. */
  ownershipMoved(): void {
    const gained = this.owners.invalidate();
    if (gained.length > 0) {
      this.counters.takeovers += gained.length;
      this.options.host.probeSoon(gained);
    }
    this.announcer.ownershipChanged();
    this.options.host.moved();
  }

  /** Writes the description of this node to the bucket, if it has changed. */
  writeMember(): void {
    if (!this.options.bus.connected || this.store.generation === '' || this.refused !== undefined) return;
    const text = JSON.stringify({ inc: this.inc, pv: PROTOCOL, ...this.options.host.member() });
    this.values.update(`m.${this.options.node}`, () => text);
  }

  /** Changes the phase, and publishes it. */
  enter(phase: Phase): void {
    if (this.phase === phase) return;
    this.phase = phase;
    if (phase === 'ready')
      this.options.log.info({ nodes: this.membership.others.size + 1 }, 'cluster: this node is ready');
    this.membership.version++;
    this.beat();
    for (const listen of this.phaseListeners) listen(phase);
    this.ownershipMoved();
  }

  /** Publishes a heartbeat, unless there is no connection or this node was refused. */
  beat(): void {
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
        rev: this.following.feed.rev,
        view: this.membership.view,
        tags: this.owners.ownTags(),
        weight: settings.weight,
        zone: settings.zone,
      }),
    );
  }

  /**
   * Sends this node's heartbeat right after that of another node, if half the interval has passed. Of two nodes one
   * always does so. Thus all nodes soon send at the same time, and each wakes up once for all. A tick that is due soon
   * runs now too.
   */
  private beatInStep(name: string): void {
    const { others } = this.membership;
    if (name === this.name || others.size > IN_STEP || !others.has(name) || !this.started) return;
    if (this.now - this.beatAt < this.options.settings.heartbeatMs / 2) return;
    this.beat();
    this.cancelTick?.();
    this.tickAndSchedule();
  }

  /** Whether the next tick has nothing to do: no heartbeat is late, and no work of several ticks has begun. */
  private get isCalm(): boolean {
    const { membership, records, suspicions, owners, store, options } = this;
    if (!this.isIn || !this.isThere || membership.twin !== undefined) return false;
    if (records.pending.size > 0 || suspicions.size > 0 || owners.isSweeping || store.isRepairing) return false;
    return membership.silenceMs(this.now) < 1.5 * options.settings.heartbeatMs;
  }

  /** Parses a heartbeat; while a node's text stays the same, the earlier result is used. */
  private readBeat(name: string, text: string): Heartbeat | undefined {
    const known = this.beats.get(name);
    if (known?.text === text) return known.beat;
    const beat = parseHeartbeat(text);
    if (beat === undefined) return undefined;
    if (this.beats.size > MAX_BEATS) this.beats.clear();
    this.beats.set(name, { text, beat });
    return beat;
  }

  /** Applies a value of the bucket; `live`: it has just been written. */
  take(key: string, revision: number, text: string, live: boolean): void {
    if (key.startsWith('d.')) {
      // Records of partitions that this node has not loaded are ignored; there may be a million of them.
      if (this.rows.serves(key) && this.records.hasRoomFor(key)) this.records.accept(key, revision, text, live);
    } else this.values.accept(key, revision, text);
  }

  /** Answers questions of other nodes. Set by questions.ts. */
  asked: (text: string, answer: (text: string) => void) => void = () => {};

  private readonly handlers: BusHandlers = {
    up: () => {
      this.membership.connectionUp(this.now);
      this.joining.up();
    },
    down: () => {
      this.membership.connectionDown(this.now);
      this.joining.down();
      this.following.interrupted();
    },
    message: (kind, node, text) => {
      if (node.length <= MAX_NAME) this.messages.get(kind)?.(node, text);
    },
    record: (key, revision, text) => this.following.came(key, revision, text),
    asked: (text, answer) => this.asked(text, answer),
  };

  private peerChanged(name: string, phase: Phase | 'dead'): void {
    const fields = { node: name, phase };
    // The node first: lines left out of one that changes all the time must not count for all.
    if (this.linesOfNode.admit(name) !== undefined && this.lines.admit('all') !== undefined) {
      if (phase === 'dead') this.options.log.warn(fields, `cluster: node ${name} is gone`);
      else this.options.log.info(fields, `cluster: node ${name} is ${phase}`);
    }
    for (const listen of this.memberListeners) listen(name, phase);
    this.ownershipMoved();
  }

  private schedule(): void {
    const beatIn = this.beatAt + this.options.settings.heartbeatMs - this.now;
    const pause = this.isCalm ? Math.max(TICK_MS, Math.min(CALM_TICK_MS, beatIn)) : TICK_MS;
    this.cancelTick = this.options.clock.schedule(pause, () => this.tickAndSchedule());
  }

  private tickAndSchedule(): void {
    this.tick();
    if (this.started) this.schedule();
  }

  private tick(): void {
    this.guard();
    const { now } = this;
    this.tickedAt = now;
    if (now - this.beatAt >= this.options.settings.heartbeatMs - TICK_MS / 2) this.beat();
    this.membership.tick(now);
    this.joining.step(now);
    this.suspicions.end(now);
    for (const listen of this.tickListeners) listen(now);
    if (now - this.slowAt >= 1000) {
      this.slowAt = now;
      this.tickSlowly(now);
    }
    this.store.repair();
  }

  private tickSlowly(now: number): void {
    if (this.isIn) {
      this.announcer.tick();
      this.orders.tick();
      this.shareStored();
    }
    if (this.isOpen) this.records.pump();
    this.following.checkLag();
    if (now - this.store.inspectedAt >= INSPECT_MS && this.isThere) this.store.inspect();
  }

  /** Reports to the other nodes which edges have been stored since the last report. */
  private shareStored(): void {
    const note = storedNote(this.announcer);
    if (note !== undefined) this.options.bus.publish('told', this.options.node, note);
  }

  private valueChanged(key: string, text: string): void {
    if (key.startsWith('m.')) this.ownershipMoved();
    for (const listen of this.valueListeners) listen(key, text);
  }

  private recorded(entry: Entry): void {
    this.suspicions.drop(entry);
    this.announcer.recorded(entry);
    this.orders.recorded(entry);
    for (const listen of this.recordListeners) listen(entry);
  }
}
