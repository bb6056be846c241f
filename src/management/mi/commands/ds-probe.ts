import type { MiCommand } from '../command.js';
import { MiError } from '../command.js';
import type { MiDependencies } from '../dependencies.js';
import { destinationsAt, parseGroup, requirePartition } from './partition-lookup.js';

/** ds_probe (our own): probes a destination at once, outside its interval. */
export function dsProbeCommand(deps: MiDependencies): MiCommand {
  return {
    name: 'ds_probe',
    aliases: ['dispatcher:probe'],
    module: 'dispatcher',
    help: 'probes a destination at once: group "[partition:]set", address',
    needs: { role: 'operator' },
    changes: true,
    paramLists: [
      [
        { name: 'group', type: 'string' },
        { name: 'address', type: 'string' },
      ],
    ],
    run(params, call) {
      const group = parseGroup(params['group'] as string);
      const partition = requirePartition(deps, call, group.partition, 404);
      const named = destinationsAt(partition, group.setId, params['address'] as string);
      if (named.length === 0) throw new MiError(404, 'destination not found');
      const sent = named.filter((destination) => deps.dispatcher.probe(destination));
      if (sent.length === 0) {
        throw new MiError(409, 'not probed', 'probing is off for it, or a probe is under way');
      }
      return 'OK';
    },
  };
}
