import type { TlsClient, TlsContext } from '../core/tls-peers.js';
import type { TransportName } from '../core/uri.js';
import type { Compat, FlavourName, KamailioVersion } from '../engine/options.js';
import type {
  AccessUserConfig,
  CtlConfig,
  DatagramConfig,
  FifoConfig,
  HttpConfig,
  JsonRpcConfig,
} from './endpoint-settings.js';

/** "udp:127.0.0.1:5060 as 203.0.113.7:5060", parsed. */
export interface SocketDescription {
  readonly transport: TransportName;
  /** Host or IP literal without brackets. */
  readonly host: string;
  readonly port: number;
  /** host[:port] that is written into Via, Record-Route and Contact; undefined for the socket's own. */
  readonly advertise?: { readonly host: string; readonly port: number } | undefined;
  /** Name by which destinations may refer to the socket (sockname=); undefined for none. */
  readonly name?: string | undefined;
  /** Web pages that may open a WebSocket: of the same origin (default), any, or of these origins (lower case). */
  readonly origins?: 'same' | 'any' | readonly string[] | undefined;
  /** As written in the configuration. */
  readonly text: string;
}

/** A partition with every value decided: its own, the default partition's, or the documented default. */
export interface PartitionConfig {
  readonly name: string;
  /** File (or "switchyard.json#/modparam") it was defined in, for messages. */
  readonly source: string;
  /** With "${NAME}" replaced. Never logged as it stands. */
  readonly dbUrl: string;
  readonly tableName: string;
  /** AVP specifications as written, "$avp(name)". */
  readonly dstAvp: string;
  readonly grpAvp: string;
  readonly cntAvp: string;
  readonly sockAvp: string;
  readonly attrsAvp: string | undefined;
  readonly scriptAttrsAvp: string | undefined;
  /** list name -> set ids */
  readonly blacklists: ReadonlyMap<string, readonly number[]>;
  readonly blacklistMatch: 'ip' | 'endpoint';
  readonly flavour: FlavourName;
  readonly compat: Compat;
  /** Flavour kamailio: the version followed where 5.6 and 6.x differ; default 5.6. */
  readonly version?: KamailioVersion;
  /** Each address of a host name is a destination of its own. */
  readonly expandNames?: boolean;
  readonly persistentState: boolean;
  readonly pingFrom: string;
  readonly pingMethod: string;
  readonly pingSock: string | undefined;
  readonly columns: ColumnNames;
  /** How it takes part in the cluster; undefined: as the settings of the cluster say. */
  readonly cluster?: PartitionClusterConfig | undefined;
}

/** Who of a cluster probes: every node for itself, the holder of a sharing tag, each node its share. */
export type ClusterProbing = 'all' | 'by-shtag' | 'distributed';

/** What a partition says about the cluster. */
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
  /** Kamailio's flags column, default "flags"; used by partitions of that flavour only. */
  readonly flags?: string;
}

/** Module-wide dispatcher parameters. */
export interface DispatcherConfig {
  readonly hashPvar: string | undefined;
  readonly setidPvar: string | undefined;
  readonly pvarAlgoPattern: string | undefined;
  readonly algoRoute: string | undefined;
  /** Seconds; 0 is off. */
  readonly pingInterval: number;
  readonly pingMethod: string;
  readonly pingFrom: string;
  readonly pingMaxfwd: number;
  /** Whether probes carry a Contact. */
  readonly pingContact: boolean;
  /** Header lines of probes, without their ends. */
  readonly pingHeaders: readonly string[];
  /** Seconds a probe may take (ours; default 2). */
  readonly pingTimeout: number;
  readonly probingSock: string | undefined;
  readonly probingThreshold: number;
  readonly probingMode: 0 | 1;
  /** Partition and set ids to probe; undefined: all. */
  readonly probingList: readonly { readonly partition: string; readonly set: number | undefined }[] | undefined;
  /** Reply codes that count as good besides 200. */
  readonly optionsReplyCodes: readonly number[];
  /** Seconds between two flushes of changed states (default 15). */
  readonly flushInterval: number;
  /** fetch_freeswitch_stats and max_freeswitch_weight. */
  readonly freeswitch: { readonly fetch: boolean; readonly maxWeight: number };
  /** Parameters only partitions of flavour kamailio look at. */
  readonly kamailio: KamailioConfig;
}

