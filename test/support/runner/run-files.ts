import { readdirSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

/** For a file that hangs; the longest takes a fraction of it. */
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

/** Runs the files, two at a time, each in a process of its own; prints what they report and adds to the totals. */
export async function runFiles(files: readonly string[], signal: AbortSignal, totals: Totals): Promise<void> {
  // The test processes inherit this process' "--import tsx".
  const stream = run({ files: [...files], concurrency: 2, timeout: FILE_LIMIT_MS, signal });
  const failures: string[] = [];
  stream.on('test:pass', (data) => {
    if (isContainer(data, files)) return;
    if (data.skip !== undefined || data.todo !== undefined) totals.skipped++;
    else totals.passed++;
  });
  stream.on('test:fail', (data) => {
    if (data.todo !== undefined) totals.skipped++;
    else if (!isContainer(data, files) || !failedInside(data.details.error)) {
      totals.failed++;
      failures.push(`FAILED: ${relative(process.cwd(), data.file ?? '')}: ${data.name}`);
    }
  });
  await new Promise<void>((done, fail) => {
    stream.compose(new spec()).on('end', done).on('error', fail).pipe(process.stdout, { end: false });
  });
  for (const line of failures) console.error(line);
}

/** A describe block or a whole file: what stands in it is counted, not itself. */
function isContainer(data: { name: string; details: object }, files: readonly string[]): boolean {
  const type = (data.details as { type?: string }).type;
  return type === 'suite' || files.some((file) => file === data.name || file.endsWith(`/${data.name}`));
}

/** A container that failed only because something inside it failed has been counted already. */
function failedInside(error: unknown): boolean {
  return (error as { failureType?: string } | undefined)?.failureType === 'subtestsFailed';
}
