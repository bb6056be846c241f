import type { AuditRecord } from '../../../access/audit.js';
import { sees } from '../../../access/rights.js';
import type { MiCommand, MiValue, ParamSpec } from '../command.js';
import type { MiDependencies } from '../dependencies.js';
import { requirePartition } from './partition-lookup.js';

const FILTERS: readonly ParamSpec[] = [
  { name: 'partition', type: 'string' },
  { name: 'user', type: 'string' },
  { name: 'command', type: 'string' },
  { name: 'result', type: 'string' },
  { name: 'after', type: 'int' },
  { name: 'limit', type: 'int' },
];

/** Default number of records in an answer. */
const DEFAULT_LIMIT = 100;

/** audit_list (our own): who changed what, and what was refused, since the start; oldest first. */
export function auditCommand(deps: MiDependencies): MiCommand {
  return {
    name: 'audit_list',
    aliases: ['core:audit_list'],
    module: 'core',
    help: 'lists who changed what and what was refused, by partition, user, command, result (ok, refused, failed); after=SEQ limit=N',
    needs: { role: 'admin' },
    paramLists: [[]],
    extraParams: FILTERS,
    run(params, call) {
      const { partition, user, command, result, after = 0 } = params;
      const named = partition === undefined ? undefined : requirePartition(deps, call, partition as string, 500).name;
      const { caller } = call;
      const isWanted = (record: AuditRecord): boolean =>
        record.seq > (after as number) &&
        (caller.partitions === undefined || (record.partition !== undefined && sees(caller, record.partition))) &&
        (named === undefined || record.partition === named) &&
        (user === undefined || record.user === user) &&
        (command === undefined || record.command === command) &&
        (result === undefined || record.result === result);
      const limit = Math.max(1, (params['limit'] as number | undefined) ?? DEFAULT_LIMIT);
      return { Records: deps.audit.recent().filter(isWanted).slice(-limit).map(shown) };
    },
  };
}

function shown({ user, partition, error, changes, ...record }: AuditRecord): MiValue {
  return { ...record, user: user ?? null, partition: partition ?? null, error: error ?? null, changes };
}
