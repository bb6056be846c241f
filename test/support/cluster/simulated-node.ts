import { ClusterNode } from '../../../src/cluster/node.js';
import { Questions } from '../../../src/cluster/questions.js';
import { Quorum } from '../../../src/cluster/quorum.js';
import { Return } from '../../../src/cluster/return.js';
import type { ClusterSettings } from '../../../src/cluster/settings.js';
import type { Clock } from '../../../src/core/clock.js';
import { type Logger, nullLogger } from '../../../src/core/logger.js';
import type { Random } from '../../../src/core/random.js';
import type { Destination } from '../../../src/engine/destination.js';
import { Engine } from '../../../src/engine/engine.js';
import { destinationsOf } from '../../../src/engine/set.js';
import type { DispatcherEvent } from '../../../src/events/event.js';
import { partitionOptions, rows } from '../partitions.js';
import { SimulatedLink, type SimulatedNats } from './simulated-nats.js';

export const SETTINGS: ClusterSettings = {
  name: 'sim',
  heartbeatMs: 400,
  deadAfterMs: 1400,
  probing: 'distributed',
  verdict: 'owner',
  zone: '',
  weight: 1,
  sharingTag: undefined,
  tags: new Map(),
  reload: true,
  reloadSpread: 2,
  aloneProbeRate: 200,
  loadKeep: 30,
};

const INTERVAL = 1000;
const THRESHOLD = 3;

/** The gateways in their actual state. */
export interface World {
  readonly nats: SimulatedNats;
  readonly random: Random;
  /** Number of rows of the partition. */
  readonly size: number;
  /** Whether a node reaches a destination and gets a good answer. */
  answers(node: string, uri: string): boolean;
  readonly log?: Logger;
}

/** A node of the simulation with its own engine, probes and outbox. */
export class SimulatedNode {
  readonly engine: Engine;
  readonly node: ClusterNode;
  readonly link: SimulatedLink;
  alive = true;
  asleep = false;
  /** Number of sent probes by URI. */
  readonly probes = new Map<string, number>();
  readonly destinations: readonly Destination[];
  private wakers: (() => void)[] = [];
  private readonly outbox = new Map<string, DispatcherEvent[]>();
  private flights = 0;

  constructor(
    private readonly world: World,
    readonly name: string,
    settings: Partial<ClusterSettings> = {},
  ) {
    const { nats, random, size } = world;
    const clock: Clock = {
      now: () => nats.clock.now(),
      monotonic: () => nats.clock.monotonic(),
      schedule: (delayMs, run) =>
        nats.clock.schedule(delayMs, () => {
          if (!this.alive) return;
          if (this.asleep) this.wakers.push(run);
          else run();
        }),
    };
    this.clock = clock;
    this.engine = new Engine({ clock, random, onListenerError: (error) => nats.faults.push(String(error)) });
    const partition = this.engine.addPartition(partitionOptions({ probingThreshold: THRESHOLD }));
    partition.load(rows(size), { inheritState: true });
    this.destinations = [...destinationsOf(partition.snapshot)];
    this.link = new SimulatedLink(nats, name);
    let tokens = 0;
    this.node = new ClusterNode({
      node: name,
      settings: { ...SETTINGS, ...settings },
      clock,
      random: { uint32: () => random.uint32(), token: () => `${name}${random.uint32().toString(36)}${tokens++}` },
      log: world.log?.child({ sim: name }) ?? nullLogger,
      bus: this.link,
      host: {
        share: () => ({
          probing: 'distributed',
          sharingTag: undefined,
          ownVerdict: false,
          perZone: settings.verdict === 'zone',
        }),
        adopt: (destination, record) => {
          const { st, q, r } = record;
          this.engine.states.adopt(destination, { state: st, seq: q, time: clock.now(), reason: r });
        },
        publish: (event) => this.enqueue(event),
        holds: (key) => (this.outbox.get(key)?.length ?? 0) > 0,
        check: (destination, done) => {
          clock.schedule(20, () => done(world.answers(name, destination.row.uri)));
        },
        probeSoon: (destinations) => {
          for (const each of destinations) clock.schedule(200, () => this.probe(each));
        },
        isProbed: () => true,
        intervalMs: () => INTERVAL,
        dropProbes: () => this.flights++,
        bits: () => undefined,
        moved: () => {},
        member: () => ({ zone: settings.zone ?? '', partitions: { default: this.node.rows.hashOf('default') } }),
      },
    });
    new Return(this.node);
    new Quorum({
      node: this.node,
      questions: new Questions(this.node),
      failuresLeft: ({ health }) => Math.max(1, THRESHOLD - health.failures),
      timeoutMs: () => 500,
      apply: (signal) => this.engine.states.apply(signal),
    });
    this.node.rows.indexNow(partition);
    this.engine.states.guard((signal) => this.node.changes.admits(signal));
    this.engine.states.onChange((change) => this.node.changes.changed(change));
    for (const [i, each] of this.destinations.entries()) this.cycle(each, (i * INTERVAL) / size);
    this.node.start();
    this.link.connect();
  }

