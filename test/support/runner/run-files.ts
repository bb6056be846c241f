import { readdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { relative, resolve } from 'node:path';
import { run } from 'node:test';
import { spec, type TestEvent } from 'node:test/reporters';
import { setTimeout as delay } from 'node:timers/promises';
import type { CompiledTests } from './compile.js';

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
  /** Failed in parallel with other tests, passed alone. */
  flaky: number;
}

/** For a file that hangs; the longest needs a third of it on two quiet processors. */
const FILE_LIMIT_MS = 600_000;

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

/** How many files run side by side. More, up to the maximum, while the processors have nothing to do: many tests only wait. */
const [SIDE_BY_SIDE, MAX_SIDE_BY_SIDE] = sideBySide(process.env['SWITCHYARD_TEST_FILES']);

function sideBySide(wanted: string | undefined): readonly [usual: number, max: number] {
  const files = Number(wanted);
  return files >= 1 ? [files, files] : [2, 4];
}

/** Share of the processors' time that must be idle for one more file, and the milliseconds over which it is measured. */
const IDLE_SHARE = 0.45;
const IDLE_MS = 2000;

/**
 * Runs the files, several at a time, each in its own process; prints their results and adds to the totals. `beside`
 * counts as a file until it is settled. With CI=true failed files are repeated once, alone: a test that passes then
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
  const first: Failure[] = [];
  const running = new Set<Promise<unknown>>();
  const track = (work: Promise<unknown>): void => {
    const tracked = work.finally(() => running.delete(tracked));
    running.add(tracked);
  };
  track(beside);
  let idle = new IdleMeter();
  for (const file of tests.files) {
    while (running.size >= MAX_SIDE_BY_SIDE || (running.size >= SIDE_BY_SIDE && !idle.isIdle())) {
      await Promise.race([...running, delay(IDLE_MS / 4)]);
    }
    if (signal.aborted) break;
    track(runOnce(file, tests, signal, totals).then((failures) => first.push(...failures)));
    idle = new IdleMeter();
  }
  await Promise.all(running);
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

/** Whether the processors are idle, measured anew in each period. */
class IdleMeter {
  private since = performance.now();
  private before = processorTimes();

  isIdle(): boolean {
    if (performance.now() - this.since < IDLE_MS) return false;
    const now = processorTimes();
    const share = (now.idle - this.before.idle) / Math.max(1, now.all - this.before.all);
    this.since = performance.now();
    this.before = now;
    return share >= IDLE_SHARE;
  }
}

function processorTimes(): { idle: number; all: number } {
  const sum = { idle: 0, all: 0 };
  for (const { times } of cpus()) {
    sum.idle += times.idle;
    for (const part of Object.values(times)) sum.all += part;
  }
  return sum;
}

/** Runs a compiled file, prints its results when it has ended, and adds to the totals. Returns the failures. */
async function runOnce(
  compiled: string,
  tests: CompiledTests,
  signal: AbortSignal,
  totals: Omit<Totals, 'flaky'>,
): Promise<Failure[]> {
  const file = tests.source(compiled);
  const failures: Failure[] = [];
  const failed = (name: string): void => {
    totals.failed++;
    failures.push({ file, name });
  };
  const started = performance.now();
  const stream = run({ files: [compiled], concurrency: 1, timeout: FILE_LIMIT_MS, signal });
  let tested = 0;
  /** Tests and describe blocks of the file that have not ended. */
  let open = 0;
  const ended = (data: { name: string; nesting: number }): void => {
    if (data.nesting === 0 && !isFile(data.name, compiled)) open--;
  };
  stream.on('test:enqueue', (data) => {
    if (data.nesting === 0 && !isFile(data.name, compiled)) open++;
  });
  stream.on('test:pass', (data) => {
    ended(data);
    const isSkipped = data.skip !== undefined || data.todo !== undefined;
    if (!isSkipped && isContainer(data, compiled)) return;
    tested++;
    if (isSkipped) totals.skipped++;
    else totals.passed++;
  });
  stream.on('test:fail', (data) => {
    ended(data);
    tested++;
    if (data.todo !== undefined) totals.skipped++;
    else if (!isContainer(data, compiled)) failed(data.name);
    else if (!failedInside(data.details.error)) failed(isFile(data.name, compiled) ? 'the file' : data.name);
  });
  let output = '';
  for await (const text of stream.compose(withoutSums).pipe(new spec())) output += text;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${shown(file)} (${seconds} s)\n${output}`);
  if (tested === 0) failed('no test ran');
  else if (open > 0 && failures.length === 0) failed(`ended before ${open} of its tests`);
  return failures;
}

/** A sum over the file, such as "pass 3": each file would print eight of them. */
const SUM = /^(?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [0-9.]+$/;

/** Events without the sums over the file. */
async function* withoutSums(events: AsyncIterable<TestEvent>): AsyncGenerator<TestEvent> {
  for await (const event of events) {
    if (event.type !== 'test:diagnostic' || !SUM.test(event.data.message)) yield event;
  }
}

/** Whether a result is that of the whole file. */
function isFile(name: string, file: string): boolean {
  return file === name || file.endsWith(`/${name}`);
}

/** A describe block or a whole file: its tests are counted instead. */
function isContainer(data: { name: string; details: object }, file: string): boolean {
  return (data.details as { type?: string }).type === 'suite' || isFile(data.name, file);
}

/** A container that failed only because of a test inside it has been counted already. */
function failedInside(error: unknown): boolean {
  return (error as { failureType?: string } | undefined)?.failureType === 'subtestsFailed';
}
