import type { ManagementCall } from '../../../access/call.js';
import { type Need, sees } from '../../../access/rights.js';
import { SwitchyardError } from '../../../core/errors.js';
import { unknownPartition } from '../../../engine/partition.js';
import type { MiCommand, MiParams, ParamSpec } from '../command.js';
import { MiError } from '../command.js';
import type { MiDependencies, TraceParams } from '../dependencies.js';

const FILTERS: readonly ParamSpec[] = [
  { name: 'call_id', type: 'string' },
  { name: 'from', type: 'string' },
  { name: 'to', type: 'string' },
  { name: 'source', type: 'string' },
  { name: 'partition', type: 'string' },
  { name: 'one_in', type: 'int' },
  { name: 'seconds', type: 'int' },
  { name: 'calls', type: 'int' },
  { name: 'messages', type: 'int' },
  { name: 'bodies', type: 'flag' },
];

const NEEDS: Need = { role: 'operator' };

/** The largest bounds of a trace. */
const MAXIMA = { seconds: 3600, calls: 10_000, messages: 100_000 };

/** The commands trace_start, trace_get, trace_list and trace_stop: the messages of chosen calls. */
export function traceCommands(deps: MiDependencies): readonly MiCommand[] {
  const id = { name: 'id', type: 'int' } as const;
  const after = { name: 'after', type: 'int' } as const;
  const { traces } = deps;
  /** A caller limited to some partitions can trace only one of them, and sees no other trace. */
  const bounded = (params: MiParams, { caller }: ManagementCall): TraceParams => {
    const asked = traceParams(params);
    if (caller.partitions === undefined) return asked;
    const only = asked.partition ?? (caller.partitions.size === 1 ? [...caller.partitions][0] : undefined);
    if (only === undefined) throw new MiError(400, 'Bad parameter value', 'partition is missing');
    if (!sees(caller, only)) throw new MiError(400, 'Bad parameter value', unknownPartition(only));
    return { ...asked, partition: only };
  };
  const own = (id: number, { caller }: ManagementCall): number => {
    const partition = traces.partitionOf(id);
    if (caller.partitions === undefined || (partition !== undefined && sees(caller, partition))) return id;
    throw new SwitchyardError('USAGE', `no trace ${id}`);
  };
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (error instanceof SwitchyardError) throw new MiError(400, 'Bad parameter value', error.message);
      throw error;
    }
  };
  return [
    {
      name: 'trace_start',
      aliases: ['switchyard:trace_start'],
      module: 'switchyard',
      help: 'starts a trace of calls by call_id, from, to, source, partition, one_in; limits: seconds, calls, messages; bodies=0',
      needs: NEEDS,
      changes: true,
      paramLists: [[]],
      extraParams: FILTERS,
      run: (params, call) => guarded(() => ({ id: traces.start(bounded(params, call)) })),
    },
    {
      name: 'trace_get',
      aliases: ['switchyard:trace_get'],
      module: 'switchyard',
      help: 'shows the messages of a trace: id, after=N for those numbered above N',
      needs: NEEDS,
      paramLists: [[id], [id, after]],
      run: (params, call) =>
        guarded(() => traces.get(own(params['id'] as number, call), (params['after'] as number | undefined) ?? 0)),
    },
    {
      name: 'trace_list',
      aliases: ['switchyard:trace_list'],
      module: 'switchyard',
      help: 'lists all traces',
      needs: NEEDS,
      paramLists: [[]],
      run: (_params, { caller }) =>
        traces.list((partition) =>
          partition === undefined ? caller.partitions === undefined : sees(caller, partition),
        ),
    },
    {
      name: 'trace_stop',
      aliases: ['switchyard:trace_stop'],
      module: 'switchyard',
      help: 'ends a trace and deletes its messages: id',
      needs: NEEDS,
      changes: true,
      paramLists: [[id]],
      run: (params, call) =>
        guarded(() => {
          traces.stop(own(params['id'] as number, call));
          return 'OK';
        }),
    },
  ];
}

function traceParams(params: MiParams): TraceParams {
  const text = (name: string) => params[name] as string | undefined;
  const number = (name: string, max: number): number | undefined => {
    const value = params[name] as number | undefined;
    if (value !== undefined && (value < 1 || value > max)) {
      throw new MiError(400, 'Bad parameter value', `${name} must be from 1 to ${max}`);
    }
    return value;
  };
  return {
    callId: text('call_id'),
    from: text('from'),
    to: text('to'),
    source: text('source'),
    partition: text('partition'),
    oneIn: number('one_in', 1_000_000_000),
    seconds: number('seconds', MAXIMA.seconds),
    calls: number('calls', MAXIMA.calls),
    messages: number('messages', MAXIMA.messages),
    bodies: text('bodies') !== '0',
  };
}