  private readonly clock: Clock;

  kill(): void {
    this.alive = false;
    this.link.detach();
  }

  stop(): void {
    this.node.stop();
    this.clock.schedule(50, () => this.kill());
  }

  sleep(): void {
    this.asleep = this.link.asleep = true;
  }

  wake(): void {
    this.asleep = false;
    const { wakers } = this;
    this.wakers = [];
    for (const run of wakers) run();
    this.link.wake();
  }

  operator(uri: string, to: 'active' | 'inactive' | 'probing'): void {
    const destination = this.destinations.find(({ row }) => row.uri === uri) as Destination;
    this.engine.states.apply({ destination, kind: 'set', to, origin: 'mi', reason: 'MI command' });
  }

  /** A call through this node failed. */
  callFailed(uri: string): void {
    const destination = this.destinations.find(({ row }) => row.uri === uri) as Destination;
    this.engine.states.apply({ destination, kind: 'failure', origin: 'traffic', reason: 'script function ds_mark()' });
  }

  private cycle(destination: Destination, delay: number): void {
    this.clock.schedule(delay, () => {
      this.probe(destination);
      this.cycle(destination, INTERVAL);
    });
  }

  private probe(destination: Destination): void {
    if (destination.health.state === 'inactive' || !this.node.owners.probes(destination)) return;
    const { uri } = destination.row;
    this.probes.set(uri, (this.probes.get(uri) ?? 0) + 1);
    const flight = this.flights;
    const good = this.world.answers(this.name, uri);
    this.clock.schedule(20, () => {
      if (flight !== this.flights) return;
      this.engine.states.apply({
        destination,
        kind: good ? 'success' : 'failure',
        origin: 'probe',
        reason: good ? '200 OK probing reply' : 'negative probing reply',
      });
    });
  }

  private enqueue(event: DispatcherEvent): void {
    let queue = this.outbox.get(event.key);
    if (queue === undefined) this.outbox.set(event.key, (queue = []));
    queue.push(event);
    if (queue.length === 1) this.deliver(event.key);
  }

  /** At least once: when an acknowledgement is lost the event is sent again. */
  private deliver(key: string): void {
    const { nats } = this.world;
    const event = this.outbox.get(key)?.[0];
    if (event === undefined) {
      this.node.announcer.settled(key);
      return;
    }
    const open = () => this.link.connected && nats.jetstream && this.link.side === 0;
    if (open()) nats.store(event);
    const acknowledged = open() && nats.draw() < 0.9;
    this.clock.schedule(acknowledged ? nats.draw() * 20 : 300, () => {
      if (acknowledged) this.outbox.get(key)?.shift();
      this.deliver(key);
    });
  }
}
