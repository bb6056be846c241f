import type { KamailioOptions } from './kamailio/options.js';

/** The name of a flavour in settings. */
export type FlavourName = 'opensips' | 'kamailio';

/**
 * "strict" reproduces every recorded fault of the original; "default" only those that decide which destination a call
 * is sent to.
 */
export type Compat = 'default' | 'strict';

/** The Kamailio version that a partition follows where 5.6 and 6.x differ. */
export type KamailioVersion = '5.6' | '6';

/** The engine's part of a partition's configuration. */
export interface PartitionOptions {
  readonly name: string;
  readonly flavour: FlavourName;
  readonly compat: Compat;
  /** Consecutive failures after which an active destination becomes probing (ds_probing_threshhold); at least 1. */
  readonly probingThreshold: number;
  /** Names of AVPs without "$avp(" and ")"; attrsAvp is undefined when the parameter is not set. */
  readonly dstAvp: string;
  readonly grpAvp: string;
  readonly cntAvp: string;
  readonly sockAvp: string;
  readonly attrsAvp: string | undefined;
  /** If false, the state column is neither read nor written: all destinations begin as active. */
  readonly persistentState: boolean;
  /** For flavour kamailio; default 5.6. */
  readonly version?: KamailioVersion | undefined;
  /** Parameters for flavour kamailio; undefined: the documented defaults. */
  readonly kamailio?: KamailioOptions | undefined;
}
