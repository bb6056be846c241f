import type { MiCommand } from '../command.js';
import { MiError } from '../command.js';
import type { MiDependencies } from '../dependencies.js';
import { INTEGER } from '../parameters.js';
import { requirePartition } from './partition-lookup.js';

/** OpenSIPS' numbers from -3 (alert) to 4 (debug), and the corresponding level names. */
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
/** The lowest and the highest level: numbers beyond them mean them. */
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

/** Default and most seconds for the level of lines about one partition or call. */
const SECONDS = 600;
const MAX_SECONDS = 86_400;

/**
 * log_level: shows the level, or sets it by OpenSIPS' number or by name. `pid` must be that of this process. Our own:
 * with partition or call_id, sets the level of lines about them, for `seconds`.
 */
export function logLevelCommand(deps: MiDependencies): MiCommand {
  const level = { name: 'level', type: 'string' } as const;
  return {
    name: 'log_level',
    aliases: ['core:log_level'],
    module: 'core',
    help: 'shows or sets the log level: -3 to 4, or a name (error, warn, info, debug, trace); partition, call_id: only for lines about them, seconds=N',
    needs: ({ level: wanted }) => (wanted === undefined ? { role: 'viewer' } : { role: 'admin', wholeProcess: true }),
    changes: ({ level: wanted }) => wanted !== undefined,
    paramLists: [[], [level], [level, { name: 'pid', type: 'int' }]],
    extraParams: [
      { name: 'partition', type: 'string' },
      { name: 'call_id', type: 'string' },
      { name: 'seconds', type: 'int' },
    ],
    run(params, call) {
      const processes = deps.process.processes();
      if (params['level'] === undefined) {
        const current = NUMBER_OF_LEVEL.get(deps.log.level()) ?? 3;
        const raised = deps.log.focuses().map(({ partition, callId, level, seconds }) => ({
          ...(partition === undefined ? {} : { partition }),
          ...(callId === undefined ? {} : { call_id: callId }),
          'Log level': NUMBER_OF_LEVEL.get(level) ?? 3,
          seconds,
        }));
        const seen = call.caller.partitions === undefined ? raised : [];
        return {
          Processes: processes.map((each) => ({ PID: each.pid, 'Log level': current, Type: each.type })),
          ...(seen.length === 0 ? {} : { Raised: seen }),
        };
      }
      if (params['pid'] !== undefined && !processes.some((each) => each.pid === params['pid'])) {
        throw new MiError(404, 'Bad PID');
      }
      const word = String(params['level']).trim().toLowerCase();
      const wanted = INTEGER.test(word) ? Math.min(Math.max(Number(word), LOWEST), HIGHEST) : undefined;
      const name = wanted === undefined ? word : (LEVEL_OF_NUMBER.get(wanted) as string);
      if (!NUMBER_OF_LEVEL.has(name)) throw new MiError(-32602, 'Invalid params', "Bad type for parameter 'level'");
      const number = wanted ?? (NUMBER_OF_LEVEL.get(name) as number);
      const focus = {
        partition: params['partition'] as string | undefined,
        callId: params['call_id'] as string | undefined,
      };
      if (focus.partition !== undefined || focus.callId !== undefined) {
        const seconds = (params['seconds'] as number | undefined) ?? SECONDS;
        if (seconds < 0 || seconds > MAX_SECONDS) {
          throw new MiError(400, 'Bad parameter value', `seconds must be from 0 to ${MAX_SECONDS}`);
        }
        if (focus.partition !== undefined) requirePartition(deps, call, focus.partition, 500);
        const about = [focus.partition && `partition ${focus.partition}`, focus.callId && `call ${focus.callId}`];
        if (!deps.log.focus(focus, name, seconds))
          throw new MiError(400, 'Bad parameter value', 'too many partitions and calls have their own level');
        call.changed(`log level of ${about.filter(Boolean).join(', ')}: ${name} for ${seconds} s`);
        return { 'Log level': number, seconds };
      }
      call.changed(`log level: ${deps.log.level()} to ${name}`);
      deps.log.setLevel(name);
      return params['pid'] === undefined ? { 'New global log level': number } : { 'Log level': number };
    },
  };
}
