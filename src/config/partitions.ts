import { nearest } from '../core/nearest.js';
import { parseUri } from '../core/uri.js';
import { flavourKind, LIST_FLAVOUR } from '../engine/flavours.js';
import type { Compat, FlavourName, KamailioVersion } from '../engine/options.js';
import { parseDatabaseUrl } from './db-url.js';
import {
  type Definitions,
  type Located,
  type PartitionDefinition,
  refuseUnknownPartition,
} from './partition-definition.js';
import { parseBlacklist } from './partition-string.js';
import { isOn, listOf, type RawModparam } from './raw.js';
import { type Findings, inside, type Location } from './reading.js';
import { defaultOf } from './schema.js';
import type { ClusterProbing, ColumnNames, PartitionClusterConfig, PartitionConfig } from './settings.js';
import { parseSocket } from './socket.js';

/** Keys that partitions do not inherit from the default one. */
const OWN_ONLY: ReadonlySet<string> = new Set(['ds_define_blacklist', 'script_attrs_avp']);

const AVP_KEYS = ['dst_avp', 'grp_avp', 'cnt_avp', 'sock_avp', 'attrs_avp', 'script_attrs_avp'];
const COLUMN_KEYS = [
  'id_col',
  'setid_col',
  'destination_col',
  'socket_col',
  'state_col',
  'probe_mode_col',
  'weight_col',
  'priority_col',
  'attrs_col',
  'description_col',
  'flags_col',
];

/** Module parameters used when neither the partition nor the default one sets a key: key -> module parameter. */
const GLOBAL: Readonly<Record<string, string>> = {
  persistent_state: 'persistent_state',
  blacklist_match: 'blacklist_match',
  ping_from: 'ds_ping_from',
  ping_method: 'ds_ping_method',
  ping_sock: 'ds_probing_sock',
  expand_names: 'expand_names',
  ...Object.fromEntries(COLUMN_KEYS.map((key) => [key, key])),
};

/** Methods that make no sense as a probe, since they begin or belong to a call. */
const NO_PROBE = new Set(['INVITE', 'ACK', 'CANCEL', 'BYE', 'PRACK']);

/** The complete partitions, and the name of the default one if there is one. */
export interface DecidedPartitions {
  readonly partitions: readonly PartitionConfig[];
  readonly defaultPartition: string | undefined;
}

/**
 * Determines every value of every partition: its own, else that of the default partition, else the global module
 * parameter, else the documented default.
 */
export function decidePartitions(
  definitions: Definitions,
  modparam: RawModparam,
  modparamLocation: Location,
  findings: Findings,
): DecidedPartitions {
  const { partitions: defined, redirect } = definitions;
  const inherited = defined.get('default');
  const blacklists = new Map<string, string>();
  const partitions: PartitionConfig[] = [];
  for (const definition of defined.values()) {
    const decide = new Decision(definition, inherited, modparam, modparamLocation, findings, defined.size === 1);
    const config = decide.partition(blacklists);
    if (config) partitions.push(config);
  }
  if (redirect === undefined) {
    return { partitions, defaultPartition: partitions.some(({ name }) => name === 'default') ? 'default' : undefined };
  }
  if (inherited !== undefined && redirect.target !== 'default') {
    const where = `${inherited.location.file}#${inherited.location.pointer}`;
    findings.refuse(
      redirect.location,
      `"${redirect.target}" cannot be the default partition: "default" itself is defined in ${where}`,
    );
  } else if (!defined.has(redirect.target)) {
    refuseUnknownPartition(redirect.target, defined.keys(), redirect.location, findings);
  }
  return { partitions, defaultPartition: redirect.target };
}

class Decision {
  constructor(
    private readonly own: PartitionDefinition,
    private readonly inherited: PartitionDefinition | undefined,
    private readonly modparam: RawModparam,
    private readonly modparamLocation: Location,
    private readonly findings: Findings,
    /** Whether the partition is the only one. */
    private readonly alone: boolean,
  ) {}

