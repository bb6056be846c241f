import { access, constants } from 'node:fs/promises';
import { relative } from 'node:path';
import { checkConfiguration } from '../../config/check.js';
import { formatProblems } from '../../config/problem.js';
import { messageOf, SwitchyardError } from '../../core/errors.js';
import { nullLogger } from '../../core/logger.js';
import { compositionFaults } from '../../daemon/composition.js';
import { Daemon } from '../../daemon/daemon.js';
import { checkPartition } from '../database/tables.js';
import type { CommandIo } from '../line/io.js';

/** switchyard check. Returns the exit status. */
export async function check(
  options: { readonly config?: string | undefined; readonly json?: boolean | undefined },
  io: CommandIo,
): Promise<number> {
  const report = await checkConfiguration(
    options.config,
    { inspect: compositionFaults },
    {
      database: checkPartition,
      readable: (path) =>
        access(path, constants.R_OK).then(
          () => true,
          () => false,
        ),
    },
  );
  const problems = [...report.problems];
  if (report.settings !== undefined) {
    // The script, and whatever else only shows when everything is put together.
    try {
      const log = Object.assign(Object.create(nullLogger), { level: 'silent' });
      const daemon = new Daemon({ settings: report.settings, log });
      if (!problems.some((problem) => problem.pointer === '/route_script')) await daemon.loadScript();
    } catch (error) {
      const pointer = error instanceof SwitchyardError && error.code === 'SCRIPT_INVALID' ? '/route_script' : '';
      const path = relative(process.cwd(), report.settings.file);
      const file = path === '' || path.startsWith('..') ? report.settings.file : path;
      problems.push({ file, pointer, reason: messageOf(error) });
    }
  }
  if (options.json === true) io.out(`${JSON.stringify({ problems, warnings: report.warnings }, undefined, 2)}\n`);
  else {
    if (report.warnings.length > 0) io.err(`${formatProblems(report.warnings)}\n`);
    if (problems.length > 0) io.err(`${formatProblems(problems)}\n`);
    else
      io.out(
        `ok: ${counted(report.settings?.partitions.length ?? 0, 'partition')}, ${counted(report.settings?.routing.length ?? 0, 'rule')}\n`,
      );
  }
  return problems.length === 0 ? 0 : 1;
}

/** "1 partition", "2 partitions" */
function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}
