import type { DialectName } from '../cfg/function-table.js';
import { trimmed } from '../core/characters.js';
import type { PvarValue } from '../pvar/context.js';
import type { Format } from '../pvar/format.js';
import type { MessageRun } from '../script/call.js';
import type { ScriptEnvironment } from '../script/environment.js';
import type { DialplanRule } from '../script/tables.js';
import {
  type Arg,
  type FunctionSpec,
  intOf,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';

interface Translation {
  /** Undefined when the rule has no replacement. */
  readonly output: string | undefined;
  readonly attributes: string;
}

function matches(rule: DialplanRule, input: string, now: number): boolean {
  if (rule.time?.holds(now) === false) return false;
  if (rule.length > 0 && input.length !== rule.length) return false;
  const { match } = rule;
  if (typeof match !== 'string') return match.test(input);
  return rule.ignoreCase ? match.toLowerCase() === input.toLowerCase() : match === input;
}

/**
 * The result of a rule for an input: by its substitution, else its replacement, else the input itself. As recorded, a
 * rule of Kamailio without a replacement matches and has attributes, but writes no output.
 */
function applied(rule: DialplanRule, input: string, dialect: DialectName): Translation | undefined {
  const { substitution, replacement, attributes } = rule;
  if (dialect === 'kamailio' && replacement === '') return { output: undefined, attributes };
  if (substitution === undefined) return { output: replacement === '' ? input : replacement, attributes };
  const match = substitution.match(input);
  if (match === undefined) return undefined;
  const output = replacement.replace(/\\(\d)/g, (_whole, digit: string) => match.groups[Number(digit)] ?? '');
  return { output, attributes };
}

/** The first matching rule of a dialplan. The translation fails when its substitution does not match the input. */
export function translate(
  env: ScriptEnvironment,
  partition: string,
  id: number,
  input: string,
): Translation | undefined {
  const rule = env.tables.dialplans.get(`${partition}/${id}`)?.find((each) => matches(each, input, env.clock.now()));
  return rule === undefined ? undefined : applied(rule, input, env.dialect);
}

function answered(
  run: MessageRun,
  found: Translation | undefined,
  output: Format | undefined,
  attributes: Format | undefined,
): number {
  if (found === undefined) return -1;
  if (found.output !== undefined) output?.assign(run.pvars, found.output);
  attributes?.assign(run.pvars, found.attributes);
  return 1;
}

const kamailioAttributes = {
  module: 'dialplan',
  create: (parameters: { text(name: string, fallback: string): string }, states: { compile(text: string): Format }) => {
    const text = parameters.text('attrs_pvar', '');
    return text === '' ? undefined : states.compile(text);
  },
};

/** "source/target", "source" or nothing: the variables to read and to write; by default the user of the request-URI. */
interface Pair {
  readonly source: (run: MessageRun) => PvarValue;
  readonly target: Format | undefined;
}

/** Position of a "/" outside parentheses; -1 for none. */
function slashIn(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')') depth--;
    else if (text[i] === '/' && depth === 0) return i;
  }
  return -1;
}

function pairOf(arg: Arg | undefined, compile: (text: string) => Format): Pair {
  const user = compile('$rU');
  if (arg === undefined) return { source: (run) => user.evaluateValue(run.pvars), target: user };
  const slash = slashIn(arg.text);
  const source = compile(slash < 0 ? arg.text : arg.text.slice(0, slash));
  const target = slash < 0 ? undefined : compile(arg.text.slice(slash + 1));
  if (target !== undefined && !target.writable) throw new Error(`${target.text} is read-only`);
  return { source: (run) => source.evaluateValue(run.pvars), target };
}

/**
 * As recorded, Kamailio does not start with a file that names a dialplan by a word, as a defined word within quotes is.
 */
function noNumber(constant: string | number): string | undefined {
  return /^[ \t\r\n]*\d+[ \t\r\n]*$/.test(String(constant))
    ? undefined
    : `must be a number or a variable, not "${constant}"`;
}

/** The form of the arguments in OpenSIPS 1.x and 2.x and in Kamailio: dp_translate("1", "$ruri.user/$avp(dest)"). */
function pairForm(name: string, dialects: FunctionSpec['dialects'], until: number | undefined): FunctionSpec {
  return {
    name,
    ...(dialects === undefined ? {} : { dialects }),
    ...(until === undefined ? {} : { until }),
    parameters: [
      until === undefined ? { ...param('dialplan', 'string'), check: noNumber } : param('dialplan', 'string'),
      optional('variables', 'literal'),
      ...(until === undefined ? [] : [optional('attributes', 'writable')]),
    ],
    summary: 'rewrites a number by the first rule of a dialplan that matches it',
    compile: ([id, variables, attributes]) => {
      const compiled = new Map<object, Pair>();
      const pair = (run: MessageRun): Pair => {
        const { modules } = run.env;
        let known = compiled.get(modules);
        if (known === undefined) {
          known = pairOf(variables, modules.compile);
          compiled.clear();
          compiled.set(modules, known);
        }
        return known;
      };
      return (run) => {
        const { source, target } = pair(run);
        const input = source(run);
        if (input === null) return -1;
        const [first, second] = textOf(id, run).split(':');
        const partition = second === undefined ? 'default' : trimmed(first ?? '');
        const found = translate(run.env, partition, Number(second ?? first), String(input));
        const into = attributes?.variable ?? run.env.modules.of(kamailioAttributes);
        return answered(run, found, name === 'dp_match' ? undefined : target, into);
      };
    },
  };
}

/** Functions of dialplan. */
export const dialplanFunctions: ScriptFunction[] = moduleFunctions('dialplan', [
  pairForm('dp_translate', OPENSIPS, 2),
  {
    name: 'dp_translate',
    dialects: OPENSIPS,
    parameters: [
      param('dialplan', 'int'),
      param('input', 'string'),
      optional('output', 'writable'),
      optional('attributes', 'writable'),
      optional('partition', 'string'),
    ],
    routes: ['request', 'failure', 'onreply', 'branch', 'local', 'event', 'startup', 'timer'],
    summary: 'rewrites a number by the first rule of a dialplan that matches it',
    compile:
      ([id, input, output, attributes, partition]) =>
      (run) => {
        const name = textOf(partition, run);
        const found = translate(run.env, name === '' ? 'default' : name, intOf(id, run, -1), textOf(input, run));
        return answered(run, found, output?.variable, attributes?.variable);
      },
  },
  pairForm('dp_translate', KAMAILIO, undefined),
  pairForm('dp_match', KAMAILIO, undefined),
]);