  partition(blacklistOwners: Map<string, string>): PartitionConfig | undefined {
    const { name, location } = this.own;
    const dbUrl = this.databaseUrl();
    const pingSock = this.checked('ping_sock', parseSocket)?.text;
    const pingMethod = String(this.value('ping_method')?.value).toUpperCase();
    const method = this.value('ping_method');
    if (method !== undefined && NO_PROBE.has(pingMethod)) {
      this.findings.refuse(method.location, `${pingMethod} cannot be used for probing`);
    }
    const blacklists = this.blacklists(blacklistOwners);
    const config: PartitionConfig = {
      name,
      source: location.pointer === '' ? location.file : `${location.file}#${location.pointer}`,
      dbUrl: dbUrl ?? '',
      tableName: this.text('table_name'),
      dstAvp: this.text('dst_avp'),
      grpAvp: this.text('grp_avp'),
      cntAvp: this.text('cnt_avp'),
      sockAvp: this.text('sock_avp'),
      attrsAvp: this.optionalText('attrs_avp'),
      scriptAttrsAvp: this.optionalText('script_attrs_avp'),
      blacklists,
      blacklistMatch: this.text('blacklist_match') as 'ip' | 'endpoint',
      flavour: this.flavour(dbUrl),
      compat: this.text('compat') as Compat,
      version: this.text('version') as KamailioVersion,
      expandNames: isOn(this.value('expand_names')?.value),
      persistentState: isOn(this.value('persistent_state')?.value),
      pingFrom: this.checked('ping_from', sipUri) ?? '',
      pingMethod,
      pingSock,
      columns: this.columns(),
      cluster: this.cluster(),
    };
    this.checkDistinct('AVP', AVP_KEYS);
    this.checkDistinct('column', COLUMN_KEYS);
    return dbUrl === undefined ? undefined : config;
  }

  /**
   * The value in effect, and where it was written.
   * "Each undefined parameter from all other partitions will take the value of the corresponding one from the default
   * partition" (module document, 1.1) is understood as: the value *written* for the default partition. AVP names that
   * are only defaults are not inherited, since the document gives each partition its own
   * ("$avp(ds_dst_failover_partitionname)"); two partitions with the same AVPs would overwrite each other's lists
   * within one call. Blacklists are not inherited either, since a list's name is used in the whole process; nor is
   * script_attrs_avp, as recorded.
   */
  private value(key: string): Located | undefined {
    const own = this.own.values.get(key);
    if (own !== undefined) return own;
    const inherited = OWN_ONLY.has(key) ? undefined : this.inherited?.values.get(key);
    if (inherited !== undefined) return inherited;
    const global = GLOBAL[key];
    if (global !== undefined) {
      const value = this.modparam[global];
      return value === undefined ? undefined : { value, location: inside(this.modparamLocation, global) };
    }
    const fallback = defaultOf('partition', key);
    if (fallback === undefined) return undefined;
    const suffix = this.own.name === 'default' ? '' : `_${this.own.name}`;
    const value = typeof fallback === 'string' ? fallback.replace('_<name>', suffix) : fallback;
    return { value, location: this.own.location };
  }

  /** A partition with a list file and no explicit flavour has the flavour of such files. */
  private flavour(dbUrl: string | undefined): FlavourName {
    const list = dbUrl?.startsWith('list:') ?? false;
    const written = this.own.values.get('flavour') ?? this.inherited?.values.get('flavour');
    if (list && written === undefined && LIST_FLAVOUR !== undefined) return LIST_FLAVOUR;
    const flavour = this.text('flavour') as FlavourName;
    if (list && !flavourKind(flavour).hasListFiles) {
      this.findings.refuse(written?.location ?? this.own.location, `a list file needs flavour "${LIST_FLAVOUR}"`);
    }
    return flavour;
  }

  private optionalText(key: string): string | undefined {
    const located = this.value(key);
    return located === undefined ? undefined : String(located.value);
  }

  private text(key: string): string {
    return this.optionalText(key) ?? '';
  }

