import { isIPv6, SocketAddress } from 'node:net';
import type { Logger } from '../core/logger.js';
import type { TransportName } from '../core/uri.js';
import type { Partition } from '../engine/partition.js';

/** Configures one list: it gets the addresses of these sets (ds_define_blacklist "name= 4,6"). */
export interface BlacklistDefinition {
  readonly partition: string;
  readonly name: string;
  readonly sets: readonly number[];
  /**
   * "ip": a rule matches any port and protocol, as documented; "endpoint": it compares them too, as OpenSIPS was seen
   * to do.
   */
  readonly match: 'ip' | 'endpoint';
}

/** One rule; a field that is undefined matches anything. */
export interface BlacklistRule {
  /** IP literal without brackets. */
  readonly address: string;
  readonly transport?: TransportName;
  readonly port?: number;
}

/** The next hop of a request. */
export interface BlacklistEndpoint {
  readonly address: string;
  readonly port: number;
  readonly transport: string;
}

interface List {
  readonly name: string;
  /** The rules, by the partition they were made from, in the order of its destinations. */
  readonly parts: Map<string, readonly BlacklistRule[]>;
  /** The rules of all partitions by canonical address; each change makes a new map. */
  index: ReadonlyMap<string, readonly BlacklistRule[]>;
}

/** Rules of one list from one partition, while they are collected. */
interface Collected {
  readonly rules: BlacklistRule[];
  readonly seen: Set<string>;
  readonly index: Map<string, BlacklistRule[]>;
}

/** Destinations handled per event loop iteration: about two milliseconds. */
const SLICE = 1000;

/**
 * The blacklists. A list has one rule for each address of the destinations in its sets, inactive destinations included.
 * The proxy checks each next hop against them. Lists are rebuilt after each load of a partition and when host names
 * resolve to other addresses. Two partitions that use one name share that list.
 */
export class BlacklistTable {
  private definitions: readonly BlacklistDefinition[] = [];
  private table: ReadonlyMap<string, List> = new Map();
  /** Number of the last rebuild of each partition. */
  private readonly runs = new Map<string, number>();

  constructor(
    private readonly log: Pick<Logger, 'warn'>,
    definitions: readonly BlacklistDefinition[] = [],
  ) {
    this.define(definitions);
  }

  /** Replaces the definitions. Rules of lists that stay are kept until their partition is rebuilt. */
  define(definitions: readonly BlacklistDefinition[]): void {
    const table = new Map<string, List>();
    for (const { name, partition } of definitions) {
      let list = table.get(name);
      if (list === undefined) {
        list = { name, parts: new Map(), index: new Map() };
        table.set(name, list);
      }
      list.parts.set(partition, this.table.get(name)?.parts.get(partition) ?? []);
    }
    for (const list of table.values()) list.index = indexed(list.parts.values());
    this.definitions = definitions;
    this.table = table;
  }

  /** Rebuilds the partition's rules from its current snapshot. */
  rebuild(partition: Pick<Partition, 'name' | 'snapshot'>): void {
    this.begin(partition.name);
    const steps = this.collect(partition);
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    this.install(partition.name, step.value);
  }

  /**
   * Does the same in slices and awaits `pause` between them, so that calls are handled meanwhile when there are very
   * many addresses. The old rules hold until the end. When another rebuild of the partition starts, this one stops
   * without effect.
   */
  async rebuildInSlices(partition: Pick<Partition, 'name' | 'snapshot'>, pause: () => Promise<void>): Promise<void> {
    const run = this.begin(partition.name);
    const steps = this.collect(partition);
    let step = steps.next();
    while (step.done !== true) {
      await pause();
      if (this.runs.get(partition.name) !== run) return;
      step = steps.next();
    }
    this.install(partition.name, step.value);
  }

  private begin(partition: string): number {
    const run = (this.runs.get(partition) ?? 0) + 1;
    this.runs.set(partition, run);
    return run;
  }

