/** Parameters of Kamailio's module that decide about selections and states. */
export interface KamailioOptions {
  /** 0 those with flag P, 1 all but disabled ones, 2 inactive with P, 3 only those with P, which keep it. */
  readonly probingMode: 0 | 1 | 2 | 3;
  /** Bad answers in a row until inactive. */
  readonly probingThreshold: number;
  /** Good answers until active again. */
  readonly inactiveThreshold: number;
  /** Good codes and classes besides 2xx: ["403", "3xx"]. */
  readonly pingReplyCodes: readonly string[];
  readonly latencyStats: boolean;
  /** Weight of the past in the latency estimate, 0 to 1. */
  readonly latencyAlpha: number;
  /** Bit 1: hash over the user part only; bit 2: keep the rest of the set for failover. */
  readonly flags: number;
  readonly useDefault: boolean;
  /** Socket to send from for destinations that name none: its name, else its description. */
  readonly defaultSockname?: string | undefined;
  readonly defaultSocket?: string | undefined;
  /** SIP URI probes are sent by way of. */
  readonly outboundProxy?: string | undefined;
  /** 0: a strict partition keeps no call load, as the original without ds_hash_size. */
  readonly hashSize: number;
  /** Seconds a call counts toward the load of its destination at most, and until it is confirmed. */
  readonly hashExpire: number;
  readonly hashInitexpire: number;
  /** matchAll: whether ds_is_from_list looks at all addresses of a name; undefined: as the partition is strict. */
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
