import type { NatsLogin } from '../core/nats-login.js';
import type { TlsClient, TlsContext, TlsProtocol } from '../core/tls-peers.js';
import type { TransportName } from '../core/uri.js';
import type { Compat, FlavourName, KamailioVersion } from '../engine/options.js';
import type { DispatcherConfig, TmConfig } from './dispatcher-settings.js';
import type {
  AccessUserConfig,
  CtlConfig,
  DatagramConfig,
  FifoConfig,
  HttpConfig,
  JsonRpcConfig,
} from './endpoint-settings.js';

/** A parsed socket description such as "udp:127.0.0.1:5060 as 203.0.113.7:5060". */
export interface SocketDescription {
  readonly transport: TransportName;
  /** Host or IP literal without brackets. */
  readonly host: string;
  readonly port: number;
  /** Host and port for Via, Record-Route and Contact; undefined: those of the socket. */
  readonly advertise?: { readonly host: string; readonly port: number } | undefined;
  /** Name by which destinations refer to the socket (sockname=), if any. */
  readonly name?: string | undefined;
  /** Origins of web pages that may open a WebSocket: the same origin (default), any, or those listed (lower case). */
  readonly origins?: 'same' | 'any' | readonly string[] | undefined;
  /** As written in the configuration. */
  readonly text: string;
}

/** A partition with all values determined: its own, those of the default partition, or documented defaults. */
export interface PartitionConfig {
  readonly name: string;
  /** File (or "switchyard.json#/modparam") that defines it, for messages. */
  readonly source: string;
  /** With "${NAME}" replaced; it must not be logged. */
  readonly dbUrl: string;
  readonly tableName: string;
  /** AVP specifications as written: "$avp(name)". */
  readonly dstAvp: string;
  readonly grpAvp: string;
  readonly cntAvp: string;
  readonly sockAvp: string;
  readonly attrsAvp: string | undefined;
  readonly scriptAttrsAvp: string | undefined;
  /** List name -> set IDs. */
  readonly blacklists: ReadonlyMap<string, readonly number[]>;
  readonly blacklistMatch: 'ip' | 'endpoint';
  readonly flavour: FlavourName;
  readonly compat: Compat;
  /** For flavour kamailio: the version to follow where 5.6 and 6.x differ; default 5.6. */
  readonly version?: KamailioVersion;
  /** Whether each address of a host name is a destination of its own. */
  readonly expandNames?: boolean;
  readonly persistentState: boolean;
  readonly pingFrom: string;
  readonly pingMethod: string;
  readonly pingSock: string | undefined;
  readonly columns: ColumnNames;
  /** How it takes part in the cluster; undefined: by the settings of the cluster. */
  readonly cluster?: PartitionClusterConfig | undefined;
}

/** Which nodes of a cluster probe: each node all destinations, the holder of a sharing tag, or each node its share. */
export type ClusterProbing = 'all' | 'by-shtag' | 'distributed';

/** The cluster settings of a partition. */
export interface PartitionClusterConfig {
  readonly takesPart: boolean;
  readonly sharingTag: string | undefined;
  readonly probing: ClusterProbing | undefined;
}

/** setid_col, destination_col, ... */
export interface ColumnNames {
  readonly id: string;
  readonly setid: string;
  readonly destination: string;
  readonly socket: string;
  readonly state: string;
  readonly probeMode: string;
  readonly weight: string;
  readonly priority: string;
  readonly attrs: string;
  readonly description: string;
  /** Kamailio's flags column, default "flags"; only for flavour kamailio. */
  readonly flags?: string;
}

/** The selection of a routing rule. */
export interface SelectConfig {
  /** ds_select_routes: "2=4;1=4;3=4", instead of set and alg. May contain pseudo-variables. */
  readonly rules?: string | undefined;
  /** Each of these may contain pseudo-variables: "$hdr(X-Set)". */
  readonly partition: string | undefined;
  readonly set: string;
  readonly alg: string;
  readonly flags: string;
  readonly maxRes: string | undefined;
  readonly fn: 'dst' | 'domain';
}

/** How a request is changed for the selected destination. */
export interface DestinationChanges {
  /** Number of digits removed from the user part of the request-URI; "{name}" means an attribute of the destination. */
  readonly strip: string;
  /** Text then put before the user part. */
  readonly prefix: string;
  /** Header fields to add, values by name. */
  readonly headers: ReadonlyMap<string, string>;
}

