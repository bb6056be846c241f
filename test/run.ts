/**
 * `npm test`: checks, servers, tests, one line of totals. Arguments filter the test files by part of their path
 * ("npm test -- unit/config"). Exit status 1 when anything failed or no test ran.
 */
import { checks, updateBuild } from './support/runner/checks.js';
import { type CompiledTests, compileTests } from './support/runner/compile.js';
import { groupsOf } from './support/runner/groups.js';
import { busyMeter } from './support/runner/idle.js';
import { leftBehind } from './support/runner/leftovers.js';
import { prepareServers } from './support/runner/prepare.js';
import { runFiles, type Totals, testFiles } from './support/runner/run-files.js';

/** Far above the duration of a run: it ends only one that hangs. */
const HARD_LIMIT_MS = 80 * 60_000;

async function main(filters: readonly string[]): Promise<number> {
  const interrupt = new AbortController();
  const limit = setTimeout(
    () => interrupt.abort(new Error(`not done within ${HARD_LIMIT_MS / 1000} s`)),
    HARD_LIMIT_MS,
  );
  const onSignal = (signal: NodeJS.Signals) => interrupt.abort(new Error(`got ${signal}`));
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);

  const totals: Totals = { passed: 0, failed: 0, skipped: 0, flaky: 0 };
  const files = testFiles(filters);
  if (files.length === 0) {
    console.error(`no test file matches ${filters.join(' ')}`);
    totals.failed++;
  }
  if (!(await updateBuild(interrupt.signal))) totals.failed++;
  const tests = await compileTests(files);
  const servers = await prepareServers(interrupt.signal);
  totals.failed += servers.problems.length;
  const started = performance.now();
  const busy = busyMeter();
  try {
    if (!interrupt.signal.aborted) await runAll(tests, filters, interrupt.signal, totals);
    const seconds = Math.round((performance.now() - started) / 1000);
    console.log(`tests took ${seconds} s; processors were busy for ${Math.round(busy() * 100)} % of it`);
  } finally {
    await servers.stop();
    tests.remove();
    clearTimeout(limit);
  }
  for (const line of servers.problems) console.error(line);
  for (const line of await leftBehind()) {
    console.error(line);
    totals.failed++;
  }
  if (interrupt.signal.aborted) {
    console.error(`stopped: ${(interrupt.signal.reason as Error).message}`);
    totals.failed++;
  }
  if (totals.passed === 0) totals.failed = Math.max(totals.failed, 1);
  const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : '';
  const flaky = totals.flaky > 0 ? `, ${totals.flaky} flaky` : '';
  console.log(`${totals.passed} passed, ${totals.failed} failed${flaky}${skipped}`);
  return totals.failed === 0 ? 0 : 1;
}

/** Runs the tests, and beside them the checks over the whole source unless files are selected. */
async function runAll(
  tests: CompiledTests,
  filters: readonly string[],
  signal: AbortSignal,
  totals: Totals,
): Promise<void> {
  const checking = filters.length === 0 ? checks(signal) : Promise.resolve(0);
  await runFiles(tests, groupsOf(tests), signal, totals, checking);
  const failed = await checking;
  totals.failed += failed;
}

// Tests that need a warmed-up daemon set this themselves: hundreds of daemons are started.
process.env['SWITCHYARD_WARM_UP_CALLS'] ??= '0';
process.exit(await main(process.argv.slice(2)));
