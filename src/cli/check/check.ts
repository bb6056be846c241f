import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { positionOf } from '../../config/json-source.js';
import { formatProblems, type Problem } from '../../config/problem.js';
import { plural } from '../../core/plural.js';
import type { CommandIo } from '../line/io.js';
import { colored } from '../line/style.js';
import { inspect, type Summary } from './inspect.js';

/** Options of "check". */
export interface CheckOptions {
  readonly config?: string | undefined;
  readonly strict?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** switchyard check. Returns the exit status: 1 for a problem, with `strict` also for a warning. */
export async function check(options: CheckOptions, io: CommandIo): Promise<number> {
  const { problems, warnings, summary } = await inspect(options.config);
  const failed = problems.length > 0 || (options.strict === true && warnings.length > 0);
  if (options.json === true) {
    const shown = { ok: !failed, problems: problems.map(located), warnings: warnings.map(located), summary };
    io.out(`${JSON.stringify(shown, undefined, 2)}\n`);
    return failed ? 1 : 0;
  }
  const paint = colored(io.terminal);
  for (const problem of problems) io.err(`${paint('red', 'error')}: ${lineOf(problem)}\n`);
  for (const warning of warnings) io.err(`${paint('yellow', 'warning')}: ${lineOf(warning)}\n`);
  const counts = [plural(problems.length, 'error'), plural(warnings.length, 'warning')].join(', ');
  const verdict = failed ? paint('red', 'failed') : paint('green', 'ok');
  (failed ? io.err : io.out)(`${verdict}: ${summary === undefined ? '' : `${summaryText(summary)}; `}${counts}\n`);
  return failed ? 1 : 0;
}

function summaryText({ partitions, sets, destinations, rules }: Summary): string {
  return [
    plural(partitions, 'partition'),
    plural(sets, 'set'),
    plural(destinations, 'destination'),
    plural(rules, 'rule'),
  ].join(', ');
}

function lineOf(problem: Problem): string {
  const { line } = located(problem);
  return `${formatProblems([shown(problem)])}${line === undefined ? '' : ` (line ${line})`}`;
}

function shown(problem: Problem): Problem {
  // A database table is named by the URL of its database.
  if (problem.file.includes('://')) return problem;
  const path = relative(process.cwd(), problem.file);
  return { ...problem, file: path === '' || path.startsWith('..') ? problem.file : path };
}

/** A finding with the line and column of its value, if it is in a file. */
function located(problem: Problem): Problem & { readonly column?: number } {
  if (problem.pointer === '' || problem.line !== undefined) return shown(problem);
  try {
    return { ...shown(problem), ...positionOf(readFileSync(problem.file, 'utf8'), problem.pointer) };
  } catch {
    // Built-in settings have no file.
    return shown(problem);
  }
}
