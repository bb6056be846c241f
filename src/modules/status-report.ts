import { trimmed } from '../core/characters.js';
import type { ModuleParameters } from '../script/environment.js';
import { raiseEvent } from '../script/raised-events.js';
import { code, intOf, moduleFunctions, OPENSIPS, optional, param, type ScriptFunction, textOf } from './define.js';

interface Group {
  status: number;
}

/** Groups of status_report that the script defines, with their status: above 0 is good. */
const statusGroups = {
  module: 'status_report',
  create: (parameters: ModuleParameters): ReadonlyMap<string, Group> =>
    new Map(parameters.all('script_sr_group').map((each) => [trimmed(String(each)), { status: 1 }])),
  renew(before: ReadonlyMap<string, Group>, parameters: ModuleParameters): ReadonlyMap<string, Group> {
    return new Map([...this.create(parameters)].map(([name, group]) => [name, before.get(name) ?? group]));
  },
  copy: (groups: ReadonlyMap<string, Group>): ReadonlyMap<string, Group> =>
    new Map([...groups].map(([name, group]) => [name, { ...group }])),
};

/** Functions of status_report, and the core's test of a status. */
export const statusReportFunctions: ScriptFunction[] = [
  ...moduleFunctions('core', [
    {
      name: 'sr_check_status',
      dialects: OPENSIPS,
      parameters: [param('group', 'string'), optional('identifier', 'string')],
      summary: 'whether the status of a group of status_report is above 0; true for other components',
      compile:
        ([group]) =>
        (run) =>
          code((run.env.modules.of(statusGroups).get(textOf(group, run))?.status ?? 1) > 0),
    },
  ]),
  ...moduleFunctions('status_report', [
    {
      name: 'sr_set_status',
      dialects: OPENSIPS,
      parameters: [param('group', 'string'), param('status', 'int'), optional('details', 'string')],
      summary: 'sets the status of a group; 0 becomes 1. A change raises E_CORE_SR_STATUS_CHANGED',
      compile:
        ([group, status, details]) =>
        (run) => {
          const name = textOf(group, run);
          const found = run.env.modules.of(statusGroups).get(name);
          if (found === undefined) return run.refused('sr_set_status', `there is no group "${name.slice(0, 64)}"`);
          const before = found.status;
          found.status = intOf(status, run, 1) || 1;
          if (found.status === before) return 1;
          const params = new Map<string, string | number>([
            ['group', name],
            ['identifier', 'main'],
            ['status', found.status],
            ...(details === undefined ? [] : [['details', details.string(run)] as const]),
            ['old_status', before],
          ]);
          raiseEvent(run.env, 'E_CORE_SR_STATUS_CHANGED', params);
          return 1;
        },
    },
    {
      name: 'sr_add_report',
      dialects: OPENSIPS,
      parameters: [param('group', 'string'), param('report', 'string')],
      summary: 'writes a report about a group to the log',
      compile:
        ([group, report]) =>
        (run) => {
          const name = textOf(group, run);
          if (!run.env.modules.of(statusGroups).has(name))
            return run.refused('sr_add_report', `there is no group "${name.slice(0, 64)}"`);
          run.env.peerLog.info({ group: name, report: textOf(report, run).slice(0, 1024) }, 'script: report');
          return 1;
        },
    },
  ]),
];
