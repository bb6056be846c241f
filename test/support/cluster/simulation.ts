import { inZone as recordKeyInZone } from '../../../src/cluster/rows.js';
import type { Logger } from '../../../src/core/logger.js';
import type { Destination } from '../../../src/engine/destination.js';
import { FakeClock } from '../fake-clock.js';
import { seededRandom } from '../partitions.js';
import { SimulatedNats } from './simulated-nats.js';
import { SimulatedNode } from './simulated-node.js';

/** Contents of a history. */
export interface HistoryOptions {
  readonly nodes?: number;
  readonly destinations?: number;
  /** Zones, assigned to nodes by round robin, each with its own states; default: none. */
  readonly zones?: readonly string[];
  /** Number of faults and changes in one history. */
  readonly steps?: number;
  readonly log?: Logger;
  /** Kinds of step; default all. */
  readonly kinds?: readonly Kind[];
}

export type Kind =
  | 'kill'
  | 'stop'
  | 'start'
  | 'sleep'
  | 'cut'
  | 'side'
  | 'jetstream'
  | 'wipe'
  | 'gateway'
  | 'operator'
  | 'unequal'
  | 'loss'
  | 'slow';

const KINDS: readonly Kind[] = [
  'kill',
  'stop',
  'start',
  'sleep',
  'cut',
  'side',
  'jetstream',
  'wipe',
  'gateway',
  'gateway',
  'gateway',
  'operator',
  'operator',
  'loss',
  'slow',
];

/** Milliseconds without faults at the end, in which all nodes must converge. */
const QUIET = 45_000;
/** Milliseconds after the last fault by which every destination must have exactly one owner. */
const SETTLED = 8000;

