import { readdirSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { run } from 'node:test';
import { spec, type TestEvent } from 'node:test/reporters';
import type { CompiledTests } from './compile.js';

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
  /** Failed in parallel with other tests, passed alone. */
  flaky: number;
}

/** For a file that hangs; the longest file needs a fraction of it. */
const FILE_LIMIT_MS = 300_000;

/** Kinds of tests, those with the longest files first, so that no processor waits for a long one at the end. */
const KINDS = ['conformance', 'torture', 'integration', 'contract', 'unit'];

/** All *.test.ts files below test/ whose path contains one of the filters (all without filters). */
export function testFiles(filters: readonly string[]): string[] {
  const files = readdirSync(resolve('test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => resolve('test', name))
    .filter((path) => {
      const name = relative(process.cwd(), path);
      return filters.length === 0 || filters.some((filter) => name.includes(filter));
    })
    .sort();
  const rank = (file: string): number => KINDS.indexOf(relative(resolve('test'), file).split('/')[0] ?? '');
  return files.sort((a, b) => rank(a) - rank(b));
}

/** With more failed files than these none is repeated: so many failures are not accidental. */
const MAX_FILES_AGAIN = 3;

/** A test that failed. */
interface Failure {
  /** Path of its source. */
  readonly file: string;
  readonly name: string;
}

/** How many files run side by side. */
const SIDE_BY_SIDE = Number(process.env['SWITCHYARD_TEST_FILES'] ?? 2);

/**
 * Runs the files, several at a time, each in its own process; prints their results and adds to the totals. `beside`
 * occupies a processor until it is settled. With CI=true failed files are repeated once, alone: a test that passes then
 * is printed as flaky and not counted as failed, so that it does not block the run.
 */
export async function runFiles(
  tests: CompiledTests,
  signal: AbortSignal,
  totals: Totals,
  beside: Promise<unknown>,
): Promise<void> {
  // Only the runner itself needs the loader.
  process.execArgv.splice(0, process.execArgv.length, '--enable-source-maps');
  const waiting = [...tests.files];
  const first: Failure[] = [];
  const work = async (after?: Promise<unknown>): Promise<void> => {
    await after;
    for (let file = waiting.shift(); file !== undefined && !signal.aborted; file = waiting.shift()) {
      first.push(...(await runOnce(file, tests, signal, totals)));
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, (_, i) => work(i === 0 ? beside : undefined)));
  const again = tests.files.filter((file) => first.some((failure) => failure.file === tests.source(file)));
  if (process.env['CI'] !== 'true' || again.length === 0 || again.length > MAX_FILES_AGAIN || signal.aborted) {
    for (const { file, name } of first) console.error(`FAILED: ${shown(file)}: ${name}`);
    return;
  }
  console.log(`run again, alone: ${again.map((file) => shown(tests.source(file))).join(' ')}`);
  const second: Failure[] = [];
  for (const file of again) second.push(...(await runOnce(file, tests, signal, { passed: 0, failed: 0, skipped: 0 })));
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

/** Runs a compiled file, prints its results when it has ended, and adds to the totals. Returns the failures. */
async function runOnce(
  compiled: string,
  tests: CompiledTests,
  signal: AbortSignal,
  totals: Omit<Totals, 'flaky'>,
): Promise<Failure[]> {
  const file = tests.source(compiled);
  const failures: Failure[] = [];
  const started = performance.now();
  const stream = run({ files: [compiled], concurrency: 1, timeout: FILE_LIMIT_MS, signal });
  stream.on('test:pass', (data) => {
    if (isContainer(data, compiled)) return;
    if (data.skip !== undefined || data.todo !== undefined) totals.skipped++;
    else totals.passed++;
  });
  stream.on('test:fail', (data) => {
    if (data.todo !== undefined) totals.skipped++;
    else if (!isContainer(data, compiled) || !failedInside(data.details.error)) {
      totals.failed++;
      failures.push({ file, name: data.name });
    }
  });
  let output = '';
  for await (const text of stream.compose(withoutSums).pipe(new spec())) output += text;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${shown(file)} (${seconds} s)\n${output}`);
  return failures;
}

/** Events without the sums over the file. */
async function* withoutSums(events: AsyncIterable<TestEvent>): AsyncGenerator<TestEvent> {
  for await (const event of events) {
    if (event.type !== 'test:diagnostic' || event.data.file !== undefined) yield event;
  }
}

/** A describe block or a whole file: its tests are counted instead. */
function isContainer(data: { name: string; details: object }, file: string): boolean {
  const type = (data.details as { type?: string }).type;
  return type === 'suite' || file === data.name || file.endsWith(`/${data.name}`);
}

/** A container that failed only because of a test inside it has been counted already. */
function failedInside(error: unknown): boolean {
  return (error as { failureType?: string } | undefined)?.failureType === 'subtestsFailed';
}
