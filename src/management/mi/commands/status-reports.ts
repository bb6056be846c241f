import type { ManagementCall } from '../../../access/call.js';
import { sees } from '../../../access/rights.js';
import type { MiCommand, MiParams, MiValue } from '../command.js';
import { MiError } from '../command.js';
import type { MiDependencies, StatusIdentifier } from '../dependencies.js';
import { calendarTime } from './core.js';

type Group = ReturnType<MiDependencies['reports']['groups']>[number];

/**
 * The commands sr_get_status, sr_list_status, sr_list_reports and sr_list_identifiers, as documented. The dispatcher's
 * identifiers are the partitions, and "NAME;events" for reports about a partition's destinations.
 */
export function statusReportCommands(deps: MiDependencies): readonly MiCommand[] {
  const group = { name: 'group', type: 'string' } as const;
  const identifier = { name: 'identifier', type: 'string' } as const;
  const groups = (params: MiParams, { caller }: ManagementCall): readonly Group[] => {
    const all = deps.reports.groups().map(({ name, identifiers }) => ({
      name,
      identifiers: identifiers.filter(({ partition }) => partition === undefined || sees(caller, partition)),
    }));
    if (params['group'] === undefined) return all;
    const one = all.filter((each) => each.name === params['group']);
    if (one.length === 0) throw new MiError(404, 'Group not found');
    return one;
  };
  /** All groups with their identifiers; for one group only the array of its identifiers. */
  const answer = (params: MiParams, call: ManagementCall, render: (each: StatusIdentifier) => MiValue): MiValue => {
    const found = groups(params, call);
    if (params['group'] !== undefined) return (found[0] as Group).identifiers.map(render);
    return found.map(({ name, identifiers }) => ({ Name: name, Identifiers: identifiers.map(render) }));
  };
  return [
    {
      name: 'sr_get_status',
      aliases: ['status_report:get'],
      module: 'status_report',
      help: 'shows the status of a group: group, identifier (default "main"; "all" for the worst of the group)',
      needs: { role: 'viewer' },
      paramLists: [[group], [group, identifier]],
      run(params, call) {
        const [found] = groups(params, call) as [Group];
        const name = (params['identifier'] as string | undefined) ?? 'main';
        if (name === 'all') return statusJson(aggregate(found));
        return statusJson(requireIdentifier(found, name));
      },
    },
    {
      name: 'sr_list_status',
      aliases: ['status_report:status'],
      module: 'status_report',
      help: 'lists the status of all groups, or of one',
      needs: { role: 'viewer' },
      paramLists: [[], [group]],
      run: (params, call) => answer(params, call, (each) => ({ Name: each.name, ...statusJson(each) })),
    },
    {
      name: 'sr_list_reports',
      aliases: ['status_report:reports'],
      module: 'status_report',
      help: 'lists the reports of all groups, one group or one identifier',
      needs: { role: 'viewer' },
      paramLists: [[], [group], [group, identifier]],
      run(params, call) {
        if (params['identifier'] !== undefined) {
          const [found] = groups(params, call) as [Group];
          return reportsJson(requireIdentifier(found, params['identifier'] as string));
        }
        return answer(params, call, (each) => ({ Name: each.name, Reports: reportsJson(each) }));
      },
    },
    {
      name: 'sr_list_identifiers',
      aliases: ['status_report:identifiers'],
      module: 'status_report',
      help: 'lists the identifiers that have a status or reports',
      needs: { role: 'viewer' },
      paramLists: [[], [group]],
      run(params, call) {
        const named = groups(params, call).map(({ name, identifiers }) => ({
          Group: name,
          Identifiers: identifiers.map((one) => one.name),
        }));
        return params['group'] === undefined ? named : (named[0] as MiValue);
      },
    },
  ];
}

function requireIdentifier(group: Group, name: string): StatusIdentifier {
  const found = group.identifiers.find((each) => each.name === name);
  if (found === undefined) throw new MiError(404, 'Identity not found');
  return found;
}

function aggregate(group: Group): Pick<StatusIdentifier, 'status' | 'details'> {
  const ready = group.identifiers.every((each) => each.status > 0);
  return { status: ready ? 1 : -1, details: 'aggregated' };
}

function statusJson(identifier: Pick<StatusIdentifier, 'status' | 'details'>): { readonly [name: string]: MiValue } {
  const { status, details } = identifier;
  const shown = { Readiness: status > 0, Status: status };
  return details === undefined ? shown : { ...shown, Details: details };
}

function reportsJson({ reports }: StatusIdentifier): readonly MiValue[] {
  return reports.map(({ time, text }) => ({
    Timestamp: Math.floor(time / 1000),
    Date: calendarTime(time),
    Log: text,
  }));
}
