import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { KamailioCase, KamailioScripts } from '../runner/kamailio-case.js';
import { FAMILIES } from './families/all.js';
import { MEDIA_PROXY } from './families/media.js';
import { familyCase } from './family-case.js';
import { mutate, poolOf } from './mutate.js';
import { RandomSource } from './source.js';

const USAGE = `usage: node --import tsx test/conformance/random/main.ts --seed N --count N [--area AREA] [--families] [--prefix ID] FROM TO
`;

/** Maximum number of cases in one file. */
const MAX_CASES = 2000;

/**
 * Writes a file of cases made from those of a recording of Kamailio; `npm run conformance -- --record --against
 * kamailio TO` then records the results of the original.
 */
function main(): number {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: '200' },
      area: { type: 'string' },
      families: { type: 'boolean', default: false },
      prefix: { type: 'string', default: 'RND' },
    },
  });
  const [from, to] = positionals;
  if (from === undefined || to === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  const recording = JSON.parse(readFileSync(from, 'utf8')) as KamailioScripts;
  const usable = recording.cases.filter(
    (each) =>
      each.cfg === undefined &&
      each.expect.crashed !== true &&
      each.expect.refused !== true &&
      each.randomised !== true &&
      each.nondeterministic !== true &&
      each.stateful !== true &&
      // Whether the original starts with an advertised name depends on the DNS of the machine.
      !/advertise "?[a-z]/.test(each.head_extra ?? ''),
  );
  const pool = poolOf(usable);
  const areas = values.area?.split(',');
  const bases = usable.filter((each) => areas === undefined || areas.includes(each.area));
  const random = new RandomSource(Number(values.seed));
  const cases: KamailioCase[] = [];
  for (let n = 1; n <= Math.min(MAX_CASES, Number(values.count)); n++) {
    const id = `${values.prefix}${String(n).padStart(4, '0')}`;
    if (values.families) {
      const wanted = FAMILIES.filter(({ area }) => areas === undefined || areas.includes(area));
      cases.push(familyCase(wanted[(n - 1) % wanted.length] as (typeof FAMILIES)[number], id, random));
    } else cases.push(mutate(random.pick(bases), id, pool, random));
  }
  writeFileSync(
    to,
    JSON.stringify({
      notes: [`made with seed ${values.seed}`],
      setup: cases.some(({ media }) => media !== undefined)
        ? { ...recording.setup, media: MEDIA_PROXY }
        : recording.setup,
      cases,
      errors: [],
    }),
  );
  return 0;
}

process.exitCode = main();
