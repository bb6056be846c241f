import type { MiCommand, MiParams } from '../command.js';
import { JsonText, MiError } from '../command.js';
import type { MiDependencies, Statistic } from '../dependencies.js';
import { treeLine } from '../tree.js';

const STATISTICS = { name: 'statistics', type: 'array' } as const;
/** Names asked for in one call beyond this are refused. */
const MAX_NAMES = 64;

/** get_statistics, list_statistics, reset_statistics, reset_all_statistics. */
export function statisticsCommands(deps: MiDependencies): readonly MiCommand[] {
  const { statistics } = deps;
  const get = (params: MiParams): readonly Statistic[] => {
    const found = lookUp([...statistics.list()], params['statistics'] as readonly unknown[]);
    if (found.length === 0) throw new MiError(404, 'Statistics Not Found');
    return found;
  };
  const fullName = (each: Statistic): string => `${each.group}:${each.name}`;
  const reset = (params: MiParams): 'OK' => {
    for (const each of get(params)) each.reset?.();
    return 'OK';
  };
  return [
    {
      name: 'get_statistics',
      aliases: ['statistics:get'],
      module: 'statistics',
      help: 'prints the values of statistics: "all", a group "core:", or a name, each as often as it is asked for',
      paramLists: [[STATISTICS]],
      run: (params) =>
        new JsonText([
          `{${get(params)
            .map((each) => `${JSON.stringify(fullName(each))}:${each.value()}`)
            .join(',')}}`,
        ]),
      text: (params) =>
        get(params)
          .map((each) => treeLine(0, fullName(each), String(each.value())))
          .join(''),
    },
    {
      name: 'list_statistics',
      aliases: ['statistics:list'],
      module: 'statistics',
      help: 'lists the statistics there are, and whether they can be reset (incremental)',
      paramLists: [[], [STATISTICS]],
      run(params) {
        const wanted = params['statistics'] === undefined ? [...statistics.list()] : get(params);
        return Object.fromEntries(
          wanted.map((each) => [fullName(each), each.reset === undefined ? 'non-incremental' : 'incremental']),
        );
      },
    },
    {
      name: 'reset_statistics',
      aliases: ['statistics:reset'],
      module: 'statistics',
      help: 'sets statistics to zero, those of them that can be',
      paramLists: [[STATISTICS]],
      run: reset,
    },
    {
      name: 'reset_all_statistics',
      aliases: ['statistics:reset_all'],
      module: 'statistics',
      help: 'sets all statistics to zero that can be',
      paramLists: [[]],
      run: () => {
        for (const each of statistics.list()) each.reset?.();
        return 'OK';
      },
    },
  ];
}

/** What the words name, in their order; a statistic named twice is answered twice (recorded). */
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
