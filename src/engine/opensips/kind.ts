import type { FlavourKind } from '../flavour-kind.js';
import { algorithmOf } from './algorithms/list.js';
import { OpensipsFlavour } from './flavour.js';

/** OpenSIPS' dispatcher, table version 9. */
export const opensips: FlavourKind = {
  name: 'opensips',
  create: (partition, env) => new OpensipsFlavour(partition, env),
  algorithmName: (code) => algorithmOf(code)?.name,
  countsCalls: false,
  comparesAttributes: true,
  hasStateColumn: true,
  hasAttributeColumns: false,
  takesBareHosts: false,
  textsMayBeNull: true,
  hasListFiles: false,
  namesEvery: (_partition, usual) => usual,
  dropsProbing: () => false,
};
