import type { Clock } from '../core/clock.js';
import type { SelectEnv } from './algorithms/algorithm.js';
import type { Flavour } from './flavour.js';
import { kamailioAlgorithm } from './kamailio/algorithms/list.js';
import { KamailioFlavour } from './kamailio/flavour.js';
import { algorithmOf, OWN_ALGORITHMS } from './opensips/algorithms/list.js';
import { OpensipsFlavour } from './opensips/flavour.js';
import type { FlavourName, PartitionOptions } from './options.js';

type Create = (partition: PartitionOptions, env: SelectEnv, clock: Clock) => Flavour;

/** Every flavour there is; another one is a folder and a line here. */
const FLAVOURS: Readonly<Record<FlavourName, Create>> = {
  opensips: (partition, env) => new OpensipsFlavour(partition, env),
  kamailio: (partition, env, clock) => new KamailioFlavour(partition, env, clock),
};

/** Their names. */
export const FLAVOUR_NAMES = Object.keys(FLAVOURS) as readonly FlavourName[];

/** Whether a flavour has the algorithm with this code; `strict`: only those of the recorded program and our own. */
export function knowsAlgorithm(flavour: FlavourName, strict: boolean, code: number): boolean {
  if (OWN_ALGORITHMS.some((own) => own.code === code)) return true;
  return flavour === 'kamailio' ? kamailioAlgorithm(code, strict) !== undefined : algorithmOf(code) !== undefined;
}

/** The rules for a partition by the flavour its options name. `partition` may get other parameters later. */
export function createFlavour(partition: PartitionOptions, env: SelectEnv, clock: Clock): Flavour {
  return FLAVOURS[partition.flavour](partition, env, clock);
}
