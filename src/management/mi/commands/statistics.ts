import type { ManagementCall } from '../../../access/call.js';
import { type Rights, sees } from '../../../access/rights.js';
import type { MiCommand, MiParams } from '../command.js';
import { JsonText, MiError } from '../command.js';
import type { MiDependencies, Statistic, StatisticsSource } from '../dependencies.js';
import { treeLine } from '../tree.js';

const STATISTICS = { name: 'statistics', type: 'array' } as const;
/** Maximum number of names in one call. */
const MAX_NAMES = 64;

/** The commands get_statistics, list_statistics, reset_statistics and reset_all_statistics. */
export function statisticsCommands(deps: MiDependencies): readonly MiCommand[] {
  const { statistics } = deps;
  const visible = ({ caller }: ManagementCall) => visibleStatistics(statistics, caller);
  const get = (params: MiParams, call: ManagementCall): readonly Statistic[] => {
    const words = params['statistics'] as readonly unknown[];
    const found = lookUp(visible(call), words);
    // A group without statistics, or no name at all, is not an error.
    const isName = (word: unknown): boolean => typeof word === 'string' && !word.endsWith(':') && word !== 'all';
    if (found.length === 0 && words.some(isName)) throw new MiError(404, 'Statistics Not Found');
    return found;
  };
  const fullName = (each: Statistic): string => `${each.group}:${each.name}`;
  const reset = (params: MiParams, call: ManagementCall): 'OK' => {
    for (const each of get(params, call)) {
      each.reset?.();
      if (each.reset !== undefined) call.changed(`${fullName(each)} is 0`);
    }
    return 'OK';
  };
  return [
    {
      name: 'get_statistics',
      aliases: ['statistics:get'],
      module: 'statistics',
      help: 'prints the values of statistics: "all", a group "core:", or names',
      needs: { role: 'viewer' },
      paramLists: [[STATISTICS]],
      run: (params, call) =>
        new JsonText([
          `{${get(params, call)
            .map((each) => `${JSON.stringify(fullName(each))}:${each.value()}`)
            .join(',')}}`,
        ]),
      text: (params, call) =>
        get(params, call)
          .map((each) => treeLine(0, fullName(each), String(each.value())))
          .join(''),
    },
    {
      name: 'list_statistics',
      aliases: ['statistics:list'],
      module: 'statistics',
      help: 'lists all statistics, and whether they can be reset (incremental)',
      needs: { role: 'viewer' },
      paramLists: [[], [STATISTICS]],
      run(params, call) {
        const wanted = params['statistics'] === undefined ? visible(call) : get(params, call);
        return Object.fromEntries(
          wanted.map((each) => [fullName(each), each.reset === undefined ? 'non-incremental' : 'incremental']),
        );
      },
    },
    {
      name: 'reset_statistics',
      aliases: ['statistics:reset'],
      module: 'statistics',
      help: 'sets statistics to zero, if they can be reset',
      needs: { role: 'operator', wholeProcess: true },
      changes: true,
      paramLists: [[STATISTICS]],
      run: reset,
    },
    {
      name: 'reset_all_statistics',
      aliases: ['statistics:reset_all'],
      module: 'statistics',
      help: 'sets all statistics to zero that can be reset',
      needs: { role: 'operator', wholeProcess: true },
      changes: true,
      paramLists: [[]],
      run: () => {
        for (const each of statistics.list()) each.reset?.();
        return 'OK';
      },
    },
  ];
}

/** The statistics for a caller: one limited to some partitions sees only those that can be counted for them. */
export function visibleStatistics(statistics: StatisticsSource, rights: Rights): readonly Statistic[] {
  const all = [...statistics.list()];
  if (rights.partitions === undefined) return all;
  const within = (partition: string) => sees(rights, partition);
  return all.flatMap(({ group, name, valueIn }) => {
    return valueIn === undefined ? [] : [{ group, name, value: () => valueIn(within) }];
  });
}

/** The statistics that the words name, in order; one named twice is returned twice (recorded). */
function lookUp(all: readonly Statistic[], words: readonly unknown[]): readonly Statistic[] {
  if (words.length > MAX_NAMES) throw new MiError(400, 'Bad parameter value', `more than ${MAX_NAMES} statistics`);
  const found: Statistic[] = [];
  for (const word of words) {
    if (typeof word !== 'string') throw new MiError(-32602, 'Invalid params', "Bad type for parameter 'statistics'");
    if (word === 'all') found.push(...all);
    else if (word.endsWith(':')) found.push(...all.filter((each) => each.group === word.slice(0, -1)));
    else {
      const one = all.find((each) => each.name === word || `${each.group}:${each.name}` === word);
      if (one !== undefined) found.push(one);
    }
  }
  return found;
}