/** Runs one random history of a cluster; returns the violated rules, empty when all held. */
export function runHistory(seed: number, options: HistoryOptions = {}): string[] {
  const { zones = [], nodes = zones.length > 0 ? 2 * zones.length : 3, destinations = 6, steps = 12 } = options;
  const random = seededRandom(seed * 2654435761 + 12345);
  const draw = () => random.uint32() / 2 ** 32;
  for (let i = 0; i < 20; i++) draw();
  const pick = <T>(list: readonly T[]): T => list[Math.floor(draw() * list.length)] as T;
  const clock = new FakeClock();
  const nats = new SimulatedNats(clock, draw);
  const down = new Set<string>();
  const unreachable = new Set<string>();
  const uris: string[] = [];
  const world = {
    nats,
    random,
    size: destinations,
    answers: (node: string, uri: string) =>
      !down.has(inZone(uri, zoneOf.get(node) as string)) && !unreachable.has(`${node} ${uri}`),
    ...(options.log === undefined ? {} : { log: options.log }),
  };
  const history: string[] = [];
  const names = Array.from({ length: nodes }, (_, i) => `n${i + 1}`);
  const zoneOf = new Map(names.map((name, i) => [name, zones[i % Math.max(1, zones.length)] ?? '']));
  const running = new Map<string, SimulatedNode>();
  const start = (name: string) => {
    const zone = zoneOf.get(name) as string;
    const node = new SimulatedNode(world, name, zone === '' ? {} : { verdict: 'zone', zone });
    running.set(name, node);
    if (uris.length === 0) uris.push(...node.destinations.map(({ row }) => row.uri));
  };
  for (const name of names) start(name);
  const say = (text: string) => history.push(`${(clock.monotonic() / 1000).toFixed(1)} ${text}`);
  let wiped = false;
  let lost = false;

  const act: Record<Kind, () => void> = {
    kill() {
      const name = pick(names);
      const node = running.get(name);
      if (node === undefined || running.size === 1) return;
      say(`kill ${name}`);
      lost = true;
      node.kill();
      running.delete(name);
    },
    stop() {
      const name = pick(names);
      const node = running.get(name);
      if (node === undefined || node.asleep || running.size === 1) return;
      say(`stop ${name}`);
      node.stop();
      running.delete(name);
    },
    start() {
      const name = pick(names);
      if (running.has(name)) return;
      say(`start ${name}`);
      start(name);
    },
    sleep() {
      const node = running.get(pick(names));
      if (node === undefined || node.asleep) return;
      const ms = 300 + draw() * 6000;
      say(`sleep ${node.name} ${Math.round(ms)}`);
      node.sleep();
      clock.schedule(ms, () => {
        if (node.alive) node.wake();
      });
    },
    cut() {
      const node = running.get(pick(names));
      if (node === undefined || !node.link.connected) return;
      const ms = 100 + draw() ** 2 * 25_000;
      lost = true;
      say(`cut ${node.name} ${Math.round(ms)}`);
      node.link.disconnect();
      clock.schedule(ms, () => {
        if (node.alive) node.link.connect();
      });
    },
    side() {
      const node = running.get(pick(names));
      if (node === undefined) return;
      const ms = 500 + draw() * 25_000;
      lost = true;
      say(`side ${node.name} ${Math.round(ms)}`);
      node.link.side = 1;
      clock.schedule(ms, () => {
        node.link.side = 0;
      });
    },
    jetstream() {
      const ms = 500 + draw() * 20_000;
      say(`jetstream away ${Math.round(ms)}`);
      nats.jetstream = false;
      clock.schedule(ms, () => {
        nats.jetstream = true;
      });
    },
    wipe() {
      // A store becomes empty by a restart of the server.
      say('wipe');
      wiped = true;
      nats.wipe();
      for (const { link } of running.values()) {
        link.disconnect();
        clock.schedule(200 + draw() * 300, () => link.connect());
      }
    },
    gateway() {
      const uri = pick(uris);
      const where = inZone(uri, zones.length > 0 ? pick(zones) : '');
      if (down.delete(where)) say(`up ${where}`);
      else {
        down.add(where);
        say(`down ${where}`);
      }
    },
    operator() {
      const node = running.get(pick(names));
      if (node === undefined || node.asleep) return;
      const uri = pick(uris);
      const to = pick(['active', 'inactive', 'inactive', 'probing'] as const);
      say(`operator ${node.name} ${uri} ${to}`);
      node.operator(uri, to);
    },
    unequal() {
      const key = `${pick(names)} ${pick(uris)}`;
      if (!unreachable.delete(key)) unreachable.add(key);
    },
    loss() {
      nats.feedLoss = nats.feedLoss > 0 ? 0 : draw() * 0.3;
    },
    slow() {
      nats.delayMs = nats.delayMs > 10 ? 10 : draw() * 400;
    },
  };

  clock.advance(6000);
  for (let i = 0; i < steps; i++) {
    act[pick(options.kinds ?? KINDS)]();
    clock.advance(draw() ** 2 * 8000);
  }
  // No more faults: everything that failed works again.
  say('quiet');
  nats.feedLoss = 0;
  nats.delayMs = 10;
  unreachable.clear();
  clock.advance(26_000);
  nats.jetstream = true;
  for (const name of names) if (!running.has(name)) start(name);
  for (const node of running.values()) node.link.connect();
  clock.advance(SETTLED);
  const faults = [...nats.faults];
  const live = [...running.values()];
  const parts = [...new Set(zoneOf.values())].map((zone) => ({
    zone,
    live: live.filter(({ name }) => zoneOf.get(name) === zone),
  }));
  for (let looks = 0; looks < 3; looks++) {
    for (const uri of uris) {
      for (const part of parts) {
        const owners = part.live.filter((each) => each.node.owners.owns(destinationAt(each, uri)));
        if (owners.length === 1) continue;
        const where = inZone(uri, part.zone);
        faults.push(`${where} is owned by ${owners.length}: ${owners.map(({ name }) => name)} of ${phases(live)}`);
      }
    }
    clock.advance(1000);
  }
  clock.advance(QUIET);
  // A record that the bucket lost while all nodes that knew it were away is decided again; its events exist.
  judgeNodes(live, faults);
  for (const { zone, live } of parts) judge(nats, live, zone, down, uris, faults, wiped && lost);
  // A destination that an operator disabled is disabled in every zone; one that was enabled is disabled in none.
  for (const uri of uris) {
    const off = parts.map(
      ({ live: [first] }) => destinationAt(first as SimulatedNode, uri).health.state === 'inactive',
    );
    if (new Set(off).size > 1) faults.push(`${uri} is inactive in some zones only: ${off}`);
  }
  return faults.length === 0 ? [] : [...faults, ...history];
}