/** ds_dns_mode and its kin. */
export interface DnsModes {
  /** Bits: 1 at load, 2 whenever needed, 4 every `interval` seconds, 8 by SRV; undefined: not said. */
  readonly mode: number | undefined;
  /** Seconds. */
  readonly interval: number;
  /** Seconds for which an answer is not asked for again with bit 2; 0: until its time to live ends. */
  readonly ttl: number;
  /** Whether a request from any address of a name is from its destination, or only from the first; undefined: not said. */
  readonly matchAll: boolean | undefined;
}

/** Parameters of Kamailio's module that have no counterpart, or another default, in OpenSIPS'. */
export interface KamailioConfig {
  /** 0 those with flag P, 1 all but disabled ones, 2 inactive with P, 3 only those with P, which keep it. */
  readonly probingMode: 0 | 1 | 2 | 3;
  /** Failures in a row until inactive; default 1. */
  readonly probingThreshold: number;
  /** Good answers until active again; default 1. */
  readonly inactiveThreshold: number;
  /** Good codes and classes besides 2xx: ["403", "3xx"]. */
  readonly pingReplyCodes: readonly string[];
  /** Destinations without attributes have "none=yes". */
  readonly attrsNone: boolean;
  /** Columns of the tables that are attributes (ds_db_extra_attrs). */
  readonly extraAttrs: readonly { readonly name: string; readonly column: string }[];
  /** How host names are followed. */
  readonly dns: DnsModes;
  /** What of the route script is called when a destination goes up or down (event_callback, event_callback_mode). */
  readonly eventCallback: { readonly route: string | undefined; readonly mode: 0 | 1 | 2 };
  readonly latencyStats: boolean;
  readonly retainLatencyStats: boolean;
  /** Weight of the past in the latency average, 0 to 1; default 0.9. */
  readonly latencyAlpha: number;
  /** modparam flags: bit 1 hash on the user part only, bit 2 failover. */
  readonly flags: number;
  readonly useDefault: boolean;
  readonly forceDst: boolean;
  readonly attrsPvar: string | undefined;
  /** Seconds, for the call load of algorithm 10. */
  readonly hashExpire: number;
  readonly hashInitexpire: number;
  readonly hashCheckInterval: number;
  /** 0 means no call load to a strict partition, as to the original; otherwise the table grows by itself. */
  readonly hashSize: number;
  readonly defaultSocket: string | undefined;
  /** It wins over defaultSocket. */
  readonly defaultSockname: string | undefined;
  /** SIP URI probes are sent by way of. */
  readonly outboundProxy: string | undefined;
}

/** tm: seconds for fr_timeout, fr_inv_timeout and timer_c; milliseconds for t1, t2, t4 and the delay of a 100. */
export interface TmConfig {
  readonly frTimeout: number;
  readonly frInvTimeout: number;
  readonly t1: number;
  readonly t2: number;
  readonly t4: number;
  readonly timerC: number;
  readonly auto100: boolean;
  /** Milliseconds within which another reply spares the 100; 0: it is sent at once. */
  readonly tryingDelay: number;
  /** Bytes of a request beyond which TCP is tried before UDP (RFC 3261 section 18.1.1); 0: never. */
  readonly udpMaxRequest: number;
  /** Whether our Via on UDP carries rport (RFC 3581). */
  readonly localRport: boolean;
  /** Whether requests for sips URIs leave by TLS and WSS only (RFC 5630). */
  readonly sipsNeedsTls: boolean;
  /** Whether a reply over UDP must come from the address its request went to. */
  readonly strictReplySource: boolean;
}

