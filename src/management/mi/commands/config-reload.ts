import { ConfigError, formatProblems } from '../../../config/problem.js';
import { messageOf } from '../../../core/errors.js';
import type { MiCommand } from '../command.js';
import { MiError } from '../command.js';
import type { MiDependencies } from '../dependencies.js';
import { isDryRun, isYes } from '../parameters.js';

/**
 * config_reload: reads the settings again and applies all of them, or none if there are problems, which are then in
 * `data`, one per line. The answer lists the differences and what only a restart applies. With dry_run nothing is
 * applied; with status nothing is read, and the answer shows the progress of a running reload.
 */
export function configReloadCommand(deps: MiDependencies): MiCommand {
  return {
    name: 'config_reload',
    aliases: ['core:config_reload'],
    module: 'core',
    help: 'reads the settings again and applies them, or says why they are refused; with dry_run=1 only what would change; with status=1 the progress of a running reload',
    needs: { role: 'admin', wholeProcess: true },
    changes: (params) => !isDryRun(params) && !isYes(params['status']),
    paramLists: [[]],
    extraParams: [
      { name: 'dry_run', type: 'flag' },
      { name: 'status', type: 'flag' },
    ],
    async run(params, call) {
      const dryRun = isDryRun(params);
      if (deps.settings === undefined)
        throw new MiError(500, 'settings cannot be reloaded', 'they came from a program');
      if (isYes(params['status'])) {
        const progress = deps.settings.progress();
        return { running: progress !== undefined, ...progress };
      }
      try {
        const { changes, needRestart, warnings } = await deps.settings.reload(dryRun);
        if (!dryRun) call.changed(`settings: ${changes.length} values changed`);
        return { dry_run: dryRun, changes: changes.map((each) => ({ ...each })), need_restart: needRestart, warnings };
      } catch (error) {
        const data = error instanceof ConfigError ? formatProblems(error.problems) : messageOf(error);
        throw new MiError(400, 'settings refused', data);
      }
    },
  };
}