  /** Collects the rules of a partition for each list; yields between slices. */
  private *collect({
    name: partitionName,
    snapshot,
  }: Pick<Partition, 'name' | 'snapshot'>): Generator<void, ReadonlyMap<string, Collected>> {
    const rules = new Map<string, Collected>();
    let work = 0;
    for (const { name, partition: of, sets, match } of this.definitions) {
      if (of !== partitionName) continue;
      const collected: Collected = rules.get(name) ?? { rules: [], seen: new Set(), index: new Map() };
      rules.set(name, collected);
      let known = false;
      for (const setId of sets) {
        const set = snapshot.sets.get(setId);
        if (set === undefined) continue;
        known = true;
        for (const { resolved } of set.destinations) {
          if (++work % SLICE === 0) yield;
          for (const { address, port, transport } of resolved) {
            const rule = match === 'ip' ? { address } : { address, port, transport };
            const key = ruleKey(rule);
            if (collected.seen.has(key)) continue;
            collected.seen.add(key);
            collected.rules.push(rule);
            enter(collected.index, rule);
          }
        }
      }
      if (!known) {
        this.log.warn(
          { partition: partitionName, list: name, sets },
          `black list ${name} of partition ${partitionName} is empty: none of its sets exists`,
        );
      }
    }
    return rules;
  }

  private install(partition: string, collected: ReadonlyMap<string, Collected>): void {
    for (const [name, { rules, index }] of collected) {
      const list = this.table.get(name);
      if (list === undefined) continue;
      list.parts.set(partition, rules);
      list.index = list.parts.size === 1 ? index : indexed(list.parts.values());
    }
  }

  /** Whether one of these lists has a rule for this next hop. An unknown list has no rules. */
  blocked(lists: readonly string[], endpoint: BlacklistEndpoint): boolean {
    for (const name of lists) {
      const list = this.table.get(name);
      if (list === undefined || list.index.size === 0) continue;
      const { address, transport, port } = endpoint;
      if (match(list, address, transport, port) !== undefined) return true;
    }
    return false;
  }

  /**
   * The first rule of a list that matches. As documented for check_blacklist, an undefined field of the endpoint means
   * "any", which only a rule for any protocol or port matches. With `sees`, only rules of partitions for which it
   * returns true count.
   */
  check(
    list: string,
    address: string,
    transport: string | undefined,
    port: number | undefined,
    sees?: (partition: string) => boolean,
  ): BlacklistRule | undefined {
    const found = this.table.get(list);
    if (found === undefined || sees === undefined) return found && match(found, address, transport, port);
    const visible = [...found.parts].filter(([partition]) => sees(partition)).map(([, rules]) => rules);
    return match({ index: indexed(visible) }, address, transport, port);
  }

  /** Whether a list of that name is defined. */
  has(name: string): boolean {
    return this.table.has(name);
  }

  /**
   * All lists with their rules, in order of definition (list_blacklists reverses it). With `sees`, only lists and rules
   * of partitions for which it returns true.
   */
  lists(
    sees: (partition: string) => boolean = () => true,
  ): readonly { readonly name: string; readonly rules: readonly BlacklistRule[] }[] {
    return [...this.table.values()].flatMap(({ name, parts }) => {
      const visible = [...parts].filter(([partition]) => sees(partition));
      return visible.length === 0 ? [] : [{ name, rules: visible.flatMap(([, rules]) => rules) }];
    });
  }
}

function match(
  list: Pick<List, 'index'>,
  address: string,
  transport: string | undefined,
  port: number | undefined,
): BlacklistRule | undefined {
  return list.index
    .get(canonicalAddress(address))
    ?.find(
      (rule) =>
        (rule.transport === undefined || rule.transport === transport) &&
        (rule.port === undefined || rule.port === port),
    );
}

function indexed(parts: Iterable<readonly BlacklistRule[]>): Map<string, BlacklistRule[]> {
  const index = new Map<string, BlacklistRule[]>();
  for (const rules of parts) for (const rule of rules) enter(index, rule);
  return index;
}

function enter(index: Map<string, BlacklistRule[]>, rule: BlacklistRule): void {
  const address = canonicalAddress(rule.address);
  const same = index.get(address);
  if (same === undefined) index.set(address, [rule]);
  else same.push(rule);
}

function ruleKey(rule: BlacklistRule): string {
  return `${canonicalAddress(rule.address)} ${rule.transport ?? ''} ${rule.port ?? ''}`;
}

/**
 * A canonical text for each address: IPv6 compressed and in lower case, IPv4-mapped IPv6 as IPv4 (RFC 4291 section
 * 2.5.5.2).
 */
function canonicalAddress(text: string): string {
  if (!text.includes(':')) return text;
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  if (!isIPv6(bare)) return bare;
  const address = new SocketAddress({ address: bare, family: 'ipv6' }).address;
  const mapped = /^::ffff:([0-9.]+)$/.exec(address);
  return mapped?.[1] ?? address;
}
