/** Parameters of the dispatcher module that are not those of a partition. */
export interface DispatcherConfig {
  readonly hashPvar: string | undefined;
  readonly setidPvar: string | undefined;
  readonly pvarAlgoPattern: string | undefined;
  readonly algoRoute: string | undefined;
  /** In seconds; 0: off. */
  readonly pingInterval: number;
  readonly pingMethod: string;
  readonly pingFrom: string;
  readonly pingMaxfwd: number;
  /** Whether probes have a Contact. */
  readonly pingContact: boolean;
  /** Header lines of probes, without line breaks. */
  readonly pingHeaders: readonly string[];
  /** Maximum seconds a probe may take (our own parameter; default 2). */
  readonly pingTimeout: number;
  readonly probingSock: string | undefined;
  readonly probingThreshold: number;
  readonly probingMode: 0 | 1;
  /** Partitions and set IDs to probe; undefined: all. */
  readonly probingList: readonly { readonly partition: string; readonly set: number | undefined }[] | undefined;
  /** Reply codes that count as success besides 200. */
  readonly optionsReplyCodes: readonly number[];
  /** Seconds between two times when changed states are written (default 15). */
  readonly flushInterval: number;
  /** fetch_freeswitch_stats and max_freeswitch_weight. */
  readonly freeswitch: { readonly fetch: boolean; readonly maxWeight: number };
  /** Parameters for partitions of flavour kamailio. */
  readonly kamailio: KamailioConfig;
}

/** ds_dns_mode and related parameters. */
export interface DnsModes {
  /** Bits: 1 at load, 2 whenever needed, 4 every `interval` seconds, 8 with SRV; undefined: not set. */
  readonly mode: number | undefined;
  /** In seconds. */
  readonly interval: number;
  /** With bit 2: seconds for which an answer is used; 0: its time to live. */
  readonly ttl: number;
  /**
   * Whether a request from any address of a host name is from its destination, or only from the first; undefined: not
   * set.
   */
  readonly matchAll: boolean | undefined;
}

/** Parameters of Kamailio's module that OpenSIPS does not have, or has with another default. */
export interface KamailioConfig {
  /**
   * Which destinations are probed. 0: those with flag P; 1: all but disabled ones; 2: inactive ones with P; 3: only
   * those with P, which keep it.
   */
  readonly probingMode: 0 | 1 | 2 | 3;
  /** Consecutive failures until a destination becomes inactive; default 1. */
  readonly probingThreshold: number;
  /** Consecutive good answers until it becomes active again; default 1. */
  readonly inactiveThreshold: number;
  /** Reply codes and classes that count as good besides 2xx: ["403", "3xx"]. */
  readonly pingReplyCodes: readonly string[];
  /** Whether a destination without attributes gets "none=yes". */
  readonly attrsNone: boolean;
  /** Table columns to read as attributes (ds_db_extra_attrs). */
  readonly extraAttrs: readonly { readonly name: string; readonly column: string }[];
  /** How host names are resolved. */
  readonly dns: DnsModes;
  /**
   * The function of the route script that is called when a destination goes up or down (event_callback,
   * event_callback_mode).
   */
  readonly eventCallback: { readonly route: string | undefined; readonly mode: 0 | 1 | 2 };
  readonly latencyStats: boolean;
  readonly retainLatencyStats: boolean;
  /** Weight of the past in the latency average, 0 to 1; default 0.9. */
  readonly latencyAlpha: number;
  /** Module parameter flags: bit 1: hash only the user part; bit 2: failover. */
  readonly flags: number;
  readonly useDefault: boolean;
  readonly forceDst: boolean;
  readonly attrsPvar: string | undefined;
  /** In seconds; for the call load of algorithm 10. */
  readonly hashExpire: number;
  readonly hashInitexpire: number;
  readonly hashCheckInterval: number;
  /**
   * 0: a strict partition counts no calls, like Kamailio; other values have no effect, since the table grows by itself.
   */
  readonly hashSize: number;
  readonly defaultSocket: string | undefined;
  /** Takes precedence over defaultSocket. */
  readonly defaultSockname: string | undefined;
  /** SIP URI to which probes are sent instead. */
  readonly outboundProxy: string | undefined;
}

/**
 * Parameters of tm: fr_timeout, fr_inv_timeout and timer_c in seconds; t1, t2, t4 and the delay of a 100 in
 * milliseconds.
 */
export interface TmConfig {
  readonly frTimeout: number;
  readonly frInvTimeout: number;
  readonly t1: number;
  readonly t2: number;
  readonly t4: number;
  readonly timerC: number;
  readonly auto100: boolean;
  /** Milliseconds to wait before a 100, which another reply makes unnecessary; 0: it is sent at once. */
  readonly tryingDelay: number;
  /** Bytes of a request above which TCP is tried before UDP (RFC 3261 section 18.1.1); 0: never. */
  readonly udpMaxRequest: number;
  /** Whether our Via over UDP has rport (RFC 3581). */
  readonly localRport: boolean;
  /** Whether requests for sips URIs are sent over TLS and WSS only (RFC 5630). */
  readonly sipsNeedsTls: boolean;
  /** Whether a reply over UDP must come from the address that the request was sent to. */
  readonly strictReplySource: boolean;
}