  /** Parses a value where it was written, so that a mistake is reported only once. */
  private checked<T>(key: string, parse: (text: string) => T): T | undefined {
    const located = this.value(key);
    if (located === undefined) return undefined;
    const text = String(located.value);
    if (this.isOwn(key)) return this.findings.attempt(located.location, () => parse(text));
    try {
      return parse(text);
    } catch {
      // An inherited or global value is reported where it was written.
      return undefined;
    }
  }

  private isOwn(key: string): boolean {
    return this.own.values.has(key);
  }

  private databaseUrl(): string | undefined {
    const located = this.value('db_url');
    if (located === undefined) {
      // A refused or misspelt db_url was reported already.
      const written = [...this.own.given, ...(this.inherited?.given ?? [])];
      if (written.some((key) => nearest(key, ['db_url']) !== undefined)) return undefined;
      const reason = `partition "${this.own.name}" has no db_url${this.missingUrlReason()}`;
      // Module parameters meant only for inheritance create a default partition without a table; it is not loaded.
      if (this.own.kind === 'modparam' && !this.alone) this.findings.warn(this.own.location, `${reason}: not loaded`);
      else this.findings.refuse(this.own.location, reason);
      return undefined;
    }
    const text = String(located.value);
    // A relative path starts from the folder of the file where it is written, also for a partition that inherits it.
    const url = this.checked('db_url', (each) => parseDatabaseUrl(each, located.location.dir));
    if (url === undefined) return undefined;
    return url.kind === 'mysql' || url.kind === 'postgres' ? text.trim() : url.canonical;
  }

  private missingUrlReason(): string {
    if (this.own.name === 'default') {
      const key = this.own.kind === 'modparam' ? [...this.own.given][0] : undefined;
      return key === undefined ? '' : `; setting ${key} by modparam creates the default partition`;
    }
    if (this.inherited === undefined) return ', and there is no default partition to take it from';
    return ', and neither has the default partition';
  }

  private blacklists(owners: Map<string, string>): ReadonlyMap<string, readonly number[]> {
    const lists = new Map<string, readonly number[]>();
    const located = this.own.values.get('ds_define_blacklist');
    if (located === undefined) return lists;
    for (const [, text] of listOf(located.value as string | readonly (string | null)[])) {
      const list = this.findings.attempt(located.location, () => parseBlacklist(text));
      if (list === undefined) continue;
      const owner = owners.get(list.name);
      if (owner !== undefined) {
        this.findings.refuse(located.location, `blacklist "${list.name}" is already defined by partition "${owner}"`);
        continue;
      }
      owners.set(list.name, this.own.name);
      lists.set(list.name, list.sets);
    }
    return lists;
  }

  private cluster(): PartitionClusterConfig {
    return {
      takesPart: this.value('cluster')?.value !== false,
      sharingTag: this.optionalText('cluster_sharing_tag'),
      probing: this.optionalText('cluster_probing_mode') as ClusterProbing | undefined,
    };
  }

  private columns(): ColumnNames {
    return {
      id: this.text('id_col'),
      setid: this.text('setid_col'),
      destination: this.text('destination_col'),
      socket: this.text('socket_col'),
      state: this.text('state_col'),
      probeMode: this.text('probe_mode_col'),
      weight: this.text('weight_col'),
      priority: this.text('priority_col'),
      attrs: this.text('attrs_col'),
      description: this.text('description_col'),
      flags: this.text('flags_col'),
    };
  }

  /** One AVP or column with two roles would be overwritten. */
  private checkDistinct(what: string, keys: readonly string[]): void {
    const seen = new Map<string, string>();
    for (const key of keys) {
      const located = this.value(key);
      if (located === undefined) continue;
      const name = String(located.value);
      const other = seen.get(name);
      if (other !== undefined)
        this.findings.refuse(located.location, `${what} ${name} is used for both ${other} and ${key}`);
      seen.set(name, key);
    }
  }
}

/** Throws when `text` is not a SIP URI for the From of probes. */
export function sipUri(text: string): string {
  const uri = parseUri(text.trim());
  if (uri === undefined || uri.scheme === 'tel')
    throw new Error(`expected a SIP URI, as in "sip:dispatcher@localhost"`);
  return text.trim();
}
