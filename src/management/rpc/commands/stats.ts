import { withinPartition } from '../../../access/rights.js';
import { visibleStatistics } from '../../mi/commands/statistics.js';
import type { Statistic, StatisticsSource } from '../../mi/dependencies.js';
import type { RpcArguments } from '../arguments.js';
import type { RpcCall, RpcCommand } from '../command.js';
import { type RpcMember, struct, valuesResult } from '../value.js';

/** stats.*: counters by "all", "group:", "group:name" or "name"; unknown names are ignored (recorded). */
export function statsCommands(statistics: StatisticsSource): readonly RpcCommand[] {
  const members = (args: RpcArguments, call: RpcCall, value: (statistic: Statistic) => string | number): RpcMember[] =>
    chosen(statistics, args, call).map((each) => [`${each.group}.${each.name}`, value(each)]);
  return [
    {
      name: 'stats.get_statistics',
      help: 'get core and modules stats',
      needs: { role: 'viewer' },
      run: (args, call) =>
        valuesResult(...chosen(statistics, args, call).map((each) => `${each.group}:${each.name} = ${each.value()}`)),
    },
    {
      name: 'stats.fetch',
      help: 'fetch core and modules stats as string values',
      needs: { role: 'viewer' },
      run: (args, call) => valuesResult(struct(...members(args, call, (each) => String(each.value())))),
    },
    {
      name: 'stats.fetchn',
      help: 'fetch core and modules stats as number values',
      needs: { role: 'viewer' },
      run: (args, call) => valuesResult(struct(...members(args, call, (each) => each.value()))),
    },
    {
      name: 'stats.reset_statistics',
      help: 'reset core and modules stats (silent operation)',
      needs: { role: 'operator', wholeProcess: true },
      changes: () => true,
      run(args, call) {
        for (const each of chosen(statistics, args, call)) {
          each.reset?.();
          if (each.reset !== undefined) call.changed(`${each.group}:${each.name} is 0`);
        }
        return valuesResult();
      },
    },
  ];
}

function chosen(statistics: StatisticsSource, args: RpcArguments, call: RpcCall): readonly Statistic[] {
  const names = new Set<string>();
  for (let i = 0; i < args.count; i++) {
    const name = args.printable(i);
    if (name !== undefined) names.add(name);
  }
  const { caller, pinned } = call;
  // An endpoint for one partition shows only statistics that are counted by partition.
  const rights = pinned === undefined ? caller : withinPartition(caller, pinned);
  return visibleStatistics(statistics, rights).filter(
    ({ group, name }) => names.has('all') || names.has(`${group}:`) || names.has(name) || names.has(`${group}:${name}`),
  );
}
