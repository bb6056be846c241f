import type { ModuleStates } from '../../script/environment.js';
import { registrarSettings } from './settings.js';
import { locationStore } from './store.js';

/** Numbers of REGISTERs that save() accepted and refused. */
export const registrations = {
  module: 'registrar',
  create: () => ({ accepted: 0, refused: 0 }),
  renew: (before: { accepted: number; refused: number }) => before,
};

/** One statistic of usrloc or registrar. */
interface RegistrarStatistic {
  readonly group: string;
  readonly name: string;
  value(): number;
  reset?(): void;
}

/** The statistics of usrloc and registrar, in the order of 5.6.3. */
export function registrarStatistics(modules: ModuleStates): RegistrarStatistic[] {
  const out: RegistrarStatistic[] = [];
  // A file of OpenSIPS registers nothing, so the store is never created.
  const store = modules.existing(locationStore);
  if (store === undefined) return out;
  const { tables } = store;
  if (modules.loaded.has('usrloc')) {
    const group = 'usrloc';
    for (const [name, { locations }] of tables) {
      out.push(
        { group, name: `${name}_contacts`, value: () => locations.size },
        { group, name: `${name}_expires`, value: () => locations.expiredEver },
        { group, name: `${name}_users`, value: () => locations.users },
      );
    }
    const users = () => [...tables.values()].reduce((sum, { locations }) => sum + locations.users, 0);
    out.push({ group, name: 'registered_users', value: users });
  }
  if (!modules.loaded.has('registrar')) return out;
  const group = 'registrar';
  const counts = modules.of(registrations);
  const settings = modules.of(registrarSettings);
  const fixed = (name: string, value: number): RegistrarStatistic => ({ group, name, value: () => value });
  const counted = (name: string, key: 'accepted' | 'refused'): RegistrarStatistic => ({
    group,
    name,
    value: () => counts[key],
    reset: () => {
      counts[key] = 0;
    },
  });
  return [
    ...out,
    counted('accepted_regs', 'accepted'),
    fixed('default_expire', settings.defaultExpires),
    fixed('default_expires_range', 0),
    fixed('expires_range', 0),
    fixed('max_contacts', settings.maxContacts),
    fixed('max_expires', settings.maxExpires),
    counted('rejected_regs', 'refused'),
  ];
}
