import { SwitchyardError } from '../../../core/errors.js';
import type { MiCommand, ParamSpec } from '../command.js';
import { MiError } from '../command.js';
import type { CallListFilter, MiDependencies } from '../dependencies.js';
import { requirePartition } from './partition-lookup.js';

const FILTERS: readonly ParamSpec[] = [
  { name: 'partition', type: 'string' },
  { name: 'set', type: 'int' },
  { name: 'destination', type: 'string' },
  { name: 'code', type: 'string' },
  { name: 'from', type: 'string' },
  { name: 'to', type: 'string' },
  { name: 'call_id', type: 'string' },
  { name: 'source', type: 'string' },
  { name: 'method', type: 'string' },
  { name: 'after', type: 'int' },
  { name: 'limit', type: 'int' },
];

/** Default number of records in an answer. */
const DEFAULT_LIMIT = 50;

/** calls_list: the last requests that were dispatched or refused, with all attempts. */
export function callsCommand(deps: MiDependencies): MiCommand {
  return {
    name: 'calls_list',
    aliases: ['dispatcher:calls_list'],
    module: 'dispatcher',
    help: 'lists call records by partition, set, destination, code (503, 5xx, failed), from, to, call_id, source, method; after=SEQ limit=N',
    needs: { role: 'viewer' },
    paramLists: [[]],
    extraParams: FILTERS,
    async run(params, call) {
      const text = (name: string) => params[name] as string | undefined;
      const number = (name: string) => params[name] as number | undefined;
      const filter: CallListFilter = {
        partition:
          text('partition') === undefined ? undefined : requirePartition(deps, call, text('partition') ?? '', 500).name,
        partitions: call.caller.partitions,
        set: number('set'),
        destination: text('destination'),
        code: text('code'),
        from: text('from'),
        to: text('to'),
        callId: text('call_id'),
        source: text('source'),
        method: text('method'),
        after: number('after'),
      };
      try {
        const { newest, entries } = await deps.calls.list(filter, number('limit') ?? DEFAULT_LIMIT);
        return { newest, Calls: entries };
      } catch (error) {
        if (error instanceof SwitchyardError) throw new MiError(400, 'Bad parameter value', error.message);
        throw error;
      }
    },
  };
}
