import { relative } from 'node:path';
import type { Position } from '../../cfg/ast.js';
import { callLoadMissingEnd } from '../../cfg-file/call-load.js';
import { type Inventory, inventory, type Standing, type UsedThing } from '../../cfg-file/inventory.js';
import { type LoadCfgOptions, type LoadedCfg, readCfg } from '../../cfg-file/load.js';
import { faultsForWorkers } from '../../daemon/worker-hooks.js';
import type { CommandIo } from '../line/io.js';
import { colored } from '../line/style.js';

/** Options of "check" with --cfg. */
export interface CheckCfgOptions extends Pick<LoadCfgOptions, 'dialect' | 'preprocess' | 'runtimeFolder'> {
  readonly cfg: string;
  /** The "name=value" of -A, by name. */
  readonly defines?: ReadonlyMap<string, string> | undefined;
  readonly all?: boolean | undefined;
  readonly strict?: boolean | undefined;
  readonly json?: boolean | undefined;
}

const COLORS: Readonly<Record<Standing, 'red' | 'yellow' | 'green'>> = {
  wrong: 'red',
  unknown: 'red',
  'stands in': 'yellow',
  'no effect': 'yellow',
  noted: 'yellow',
  supported: 'green',
};

/** switchyard check --cfg. Returns the exit status: 0 when the file can run completely. */
export function checkCfg(options: CheckCfgOptions, io: CommandIo): number {
  const { cfg, dialect, preprocess, defines, runtimeFolder } = options;
  const reading = readCfg(cfg, {
    unknownFunctions: 'log',
    ...(dialect === undefined ? {} : { dialect }),
    ...(preprocess === undefined ? {} : { preprocess }),
    ...(runtimeFolder === undefined ? {} : { runtimeFolder }),
    ...(defines === undefined ? {} : { defines }),
  });
  const found = inventory(reading);
  const withoutEffect = found.things.some(({ standing }) => standing === 'no effect');
  const failed = found.verdict !== 'runs whole' || (options.strict === true && withoutEffect);
  if (options.json === true) {
    const { file, loaded } = reading;
    const report = {
      file,
      dialect: reading.dialect?.title,
      ...found,
      ...(loaded === undefined ? {} : factsOf(loaded)),
    };
    io.out(`${JSON.stringify(report, undefined, 2)}\n`);
    return failed ? 1 : 0;
  }
  const paint = colored(io.terminal);
  for (const thing of found.things) {
    if (thing.standing === 'supported' && options.all !== true) continue;
    io.out(`${positionOf(thing)}: ${paint(COLORS[thing.standing], thing.standing)}: ${textOf(thing)}\n`);
  }
  if (reading.loaded !== undefined) {
    const { loaded } = reading;
    const { workers, callLoad } = factsOf(loaded);
    io.out(`${workersText(workers)}\n`);
    if (callLoad !== undefined) io.out(`${paint('yellow', `call load: ${callLoad.message}`)}\n`);
  }
  const title = reading.dialect === undefined ? '' : `${reading.dialect.title}; `;
  io.out(`${title}${countsOf(found)}\n`);
  io.out(`verdict: ${paint(failed ? 'red' : 'green', verdictText(found))}\n`);
  return failed ? 1 : 0;
}

function positionOf({ at }: UsedThing): string {
  const path = relative(process.cwd(), at.file);
  return `${path === '' || path.startsWith('..') ? at.file : path}:${at.line}:${at.column}`;
}

function textOf({ kind, name, count, message }: UsedThing): string {
  if (message !== '') return message;
  return `${kind} ${name}${count > 1 ? `, ${count} times` : ''}`;
}

function countsOf({ things }: Inventory): string {
  const count = (standing: Standing) => things.filter((each) => each.standing === standing).length;
  const standIns = count('stands in');
  const noted = count('noted');
  return `${count('supported') + noted} supported${noted === 0 ? '' : ` (${noted} noted)`}, ${standIns === 0 ? '' : `${standIns} standing in, `}${count('no effect')} without effect, ${count('unknown')} unknown, ${count('wrong')} wrong`;
}

/** A remark about the whole file, and the position it refers to. */
interface Remark {
  readonly at: Position;
  readonly message: string;
}

/** What check reports about a file as a whole, besides its single statements. */
interface CfgFacts {
  /** Whether several processes can run it ("workers" in switchyard.json), and what prevents that. */
  readonly workers: { readonly runs: boolean; readonly faults: readonly Remark[] };
  /** A fault that exists in Kamailio too, and that operators would notice only when destinations are full. */
  readonly callLoad?: Remark;
}

function factsOf(cfg: LoadedCfg): CfgFacts {
  const faults = faultsForWorkers(cfg).map(({ at, message }) => ({ at, message }));
  const at = callLoadMissingEnd(cfg);
  const workers = { runs: faults.length === 0, faults };
  if (at === undefined) return { workers };
  const message = `algorithm 10 (line ${at.line}) without ds_load_update() or ds_load_unset(): each call counts until ds_hash_expire, so that destinations reach maxload`;
  return { workers, callLoad: { at, message } };
}

function workersText({ runs, faults }: CfgFacts['workers']): string {
  if (runs) return 'several workers: supported, over UDP';
  return `several workers: not supported: ${named(faults.map(({ at, message }) => `${message} (line ${at.line})`))}`;
}

/** Maximum number of missing features that are named. */
const MAX_NAMED = 10;

function verdictText({ things, verdict }: Inventory): string {
  const of = (standing: Standing) => things.filter((each) => each.standing === standing);
  switch (verdict) {
    case 'runs whole':
      return 'runs whole';
    case 'runs without': {
      const unknown = of('unknown');
      const lines = [...unknown, ...of('stands in')].map(({ at, message }) => `${message} (line ${at.line})`);
      const where = unknown.length === 0 ? '' : ', where "unknown_functions" is "log"';
      return `runs without${where}: ${named(lines)}`;
    }
    case 'cannot run':
      return `cannot run because: ${named(of('wrong').map(({ at, message }) => `line ${at.line}: ${message}`))}`;
  }
}

function named(lines: readonly string[]): string {
  const shown = lines.slice(0, MAX_NAMED).join('; ');
  return lines.length > MAX_NAMED ? `${shown}; and ${lines.length - MAX_NAMED} more` : shown;
}
