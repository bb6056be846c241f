import type { MiCommand } from '../command.js';
import { MiError } from '../command.js';
import type { MiDependencies } from '../dependencies.js';
import { INTEGER } from '../parameters.js';

/** OpenSIPS' numbers -3 (alert) to 4 (debug), and the level names they come down to. */
const LEVEL_OF_NUMBER = new Map([
  [-3, 'fatal'],
  [-2, 'fatal'],
  [-1, 'error'],
  [0, 'error'],
  [1, 'warn'],
  [2, 'info'],
  [3, 'info'],
  [4, 'debug'],
]);
/** Numbers beyond these stand for them. */
const LOWEST = -3;
const HIGHEST = 4;
const NUMBER_OF_LEVEL = new Map([
  ['silent', -3],
  ['fatal', -2],
  ['error', -1],
  ['warn', 1],
  ['info', 3],
  ['debug', 4],
  ['trace', 5],
]);

/** log_level: shows the level, or sets it by OpenSIPS' number or by name. There is one process, so `pid` must be its. */
export function logLevelCommand(deps: MiDependencies): MiCommand {
  const level = { name: 'level', type: 'string' } as const;
  return {
    name: 'log_level',
    aliases: ['core:log_level'],
    module: 'core',
    help: 'shows the log level, or sets it: -3 to 4, or a name (error, warn, info, debug, trace)',
    needs: ({ level: wanted }) => (wanted === undefined ? { role: 'viewer' } : { role: 'admin', wholeProcess: true }),
    changes: ({ level: wanted }) => wanted !== undefined,
    paramLists: [[], [level], [level, { name: 'pid', type: 'int' }]],
    run(params, call) {
      const processes = deps.process.processes();
      if (params['level'] === undefined) {
        const current = NUMBER_OF_LEVEL.get(deps.log.level()) ?? 3;
        return { Processes: processes.map((each) => ({ PID: each.pid, 'Log level': current, Type: each.type })) };
      }
      if (params['pid'] !== undefined && !processes.some((each) => each.pid === params['pid'])) {
        throw new MiError(404, 'Bad PID');
      }
      const word = String(params['level']).trim().toLowerCase();
      const wanted = INTEGER.test(word) ? Math.min(Math.max(Number(word), LOWEST), HIGHEST) : undefined;
      const name = wanted === undefined ? word : (LEVEL_OF_NUMBER.get(wanted) as string);
      if (!NUMBER_OF_LEVEL.has(name)) throw new MiError(-32602, 'Invalid params', "Bad type for parameter 'level'");
      call.changed(`log level: ${deps.log.level()} to ${name}`);
      deps.log.setLevel(name);
      const number = wanted ?? (NUMBER_OF_LEVEL.get(name) as number);
      return params['pid'] === undefined ? { 'New global log level': number } : { 'Log level': number };
    },
  };
}
