import { hostname } from 'node:os';
import { FailureCounts } from '../cluster/failures.js';
import { SharedLoad } from '../cluster/load.js';
import { ClusterNode } from '../cluster/node.js';
import { OldRecords } from '../cluster/old-records.js';
import { memberHashes } from '../cluster/owners.js';
import { probingSwitch } from '../cluster/probing-switch.js';
import { Questions } from '../cluster/questions.js';
import { Quorum } from '../cluster/quorum.js';
import { Reloads } from '../cluster/reloads.js';
import { Return } from '../cluster/return.js';
import type { PartitionShare } from '../cluster/settings.js';
import { type KeyHolder, SharedKey } from '../cluster/shared-key.js';
import { Tags } from '../cluster/tags.js';
import { SwitchyardError } from '../core/errors.js';
import { nextIteration } from '../core/event-loop.js';
import type { Destination } from '../engine/destination.js';
import type { Engine } from '../engine/engine.js';
import type { Partition } from '../engine/partition.js';
import { clusterEvent } from '../events/catalogue.js';
import type { NatsBus } from '../events/sinks/nats.js';
import type { MiHandler } from '../management/mi/handler.js';
import type { Prober } from '../probing/prober.js';
import type { PartitionRuntime } from '../tenant/tenant.js';
import type { EventParts } from './build-events.js';
import { clusterControl } from './cluster-control.js';
import type { ClusterParts } from './cluster-hooks.js';
import { registerClusterMetrics } from './cluster-metrics.js';
import type { DaemonEnvironment } from './environment.js';
import { VERSION } from './version.js';

/** What the cluster part needs. */
export interface ClusterEnvironment extends DaemonEnvironment {
  readonly engine: Engine;
  readonly runtimes: ReadonlyMap<string, PartitionRuntime>;
  readonly prober: Prober;
  readonly events: EventParts;
  readonly mi: () => MiHandler;
  /** The key for dialog tokens. */
  readonly key: KeyHolder;
}

/** Milliseconds in which destinations that this node newly owns are first probed: the fewer there are, the sooner. */
const FIRST_PROBES_MS = { least: 100, max: 400, each: 0.75 };
/** Milliseconds a stopping node takes to publish events and records. */
const FINAL_PUBLISH_MS = 1500;
/** Stores of which each node has its own copy and writes it. */
const OWN_FILE = /^(?:text|list|sqlite):/;

/** Builds the cluster part of this node. Throws SwitchyardError CONFIG_INVALID without a NATS connection. */
export function buildCluster(env: ClusterEnvironment): ClusterParts {
  return new ClusterSide(env);
}

class ClusterSide implements ClusterParts {
  readonly name = 'cluster';
  readonly control: ClusterParts['control'];
  private readonly node: ClusterNode;
  private readonly tags: Tags;
  private readonly shareCache = new Map<string, PartitionShare | undefined>();
  private readonly ordered = new WeakMap<object, readonly Destination[]>();
  private readonly stopBus: () => void;
  private readonly begun = new WeakSet<Partition>();
  private part: number | undefined;

