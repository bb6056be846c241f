/** Parameters of Kamailio's module that affect selections and states. */
export interface KamailioOptions {
  /**
   * Which destinations are probed. 0: those with flag P; 1: all but disabled ones; 2: inactive ones with P; 3: only
   * those with P, which keep it.
   */
  readonly probingMode: 0 | 1 | 2 | 3;
  /** Consecutive bad answers until a destination becomes inactive. */
  readonly probingThreshold: number;
  /** Consecutive good answers until it becomes active again. */
  readonly inactiveThreshold: number;
  /** Reply codes and classes that count as good, besides 2xx: ["403", "3xx"]. */
  readonly pingReplyCodes: readonly string[];
  readonly latencyStats: boolean;
  /** Weight of the past in the latency estimate, 0 to 1. */
  readonly latencyAlpha: number;
  /** Bit 1: hash only the user part; bit 2: keep the other destinations for failover. */
  readonly flags: number;
  readonly useDefault: boolean;
  /** Name of the socket to send from, for destinations that name none; without it, its description. */
  readonly defaultSockname?: string | undefined;
  readonly defaultSocket?: string | undefined;
  /** SIP URI to which probes are sent instead. */
  readonly outboundProxy?: string | undefined;
  /** 0: a strict partition counts no calls, like Kamailio without ds_hash_size. */
  readonly hashSize: number;
  /** Seconds after which a call no longer counts as load; and the same before it is confirmed. */
  readonly hashExpire: number;
  readonly hashInitexpire: number;
  /** matchAll: whether ds_is_from_list compares all addresses of a host name; undefined: not in a strict partition. */
  readonly dns?: { readonly matchAll: boolean | undefined } | undefined;
}

/** The documented defaults. */
export const KAMAILIO_DEFAULTS: KamailioOptions = {
  probingMode: 0,
  probingThreshold: 1,
  inactiveThreshold: 1,
  pingReplyCodes: [],
  latencyStats: false,
  latencyAlpha: 0.9,
  flags: 0,
  useDefault: false,
  hashSize: 0,
  hashExpire: 7200,
  hashInitexpire: 7200,
};
