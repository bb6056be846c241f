import { readdirSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { run } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { CompiledTests } from './compile.js';
import { byFile, whole, writeProgram } from './groups.js';
import { IDLE_MS, IdleMeter } from './idle.js';
import { resultsOf } from './results.js';

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
  /** Failed in parallel with other tests, passed alone. */
  flaky: number;
}

/** For a process that hangs; the longest needs a third of it on two quiet processors. */
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

/** A process that ends later after its tests than this is mentioned. */
const LATE_SECONDS = 3;

/** A test that failed. */
interface Failure {
  /** Path of its source. */
  readonly file: string;
  readonly name: string;
}

/**
 * How many files run side by side. More, up to the maximum, while the processors have nothing to do: many tests only
 * wait.
 */
const [SIDE_BY_SIDE, MAX_SIDE_BY_SIDE] = sideBySide(process.env['SWITCHYARD_TEST_FILES']);

function sideBySide(wanted: string | undefined): readonly [usual: number, max: number] {
  const files = Number(wanted);
  return files >= 1 ? [files, files] : [3, 5];
}

/**
 * Runs the groups of files, several at a time, each in its own process; prints their results and adds to the totals.
 * `beside` counts as a group until it is settled. With CI=true failed files are repeated once, alone: a test that
 * passes then is printed as flaky and not counted as failed, so that it does not block the run.
 */
export async function runFiles(
  tests: CompiledTests,
  groups: readonly (readonly string[])[],
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
  for (const group of groups) {
    while (running.size >= MAX_SIDE_BY_SIDE || (running.size >= SIDE_BY_SIDE && !idle.isIdle())) {
      await Promise.race([...running, delay(IDLE_MS / 4)]);
    }
    if (signal.aborted) break;
    track(runGroup(group, tests, signal, totals).then((failures) => first.push(...failures)));
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
  for (const file of again)
    second.push(...(await runGroup([file], tests, signal, { passed: 0, failed: 0, skipped: 0 })));
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

/**
 * Runs compiled files in one process; what follows a file that ended the process runs in a further one. Returns the
 * failures.
 */
async function runGroup(
  group: readonly string[],
  tests: CompiledTests,
  signal: AbortSignal,
  totals: Omit<Totals, 'flaky'>,
): Promise<Failure[]> {
  const failures: Failure[] = [];
  for (let rest = group; rest.length > 0 && !signal.aborted; ) {
    const alone = rest.length === 1;
    const program = alone ? (rest[0] as string) : writeProgram(rest, tests.folder);
    const stream = run({ files: [program], concurrency: 1, timeout: FILE_LIMIT_MS, signal });
    let ran = 0;
    for await (const part of alone ? whole(program, stream) : byFile(program, stream, rest)) {
      const file = tests.source(part.file);
      const { passed, skipped, failed, output } = await resultsOf(part);
      totals.passed += passed;
      totals.skipped += skipped;
      totals.failed += failed.length;
      failures.push(...failed.map((name) => ({ file, name })));
      const { seconds, after = 0 } = part;
      // Something is left open: a pool, a socket, a timer.
      const late = after > LATE_SECONDS ? `, its process ended ${after.toFixed(1)} s after the tests` : '';
      process.stdout.write(`${shown(file)} (${seconds.toFixed(1)} s${late})\n${output}`);
      ran++;
    }
    rest = rest.slice(Math.max(1, ran));
  }
  return failures;
}