/** One entry of "routing": which requests it matches and what is done with them. The route room compiles it. */
export interface RoutingRule {
  /** JSON pointer to the rule, for messages. */
  readonly pointer: string;
  readonly match: ReadonlyMap<string, string>;
  readonly select: SelectConfig | undefined;
  /** Selections to try in order when the one before finds nothing. */
  readonly fallback?: readonly SelectConfig[];
  readonly relay: 'stateful' | 'stateless' | 'redirect' | 'reply';
  readonly failover: {
    /** Codes that cause failover: "408", "5xx", "timeout". */
    readonly codes: readonly string[];
    /** Maximum number of destinations to try, including the first; undefined: all. */
    readonly max: number | undefined;
    /** State letter given to ds_mark_dst for a failed destination; undefined: it is not marked. */
    readonly mark: 'p' | 'i' | 'a' | undefined;
  };
  /** Changes for each destination that is tried, from its attributes; undefined: none. */
  readonly destination?: DestinationChanges | undefined;
  /** Whether the Contacts of a 300, 301 or 302 are tried, and at most how many for one request. */
  readonly redirects: { readonly follow: boolean; readonly max: number };
  readonly recordRoute: boolean;
  readonly useBlacklist: readonly string[];
  readonly reject: { readonly code: number; readonly reason: string };
}

/** How to connect to NATS and what to use it for. */
export interface NatsConfig extends NatsLogin {
  readonly servers: readonly string[];
  readonly prefix: string;
  readonly jetstream:
    | {
        readonly stream: string;
        readonly outboxLimit: number;
        /** Absolute path of the SQLite file that keeps events until they are delivered; undefined: none. */
        readonly outboxFile?: string | undefined;
      }
    | undefined;
  /** Key-value bucket with the current states; undefined: none. */
  readonly bucket: string | undefined;
  /** Whether weights from "<prefix>.weight" are used. */
  readonly weights?: boolean;
}

/** The complete settings; deep-frozen. */
export interface Settings {
  /** Absolute path of the file, or "(built-in defaults)". */
  readonly file: string;
  /** Name of this node in events; default: the host name. */
  readonly node: string;
  readonly listen: readonly SocketDescription[];
  /** Further host names and addresses that are ours, besides those of `listen`, with or without port. */
  readonly aliases: readonly string[];
  /** Whether `listen` is the default, since the file does not have this key. */
  readonly listenByDefault?: boolean;
  readonly dispatcher: DispatcherConfig;
  /** In order of definition, including the default partition. */
  readonly partitions: readonly PartitionConfig[];
  /** Name of the default partition: "default", or the target of the key "default". */
  readonly defaultPartition: string | undefined;
  readonly routing: readonly RoutingRule[];
  readonly routeScript: string | undefined;
  /** Secret for dialog tokens; undefined: this node generates a key. Never logged. */
  readonly secret: string | undefined;
  /** Number of processes that relay calls, 1 to 24; 1: only this one. */
  readonly workers: number;
  /** How workers share new requests. */
  readonly workerSpread: 'as_needed' | 'even';
  readonly foreignDialogs: 'accept' | 'known' | 'refuse' | undefined;
  readonly tm: TmConfig;
  readonly mi: {
    readonly fifo: readonly FifoConfig[];
    readonly datagram: readonly DatagramConfig[];
    /** `as`: user name under which a request without credentials is handled. */
    readonly http: { readonly root: string; readonly as?: string | undefined } | undefined;
    readonly nats: { readonly subject: string; readonly as?: string | undefined } | undefined;
    /** Kamailio's RPC endpoints; always set in loaded settings. */
    readonly ctl?: readonly CtlConfig[];
    readonly jsonrpc?: readonly JsonRpcConfig[];
  };
  /** Users of the management interface; undefined: no authentication. */
  readonly access: readonly AccessUserConfig[] | undefined;
  readonly events: { readonly nats: NatsConfig | undefined };
  readonly http: HttpConfig | undefined;
  readonly log: { readonly level: string };
  readonly calls: CallsConfig;
  readonly privacy: PrivacyConfig;
  readonly hep: HepConfig | undefined;
  readonly telemetry?: TelemetryConfig | undefined;
  readonly tls: TlsConfig | undefined;
  readonly limits: LimitsConfig;
  /** Settings of the cluster; undefined: this node is in none. */
  readonly cluster?: ClusterConfig | undefined;
}

