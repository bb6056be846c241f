import { trimmed } from '../core/characters.js';
import { keptPatterns } from '../core/regex/kept-patterns.js';
import { keptPattern } from '../engine/fnmatch.js';
import type { PvarValue } from '../pvar/context.js';
import { compileFormat } from '../pvar/format.js';
import type { MessageRun } from '../script/call.js';
import { type NamedVariable, namedAvp, namedVariable } from './avp-arguments.js';
import {
  type Arg,
  code,
  type FunctionSpec,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';
import { parseSubstitution, substituted } from './subst.js';

function value(text: string): (run: MessageRun) => PvarValue {
  if (text.startsWith('$')) {
    const format = compileFormat(text);
    return (run) => format.evaluateValue(run.pvars);
  }
  const plain = text.replace(/^s:/, '');
  const number = /^i:(-?\d+)$/.exec(text)?.[1];
  const fixed = number === undefined ? plain : Number(number);
  return () => fixed;
}

/** Compiles the test of avp_check: "op/value/flags". Throws an Error that says what is wrong. */
function check(text: string): (subject: PvarValue, run: MessageRun) => boolean {
  const [operator = '', operand = '', flags = ''] = text.split('/');
  const wanted = value(operand);
  const ignoreCase = flags.includes('i');
  const folded = (each: PvarValue): string => (ignoreCase ? String(each).toLowerCase() : String(each));
  const numbers = (a: PvarValue, b: PvarValue): boolean => /^-?\d+$/.test(String(a)) && /^-?\d+$/.test(String(b));
  const compared = (a: PvarValue, b: PvarValue): number =>
    numbers(a, b) ? Number(a) - Number(b) : folded(a) < folded(b) ? -1 : folded(a) > folded(b) ? 1 : 0;
  switch (trimmed(operator)) {
    case 'eq':
      return (subject, run) => compared(subject, wanted(run)) === 0;
    case 'ne':
      return (subject, run) => compared(subject, wanted(run)) !== 0;
    case 'lt':
      return (subject, run) => compared(subject, wanted(run)) < 0;
    case 'le':
      return (subject, run) => compared(subject, wanted(run)) <= 0;
    case 'gt':
      return (subject, run) => compared(subject, wanted(run)) > 0;
    case 'ge':
      return (subject, run) => compared(subject, wanted(run)) >= 0;
    case 'and':
      return (subject, run) => (Number(subject) & Number(wanted(run))) !== 0;
    case 'or':
      return (subject, run) => (Number(subject) | Number(wanted(run))) !== 0;
    case 'xor':
      return (subject, run) => (Number(subject) ^ Number(wanted(run))) !== 0;
    case 're': {
      const regex = keptPatterns({ ignoreCase });
      const fixed = operand.startsWith('$') ? undefined : regex(operand.replace(/^s:/, ''));
      return (subject, run) => (fixed ?? regex(String(wanted(run)))).test(String(subject));
    }
    case 'fm': {
      const glob = keptPattern();
      return (subject, run) => glob(folded(wanted(run))).matches(folded(subject));
    }
    default:
      throw new Error(`"${operator}" is not a test: eq, ne, lt, le, gt, ge, re, fm, and, or, xor`);
  }
}

/** Compiles an operation of avp_op: "add/5", "sub/$avp(x)" and so on. */
function operation(text: string): (subject: number, run: MessageRun) => number {
  const [operator = '', operand = ''] = text.split('/');
  const by = value(operand);
  const number = (run: MessageRun): number => Number(by(run) ?? 0);
  switch (trimmed(operator)) {
    case 'add':
      return (subject, run) => (subject + number(run)) | 0;
    case 'sub':
      return (subject, run) => (subject - number(run)) | 0;
    case 'mul':
      return (subject, run) => Math.imul(subject, number(run));
    case 'div':
      return (subject, run) => (number(run) === 0 ? subject : Math.trunc(subject / number(run)));
    case 'mod':
      return (subject, run) => (number(run) === 0 ? subject : subject % number(run));
    case 'and':
      return (subject, run) => subject & number(run);
    case 'or':
      return (subject, run) => subject | number(run);
    case 'xor':
      return (subject, run) => subject ^ number(run);
    case 'not':
      return (subject) => ~subject;
    default:
      throw new Error(`"${operator}" is not an operation: add, sub, mul, div, mod, and, or, xor, not`);
  }
}

/** Writes values for avp_pushto: into a variable, or a part of the request ("$ru/domain"). */
function pushTo(run: MessageRun, target: NamedVariable, values: readonly PvarValue[]): number {
  if (values.length === 0) return -1;
  for (const each of values) target.format.assign(run.pvars, each);
  return 1;
}

const text = (arg: Arg | undefined): string => (arg as Arg).text;

/** Deletes the newest value of an AVP, or with the flag "g" all; -1 when there is none. */
export function deleteAvp({ pvars: { avps } }: MessageRun, name: string, flags: string): number {
  if (avps.count(name) === 0) return -1;
  if (flags.includes('g')) avps.delete(name);
  else avps.delete(name, 0);
  return 1;
}

/** The text after the last slash. */
function flagsOf(whole: string): string {
  const slash = whole.lastIndexOf('/');
  return slash < 0 ? '' : whole.slice(slash + 1);
}

const specs: FunctionSpec[] = [
  {
    name: 'avp_delete',
    dialects: OPENSIPS,
    parameters: [param('AVP', 'literal')],
    summary: 'deletes the newest value of an AVP, with /g all',
    compile: ([avp]) => {
      const { avp: name, flags } = namedAvp(text(avp));
      return (run) => deleteAvp(run, name, flags);
    },
  },
  {
    name: 'avp_copy',
    dialects: OPENSIPS,
    parameters: [param('from', 'literal'), param('to', 'literal')],
    summary: 'copies an AVP; /g all values, /d deletes the old one, /n and /c make numbers of text and text of numbers',
    compile: ([from, to]) => {
      const source = namedAvp(text(from));
      const target = namedAvp(text(to));
      const { flags } = target;
      const made = (each: string | number): string | number =>
        flags.includes('n') ? Number.parseInt(String(each), 10) || 0 : flags.includes('c') ? String(each) : each;
      return (run) => {
        const { avps } = run.pvars;
        const values = avps.all(source.avp);
        if (values.length === 0) return -1;
        const copied = (flags.includes('g') ? [...values] : values.slice(0, 1)).map(made);
        avps.replace(target.avp, [...copied, ...avps.all(target.avp)]);
        if (flags.includes('d')) avps.delete(source.avp);
        return 1;
      };
    },
  },
  {
    name: 'avp_pushto',
    dialects: OPENSIPS,
    parameters: [param('target', 'literal'), param('AVP', 'literal')],
    summary: 'writes the value of an AVP to a variable',
    compile: ([to, from]) => {
      const target = namedVariable(text(to).replace(/\/(?:username|domain)$/, ''));
      const part = /\/(username|domain)$/.exec(text(to))?.[1];
      const written = part === undefined ? target : namedVariable(part === 'username' ? '$rU' : '$rd');
      if (!written.format.writable) throw new Error(`"${text(to)}" is read-only`);
      const source = namedVariable(text(from));
      return (run) => {
        const { avp } = source;
        const all = avp === undefined ? [source.format.evaluateValue(run.pvars)] : run.pvars.avps.all(avp);
        const values = all.filter((each) => each !== null);
        return pushTo(run, written, source.flags.includes('g') ? values : values.slice(0, 1));
      };
    },
  },
  {
    name: 'avp_check',
    dialects: OPENSIPS,
    parameters: [param('AVP', 'literal'), param('test', 'literal')],
    summary: 'compares an AVP with a value; /g all its values',
    compile: ([subject, wanted]) => {
      const { avp, format } = namedVariable(text(subject));
      const all = flagsOf(text(wanted)).includes('g') || flagsOf(text(subject)).includes('g');
      const test = check(text(wanted));
      return (run) => {
        const values = avp === undefined ? [format.evaluateValue(run.pvars)] : run.pvars.avps.all(avp);
        const looked = all ? values : values.slice(0, 1);
        return code(looked.some((each) => each !== null && test(each, run)));
      };
    },
  },
  {
    name: 'avp_subst',
    dialects: OPENSIPS,
    parameters: [param('AVPs', 'literal'), param('substitution', 'literal')],
    summary: 'replaces in an AVP by a pattern; "$avp(from)/$avp(to)/gd"',
    compile: ([names, pattern]) => {
      const [from = '', second = '', third = ''] = text(names).split('/');
      const source = namedAvp(from);
      const target = second.startsWith('$') ? namedAvp(second) : source;
      const flags = second.startsWith('$') ? third : second;
      const substitution = parseSubstitution(text(pattern), false, (piece) => {
        const format = compileFormat(piece);
        return (run) => format.evaluate(run.pvars);
      });
      return (run) => {
        const { avps } = run.pvars;
        const values = avps.all(source.avp);
        let changed = 0;
        const made = values.map((each, i) => {
          if (i > 0 && !flags.includes('g')) return each;
          const result = substituted(substitution, String(each), run);
          if (result !== undefined) changed++;
          return result ?? each;
        });
        if (changed === 0) return -1;
        if (target === source) avps.replace(source.avp, made);
        else {
          avps.replace(target.avp, [...(flags.includes('g') ? made : made.slice(0, 1)), ...avps.all(target.avp)]);
          if (flags.includes('d')) avps.delete(source.avp);
        }
        return 1;
      };
    },
  },
  {
    name: 'avp_op',
    dialects: OPENSIPS,
    parameters: [param('AVPs', 'literal'), param('operation', 'literal')],
    summary: 'calculates with the number in an AVP; "$avp(from)/$avp(to)"',
    compile: ([names, what]) => {
      const [from = '', to = ''] = text(names).split('/');
      const source = namedAvp(from);
      const target = to.startsWith('$') ? namedAvp(to) : source;
      const apply = operation(text(what));
      return (run) => {
        const { avps } = run.pvars;
        const first = avps.get(source.avp) ?? undefined;
        if (first === undefined || Number.isNaN(Number(first))) return -1;
        const result = apply(Number(first), run);
        if (target === source) avps.setAt(source.avp, 0, result);
        else avps.push(target.avp, result);
        return 1;
      };
    },
  },
  {
    name: 'is_avp_set',
    parameters: [param('AVP', 'literal')],
    summary: 'whether an AVP has a value: /s text, /n a number, /e an empty one',
    compile: ([avp]) => {
      const { avp: name, format, flags } = namedVariable(text(avp));
      return (run) => {
        const first = name === undefined ? format.evaluateValue(run.pvars) : run.pvars.avps.get(name);
        if (first === null) return -1;
        if (flags.includes('e')) return code(first === '' || first === 0);
        if (flags.includes('s')) return code(typeof first === 'string');
        return code(!flags.includes('n') || typeof first === 'number');
      };
    },
  },
  {
    name: 'avp_printf',
    dialects: OPENSIPS,
    parameters: [param('AVP', 'writable'), param('text', 'string')],
    summary: 'writes a text with variables to an AVP',
    compile:
      ([avp, format]) =>
      (run) => {
        avp?.variable?.assign(run.pvars, textOf(format, run));
        return 1;
      },
  },
  {
    name: 'avp_print',
    summary: 'writes all AVPs to the log; of Kamailio, as debugging lines that are not written here',
    compile: () => (run) => {
      if (run.env.dialect === 'kamailio') return 1;
      const { avps } = run.pvars;
      for (const name of avps.names().slice(0, 100))
        run.env.output('INFO', `avp ${name}: ${avps.all(name).slice(0, 20).join(', ')}`, run.message.callId);
      return 1;
    },
  },
  {
    name: 'avp_insert',
    dialects: OPENSIPS,
    parameters: [param('AVP', 'literal'), param('value', 'string'), optional('index', 'int')],
    summary: 'adds a value to an AVP at an index',
    compile: ([avp, what, index]) => {
      const { avp: name } = namedAvp(text(avp));
      return (run) => {
        const { avps } = run.pvars;
        const values = [...avps.all(name)];
        values.splice(index?.int(run) ?? 0, 0, textOf(what, run));
        avps.replace(name, values);
        return 1;
      };
    },
  },
  {
    name: 'avp_shuffle',
    dialects: OPENSIPS,
    parameters: [param('AVP', 'literal')],
    summary: 'shuffles the values of an AVP',
    compile: ([avp]) => {
      const { avp: name } = namedAvp(text(avp));
      return (run) => {
        const values = [...run.pvars.avps.all(name)];
        for (let i = values.length - 1; i > 0; i--) {
          const j = run.env.random.uint32() % (i + 1);
          [values[i], values[j]] = [values[j] as string, values[i] as string];
        }
        run.pvars.avps.replace(name, values);
        return code(values.length > 0);
      };
    },
  },
];

/** Functions of avpops, and the equal ones of kex. */
export const avpopsFunctions: ScriptFunction[] = [
  ...moduleFunctions('avpops', specs),
  ...moduleFunctions('kex', [
    {
      name: 'avp_printf',
      dialects: ['kamailio'],
      parameters: [param('variable', 'writable'), param('text', 'string')],
      summary: 'writes a text with variables to a variable',
      compile:
        ([target, format]) =>
        (run) => {
          target?.variable?.assign(run.pvars, textOf(format, run));
          return 1;
        },
    },
  ]),
];
