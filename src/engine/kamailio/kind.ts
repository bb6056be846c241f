import type { FlavourKind } from '../flavour-kind.js';
import { OWN_ALGORITHMS } from '../opensips/algorithms/list.js';
import { kamailioAlgorithm } from './algorithms/list.js';
import { KamailioFlavour } from './flavour.js';

/** Kamailio's dispatcher, table version 4. Its tables contain no states: only operators write the flags column. */
export const kamailio: FlavourKind = {
  name: 'kamailio',
  create: (partition, env, clock) => new KamailioFlavour(partition, env, clock),
  algorithmName: (code, strict) =>
    OWN_ALGORITHMS.find((own) => own.code === code)?.name ?? kamailioAlgorithm(code, strict)?.name,
  countsCalls: true,
  comparesAttributes: false,
  hasStateColumn: false,
  hasAttributeColumns: true,
  takesBareHosts: true,
  textsMayBeNull: false,
  hasListFiles: true,
  // ds_dns_mode: with bit 2, the time to live decides; with bit 4, ds_dns_interval.
  namesEvery: ({ compat, dns: { mode, interval, ttl } }, usual) => {
    if (mode === undefined) return usual;
    if ((mode & 2) !== 0) return Math.max(1, ttl) * 1000;
    if ((mode & 4) !== 0) return interval * 1000;
    return compat === 'strict' ? undefined : usual;
  },
  // 6.x removes the flag when probing is off (recorded).
  dropsProbing: (version, pingInterval) => version === '6' && pingInterval === 0,
};