/** Settings of a cluster. Times are in milliseconds if the name says so, else in seconds. */
export interface ClusterConfig {
  readonly name: string;
  readonly heartbeatMs: number;
  readonly deadAfterMs: number;
  readonly probing: ClusterProbing;
  readonly verdict: 'quorum' | 'owner' | 'own' | 'shared' | 'zone';
  readonly zone: string;
  readonly weight: number;
  readonly replicas: number | undefined;
  readonly storage: 'file' | 'memory';
  readonly sharingTag: string | undefined;
  readonly tags: ReadonlyMap<string, { readonly prefer: readonly string[]; readonly auto: boolean }>;
  readonly reload: boolean;
  readonly reloadSpread: number;
  readonly aloneProbeRate: number;
  readonly loadKeep: number;
}

/** Settings of call records. */
export interface CallsConfig {
  /** Records kept in memory; 0: none. */
  readonly ring: number;
  /** Answered calls that are followed until they end. */
  readonly dialogs: number;
  /** Absolute path of the file to which records are written. */
  readonly log: string | undefined;
  /** Whether records are published over the NATS connection of the events. */
  readonly nats: boolean;
  /** JetStream stream that stores them; undefined: they are published without acknowledgement. */
  readonly stream: string | undefined;
}

/** Where spans of calls are sent. */
export interface TelemetryConfig {
  /** URL for OTLP over HTTP. */
  readonly otlp: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly service: string;
  /** One call in this many gets a span. */
  readonly oneIn: number;
}

/** A capture server that gets copies of messages. */
export interface HepConfig {
  readonly transport: 'udp' | 'tcp' | 'tls';
  readonly host: string;
  readonly port: number;
  /** ID of this capture agent. */
  readonly id: number;
  readonly password: string | undefined;
  /** One call in this many is sent. */
  readonly oneIn: number;
  /** Whether only messages that the cfg script chooses are sent. */
  readonly chosen: boolean;
  /** Absolute path of a file with certificate authorities. */
  readonly caFile: string | undefined;
}

/** How telephone numbers are shown in records. */
export interface PrivacyConfig {
  /** Digits shown at the end of a number; undefined: all. */
  readonly keepDigits: number | undefined;
  /** Key for the hash that is shown instead of a number; undefined: no hash. */
  readonly hashKey: string | undefined;
}

/** Limits against overload. */
export interface LimitsConfig {
  /** Maximum number of new requests per second from one address; 0: no limit. */
  readonly requestsPerSecondPerSource: number;
  /** New requests that may come at once from an address after a pause. */
  readonly burst: number;
  readonly maxTransactions: number;
  /** Maximum number of dialogs, and of registered contacts in one table, that a cfg file keeps. */
  readonly maxDialogs: number;
  readonly maxContacts: number;
  /** Addresses and CIDR blocks without limits by source. */
  readonly trustedSources: readonly string[];
  /** Maximum number of inbound and of outbound connections of one socket. */
  readonly maxConnections: number;
  /** Least milliseconds of an event loop iteration while datagrams arrive fast; 0: no limit. */
  readonly gatherMs: number;
  /**
   * Maximum milliseconds between two readings of the sockets at a middle rate of datagrams; 0: they are read at once.
   */
  readonly paceMs: number;
  /** Whether many UDP datagrams are read and sent in one system call, if that is available. */
  readonly batchDatagrams: boolean;
}

/** Certificates of listeners and of outbound connections: paths of PEM files. */
export interface TlsConfig extends TlsProtocol {
  readonly cert: string;
  readonly key: string;
  readonly ca: string | undefined;
  /** "if_shown": a client may have no certificate, but if it has one it must be valid. */
  readonly verifyClient: boolean | 'if_shown';
  readonly verifyServer: boolean;
  /** Certificates for server names that clients may ask for; each name occurs once. */
  readonly contexts: readonly TlsContext[];
  /** Sockets with their own certificate and requirements, by "host:port". */
  readonly listeners: readonly (TlsProtocol & {
    readonly addresses: readonly string[];
    readonly cert: string;
    readonly key: string;
    readonly ca: string | undefined;
    readonly verifyClient: boolean | 'if_shown';
  })[];
  /** Certificates shown to servers, and requirements on theirs; the first matching entry is used. */
  readonly clients: readonly TlsClient[];
}
