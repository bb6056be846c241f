import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { OriginalTarget } from './original-target.js';
import type { Outcome } from './outcome.js';
import { formatOf, runRecording } from './recordings.js';
import { SwitchyardTarget } from './switchyard-target.js';
import type { Target } from './target.js';

const USAGE = `usage: npm run conformance -- [--against opensips|kamailio] [--lanes N] [--only ID,ID] [--area AREA] [--quiet] FILE...
       npm run conformance -- --record --against kamailio FILE
`;

/** Replays recordings and prints the differences by area. The exit status is 0 when there are none. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      against: { type: 'string' },
      lanes: { type: 'string', default: '8' },
      only: { type: 'string' },
      area: { type: 'string' },
      quiet: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
    },
  });
  if (positionals.length === 0) {
    process.stderr.write(USAGE);
    return 2;
  }
  const { against } = values;
  let target: Target;
  if (against === undefined) target = new SwitchyardTarget();
  else if (against === 'opensips' || against === 'kamailio') target = new OriginalTarget(against);
  else {
    process.stderr.write(USAGE);
    return 2;
  }
  const outcomes: Outcome[] = [];
  const unsteady: string[] = [];
  for (const file of positionals) {
    const recording = readRecordingFile(file);
    if (typeof recording === 'string') {
      process.stderr.write(`${file}: ${recording}\n`);
      return 2;
    }
    if (against !== undefined && formatOf(recording) !== 'scripts') {
      process.stderr.write(`${file}: only recordings of scripts are replayed against an original\n`);
      return 2;
    }
    const only = values.only === undefined ? undefined : new Set(values.only.split(','));
    const cases =
      (recording as { cases?: { id: string; area: string; expect?: object; unsteady?: boolean }[] }).cases ?? [];
    const recorded = new Map(cases.map((each) => [each.id, each]));
    const wanted = (id: string, area: string): boolean =>
      (only === undefined || only.has(id)) && (values.area === undefined || area === values.area);
    outcomes.push(
      ...(await runRecording(recording, {
        target,
        lanes: Math.max(1, Number(values.lanes)),
        wanted,
        ...(values.record
          ? {
              record: (id: string, expect: object, unsteady: readonly string[]) => {
                const found = recorded.get(id);
                if (found === undefined) return;
                found.expect = expect;
                delete found.unsteady;
                if (unsteady.length === 0) return;
                found.unsteady = true;
                process.stdout.write(`${id} is not steady: ${unsteady[0]}\n`);
              },
            }
          : {}),
      })),
    );
    for (const each of cases) if (each.unsteady === true && wanted(each.id, each.area)) unsteady.push(each.id);
    if (values.record) writeFileSync(file, `${JSON.stringify(recording)}\n`);
  }
  if (unsteady.length > 0) process.stdout.write(`${unsteady.length} unsteady, not compared: ${unsteady.join(' ')}\n`);
  return report(outcomes, values.quiet);
}

/** A recording of a known format, or why the file is not one. */
function readRecordingFile(file: string): object | string {
  try {
    const recording: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return formatOf(recording) === undefined ? 'not a recording of a known format' : (recording as object);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function report(outcomes: readonly Outcome[], quiet: boolean): number {
  const areas = new Map<string, { all: number; good: number }>();
  for (const { id, area, misses } of outcomes) {
    const sum = areas.get(area) ?? { all: 0, good: 0 };
    areas.set(area, sum);
    sum.all++;
    if (misses.length === 0) sum.good++;
    else if (!quiet) process.stdout.write(`${area} ${id}\n${misses.map((each) => `    ${each}\n`).join('')}`);
  }
  for (const [area, { all, good }] of areas) process.stdout.write(`${area}: ${good} of ${all}\n`);
  const good = outcomes.filter(({ misses }) => misses.length === 0).length;
  process.stdout.write(`${good} of ${outcomes.length} agree\n`);
  return good === outcomes.length ? 0 : 1;
}

process.exitCode = await main();
