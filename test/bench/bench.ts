/**
 * `npm run bench -- [--quick] [--only selection|parser|path|memory|reload|profile|extras|workers|capacity|scripts]`:
 * prints the speed figures, side by side with Kamailio when it is installed and with the floor under anything written
 * for Node. Never fails on a time: machines are shared, so ratios within one run are what counts. It does fail when
 * calls are lost.
 */
import { haveSipp } from '../support/sipp.js';
import { canReserve, measureCapacity } from './capacity.js';
import { EXTRAS, ratiosToFirst } from './extras.js';
import { measureMemory } from './memory.js';
import { runParserBench, type Speed } from './parser.js';
import { measurePath } from './path.js';
import { profilePath } from './profile.js';
import { kamailioModules, type StartProxy, startFloor, startKamailio } from './proxies.js';
import { measureReload } from './reload.js';
import { formatSpeeds, PathTable } from './report.js';
import { ratioOfScript, SCRIPT_AND_RULES, statementCosts } from './scripts.js';
import { buildSwitchyard, startSwitchyard, startSwitchyardPlain } from './switchyard.js';
import { measureWorkers } from './workers.js';

const PARTS = [
  'selection',
  'parser',
  'path',
  'memory',
  'reload',
  'profile',
  'extras',
  'workers',
  'capacity',
  'scripts',
] as const;
type Part = (typeof PARTS)[number];
/** Parts that run when none is named. */
const USUAL: readonly Part[] = ['selection', 'parser', 'path', 'memory', 'reload'];

const say = (line = '') => process.stdout.write(`${line}\n`);

function readArguments(argv: readonly string[]): { quick: boolean; parts: readonly Part[] } {
  let quick = false;
  const parts: Part[] = [];
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i];
    if (argument === '--quick') {
      quick = true;
    } else if (argument === '--only') {
      const part = PARTS.find((name) => name === argv[i + 1]);
      if (part === undefined) throw new Error(`--only takes one of ${PARTS.join(', ')}`);
      parts.push(part);
      i++;
    } else {
      throw new Error(`unknown argument ${argument}: usage: bench [--quick] [--only ${PARTS.join('|')}]`);
    }
  }
  return { quick, parts: parts.length > 0 ? parts : USUAL };
}

async function selection(): Promise<void> {
  const file = './selection.js';
  const { runSelectionBench } = (await import(file)) as { runSelectionBench: () => readonly Speed[] };
  say('Selection, one core');
  for (const line of formatSpeeds(runSelectionBench())) say(line);
}

function parser(quick: boolean): void {
  say('Parser, one core, from the bytes of a datagram');
  for (const line of formatSpeeds(runParserBench(quick ? 150 : 500))) say(line);
}

async function path(quick: boolean): Promise<number> {
  const starts: StartProxy[] = [startSwitchyard, startSwitchyardPlain];
  if (kamailioModules() !== undefined) starts.push(startKamailio);
  else say('(kamailio is not installed: no comparison with it)');
  starts.push(startFloor);
  const table = new PathTable();
  say('A call (INVITE 180 200 ACK BYE 200) through the proxy: CPU microseconds of all its processes per call');
  for (const line of table.head()) say(line);
  const plan = quick ? { rates: [2000], seconds: 3, rounds: 2 } : { rates: [200, 1000, 2000], seconds: 5, rounds: 3 };
  const { runs, cold } = await measurePath(starts, plan, (run) => {
    say(table.line(run));
    if (run.failed > 0) for (const error of run.errors.slice(0, 4)) say(`           ${error.slice(0, 160)}`);
  });
  say();
  for (const line of table.cold(cold, runs)) say(line);
  for (const line of table.ratios(runs)) say(line);
  return runs.reduce((lost, run) => lost + (run.proxy === 'switchyard' ? run.failed : 0), 0);
}

/**
 * CPU cost per call of call records, a trace, users and ten console readers, against a daemon with default settings.
 */
async function extras(quick: boolean): Promise<number> {
  say('CPU microseconds of the daemon per call: as usual, without records, then one thing more each');
  const table = new PathTable();
  for (const line of table.head()) say(line);
  const plan = { rates: [quick ? 500 : 2000], seconds: quick ? 6 : 5, rounds: 7 };
  const { runs } = await measurePath(EXTRAS, plan, (run) => say(table.line(run)));
  say();
  for (const line of ratiosToFirst(runs)) say(line);
  return runs.reduce((lost, run) => lost + run.failed, 0);
}

async function memory(quick: boolean): Promise<number> {
  const figures = await measureMemory(quick ? 2000 : 5000);
  const kib = (bytes: number) => `${(bytes / 1024).toFixed(2)} KiB`;
  say(`Memory with ${figures.inFlight} calls ringing at once (goal: under 3 KiB per transaction, a call has two)`);
  say(`  live per call      ${kib(figures.liveBytesEach)}`);
  say(`  resident per call  ${kib(figures.residentBytesEach)}   (garbage not yet collected included)`);
  say(`  left when over     ${kib(figures.leftBytesEach)}`);
  if (figures.failed > 0) say(`  FAILED CALLS: ${figures.failed}`);
  return figures.failed;
}