function phases(live: readonly SimulatedNode[]): string {
  return live.map(({ name, node }) => `${name} ${node.phase}`).join(' ');
}

/** A URI with its zone; the URI itself without zones. */
function inZone(uri: string, zone: string): string {
  return zone === '' ? uri : `${uri} in ${zone}`;
}

function destinationAt({ destinations }: SimulatedNode, uri: string): Destination {
  return destinations.find(({ row }) => row.uri === uri) as Destination;
}

function judgeNodes(live: readonly SimulatedNode[], faults: string[]): void {
  for (const { name, node } of live) {
    if (node.phase !== 'ready') faults.push(`${name} is ${node.phase}`);
    for (const { key, queue, rev, held, tries, flight, uncertain } of node.records.pending) {
      const way = flight !== undefined ? 'in flight' : uncertain !== undefined ? 'unsure' : held ? 'held' : 'waiting';
      faults.push(`${name} still has ${JSON.stringify(queue)} of ${key} at ${rev}: ${way}, tried ${tries} times`);
    }
    if (node.overlays > node.records.pending.size) faults.push(`${name} still suspects something`);
  }
}

/** Checks the nodes of one zone, its records and its events. */
function judge(
  nats: SimulatedNats,
  live: readonly SimulatedNode[],
  zone: string,
  down: ReadonlySet<string>,
  uris: readonly string[],
  faults: string[],
  wiped: boolean,
): void {
  const ofZone = (key: string) => key.endsWith(recordKeyInZone('', zone));
  for (const address of uris) {
    const uri = inZone(address, zone);
    const seen = live.map((each) => {
      const { health } = destinationAt(each, address);
      return `${health.state} ${health.seq}`;
    });
    if (new Set(seen).size > 1) faults.push(`${uri} differs: ${live.map(({ name }, i) => `${name} ${seen[i]}`)}`);
    const { health } = destinationAt(live[0] as SimulatedNode, address);
    if (health.state === 'active' && down.has(uri)) faults.push(`${uri} is down and active`);
    if (health.state === 'probing' && !down.has(uri)) faults.push(`${uri} is up and probing`);
    const stored = [...nats.values].find(
      ([key, { text }]) => key.startsWith('d.') && ofZone(key) && JSON.parse(text).a === address,
    );
    if (stored !== undefined) {
      const record = JSON.parse(stored[1].text);
      if (`${record.st} ${record.q}` !== seen[0]) faults.push(`${uri} is ${seen[0]}, record ${record.st} ${record.q}`);
    }
    const events = nats.events
      .filter(({ id, params }) => params['address'] === address && ofZone(id.split(':')[1] ?? ''))
      .map(({ params }) => params);
    events.forEach((params, i) => {
      const previous = i === 0 ? 'active' : events[i - 1]!['status'];
      const merged = (params['seq'] as number) - (i === 0 ? 0 : (events[i - 1]!['seq'] as number));
      if (merged !== 1 && !wiped) faults.push(`${uri}: event ${params['seq']} follows ${events[i - 1]?.['seq'] ?? 0}`);
      if (params['previous'] !== previous && !wiped)
        faults.push(`${uri}: event ${params['seq']} goes from ${params['previous']}`);
    });
    const last = events.at(-1);
    const status = health.state === 'active' ? 'active' : 'inactive';
    if ((last?.['status'] ?? 'active') !== status && !wiped)
      faults.push(`${uri} is ${status}, the last event says ${last?.['status']}`);
    if ((last?.['seq'] ?? 0) !== health.seq && !wiped)
      faults.push(`${uri} has ${health.seq} edges, ${last?.['seq']} events`);
  }
}