/** What a routing rule selects. */
export interface SelectConfig {
  /** ds_select_routes: "2=4;1=4;3=4", instead of set and alg. May hold pseudo-variables. */
  readonly rules?: string | undefined;
  /** Each may hold pseudo-variables: "$hdr(X-Set)". */
  readonly partition: string | undefined;
  readonly set: string;
  readonly alg: string;
  readonly flags: string;
  readonly maxRes: string | undefined;
  readonly fn: 'dst' | 'domain';
}

/** A routing rule as written, defaults filled; compiled by route/. */
export interface DestinationChanges {
  /** Digits taken off the user part of the Request-URI; "{name}" stands for an attribute of the destination. */
  readonly strip: string;
  /** What is put before it then. */
  readonly prefix: string;
  /** Values of header fields that are added, by name. */
  readonly headers: ReadonlyMap<string, string>;
}

/** One entry of "routing": which requests it takes, and what is done with them. */
export interface RoutingRule {
  /** JSON pointer of the rule, for messages. */
  readonly pointer: string;
  readonly match: ReadonlyMap<string, string>;
  readonly select: SelectConfig | undefined;
  /** Tried in order where the selection before finds nothing. */
  readonly fallback?: readonly SelectConfig[];
  readonly relay: 'stateful' | 'stateless' | 'redirect' | 'reply';
  readonly failover: {
    /** "408", "5xx", "timeout" */
    readonly codes: readonly string[];
    /** Destinations tried at most, the first included; undefined: all. */
    readonly max: number | undefined;
    /** State letter given to ds_mark_dst for a destination that failed; undefined: not marked. */
    readonly mark: 'p' | 'i' | 'a' | undefined;
  };
  /** What is changed for each destination that is tried, by its attributes; undefined: nothing. */
  readonly destination?: DestinationChanges | undefined;
  /** Whether the Contacts of a 300, 301 or 302 are tried, and how many at most for one request. */
  readonly redirects: { readonly follow: boolean; readonly max: number };
  readonly recordRoute: boolean;
  readonly useBlacklist: readonly string[];
  readonly reject: { readonly code: number; readonly reason: string };
}

/** How NATS is reached and what it is used for. */
export interface NatsConfig {
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
  /** KV bucket with the current states; undefined: none. */
  readonly bucket: string | undefined;
  /** Whether weights that come on "<prefix>.weight" are taken. */
  readonly weights?: boolean;
  readonly user: string | undefined;
  readonly pass: string | undefined;
  readonly token: string | undefined;
  readonly nkeySeed: string | undefined;
  readonly credsFile: string | undefined;
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined;
}

