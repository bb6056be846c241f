import { sees } from '../../../access/rights.js';
import { SwitchyardError } from '../../../core/errors.js';
import type { MiCommand } from '../command.js';
import { MiError } from '../command.js';
import type { MiDependencies } from '../dependencies.js';
import { requirePartition } from './partition-lookup.js';

/** Longest request in bytes. */
const MAX_BYTES = 64 * 1024;

/**
 * explain: where a request would go now, and why: by the rules or, statement by statement, by the cfg script. Nothing
 * is sent, and round robin does not advance.
 */
export function explainCommand(deps: MiDependencies): MiCommand {
  return {
    name: 'explain',
    aliases: ['switchyard:explain'],
    module: 'switchyard',
    help: 'shows where a request would be sent now, and why: request (its text), source=ADDRESS; states (URI=inactive ...) or table (rows of partition, JSON) assume other states or rows',
    // A caller limited to some partitions sees only rules that select in them. A copy of the tables is as expensive as
    // a load. A script always runs on a copy, and shows data of all partitions.
    needs: ({ states, table }) =>
      deps.scripted()
        ? { role: 'operator', wholeProcess: true }
        : { role: states === undefined && table === undefined ? 'viewer' : 'operator' },
    paramLists: [[{ name: 'request', type: 'string' }]],
    extraParams: [
      { name: 'source', type: 'string' },
      { name: 'states', type: 'string' },
      { name: 'table', type: 'string' },
      { name: 'partition', type: 'string' },
    ],
    async run(params, call) {
      const { caller } = call;
      const text = (name: string) => params[name] as string | undefined;
      if (text('partition') !== undefined) requirePartition(deps, call, text('partition') as string, 500);
      else if (text('table') !== undefined) throw new MiError(400, 'Bad parameter value', 'partition is missing');
      const request = params['request'] as string;
      if (request.length > MAX_BYTES) throw new MiError(400, 'Bad parameter value', 'the request is too long');
      try {
        const isSeen = caller.partitions && ((partition: string) => sees(caller, partition));
        const assumed =
          text('states') === undefined && text('table') === undefined
            ? undefined
            : { states: text('states') ?? '', table: text('table'), partition: text('partition') };
        return await deps.explain(request, text('source'), isSeen, assumed);
      } catch (error) {
        if (error instanceof SwitchyardError) throw new MiError(400, 'Bad parameter value', error.message);
        throw error;
      }
    },
  };
}