async function reload(quick: boolean): Promise<number> {
  const figures = await measureReload(quick ? 20_000 : 100_000);
  const times = figures.reloadMs.map((ms) => `${ms.toFixed(0)} ms`).join(', ');
  say(`Reload of ${figures.destinations} destinations while 500 calls a second go on`);
  say(`  ds_reload                 ${times}   (goal for 100000: under 1500 ms)`);
  say(`  longest event loop pause  ${figures.longestPauseMs.toFixed(1)} ms   (goal: 20 ms)`);
  say(`  memory per destination    ${figures.bytesPerDestination.toFixed(0)} bytes beyond its URI   (goal: under 400)`);
  say(`  calls                     ${figures.callsOk} ok, ${figures.callsLost} lost`);
  return figures.callsLost;
}

async function profile(quick: boolean): Promise<number> {
  say('Where the time goes at 2000 calls a second: functions by the time spent in themselves');
  for (const { where, share } of (await profilePath(quick ? 3 : 8)).slice(0, 40)) {
    say(`  ${(share * 100).toFixed(1).padStart(5)} %  ${where}`);
  }
  return 0;
}

/** CPU cost per call with several workers, and the calls per second they can carry. */
async function workers(quick: boolean): Promise<number> {
  say('Several workers, calls of a generator of our own: CPU microseconds of all processes per call, failed calls');
  const plan = {
    kinds: [
      { workers: 1, spread: 'as_needed' },
      { workers: 2, spread: 'as_needed' },
      { workers: 2, spread: 'even' },
    ] as const,
    rates: [1000, 2000],
    seconds: quick ? 3 : 5,
    rounds: quick ? 2 : 3,
    ramp: Array.from({ length: 16 }, (_, i) => 2500 + 500 * i),
  };
  await measureWorkers(plan, ({ workers, spread, runs, carried }) => {
    const kind = workers === 1 ? 'process' : `workers, ${spread.replace('_', ' ')}`;
    const each = runs.map(({ rate, microsEach, placed, completed, repeated, shares }) => {
      const by = shares.length === 0 ? '' : `, shares ${shares.map((share) => share.toFixed(2)).join(' ')}`;
      return `${rate}/s ${microsEach.toFixed(0).padStart(4)} (${placed - completed} failed, ${repeated} repeated${by})`;
    });
    say(`  ${workers} ${kind.padEnd(18)} ${each.join('  ')}  without a failed call: ${carried}/s`);
  });
  return 0;
}

/** Calls per second that workers carry when each has a fixed part of a processor. */
async function capacity(quick: boolean): Promise<number> {
  const share = 0.2;
  say(
    `Calls a second without a request that comes again, each process with ${share * 100} % of a processor of its own`,
  );
  if (!canReserve()) {
    say('  (the kernel reserves nothing for us: it takes root, and chrt of util-linux)');
    return 0;
  }
  const carried = new Map<number, number[]>();
  const plan = { workers: [1, 2], rounds: quick ? 1 : 2, share, first: 1000, step: 1.35, seconds: 2 };
  await measureCapacity(plan, ({ workers, carried: rate, microsByProcess, generatorUse }) => {
    carried.set(workers, [...(carried.get(workers) ?? []), rate]);
    const micros = microsByProcess.map((each) => each.toFixed(0)).join(' + ');
    const name = workers === 1 ? 'process ' : 'workers ';
    say(
      `  ${workers} ${name} ${String(rate).padStart(5)}/s  CPU microseconds per call and process: ${micros}; the generator used ${(generatorUse * 100).toFixed(0)} % of its own`,
    );
  });
  const max = (workers: number): number => Math.max(...(carried.get(workers) ?? [0]));
  say(`  two workers carry ${(max(2) / max(1)).toFixed(2)} times as many (goal: 1.6 with cores to spare)`);
  return 0;
}

/** CPU cost per call of a cfg script against rules that do the same, and CPU cost per message of 200 statements. */
async function scripts(quick: boolean): Promise<number> {
  say('The same job as rules and as a cfg script: CPU microseconds of the daemon per call');
  const table = new PathTable();
  for (const line of table.head()) say(line);
  const plan = { rates: [quick ? 1000 : 2000], seconds: quick ? 3 : 5, rounds: quick ? 5 : 7 };
  const { runs } = await measurePath(SCRIPT_AND_RULES, plan, (run) => say(table.line(run)));
  say();
  say(ratioOfScript(runs));
  for (const line of await statementCosts(quick ? 5 : 15)) say(line);
  return runs.reduce((lost, run) => lost + run.failed, 0);
}

/** Runs one part. A failure is reported; the other parts still run. */
async function attempt(part: Part, quick: boolean): Promise<number> {
  try {
    if (part === 'selection') await selection();
    else if (part === 'parser') parser(quick);
    else if (!(await haveSipp())) say(`(${part}: SIPp is not installed)`);
    else {
      buildSwitchyard();
      return await { path, memory, reload, profile, extras, workers, capacity, scripts }[part](quick);
    }
    return 0;
  } catch (error) {
    say(`${part}: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    say();
  }
}

async function main(): Promise<number> {
  let chosen: { quick: boolean; parts: readonly Part[] };
  try {
    chosen = readArguments(process.argv.slice(2));
  } catch (error) {
    console.error((error as Error).message);
    return 2;
  }
  let trouble = 0;
  for (const part of chosen.parts) trouble += await attempt(part, chosen.quick);
  return trouble > 0 ? 1 : 0;
}

process.exitCode = await main();
