import type { Statistic, StatisticsSource } from '../../mi/dependencies.js';
import type { RpcArguments } from '../arguments.js';
import type { RpcCommand } from '../command.js';
import { type RpcMember, struct, valuesResult } from '../value.js';

/** stats.*: counters by "all", "group:", "group:name" or "name"; names that are not there are left out (recorded). */
export function statsCommands(statistics: StatisticsSource): readonly RpcCommand[] {
  const members = (args: RpcArguments, value: (statistic: Statistic) => string | number): RpcMember[] =>
    chosen(statistics, args).map((each) => [`${each.group}.${each.name}`, value(each)]);
  return [
    {
      name: 'stats.get_statistics',
      help: 'get core and modules stats',
      run: (args) =>
        valuesResult(...chosen(statistics, args).map((each) => `${each.group}:${each.name} = ${each.value()}`)),
    },
    {
      name: 'stats.fetch',
      help: 'fetch core and modules stats as string values',
      run: (args) => valuesResult(struct(...members(args, (each) => String(each.value())))),
    },
    {
      name: 'stats.fetchn',
      help: 'fetch core and modules stats as number values',
      run: (args) => valuesResult(struct(...members(args, (each) => each.value()))),
    },
    {
      name: 'stats.reset_statistics',
      help: 'reset core and modules stats (silent operation)',
      run(args) {
        for (const each of chosen(statistics, args)) each.reset?.();
        return valuesResult();
      },
    },
  ];
}

function chosen(statistics: StatisticsSource, args: RpcArguments): Statistic[] {
  const names = new Set<string>();
  for (let i = 0; i < args.count; i++) {
    const name = args.printable(i);
    if (name !== undefined) names.add(name);
  }
  return [...statistics.list()].filter(
    ({ group, name }) => names.has('all') || names.has(`${group}:`) || names.has(name) || names.has(`${group}:${name}`),
  );
}
