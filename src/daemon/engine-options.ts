import { avpName } from '../config/modparam.js';
import type { DispatcherConfig, PartitionConfig } from '../config/settings.js';
import type { PartitionOptions } from '../engine/partition.js';
import { compileFormat } from '../pvar/format.js';
import type { DispatcherFormats } from '../route/request-scope.js';

/** What of a partition's configuration the engine needs. */
export function partitionOptions(config: PartitionConfig, dispatcher: DispatcherConfig): PartitionOptions {
  return {
    name: config.name,
    flavour: config.flavour,
    compat: config.compat,
    probingThreshold: dispatcher.probingThreshold,
    dstAvp: avpName(config.dstAvp),
    grpAvp: avpName(config.grpAvp),
    cntAvp: avpName(config.cntAvp),
    sockAvp: avpName(config.sockAvp),
    attrsAvp: config.attrsAvp === undefined ? undefined : avpName(config.attrsAvp),
    persistentState: config.persistentState,
    kamailio: dispatcher.kamailio,
  };
}

/** Compiles the formats of the module parameters. Throws SwitchyardError PVAR_*. */
export function dispatcherFormats(
  dispatcher: DispatcherConfig,
  statistic: (name: string) => number | undefined,
  score: DispatcherFormats['score'] = undefined,
): DispatcherFormats {
  const { hashPvar, pvarAlgoPattern } = dispatcher;
  return {
    hash: hashPvar === undefined ? undefined : compileFormat(hashPvar),
    load: pvarAlgoPattern === undefined ? undefined : compileFormat(pvarAlgoPattern, { placeholders: 'ui' }),
    score,
    statistic,
  };
}
