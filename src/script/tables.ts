import { trimmed } from '../core/characters.js';
import { namedValues } from '../core/named-values.js';
import { NetworkIndex } from '../core/network-index.js';
import type { BoundedRegex } from '../core/posix-regex.js';
import type { TimeRecurrence } from '../core/time-recurrence.js';
import type { FraudProfiles } from './fraud-rules.js';
import { type BalancerRow, NO_ROUTING, type RoutingPartition, type RoutingRows } from './gateway-rows.js';
import type { PrefixTree } from './prefix-tree.js';
import type { SqlCache } from './sql-caches.js';

/** A row of the permissions module's address table. */
export interface AddressRow {
  /** "default", or another partition of the module. */
  readonly partition: string;
  readonly group: number;
  readonly ip: string;
  readonly mask: number;
  /** 0: any port. */
  readonly port: number;
  /** "any", "udp" ... in lower case. */
  readonly protocol: string;
  readonly pattern: string | undefined;
  readonly context: string | undefined;
}

/** The address tables, for look-ups by address. */
export class AddressTables {
  private readonly partitions = new Map<string, NetworkIndex<AddressRow>>();
  /** Rows that have a name instead of an address, by that name. */
  private readonly names = new Map<string, AddressRow[]>();

  constructor(readonly rows: readonly AddressRow[]) {
    for (const row of rows) {
      let index = this.partitions.get(row.partition);
      if (index === undefined) this.partitions.set(row.partition, (index = new NetworkIndex()));
      if (index.add(row.ip, row.mask, row)) continue;
      const same = this.names.get(row.ip);
      if (same === undefined) this.names.set(row.ip, [row]);
      else same.push(row);
    }
  }

  /** The first row, in the order of the table, that contains the address and passes the test. */
  first(partition: string, address: string, test: (row: AddressRow) => boolean): AddressRow | undefined {
    return this.partitions.get(partition)?.first(address, test);
  }

  /** The first row that has this name instead of an address and passes the test. */
  named(name: string, test: (row: AddressRow) => boolean): AddressRow | undefined {
    return this.names.get(name)?.find(test);
  }
}

/** A row of the trusted table of Kamailio's permissions module. */
export interface TrustedRow {
  readonly source: string;
  /** "any", "udp" ... in lower case. */
  readonly protocol: string;
  /** Expressions that the From URI and the request-URI must match; undefined: not checked. */
  readonly from: BoundedRegex | undefined;
  readonly requestUri: BoundedRegex | undefined;
  readonly tag: string | undefined;
}

/** An attribute of a domain. */
export interface DomainAttribute {
  readonly name: string;
  readonly value: string | number;
}

/** A row of the domain module's table. */
export interface DomainRow {
  readonly domain: string;
  readonly attrs: string | undefined;
  /** Id by which the attributes of the domain are found (Kamailio). */
  readonly did: string;
}

/** A rule of the dialplan module's table. */
export interface DialplanRule {
  readonly partition: string;
  readonly id: number;
  readonly priority: number;
  /** The number itself, or an expression or pattern that it must match. */
  readonly match: string | Pick<BoundedRegex, 'test'>;
  /** Whether a `match` that is text ignores letter case. */
  readonly ignoreCase: boolean;
  /** Length that the number must have; 0 for any. */
  readonly length: number;
  readonly substitution: BoundedRegex | undefined;
  /** The result; "\\1" and the like stand for groups of the substitution expression. */
  readonly replacement: string;
  readonly attributes: string;
  /** When the rule applies; undefined: always. */
  readonly time: TimeRecurrence | undefined;
}

/** Parses the definition of a hash table (modparam of htable): "name=>size=8;autoexpire=60;". */
export function hashTableDefinition(text: string): { readonly name: string; readonly options: Map<string, string> } {
  const [name = '', rest = ''] = text.split('=>');
  return { name: trimmed(name), options: namedValues(rest) };
}

/** A row of a hash table's database table. */
export interface HashRow {
  readonly key: string;
  readonly value: string | number;
  /** Seconds since 1970; 0: the hash table's own setting applies. */
  readonly expires: number;
}

/** A row of pipelimit's table of pipes. */
export interface PipeRow {
  readonly algorithm: string;
  /** Maximum number of messages in an interval. */
  readonly limit: number;
}

/** The tables that a script reads; loaded at the start and again at each reload. */
export interface ScriptTables {
  readonly addresses: AddressTables;
  /** By domain in lower case. */
  readonly domains: ReadonlyMap<string, DomainRow>;
  /** Attributes of domains by did. */
  readonly domainAttributes: ReadonlyMap<string, readonly DomainAttribute[]>;
  /** Trusted peers by source address, in the order they are tried. */
  readonly trusted: ReadonlyMap<string, readonly TrustedRow[]>;
  /** Rules by "partition/id", in the order they are tried. */
  readonly dialplans: ReadonlyMap<string, readonly DialplanRule[]>;
  /** Destinations of load_balancer. */
  readonly balancers: readonly BalancerRow[];
  /** Gateways, carriers, rules and groups of drouting. */
  readonly routing: RoutingRows;
  /** The partitions of drouting by name, with use_partitions. */
  readonly routingPartitions: ReadonlyMap<string, RoutingPartition>;
  /** Entries of hash tables by the table's name. */
  readonly hashes: ReadonlyMap<string, readonly HashRow[]>;
  /** Trees of mtree by name. */
  readonly trees: ReadonlyMap<string, PrefixTree>;
  /** The rules of fraud_detection. */
  readonly fraud: FraudProfiles;
  /** Tables that sql_cacher keeps, by id. */
  readonly caches: ReadonlyMap<string, SqlCache>;
  /** Pipes of pipelimit by name. */
  readonly pipes: ReadonlyMap<string, PipeRow>;
}

/** Tables of a cfg file that uses none. */
export const NO_TABLES: ScriptTables = {
  addresses: new AddressTables([]),
  domains: new Map(),
  domainAttributes: new Map(),
  trusted: new Map(),
  dialplans: new Map(),
  balancers: [],
  routing: NO_ROUTING,
  routingPartitions: new Map(),
  hashes: new Map(),
  trees: new Map(),
  fraud: new Map(),
  caches: new Map(),
  pipes: new Map(),
};
