import { messageOf } from '../../../core/errors.js';
import { maskSecrets, maskUri } from '../../../core/mask.js';
import type { LoadReport } from '../../../engine/partition.js';
import type { MiCommand, MiResult, MiValue } from '../command.js';
import { MiError } from '../command.js';
import type { MiDependencies } from '../dependencies.js';
import { isDryRun, isYes } from '../parameters.js';
import { renderTree } from '../tree.js';
import { partitionsFor, requirePartition } from './partition-lookup.js';

/** Maximum number of entries of one list in a report; further ones are only counted. */
const REPORT_LIMIT = 1000;

/** ds_reload, dispatcher:reload: partition (default all), inherit_state (y, n); our own: dry_run, report. */
export function dsReloadCommand(deps: MiDependencies): MiCommand {
  const partition = { name: 'partition', type: 'string' } as const;
  const inherit = { name: 'inherit_state', type: 'flag' } as const;
  const run: MiCommand['run'] = async (params, call): Promise<MiResult> => {
    const { partition } = params;
    const named = partition === undefined ? undefined : requirePartition(deps, call, partition as string, 500);
    const names = (named === undefined ? partitionsFor(deps, call) : [named]).map(({ name }) => name);
    const dryRun = isDryRun(params);
    const report = isYes(params['report']);
    const here = !isYes(params['cluster'], true);
    // With a report, waits for the other nodes.
    const apart = here || (report && deps.cluster !== undefined);
    let reports: ReadonlyMap<string, LoadReport>;
    try {
      const inheritState = isYes(params['inherit_state'], true);
      reports = await deps.dispatcher.reload(names, { inheritState, dryRun, ...(apart ? { spread: false } : {}) });
    } catch (error) {
      throw new MiError(500, `ERROR Reload failed: ${maskSecrets(messageOf(error))}`);
    }
    for (const [name, report] of reports) call.changed(`${name}: ${summary(report)}`);
    const cluster = dryRun || here || !report ? undefined : deps.cluster?.();
    const nodes = await cluster?.reloaded([...reports.keys()], true);
    if (!dryRun && !report) return 'OK';
    return nodes === undefined ? reportJson(reports, dryRun) : { ...reportJson(reports, dryRun), NODES: nodes };
  };
  return {
    name: 'ds_reload',
    aliases: ['dispatcher:reload'],
    module: 'dispatcher',
    help: 'loads the destinations of one partition or all again; inherit_state=n takes the states from the table, dry_run=1 only reports',
    helpNotExported: true,
    needs: { role: 'operator' },
    changes: (params) => !isDryRun(params),
    paramLists: [[], [partition], [inherit], [partition, inherit]],
    extraParams: [
      { name: 'dry_run', type: 'flag' },
      { name: 'report', type: 'flag' },
      ...(deps.cluster === undefined ? [] : [{ name: 'cluster', type: 'flag' } as const]),
    ],
    run,
    text: async (params, call) => renderTree((await run(params, call)) as MiValue),
  };
}

function summary({ loaded, added, removed, changed, discarded }: LoadReport): string {
  return `${loaded} loaded, ${added.length} added, ${removed.length} removed, ${changed.length} changed, ${discarded.length} discarded`;
}

function reportJson(reports: ReadonlyMap<string, LoadReport>, dryRun: boolean): { readonly [key: string]: MiValue } {
  const partitions = [...reports].map(([name, report]) => ({
    name,
    loaded: report.loaded,
    added: listJson(report.added.map(maskUri)),
    removed: listJson(report.removed.map(maskUri)),
    changed: listJson(report.changed.map(maskUri)),
    discarded: listJson(
      report.discarded.map((each) => ({ row: maskSecrets(each.row), reason: maskSecrets(each.reason) })),
    ),
  }));
  return { dry_run: dryRun, PARTITIONS: partitions };
}

function listJson(entries: readonly MiValue[]): MiValue {
  return entries.length <= REPORT_LIMIT
    ? { count: entries.length, list: entries }
    : { count: entries.length, list: entries.slice(0, REPORT_LIMIT), truncated: true };
}
