import { trimmed } from '../core/characters.js';
import { splitAt } from '../core/find-text.js';
import { integerOf, type PvarValue } from '../pvar/context.js';
import { compileFormat } from '../pvar/format.js';
import { KAMAILIO_NAMES } from '../pvar/names.js';
import { paramList } from '../pvar/transformations/kamailio-params.js';
import type { XavpStore } from '../pvar/xavp-store.js';
import type { MessageRun } from '../script/call.js';
import {
  type Arg,
  code,
  type FunctionSpec,
  KAMAILIO,
  moduleFunctions,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';

type StoreOf = (run: MessageRun) => XavpStore;

const xavps: StoreOf = ({ pvars }) => pvars.xavps;
const xavus: StoreOf = ({ pvars }) => pvars.xavus;
const xavis: StoreOf = ({ pvars }) => pvars.xavis;

import { staticBranchFunctions } from './static-branch.js';

/** Maximum number of parameters read from one text, and of entries in one list. */
const MAX_PARTS = 256;

function explode(store: XavpStore, text: string, name: string, separator = ';', unique = false): number {
  const pairs = paramList(text, separator, true);
  if (pairs === undefined || name === '') return -1;
  if (unique) store.remove(name);
  const record = store.push(name);
  if (unique) record.exploded = true;
  for (const [field, value] of pairs.slice(0, MAX_PARTS)) store.append(record, field, value);
  return 1;
}

/** "name=value;" for each value, the newest first; undefined: no record, or one that is a plain value. */
function implode(store: XavpStore, name: string): string | undefined {
  const record = store.record(name, 0);
  if (record === undefined || record.value !== null) return undefined;
  let out = '';
  for (const [field, value] of store.pairs(record)) {
    out += value === '' ? `${field};` : `${field}=${value};`;
  }
  return out;
}

function childFunctions(kind: 'xavp' | 'xavi', store: StoreOf): FunctionSpec[] {
  const key = (text: string) => (kind === 'xavi' ? text.toLowerCase() : text);
  const put =
    (numeric: boolean): FunctionSpec['compile'] =>
    ([name, field, value]) =>
    (run) => {
      const all = store(run);
      const title = key(textOf(name, run));
      const child = key(textOf(field, run));
      const text = textOf(value, run);
      const number = numeric ? (text === '' ? 0 : integerOf(text)) : undefined;
      if (title === '' || child === '' || (numeric && number === undefined)) return -1;
      all.set(all.record(title, 0) ?? all.push(title), child, number ?? text);
      return 1;
    };
  const three = [param('name', 'string'), param('field', 'string'), param('value', 'string')];
  return [
    {
      name: `${kind}_child_seti`,
      dialects: KAMAILIO,
      parameters: three,
      summary: 'sets a field of a record to a number',
      compile: put(true),
    },
    {
      name: `${kind}_child_sets`,
      dialects: KAMAILIO,
      parameters: three,
      summary: 'sets a field of a record to a text',
      compile: put(false),
    },
    {
      name: `${kind}_child_rm`,
      dialects: KAMAILIO,
      parameters: [param('name', 'string'), param('field', 'string')],
      summary: 'removes a field of a record',
      compile:
        ([name, field]) =>
        (run) => {
          const all = store(run);
          const record = all.record(key(textOf(name, run)), 0);
          if (record !== undefined) all.set(record, key(textOf(field, run)), null);
          return 1;
        },
    },
    {
      name: `${kind}_rm`,
      dialects: KAMAILIO,
      parameters: [param('name', 'string')],
      summary: 'removes the newest record with a name',
      compile:
        ([name]) =>
        (run) => {
          store(run).remove(key(textOf(name, run)), 0);
          return 1;
        },
    },
  ];
}

function paramsFunctions(kind: 'xavp' | 'xavu', store: StoreOf): FunctionSpec[] {
  return [
    {
      name: `${kind}_params_explode`,
      dialects: KAMAILIO,
      parameters: [param('parameters', 'string'), param('name', 'string')],
      summary: 'makes a record from "name=value;name=value"',
      compile:
        ([text, name]) =>
        (run) =>
          explode(store(run), textOf(text, run), textOf(name, run), ';', kind === 'xavu'),
    },
    ...(kind === 'xavu'
      ? []
      : [
          {
            name: 'xavp_xparams_explode',
            dialects: KAMAILIO,
            since: '6.0',
            parameters: [param('parameters', 'string'), param('separator', 'string'), param('name', 'string')],
            summary: 'makes a record from "name=value" pairs with another separator',
            compile:
              ([text, separator, name]) =>
              (run) =>
                explode(store(run), textOf(text, run), textOf(name, run), textOf(separator, run).slice(0, 1)),
          } satisfies FunctionSpec,
        ]),
    {
      name: `${kind}_params_implode`,
      dialects: KAMAILIO,
      parameters: [param('name', 'string'), param('variable', 'writable', { lenient: true })],
      summary: 'writes the fields of a record as "name=value;"',
      compile:
        ([name, target]) =>
        (run) => {
          // As recorded, a variable that cannot be written is reported when the function is called.
          if (target?.variable === undefined) return -1;
          const title = textOf(name, run);
          // As recorded, a record that xavu_params_explode() has made is not found.
          const text = store(run).record(title, 0)?.exploded === true ? undefined : implode(store(run), title);
          if (text === undefined) return -1;
          target.variable.assign(run.pvars, text);
          return 1;
        },
    },
  ];
}

/** The copy is the oldest record of its name; with a position it replaces the record there, when there is one. */
function copy(
  run: MessageRun,
  from: string,
  index: number | undefined,
  to: string,
  position: number | undefined,
): number {
  const store = run.pvars.xavps;
  const source = index === undefined ? undefined : store.record(from, index);
  if (source === undefined || index === undefined || index < 0 || to === '') return -1;
  const pairs = [...store.pairs(source)];
  const record = position === undefined ? store.pushOldest(to) : store.replaceRecord(to, position);
  if (record === undefined) return -1;
  for (const [field, value] of pairs) store.append(record, field, value);
  record.value = source.value;
  return 1;
}

function toRecord(run: MessageRun, variable: string, name: string): number {
  const store = run.pvars.xavps;
  const { vars } = run.pvars;
  const chosen = variable === '*' ? Array.from(vars.entries(), ([each]) => each) : vars.has(variable) ? [variable] : [];
  // As recorded, earlier records of the name are removed, whether or not there is such a variable.
  store.remove(name);
  if (chosen.length === 0) return -1;
  const record = store.push(name);
  for (const each of chosen) {
    const value = vars.get(each);
    if (value !== null && value !== undefined) store.append(record, each, value);
  }
  return 1;
}

function fromRecord(run: MessageRun, name: string): number {
  const store = run.pvars.xavps;
  const record = store.record(name, 0);
  if (record === undefined || record.value !== null) return -1;
  for (const [field, value] of store.pairs(record)) run.pvars.vars.set(field, value);
  return 1;
}

function typeMatches(value: PvarValue, type: string): boolean {
  switch (type) {
    case 'int':
      return typeof value === 'number';
    case 'str':
      return typeof value === 'string';
    case 'null':
      return value === null;
    default:
      return false;
  }
}

function valueTest(name: string, summary: string, holds: (value: PvarValue) => boolean): FunctionSpec {
  return {
    name,
    dialects: KAMAILIO,
    parameters: [param('variable', 'variable')],
    summary,
    compile:
      ([variable]) =>
      (run) =>
        code(holds((variable as Arg).value(run))),
  };
}

/** Functions of Kamailio's pv module. */
export const pvFunctions: ScriptFunction[] = moduleFunctions('pv', [
  ...staticBranchFunctions,
  ...paramsFunctions('xavp', xavps),
  ...paramsFunctions('xavu', xavus),
  ...childFunctions('xavp', xavps),
  ...childFunctions('xavi', xavis),
  {
    name: 'xavp_copy',
    dialects: KAMAILIO,
    parameters: [
      param('name', 'string'),
      param('index', 'string'),
      param('copy', 'string'),
      optional('position', 'string'),
    ],
    summary: 'copies a record',
    compile:
      ([name, index, target, position]) =>
      (run) =>
        copy(
          run,
          textOf(name, run),
          integerOf(textOf(index, run)),
          (target as Arg).value(run) === null ? '' : textOf(target, run),
          position === undefined ? undefined : (integerOf(textOf(position, run)) ?? 0),
        ),
  },
  {
    name: 'xavp_slist_explode',
    dialects: KAMAILIO,
    parameters: [
      param('text', 'string'),
      param('separator', 'string'),
      param('mode', 'string'),
      param('name', 'string'),
    ],
    summary: 'makes a record from a list; its entries become values of the field "v"',
    compile:
      ([text, separator, mode, name]) =>
      (run) => {
        const whole = textOf(text, run);
        const mark = textOf(separator, run);
        if (whole === '' || mark === '') return -1;
        const store = run.pvars.xavps;
        const record = store.push(textOf(name, run));
        const trims = textOf(mode, run).includes('t');
        for (const each of splitAt(whole, mark).slice(0, MAX_PARTS))
          store.append(record, 'v', trims ? trimmed(each) : each);
        return 1;
      },
  },
  {
    name: 'pv_var_to_xavp',
    dialects: KAMAILIO,
    parameters: [param('variable', 'string'), param('record', 'string')],
    summary: 'copies a $var, or all with "*", into a record',
    compile:
      ([variable, record]) =>
      (run) =>
        toRecord(run, textOf(variable, run), textOf(record, run)),
  },
  {
    name: 'pv_xavp_to_var',
    dialects: KAMAILIO,
    parameters: [param('record', 'string')],
    summary: 'copies the fields of a record into $var variables',
    compile:
      ([record]) =>
      (run) =>
        fromRecord(run, textOf(record, run)),
  },
  ...['pv_xavp_print', 'pv_xavu_print', 'pv_xavi_print'].map(
    (name): FunctionSpec => ({
      name,
      dialects: KAMAILIO,
      summary: 'writes the names of the records to the log',
      compile: () => (run) => {
        const store = name === 'pv_xavp_print' ? xavps(run) : name === 'pv_xavu_print' ? xavus(run) : xavis(run);
        run.env.log.debug(
          { callId: run.message.callId, records: [...store.names()].slice(0, 64) },
          `script: ${name}()`,
        );
        return 1;
      },
    }),
  ),
  valueTest('pv_isset', 'whether a variable has a value', (value) => value !== null),
  valueTest('is_int', 'whether a variable holds a number', (value) => typeof value === 'number'),
  valueTest('not_empty', 'whether a variable holds text', (value) => typeof value === 'string' && value !== ''),
  {
    name: 'typeof',
    dialects: KAMAILIO,
    parameters: [param('variable', 'variable'), param('type', 'string')],
    summary: 'whether a variable holds a value of a type',
    compile:
      ([variable, type]) =>
      (run) =>
        code(typeMatches((variable as Arg).value(run), textOf(type, run))),
  },
  {
    name: 'pv_evalx',
    dialects: KAMAILIO,
    parameters: [param('variable', 'writable'), param('text', 'string')],
    summary: 'evaluates a text twice and stores the result',
    compile: ([target, text]) => {
      const formats = new Map<string, ReturnType<typeof compileFormat> | undefined>();
      return (run) => {
        const inner = textOf(text, run);
        if (!formats.has(inner)) {
          if (formats.size >= MAX_PARTS) formats.clear();
          formats.set(inner, attempt(inner));
        }
        const format = formats.get(inner);
        if (format === undefined) return -1;
        target?.variable?.assign(run.pvars, format.evaluate(run.pvars));
        return 1;
      };
    },
  },
  ...['pv_printf', 'avp_printf'].map(
    (name): FunctionSpec => ({
      name,
      dialects: KAMAILIO,
      parameters: [param('variable', 'writable'), param('text', 'string')],
      summary: 'stores a text with its variables replaced',
      compile:
        ([target, text]) =>
        (run) => {
          target?.variable?.assign(run.pvars, textOf(text, run));
          return 1;
        },
    }),
  ),
]);

function attempt(text: string): ReturnType<typeof compileFormat> | undefined {
  try {
    return compileFormat(text, { names: KAMAILIO_NAMES });
  } catch {
    return undefined;
  }
}
