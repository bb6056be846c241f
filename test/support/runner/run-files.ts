import { readdirSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
  /** Failed in parallel with other tests, passed alone. */
  flaky: number;
}

/** For a file that hangs; the longest file needs a fraction of it. */
const FILE_LIMIT_MS = 300_000;

/** All *.test.ts files below test/, sorted, whose path contains one of the filters (all without filters). */
export function testFiles(filters: readonly string[]): string[] {
  return readdirSync(resolve('test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => resolve('test', name))
    .filter((path) => {
      const name = relative(process.cwd(), path);
      return filters.length === 0 || filters.some((filter) => name.includes(filter));
    })
    .sort();
}

/** With more failed files than these none is repeated: so many failures are not accidental. */
const MAX_FILES_AGAIN = 3;

/** A test that failed. */
interface Failure {
  readonly file: string;
  readonly name: string;
}

/**
 * Runs the files, two at a time, each in its own process; prints their results and adds to the totals. With CI=true
 * failed files are repeated once, alone: a test that passes then is printed as flaky and not counted as failed, so that
 * it does not block the run.
 */
export async function runFiles(files: readonly string[], signal: AbortSignal, totals: Totals): Promise<void> {
  const first = await runOnce(files, 2, signal, totals);
  const again = [...new Set(first.map(({ file }) => file))].filter((file) => files.includes(file));
  const whole = first.every(({ file }) => again.includes(file));
  if (process.env['CI'] !== 'true' || again.length === 0 || again.length > MAX_FILES_AGAIN || !whole) {
    for (const { file, name } of first) console.error(`FAILED: ${shown(file)}: ${name}`);
    return;
  }
  console.log(`run again, alone: ${again.map(shown).join(' ')}`);
  const second = await runOnce(again, 1, signal, { passed: 0, failed: 0, skipped: 0 });
  for (const failure of first) {
    const { file, name } = failure;
    if (second.some((other) => other.file === file)) {
      console.error(`FAILED: ${shown(file)}: ${name}`);
      continue;
    }
    console.error(`FLAKY: ${shown(file)}: ${name}: failed beside others, passed alone`);
    totals.failed--;
    totals.flaky++;
  }
}

const shown = (file: string) => relative(process.cwd(), file);

/** Runs the files once and adds to the totals. Returns the failures. */
async function runOnce(
  files: readonly string[],
  concurrency: number,
  signal: AbortSignal,
  totals: Omit<Totals, 'flaky'>,
): Promise<Failure[]> {
  // The test processes inherit this process's "--import tsx".
  const stream = run({ files: [...files], concurrency, timeout: FILE_LIMIT_MS, signal });
  const failures: Failure[] = [];
  stream.on('test:pass', (data) => {
    if (isContainer(data, files)) return;
    if (data.skip !== undefined || data.todo !== undefined) totals.skipped++;
    else totals.passed++;
  });
  stream.on('test:fail', (data) => {
    if (data.todo !== undefined) totals.skipped++;
    else if (!isContainer(data, files) || !failedInside(data.details.error)) {
      totals.failed++;
      failures.push({ file: data.file ?? '', name: data.name });
    }
  });
  await new Promise<void>((done, fail) => {
    stream.compose(new spec()).on('end', done).on('error', fail).pipe(process.stdout, { end: false });
  });
  return failures;
}

/** A describe block or a whole file: its tests are counted instead. */
function isContainer(data: { name: string; details: object }, files: readonly string[]): boolean {
  const type = (data.details as { type?: string }).type;
  return type === 'suite' || files.some((file) => file === data.name || file.endsWith(`/${data.name}`));
}

/** A container that failed only because of a test inside it has been counted already. */
function failedInside(error: unknown): boolean {
  return (error as { failureType?: string } | undefined)?.failureType === 'subtestsFailed';
}
