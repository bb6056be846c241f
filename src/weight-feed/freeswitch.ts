import { type FreeswitchUrl, parseFreeswitchUrl } from '../config/freeswitch-url.js';
import type { Clock } from '../core/clock.js';
import type { Logger } from '../core/logger.js';
import type { Random } from '../core/random.js';
import type { Destination } from '../engine/destination.js';
import type { Engine } from '../engine/engine.js';
import type { Partition } from '../engine/partition.js';
import { destinationsOf, type Snapshot } from '../engine/set.js';
import { EventSocket } from './event-socket.js';
import { type ServerLoad, weightOfLoad } from './server-load.js';
import type { WeightFeed } from './weight-feed.js';

/** What the feed from FreeSWITCH servers needs. */
export interface FreeswitchFeedOptions {
  readonly engine: Pick<Engine, 'partitions' | 'setWeight'>;
  /** The current max_freeswitch_weight. */
  readonly maxWeight: () => number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** One server, and the destinations whose weights come from it. */
interface Server {
  readonly socket: EventSocket;
  destinations: readonly Destination[];
  /** The last report. */
  load: ServerLoad | undefined;
}

/** Servers with a connection at a time. */
const MAX_SERVERS = 1000;

/**
 * Sets weights from the heartbeats of FreeSWITCH servers, which rows name instead of a weight (fetch_freeswitch_stats).
 * There is one connection for each server and login, however many destinations name it.
 */
export class FreeswitchFeed implements WeightFeed {
  readonly name = 'FreeSWITCH weights';
  private readonly servers = new Map<string, Server>();
  /**
   * The destinations with such weights in each partition's snapshot, so that a load of one partition does not search
   * all of them.
   */
  private readonly fed = new Map<Partition, { snapshot: Snapshot; destinations: readonly Destination[] }>();
  private running = false;
  private warned = false;

  constructor(private readonly options: FreeswitchFeedOptions) {}

  async start(): Promise<void> {
    this.running = true;
    this.refresh();
  }

  async stop(): Promise<void> {
    this.running = false;
    for (const { socket } of this.servers.values()) socket.stop();
    this.servers.clear();
  }

  refresh(): void {
    if (!this.running) return;
    const wanted = this.wanted();
    for (const [key, { socket }] of this.servers) {
      if (wanted.has(key)) continue;
      socket.stop();
      this.servers.delete(key);
    }
    let left = 0;
    for (const [key, { url, destinations }] of wanted) {
      const server = this.servers.get(key);
      if (server === undefined) {
        if (this.servers.size < MAX_SERVERS) this.add(key, url, destinations);
        else left++;
      } else {
        server.destinations = destinations;
        this.spread(server);
      }
    }
    if (left > 0 && !this.warned) {
      this.options.log.error({ left }, `weights are taken from ${MAX_SERVERS} FreeSWITCH servers at most`);
    }
    this.warned = left > 0;
  }

  private add(key: string, url: FreeswitchUrl, destinations: readonly Destination[]): void {
    const { clock, random, log } = this.options;
    const onLoad = (load: ServerLoad): void => {
      server.load = load;
      this.spread(server);
    };
    const socket = new EventSocket({ url, clock, random, log, onLoad });
    const server: Server = { socket, destinations, load: undefined };
    this.servers.set(key, server);
    socket.start();
  }

  private spread({ load, destinations }: Server): void {
    if (load === undefined) return;
    const weight = weightOfLoad(load, this.options.maxWeight());
    for (const destination of destinations) this.options.engine.setWeight(destination, weight);
  }

  /** The servers that rows name, by host, port and login. */
  private wanted(): Map<string, { url: FreeswitchUrl; destinations: Destination[] }> {
    const wanted = new Map<string, { url: FreeswitchUrl; destinations: Destination[] }>();
    const partitions = new Set(this.options.engine.partitions);
    for (const known of this.fed.keys()) if (!partitions.has(known)) this.fed.delete(known);
    for (const partition of partitions) {
      for (const destination of this.fedBy(partition)) {
        const url = parseFreeswitchUrl(destination.row.weightFeed as string);
        const key = `${url.display.toLowerCase()} ${url.user}:${url.password}`;
        const server = wanted.get(key);
        if (server === undefined) wanted.set(key, { url, destinations: [destination] });
        else server.destinations.push(destination);
      }
    }
    return wanted;
  }

  private fedBy(partition: Partition): readonly Destination[] {
    const { snapshot } = partition;
    const known = this.fed.get(partition);
    if (known?.snapshot === snapshot) return known.destinations;
    const destinations: Destination[] = [];
    for (const each of destinationsOf(snapshot)) if (each.row.weightFeed !== undefined) destinations.push(each);
    this.fed.set(partition, { snapshot, destinations });
    return destinations;
  }
}