  constructor(private readonly env: ClusterEnvironment) {
    const { engine, events, prober, clock, random, log, metrics } = env;
    const { cluster, node: name } = env.settings();
    const { nats } = events;
    if (cluster === undefined || nats === undefined) {
      throw new SwitchyardError('CONFIG_INVALID', 'a cluster needs the connection of "events" "nats"');
    }
    const bus = nats.cluster({ cluster: cluster.name, replicas: cluster.replicas, storage: cluster.storage });
    this.stopBus = () => bus.stop();
    const commits = metrics.histogram(
      'switchyard_cluster_commit_seconds',
      'Time from a commit to its outcome',
      [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    );
    const node = new ClusterNode({
      node: name,
      settings: cluster,
      clock,
      random,
      log,
      bus,
      took: (ms) => commits.observe(ms / 1000),
      host: {
        share: (partition) => this.share(partition),
        adopt: (destination, record) => {
          const { st: state, q: seq, t, r: reason, c: code, x: cause, b: bits } = record;
          const time = Date.parse(t);
          engine.states.adopt(destination, {
            state,
            seq,
            time: Number.isNaN(time) ? clock.now() : time,
            reason,
            code,
            cause,
            bits,
          });
        },
        publish: (event, since) => nats.publish(event, since),
        holds: (key) => nats.holds(key),
        check: (destination, done) => prober.check(destination, done),
        probeSoon: (destinations) => this.gained(destinations, nats),
        isProbed: ({ partition }) => env.settings().dispatcher.pingInterval > 0 && prober.isActive(partition),
        intervalMs: () => Math.max(1000, env.settings().dispatcher.pingInterval * 1000),
        dropProbes: () => prober.abandon(),
        bits: (destination) => engine.partition(destination.partition)?.flavour.stateBits(destination),
        moved: () => this.moved(),
        member: () => this.member(),
      },
    });
    this.node = node;
    new Return(node);
    const questions = new Questions(node);
    const failures = new FailureCounts(
      node,
      (destination) => engine.partition(destination.partition)?.flavour.failuresOf(destination) ?? 0,
    );
    node.changes.failures = failures;
    this.failures = failures;
    new Quorum({
      node,
      questions,
      failuresLeft: (destination) =>
        engine.partition(destination.partition)?.flavour.failuresLeft(destination) ?? Number.POSITIVE_INFINITY,
      timeoutMs: () => env.settings().dispatcher.pingTimeout * 1000,
      apply: (signal) => engine.states.apply(signal),
    });
    this.tags = new Tags(node);
    const reloads = new Reloads(node, questions, {
      partitions: () => [...env.runtimes.keys()].filter((partition) => this.share(partition) !== undefined),
      load: async (partition) => {
        const runtime = env.runtimes.get(partition);
        if (runtime === undefined) throw new Error(`no partition "${partition}"`);
        return { rows: (await runtime.reload({ inheritState: true, dryRun: false })).loaded };
      },
    });
    new SharedLoad(node, (partition) => this.counted(partition));
    new SharedKey(node, env.key);
    new OldRecords(node, (partition) => this.isLoaded(partition));
    engine.states.guard((signal) => node.changes.admits(signal));
    engine.states.onChange((change) => node.changes.changed(change));
    nats.settled = (key) => node.announcer.settled(key);
    node.onValue((key, text) => {
      const switched = probingSwitch(key, text);
      if (switched !== undefined) prober.setActive(switched.on, switched.partition);
    });
    node.onPhase((phase) => {
      if (phase !== 'ready') return;
      events.syncStates();
      this.stagger();
    });
    node.onMember((member, phase) => {
      const params = { cluster_id: cluster.name, node_id: member, new_state: phase === 'dead' ? 0 : 1, state: phase };
      const others = !node.owners.keeps(`member ${member}`, true);
      events.bus.raise(clusterEvent('E_CLUSTERER_NODE_STATE_CHANGED', events.ids, params, others));
    });
    this.tags.onChange((tag, active) => {
      const params = { tag, cluster_id: cluster.name, new_state: active ? 1 : 0, node_id: name };
      // Only the node that takes a tag publishes this event; the node that loses it need not.
      events.bus.raise(clusterEvent('E_CLUSTERER_SHARING_TAG_CHANGED', events.ids, params, !active));
      this.moved();
    });
    registerClusterMetrics(metrics, node, this.tags);
    this.control = clusterControl({ node, tags: this.tags, reloads, questions, mi: env.mi, cluster: cluster.name });
  }

  private readonly failures: FailureCounts;

  get state(): string {
    return this.node.refused === undefined ? this.node.phase : 'refused';
  }

  async start(): Promise<void> {
    for (const partition of this.env.engine.partitions) {
      if (this.share(partition.name) !== undefined) await this.node.rows.index(partition, nextIteration);
    }
    this.node.start();
  }

  async stop(): Promise<void> {
    this.node.stop();
    if (this.node.isIn && this.env.events.nats?.connected === true) await this.noteStored();
    this.stopBus();
  }

  /** Notes in the records which events are stored: if no other node lives, nobody would know after a long pause. */
  private async noteStored(): Promise<void> {
    const { clock, events } = this.env;
    const until = clock.monotonic() + FINAL_PUBLISH_MS;
    const waits = async (left: () => boolean) => {
      while (left() && clock.monotonic() < until) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    await waits(() => (events.nats?.stats().depth ?? 0) > 0);
    for (const entry of [...this.node.announcer.unnoted()]) this.node.changes.note(entry);
    await waits(() => this.node.records.pending.size > 0);
  }

  shares(destination: Destination): boolean {
    const share = this.share(destination.partition);
    return share !== undefined && !share.ownVerdict;
  }

  probes(destination: Destination): boolean {
    return this.node.owners.probes(destination);
  }

  owns(destination: Destination): boolean {
    return this.node.owners.owns(destination);
  }

  ownsEntry(entry: Parameters<ClusterParts['ownsEntry']>[0]): boolean {
    const share = this.share(entry.partition);
    if (share === undefined) return true;
    const destination = this.node.rows.findEntry(entry);
    if (destination !== undefined) return share.ownVerdict || this.owns(destination);
    // Rows that this node lacks may belong to another node, until all have loaded the same.
    const { owners } = this.node;
    return this.node.phase === 'ready' && owners.differsMs(entry.partition) === 0 && owners.keeps(entry.partition);
  }

  writesTable(partition: string): boolean {
    const { settings, runtimes } = this.env;
    const config =
      settings().partitions.find(({ name }) => name === partition) ?? runtimes.get(partition)?.options.config;
    if (this.share(partition) === undefined) return true;
    if (this.node.phase === 'alone' && this.node.refused === undefined) return false;
    return OWN_FILE.test(config?.dbUrl ?? '') || this.node.owners.keeps(partition);
  }

  isActive(tag: string): boolean {
    return this.tags.isActive(tag);
  }

  loaded(partition: Partition): void {
    if (this.share(partition.name) === undefined) return;
    this.begin(partition);
    this.node.rows.index(partition, nextIteration).then(
      (whole) => {
        if (whole) this.node.rowsChanged(partition.name);
      },
      (error: unknown) => this.env.log.error({ err: error }, 'cluster: a partition could not be indexed'),
    );
  }

  reconfigured(): void {
    this.shareCache.clear();
    for (const name of [...this.node.rows.names()]) {
      if (this.env.engine.partition(name) !== undefined && this.share(name) !== undefined) continue;
      this.node.rows.forget(name);
      this.node.rowsChanged(name);
    }
    for (const partition of this.env.engine.partitions) this.loaded(partition);
  }

  private share(partition: string): PartitionShare | undefined {
    if (this.shareCache.has(partition)) return this.shareCache.get(partition);
    const { cluster, partitions } = this.env.settings();
    const config = partitions.find(({ name }) => name === partition);
    let share: PartitionShare | undefined;
    if (cluster !== undefined && config !== undefined && config.cluster?.takesPart !== false) {
      const sharingTag = config.cluster?.sharingTag ?? cluster.sharingTag;
      const byTag = config.cluster?.sharingTag === undefined ? cluster.probing : 'by-shtag';
      const probing = config.cluster?.probing ?? byTag;
      const ownVerdict = (probing === 'all' && cluster.verdict !== 'shared') || cluster.verdict === 'own';
      const perZone = cluster.verdict === 'zone' && probing === 'distributed';
      share = { probing: cluster.verdict === 'own' ? 'all' : probing, sharingTag, ownVerdict, perZone };
    }
    this.shareCache.set(partition, share);
    return share;
  }

  /**
   * This node newly owns destinations: it continues their failure counts, probes them soon, and writes their entries.
   */
  private gained(destinations: readonly Destination[], nats: NatsBus): void {
    const { engine, prober, events } = this.env;
    for (const destination of destinations) {
      const failures = this.failures.of(this.node.rows.keyOf(destination));
      if (failures > 0) engine.states.carry(destination, failures);
      if (destination.health.lastChange !== undefined) nats.putState(events.changes.entryOf(destination));
    }
    const { least, max, each } = FIRST_PROBES_MS;
    prober.probeSoon(destinations, Math.min(max, Math.max(least, destinations.length * each)));
  }

  /**
   * Lets each node begin round robin at another destination, so that nodes that start together do not all send their
   * first calls to the first one.
   */
  private stagger(): void {
    if (this.part !== undefined) return;
    const names = [this.node.name, ...this.node.membership.others.keys()].sort();
    this.part = names.indexOf(this.node.name) / names.length;
    for (const partition of this.env.engine.partitions) this.begin(partition);
  }

  private begin(partition: Partition): void {
    if (this.part === undefined || this.begun.has(partition) || this.share(partition.name) === undefined) return;
    this.begun.add(partition);
    partition.beginAt(this.part);
  }

  /** Whether any node reports that it has loaded the partition. */
  private isLoaded(partition: string): boolean {
    for (const [, text] of this.node.values.under('m.')) if (memberHashes(text)?.[partition] !== undefined) return true;
    return false;
  }

  private moved(): void {
    for (const { options } of this.env.runtimes.values()) options.flusher?.enabledChanged();
  }

  private member(): object {
    const { listen } = this.env.settings();
    const partitions: Record<string, string> = {};
    for (const name of this.node.rows.names()) partitions[name] = this.node.rows.hashOf(name) ?? '';
    const { zone } = this.node.options.settings;
    return { host: hostname(), version: VERSION, zone, sockets: listen.map(({ text }) => text), partitions };
  }

  /** The destinations of a partition whose calls are counted, in the order of their keys, which all nodes share. */
  private counted(partition: string): ReturnType<ConstructorParameters<typeof SharedLoad>[1]> {
    const rules = this.env.engine.partition(partition)?.flavour;
    if (rules === undefined) return undefined;
    const rows = this.node.rows.of(partition);
    // Where calls are not counted, the order is not needed.
    const [first] = rows.values();
    if (first === undefined || rules.loadOf(first) === undefined) return undefined;
    let destinations = this.ordered.get(rows);
    if (destinations === undefined) {
      const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
      destinations = sorted.map(([, destination]) => destination);
      this.ordered.set(rows, destinations);
    }
    return { destinations, rules };
  }
}
