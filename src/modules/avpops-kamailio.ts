import { trimmed } from '../core/characters.js';
import { keptPattern } from '../engine/fnmatch.js';
import type { AvpValue } from '../pvar/avp-store.js';
import type { PvarValue } from '../pvar/context.js';
import { compileFormat, type Format } from '../pvar/format.js';
import { KAMAILIO_NAMES } from '../pvar/names.js';
import type { MessageRun } from '../script/call.js';
import { addBranch } from '../script/request-branches.js';
import { type NamedVariable, namedAvp, namedVariable } from './avp-arguments.js';
import { deleteAvp } from './avpops.js';
import {
  type Arg,
  code,
  type FunctionSpec,
  KAMAILIO,
  moduleFunctions,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';
import { anyCase } from './patterns.js';
import { parseSubstitution, substituted } from './subst.js';

const compile = (text: string): Format => compileFormat(text, { names: KAMAILIO_NAMES });

/** Flags may be in either case. */
function lowered<Of extends NamedVariable>(of: Of): Of {
  return { ...of, flags: of.flags.toLowerCase() };
}

const named = (text: string) => lowered(namedVariable(text, compile));
const avpOf = (text: string) => lowered(namedAvp(text, compile));

/** Removes the oldest equal value of an AVP. */
function removeOldest({ avps }: MessageRun['pvars'], name: string, value: AvpValue): void {
  const kept = [...avps.all(name)];
  kept.splice(kept.lastIndexOf(value), 1);
  avps.replace(name, kept);
}

/** All values of an AVP, the newest first; for another variable its value, where null is the text "<null>". */
function valuesOf(of: NamedVariable, run: MessageRun): readonly AvpValue[] {
  if (of.avp !== undefined) return [...run.pvars.avps.all(of.avp)];
  return [(of.format.evaluateValue(run.pvars) as PvarValue) ?? '<null>'];
}

/** Parses an operand: "i:5", "s:text", "text" or a variable. */
function operand(text: string): (run: MessageRun) => readonly AvpValue[] {
  if (text.startsWith('$')) {
    const variable = named(text);
    return (run) => valuesOf(variable, run);
  }
  const number = /^i:(-?(?:0x[0-9a-f]+|\d+))$/i.exec(text)?.[1];
  const fixed = [number === undefined ? text.replace(/^s:/, '') : Number(number)];
  return () => fixed;
}

type Comparison = (subject: AvpValue, wanted: AvpValue) => boolean;

/** The test of avp_check with a name. Throws an Error for an unknown name. */
function comparison(operator: string, ignoreCase: boolean, fixed: string | undefined): Comparison {
  const folded = (each: AvpValue): AvpValue => (ignoreCase && typeof each === 'string' ? each.toLowerCase() : each);
  const order = (a: AvpValue, b: AvpValue): number => {
    if (typeof a !== typeof b) return Number.NaN;
    const [x, y] = [folded(a), folded(b)];
    return x < y ? -1 : x > y ? 1 : 0;
  };
  const bits = (act: (a: number, b: number) => number): Comparison => {
    return (a, b) => typeof a === 'number' && typeof b === 'number' && act(a, b) !== 0;
  };
  switch (operator) {
    case 'eq':
      return (a, b) => order(a, b) === 0;
    case 'ne':
      return (a, b) => order(a, b) !== 0;
    case 'lt':
      return (a, b) => order(a, b) < 0;
    case 'le':
      return (a, b) => order(a, b) <= 0;
    case 'gt':
      return (a, b) => order(a, b) > 0;
    case 'ge':
      return (a, b) => order(a, b) >= 0;
    case 'and':
      return bits((a, b) => a & b);
    case 'or':
      return bits((a, b) => a | b);
    case 'xor':
      return bits((a, b) => a ^ b);
    case 're': {
      // As recorded, letter case is ignored whatever the flags are.
      const constant = fixed === undefined ? undefined : anyCase(fixed);
      return (a, b) => typeof a === 'string' && (constant ?? anyCase(String(b))).test(a);
    }
    case 'fm': {
      const glob = keptPattern();
      return (a, b) => typeof a === 'string' && glob(String(b)).matches(a);
    }
    default:
      throw new Error(`"${operator}" is not a test: eq, ne, lt, le, gt, ge, re, fm, and, or, xor`);
  }
}

/** The operation of avp_op with a name. Throws an Error for an unknown name. */
function calculation(operator: string): (a: number, b: number) => number {
  switch (operator) {
    case 'add':
      return (a, b) => (a + b) | 0;
    case 'sub':
      return (a, b) => (a - b) | 0;
    case 'mul':
      return (a, b) => Math.imul(a, b);
    case 'div':
      return (a, b) => (b === 0 ? 0 : Math.trunc(a / b));
    case 'mod':
      return (a, b) => (b === 0 ? 0 : a % b);
    case 'and':
      return (a, b) => a & b;
    case 'or':
      return (a, b) => a | b;
    case 'xor':
      return (a, b) => a ^ b;
    case 'not':
      return (_, b) => ~b;
    default:
      throw new Error(`"${operator}" is not an operation: add, sub, mul, div, mod, and, or, xor, not`);
  }
}

const text = (arg: Arg | undefined): string => (arg as Arg).text;

/** Compiles avp_subst() and avp_subst_pv(): they change the text values of an AVP. */
function substitute(names: string): (run: MessageRun, pattern: ReturnType<typeof parseSubstitution>) => number {
  const [from = '', second = '', third = ''] = names.split('/');
  const source = avpOf(from);
  const target = second.startsWith('$') ? avpOf(second) : source;
  const flags = (second.startsWith('$') ? third : second).toLowerCase();
  return (run, pattern) => {
    const { avps } = run.pvars;
    let changed = 0;
    for (const each of [...avps.all(source.avp)]) {
      // Without /g only the first matching value is changed.
      if (changed > 0 && !flags.includes('g')) break;
      const result = typeof each === 'string' ? substituted(pattern, each, run) : undefined;
      if (result === undefined) continue;
      changed++;
      avps.push(target.avp, result);
      if (target !== source && !flags.includes('d')) continue;
      removeOldest(run.pvars, source.avp, each);
    }
    return code(changed > 0);
  };
}

function substitution(pattern: string): ReturnType<typeof parseSubstitution> {
  return parseSubstitution(pattern, false, (piece) => {
    const format = compile(piece);
    return (run) => format.evaluate(run.pvars);
  });
}

/** The request-URI with another user or host, as text: the result need not be a valid URI. */
function withPart(uri: string, part: string, value: string): string {
  const scheme = uri.indexOf(':') + 1;
  if (scheme === 0) return uri;
  const at = uri.indexOf('@', scheme);
  const host = at < 0 ? scheme : at + 1;
  if (part === 'username') {
    const colon = at < 0 ? -1 : uri.slice(scheme, at).indexOf(':');
    return `${uri.slice(0, scheme)}${value}${colon < 0 ? '' : uri.slice(scheme + colon, at)}@${uri.slice(host)}`;
  }
  let end = host;
  while (end < uri.length && !':;?'.includes(uri.charAt(end))) end++;
  return uri.slice(0, host) + value + uri.slice(end);
}

/** Writes one value for avp_pushto(). */
function pushed(run: MessageRun, target: string, part: string | undefined, value: string, first: boolean): void {
  const { call, pvars } = run;
  if (target === '$du') {
    pvars.destinationUri = value;
    return;
  }
  const branch = (uri: string): void => {
    addBranch(call.branches, { uri, flags: call.branchFlags });
  };
  if (target === '$br') {
    branch(value);
    return;
  }
  // The earlier request-URI becomes a branch when the second value is written.
  if (!first) branch(call.requestUri);
  pvars.setRequestUri(part === undefined ? value : withPart(call.requestUri, part, value));
}

const specs: FunctionSpec[] = [
  {
    name: 'avp_delete',
    parameters: [param('AVP', 'literal')],
    summary: 'deletes the newest value of an AVP, with /g all',
    compile: ([avp]) => {
      const { avp: name, flags } = avpOf(text(avp));
      return (run) => deleteAvp(run, name, flags);
    },
  },
  {
    name: 'avp_copy',
    parameters: [param('from', 'literal'), param('to', 'literal')],
    summary: 'copies an AVP; /g all values in reverse order, /d deletes what was copied, /n makes numbers, /s text',
    compile: ([from, to]) => {
      const source = avpOf(text(from));
      const target = avpOf(text(to));
      const { flags } = target;
      const made = (each: AvpValue): AvpValue | undefined => {
        if (flags.includes('s')) return String(each);
        if (!flags.includes('n') || typeof each === 'number') return each;
        return /^[+-]?\d+$/.test(each) ? Number(each) | 0 : undefined;
      };
      return (run) => {
        const { avps } = run.pvars;
        const values = [...avps.all(source.avp)];
        if (values.length === 0) return -1;
        for (const each of flags.includes('g') ? values : values.slice(0, 1)) {
          const copy = made(each);
          if (copy === undefined) return -1;
          avps.push(target.avp, copy);
          if (!flags.includes('d')) continue;
          removeOldest(run.pvars, source.avp, each);
        }
        return 1;
      };
    },
  },
  {
    name: 'avp_pushto',
    parameters: [param('target', 'literal'), param('AVP', 'literal')],
    summary: 'writes the text of an AVP to $ru, its /username or /domain, $du or a branch',
    compile: ([to, from]) => {
      const match = /^(\$ru|\$du|\$br)(?:\/(username|domain))?$/.exec(trimmed(text(to)));
      if (match === null) throw new Error(`"${text(to)}" is not one of $ru, $ru/username, $ru/domain, $du, $br`);
      const source = named(text(from));
      return (run) => {
        const values = valuesOf(source, run);
        const wanted = source.flags.includes('g') ? values : values.slice(0, 1);
        let count = 0;
        for (const each of wanted) {
          if (typeof each === 'number' && match[1] !== '$ru') return -1;
          pushed(run, match[1] as string, match[2], String(each), count++ === 0);
        }
        return code(count > 0);
      };
    },
  },
  {
    name: 'avp_check',
    parameters: [param('AVP', 'literal'), param('test', 'literal')],
    summary: 'compares an AVP with a value of its type; /g all its values',
    compile: ([subject, test]) => {
      const [operator = '', value = '', flags = ''] = text(test).split('/');
      const of = named(text(subject));
      const all = /g/i.test(flags);
      const wanted = operand(value);
      const fixed = value.startsWith('$') ? undefined : value.replace(/^s:/, '');
      const compare = comparison(trimmed(operator), /i/i.test(flags), fixed);
      return (run) => {
        const values = valuesOf(of, run);
        const others = wanted(run);
        const [first] = values;
        // Only the first value decides about types, and only values of the same type can be ordered.
        if (first === undefined || !others.some((each) => typeof each === typeof first)) return -1;
        return code((all ? values : [first]).some((each) => others.some((other) => compare(each, other))));
      };
    },
  },
  {
    name: 'avp_subst',
    parameters: [param('AVPs', 'literal'), param('substitution', 'literal')],
    summary: 'replaces in an AVP by a pattern; "$avp(from)/$avp(to)/gd"',
    compile: ([names, pattern]) => {
      const act = substitute(text(names));
      const fixed = substitution(text(pattern));
      return (run) => act(run, fixed);
    },
  },
  {
    name: 'avp_subst_pv',
    parameters: [param('AVPs', 'literal'), param('substitution', 'string')],
    summary: 'avp_subst() with variables in the pattern',
    compile: ([names, pattern]) => {
      const act = substitute(text(names));
      let known: { text: string; parsed: ReturnType<typeof parseSubstitution> } | undefined;
      return (run) => {
        const wanted = textOf(pattern, run);
        if (known?.text !== wanted) {
          try {
            known = { text: wanted, parsed: substitution(wanted) };
          } catch {
            return -1;
          }
        }
        return act(run, known.parsed);
      };
    },
  },
  {
    name: 'avp_op',
    parameters: [param('AVPs', 'literal'), param('operation', 'literal')],
    summary: 'calculates with the numbers of an AVP and adds the results; "$avp(from)/$avp(to)"',
    compile: ([names, what]) => {
      const [from = '', to = ''] = text(names).split('/');
      const source = avpOf(from);
      const target = to.startsWith('$') ? avpOf(to) : source;
      const [operator = '', value = '', flags = ''] = text(what).split('/');
      const apply = calculation(trimmed(operator));
      if (!/^(?:\$|i:)/i.test(value)) throw new Error(`"${value}" is not a number: "i:5" or a variable`);
      const by = operand(value);
      return (run) => {
        const { avps } = run.pvars;
        const values = [...avps.all(source.avp)];
        // As recorded, values that are text are passed over, those of the operand too.
        const numbers = by(run).filter((each) => typeof each === 'number');
        if (numbers.length === 0 || !values.some((each) => typeof each === 'number')) return -1;
        for (const each of values) {
          if (typeof each !== 'number') continue;
          let result = each;
          for (const number of numbers) {
            result = apply(result, number);
            avps.push(target.avp, result);
          }
          if (!/d/i.test(flags)) continue;
          removeOldest(run.pvars, source.avp, each);
        }
        return 1;
      };
    },
  },
];

/** avpops of Kamailio: types matter, and results are added as new values where OpenSIPS changes a value. */
export const kamailioAvpopsFunctions: ScriptFunction[] = moduleFunctions(
  'avpops',
  specs.map((each) => ({ ...each, dialects: KAMAILIO })),
);