/** switchyard.json with everything decided; deep-frozen. */
export interface Settings {
  /** Absolute path of the file, or "(built-in defaults)". */
  readonly file: string;
  /** Name of this node in events; default the host name. */
  readonly node: string;
  readonly listen: readonly SocketDescription[];
  /** Host names and addresses besides those of `listen` that are ours, each with or without a port. */
  readonly aliases: readonly string[];
  /** Whether `listen` is the default because the file has no such key. */
  readonly listenByDefault?: boolean;
  readonly dispatcher: DispatcherConfig;
  /** In order of definition; the default partition, if there is one, wherever it was defined. */
  readonly partitions: readonly PartitionConfig[];
  /** Name of the partition that calls without a partition mean: "default", or what "default" redirects to. */
  readonly defaultPartition: string | undefined;
  readonly routing: readonly RoutingRule[];
  readonly routeScript: string | undefined;
  /** What dialog tokens are made with; undefined: a key of this node's own. Never logged. */
  readonly secret: string | undefined;
  /** Processes that relay calls, 1 to 24; 1: this one. */
  readonly workers: number;
  /** How they share new requests. */
  readonly workerSpread: 'as_needed' | 'even';
  readonly foreignDialogs: 'accept' | 'known' | 'refuse' | undefined;
  readonly tm: TmConfig;
  readonly mi: {
    readonly fifo: readonly FifoConfig[];
    readonly datagram: readonly DatagramConfig[];
    /** `as`: the user a request without credentials counts as. */
    readonly http: { readonly root: string; readonly as?: string | undefined } | undefined;
    readonly nats: { readonly subject: string; readonly as?: string | undefined } | undefined;
    /** Kamailio's RPC endpoints; always present in settings that were loaded. */
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
  /** Several nodes as one; undefined: this node is by itself. */
  readonly cluster?: ClusterConfig | undefined;
}

/** Several nodes as one dispatcher. Times in milliseconds where the name says so, else in seconds. */
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

/** Call records. */
export interface CallsConfig {
  /** Records kept in memory; 0: none. */
  readonly ring: number;
  /** Answered calls whose end is waited for. */
  readonly dialogs: number;
  /** Absolute path of the file records are written to. */
  readonly log: string | undefined;
  /** Whether records are published over the NATS connection of the events. */
  readonly nats: boolean;
  /** JetStream stream that takes them in; undefined: they are published without acknowledgement. */
  readonly stream: string | undefined;
}

/** Where spans of calls go. */
export interface TelemetryConfig {
  /** URL of OTLP over HTTP. */
  readonly otlp: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly service: string;
  /** One call in this many. */
  readonly oneIn: number;
}

/** A capture server that gets copies of messages. */
export interface HepConfig {
  readonly transport: 'udp' | 'tcp' | 'tls';
  readonly host: string;
  readonly port: number;
  /** Number of this capture agent. */
  readonly id: number;
  readonly password: string | undefined;
  /** One call in this many. */
  readonly oneIn: number;
  /** Only what the script of a cfg file chooses is sent. */
  readonly chosen: boolean;
  /** Absolute path of a file with certificate authorities. */
  readonly caFile: string | undefined;
}

/** What records show of numbers. */
export interface PrivacyConfig {
  /** Digits kept at the end of a number; undefined: all. */
  readonly keepDigits: number | undefined;
  /** Key of the hash that replaces a number; undefined: none. */
  readonly hashKey: string | undefined;
}

/** Bounds against overload. */
export interface LimitsConfig {
  /** New requests a second from one address; 0: no bound. */
  readonly requestsPerSecondPerSource: number;
  /** New requests at once from an address that was quiet. */
  readonly burst: number;
  readonly maxTransactions: number;
  /** Addresses and CIDR blocks no bound by source applies to. */
  readonly trustedSources: readonly string[];
  /** Of one socket; inbound and outbound counted apart. */
  readonly maxConnections: number;
  /** Minimum duration of an event loop iteration in milliseconds while datagrams arrive fast; 0: none. */
  readonly gatherMs: number;
  /** Maximum milliseconds between two readings of the sockets at a middle rate of datagrams; 0: they are read at once. */
  readonly paceMs: number;
  /** Whether UDP datagrams are read and sent many in one system call, where that can be had. */
  readonly batchDatagrams: boolean;
}

/** Certificates of the listeners and of connections we make: paths of PEM files. */
export interface TlsConfig {
  readonly cert: string;
  readonly key: string;
  readonly ca: string | undefined;
  /** "if_shown": a client may show none, but one that is shown must be valid. */
  readonly verifyClient: boolean | 'if_shown';
  readonly verifyServer: boolean;
  /** Other certificates, by the server name a client asks for; no name stands twice. */
  readonly contexts: readonly TlsContext[];
  /** Sockets with a certificate and demands of their own, by "host:port". */
  readonly listeners: readonly {
    readonly addresses: readonly string[];
    readonly cert: string;
    readonly key: string;
    readonly ca: string | undefined;
    readonly verifyClient: boolean | 'if_shown';
  }[];
  /** What is shown to servers and demanded of them, by where they are; the first that fits counts. */
  readonly clients: readonly TlsClient[];
}
