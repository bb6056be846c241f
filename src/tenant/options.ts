import type { BlacklistDefinition } from '../blacklist/blacklist.js';
import type { DispatcherConfig } from '../config/dispatcher-settings.js';
import { avpNameIn } from '../config/modparam.js';
import type { PartitionConfig, Settings } from '../config/settings.js';
import { SwitchyardError } from '../core/errors.js';
import { flavourKind } from '../engine/flavours.js';
import type { PartitionOptions } from '../engine/options.js';
import { compileFormat } from '../pvar/format.js';
import type { DispatcherFormats } from '../route/request-scope.js';

/** The engine's options of a partition, from its configuration. */
export function partitionOptions(config: PartitionConfig, dispatcher: DispatcherConfig): PartitionOptions {
  return {
    name: config.name,
    flavour: config.flavour,
    compat: config.compat,
    version: config.version,
    probingThreshold: dispatcher.probingThreshold,
    dstAvp: avpNameIn(config.dstAvp),
    grpAvp: avpNameIn(config.grpAvp),
    cntAvp: avpNameIn(config.cntAvp),
    sockAvp: avpNameIn(config.sockAvp),
    attrsAvp: config.attrsAvp === undefined ? undefined : avpNameIn(config.attrsAvp),
    persistentState: config.persistentState,
    kamailio: dispatcher.kamailio,
  };
}

/** The blacklists that are made from sets (ds_define_blacklist). */
export function blacklistDefinitions(settings: Settings): BlacklistDefinition[] {
  return settings.partitions.flatMap((each) =>
    [...each.blacklists].map(([name, sets]) => ({ partition: each.name, name, sets, match: each.blacklistMatch })),
  );
}

/** The largest weight of a FreeSWITCH server; undefined while fetch_freeswitch_stats is off. */
export function freeswitchMaxWeight({ freeswitch }: DispatcherConfig): number | undefined {
  return freeswitch.fetch ? freeswitch.maxWeight : undefined;
}

/** Compiles the format strings in module parameters. Throws SwitchyardError PVAR_*. */
export function dispatcherFormats(
  dispatcher: DispatcherConfig,
  statistic: (name: string) => number | undefined,
  score: DispatcherFormats['score'] = undefined,
  tag: DispatcherFormats['tag'] = undefined,
): DispatcherFormats {
  const { hashPvar, pvarAlgoPattern } = dispatcher;
  return {
    hash: named('hash_pvar', hashPvar, compileFormat),
    load: named('pvar_algo_pattern', pvarAlgoPattern, (text) => compileFormat(text, { placeholders: 'ui' })),
    score,
    statistic,
    tag,
  };
}

/** Compiles the value of a parameter; an error names the parameter. */
function named<T>(parameter: string, value: string | undefined, compile: (text: string) => T): T | undefined {
  if (value === undefined) return undefined;
  try {
    return compile(value);
  } catch (error) {
    if (!(error instanceof SwitchyardError)) throw error;
    throw new SwitchyardError(error.code, `modparam ${parameter}: ${error.message}`, { cause: error });
  }
}

/**
 * Milliseconds between two lookups of host names, by default. The resolver asks the DNS only when the time to live has
 * passed.
 */
const NAMES_EVERY = 15_000;

/** Milliseconds between two lookups of a partition's host names (ds_dns_mode); undefined: only loads look them up. */
export function namesEvery({ flavour, compat }: PartitionConfig, { kamailio }: DispatcherConfig): number | undefined {
  return flavourKind(flavour).namesEvery({ compat, dns: kamailio.dns }, NAMES_EVERY);
}

/** Whether the flag that asks for probes is removed from rows. */
export function dropsProbing({ flavour, version }: PartitionConfig, { pingInterval }: DispatcherConfig): boolean {
  return flavourKind(flavour).dropsProbing(version, pingInterval);
}
