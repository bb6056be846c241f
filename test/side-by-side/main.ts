/**
 * Runs operators' files in Kamailio and in switchyard and compares everything that callers and gateways receive: `npm
 * run side-by-side -- [WORD...]`. A word is a part of a file's name or, after "call=", of a call's. Prints the
 * differences and, in its last line, how many calls agree; exits with 0 when all do, with 2 without Kamailio.
 */
import { inspect, isDeepStrictEqual } from 'node:util';
import { findProgram } from '../support/servers/programs.js';
import { PATIENCE } from '../support/side-by-side.js';
import { type Compared, throughBoth } from '../support/two-proxies.js';
import { OPERATOR_FILES } from './all.js';
import { asSideBySide } from './operator-file.js';

const words = process.argv.slice(2);
const isCall = (word: string) => word.startsWith('call=');
const fileWords = words.filter((word) => !isCall(word));
const callWords = words.filter(isCall).map((word) => word.slice(5));

/** Lines of both texts that the other does not contain. */
function difference(ours: object, theirs: object): string[] {
  const lines = (value: object) =>
    inspect(value, { depth: 9, breakLength: 1, maxStringLength: null }).replaceAll('\\n', '\n').split('\n');
  const [a, b] = [lines(ours), lines(theirs)];
  return [
    ...b.filter((line) => !a.includes(line)).map((line) => `  - ${line.trim()}`),
    ...a.filter((line) => !b.includes(line)).map((line) => `  + ${line.trim()}`),
  ];
}

async function main(): Promise<number> {
  const program = findProgram('kamailio');
  if (program === undefined) {
    console.error('kamailio is not installed: nothing was compared');
    return 2;
  }
  let [agree, all] = [0, 0];
  const report = ({ name, ours, theirs, errors }: Compared): void => {
    all++;
    const reasons = errors.map((each) => String((each as Error).cause));
    // The file may end a call in another way than the call expects: then the same reply is missing from both.
    const alike = reasons.length === 0 || (reasons.length === 2 && reasons[0] === reasons[1]);
    if (isDeepStrictEqual(ours, theirs) && alike) {
      agree++;
      if (reasons.length > 0) console.log(` ${name}: the same through both, ${reasons[0]}`);
      return;
    }
    console.log([` ${name}: ${reasons.join('; ')}`, ...difference(ours, theirs)].join('\n'));
  };
  for (const operator of OPERATOR_FILES) {
    if (fileWords.length > 0 && !fileWords.some((word) => operator.file.includes(word))) continue;
    console.log(operator.file);
    const calls = Object.entries(operator.calls).filter(
      ([name]) => callWords.length === 0 || callWords.some((word) => name.includes(word)),
    );
    const options = { ...asSideBySide(operator), calls: Object.fromEntries(calls) };
    const before = agree - all;
    const compared = all;
    try {
      await throughBoth(program, options, report, (theirs, ours) => {
        if (agree - all === before && all > compared) return;
        const faults = theirs.split('\n').filter((line) => /ERROR|CRITICAL|WARNING/.test(line));
        console.log(
          [' log of Kamailio:', ...faults.slice(0, 20), ' log of switchyard:', ...ours.slice(0, 20)].join('\n  '),
        );
      });
    } catch (error) {
      all += calls.length;
      console.log(` ${operator.file} was not compared: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  console.log(`${agree} of ${all} agree`);
  return agree === all ? 0 : 1;
}

PATIENCE.ms = 4000;
process.exitCode = await main();
