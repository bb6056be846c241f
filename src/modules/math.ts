import { trimmed } from '../core/characters.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import {
  type Arg,
  code,
  type FunctionSpec,
  intOf,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';

/** How many decimals results have: decimal_digits of mathops. */
const decimals = {
  module: 'mathops',
  create: (parameters: ModuleParameters): number => Math.min(20, Math.max(0, parameters.int('decimal_digits', 6))),
};

/** A number with the decimals that OpenSIPS prints; "inf" for a division by zero. */
function shown(value: number, run: MessageRun): string {
  if (Number.isNaN(value)) return '-nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  return value.toFixed(run.env.modules.of(decimals));
}

/** Maximum length of an expression: a script may take it from a peer. */
const MAX_LENGTH = 8192;

/** Evaluates an expression of numbers, + - * / % ^ and parentheses; undefined for an invalid one. */
export function calculate(text: string): number | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const tokens = text.match(/\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+|[-+*/%^()]|[^ \t\r\n]/gi) ?? [];
  if (tokens.length > 1000) return undefined;
  let at = 0;
  let depth = 0;
  const primary = (): number | undefined => {
    const token = tokens[at++];
    if (token === undefined || ++depth > 200) return undefined;
    let value: number | undefined;
    if (token === '(') {
      value = sum();
      if (tokens[at++] !== ')') return undefined;
    } else if (token === '-' || token === '+') {
      const inner = primary();
      value = inner === undefined ? undefined : token === '-' ? -inner : inner;
    } else value = /^[\d.]/.test(token) ? Number(token) : undefined;
    depth--;
    return value;
  };
  const power = (): number | undefined => {
    let left = primary();
    while (left !== undefined && tokens[at] === '^') {
      at++;
      const right = primary();
      left = right === undefined ? undefined : left ** right;
    }
    return left;
  };
  const product = (): number | undefined => {
    let left = power();
    while (left !== undefined && /^[*/%]$/.test(tokens[at] ?? '')) {
      const operator = tokens[at++];
      const right = power();
      if (right === undefined) return undefined;
      left = operator === '*' ? left * right : operator === '/' ? left / right : left % right;
    }
    return left;
  };
  const sum = (): number | undefined => {
    let left = product();
    while (left !== undefined && (tokens[at] === '+' || tokens[at] === '-')) {
      const operator = tokens[at++];
      const right = product();
      if (right === undefined) return undefined;
      left = operator === '+' ? left + right : left - right;
    }
    return left;
  };
  const value = sum();
  return at === tokens.length ? value : undefined;
}

/**
 * Evaluates reverse Polish notation: numbers, + - * / ^, drop, dup, swap, and functions of one number; undefined when
 * it is invalid.
 */
export function calculateRpn(text: string): number | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const stack: number[] = [];
  for (const token of trimmed(text).split(/[ \t\r\n]+/)) {
    const number = Number(token);
    if (token !== '' && !Number.isNaN(number)) {
      stack.push(number);
      continue;
    }
    const b = stack.pop();
    if (b === undefined) return undefined;
    const one = Object.hasOwn(ONE, token) ? ONE[token] : undefined;
    if (one !== undefined) {
      stack.push(one(b));
      continue;
    }
    if (token === 'drop') continue;
    if (token === 'dup') {
      stack.push(b, b);
      continue;
    }
    const a = stack.pop();
    const two = Object.hasOwn(TWO, token) ? TWO[token] : undefined;
    if (a === undefined) return undefined;
    if (token === 'swap') stack.push(b, a);
    else if (two === undefined) return undefined;
    else stack.push(two(a, b));
  }
  return stack.length === 1 ? stack[0] : undefined;
}

const ONE: Readonly<Record<string, (a: number) => number>> = {
  neg: (a) => -a,
  exp: Math.exp,
  ln: Math.log,
  log10: Math.log10,
  abs: Math.abs,
  sqrt: Math.sqrt,
  cbrt: Math.cbrt,
  floor: Math.floor,
  ceil: Math.ceil,
  round: Math.round,
  nearbyint: Math.round,
  trunc: Math.trunc,
};
const TWO: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  mod: (a, b) => a % b,
  pow: (a, b) => a ** b,
  min: Math.min,
  max: Math.max,
};

function rounding(name: string, round: (value: number) => number): FunctionSpec {
  return {
    name,
    dialects: OPENSIPS,
    parameters: [param('number', 'string'), param('result', 'writable')],
    summary: 'rounds a number',
    compile:
      ([text, result]) =>
      (run) => {
        const value = Number(textOf(text, run));
        if (Number.isNaN(value)) return -1;
        (result as Arg).variable?.assign(run.pvars, String(round(value)));
        return 1;
      },
  };
}

/** Functions of mathops. */
export const mathFunctions: ScriptFunction[] = moduleFunctions('mathops', [
  {
    name: 'math_eval',
    dialects: OPENSIPS,
    parameters: [param('expression', 'string'), param('result', 'writable')],
    summary: 'computes an expression',
    compile:
      ([text, result]) =>
      (run) => {
        const value = calculate(textOf(text, run));
        if (value === undefined) return -1;
        (result as Arg).variable?.assign(run.pvars, shown(value, run));
        return 1;
      },
  },
  {
    name: 'math_rpn',
    dialects: OPENSIPS,
    parameters: [param('expression', 'string'), param('result', 'writable')],
    summary: 'computes an expression in reverse Polish notation',
    compile:
      ([text, result]) =>
      (run) => {
        const value = calculateRpn(textOf(text, run));
        if (value === undefined) return -1;
        (result as Arg).variable?.assign(run.pvars, shown(value, run));
        return 1;
      },
  },
  rounding('math_trunc', Math.trunc),
  rounding('math_floor', Math.floor),
  rounding('math_ceil', Math.ceil),
  {
    name: 'math_round',
    dialects: OPENSIPS,
    parameters: [param('number', 'string'), param('result', 'writable'), optional('decimals', 'int')],
    summary: 'rounds a number',
    compile:
      ([text, result, wanted]) =>
      (run) => {
        const value = Number(textOf(text, run));
        if (Number.isNaN(value)) return -1;
        const digits = Math.min(20, Math.max(0, intOf(wanted, run, 0)));
        (result as Arg).variable?.assign(run.pvars, value.toFixed(digits));
        return 1;
      },
  },
  {
    name: 'math_round_sf',
    dialects: OPENSIPS,
    parameters: [param('number', 'string'), param('result', 'writable'), param('figures', 'int')],
    summary: 'rounds a number to significant figures',
    compile:
      ([text, result, figures]) =>
      (run) => {
        const value = Number(textOf(text, run));
        const count = intOf(figures, run, 6);
        if (Number.isNaN(value) || count < 1 || count > 20) return -1;
        (result as Arg).variable?.assign(run.pvars, shown(Number(value.toPrecision(count)), run));
        return 1;
      },
  },
  {
    name: 'math_compare',
    dialects: OPENSIPS,
    parameters: [param('first', 'string'), param('second', 'string'), param('result', 'writable')],
    summary: 'compares two numbers: -1, 0, 1',
    compile:
      ([first, second, result]) =>
      (run) => {
        const [a, b] = [Number(textOf(first, run)), Number(textOf(second, run))];
        if (Number.isNaN(a) || Number.isNaN(b)) return -1;
        (result as Arg).variable?.assign(run.pvars, Math.sign(a - b));
        return code(true);
      },
  },
]);
