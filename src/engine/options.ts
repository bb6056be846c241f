import type { KamailioOptions } from './kamailio/options.js';

/** The name of a flavour, as settings say it. */
export type FlavourName = 'opensips' | 'kamailio';

/**
 * "strict" reproduces every recorded fault of the original; "default" keeps only those that decide which destination a
 * call goes to.
 */
export type Compat = 'default' | 'strict';

/** Version of Kamailio a partition follows where 5.6 and 6.x differ. */
export type KamailioVersion = '5.6' | '6';

/** The part of a partition's configuration that the engine needs. */
export interface PartitionOptions {
  readonly name: string;
  readonly flavour: FlavourName;
  readonly compat: Compat;
  /** Consecutive failures that switch an active destination to probing (ds_probing_threshhold), at least 1. */
  readonly probingThreshold: number;
  /** AVP names without "$avp(" and ")". attrsAvp is undefined when the parameter is not set. */
  readonly dstAvp: string;
  readonly grpAvp: string;
  readonly cntAvp: string;
  readonly sockAvp: string;
  readonly attrsAvp: string | undefined;
  /** With false the state column is neither read nor written: all destinations start active. */
  readonly persistentState: boolean;
  /** Flavour kamailio; default 5.6. */
  readonly version?: KamailioVersion | undefined;
  /** Parameters of flavour kamailio; undefined: the documented defaults. */
  readonly kamailio?: KamailioOptions | undefined;
}
