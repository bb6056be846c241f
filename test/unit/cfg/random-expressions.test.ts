import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cfg } from '../../support/cfg-script.js';

/** The value of a variable in OpenSIPS's script. */
type Value = number | string | null;

/** The variables of all generated scripts. */
const VARS: Readonly<Record<string, Value>> = {
  zero: 0,
  one: 1,
  seven: 7,
  minus: -3,
  big: 2147483647,
  text: 'abc',
  upper: 'ABC',
  digits: '10',
  empty: '',
  unset: null,
};
const NUMBERS = ['zero', 'one', 'seven', 'minus', 'big'];
const SET = Object.entries(VARS)
  .filter(([, value]) => value !== null)
  .map(
    ([name, value]) =>
      `$var(${name}) = ${typeof value === 'string' ? `"${value}"` : String(value).replace('-', '0 - ')};`,
  )
  .join('\n');

/** Arithmetic: operands, each except the first with its operator; an operand may be a chain in brackets. */
type Operand = number | { readonly name: string } | { readonly chain: Chain };
interface Chain {
  readonly first: Operand;
  readonly rest: readonly (readonly [operator: string, operand: Operand])[];
}

const OPERATORS = ['+', '-', '*', '/', '%', '&', '|', '^'];

/** From left to right without precedence, in 32 bits; division by zero gives 0. */
function computed({ first, rest }: Chain): number {
  return rest.reduce((left, [operator, operand]) => {
    const right = numberOf(operand);
    if (operator === '+') return (left + right) | 0;
    if (operator === '-') return (left - right) | 0;
    if (operator === '*') return Math.imul(left, right);
    if (operator === '&') return left & right;
    if (operator === '|') return left | right;
    if (operator === '^') return left ^ right;
    if (right === 0) return 0;
    return operator === '/' ? Math.trunc(left / right) | 0 : (left % right) | 0;
  }, numberOf(first));
}

function numberOf(operand: Operand): number {
  if (typeof operand === 'number') return operand;
  return 'name' in operand ? Number(VARS[operand.name]) : computed(operand.chain);
}

function written({ first, rest }: Chain): string {
  const one = (operand: Operand): string => {
    if (typeof operand === 'number') return String(operand);
    return 'name' in operand ? `$var(${operand.name})` : `(${written(operand.chain)})`;
  };
  return [one(first), ...rest.map(([operator, operand]) => `${operator} ${one(operand)}`)].join(' ');
}

const chains = fc.letrec<{ chain: Chain; operand: Operand }>((tie) => ({
  operand: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.nat({ max: 100_000 }),
    fc.constantFrom(...NUMBERS).map((name) => ({ name })),
    tie('chain').map((chain) => ({ chain })),
  ),
  chain: fc.record({
    first: tie('operand'),
    rest: fc.array(fc.tuple(fc.constantFrom(...OPERATORS), tie('operand')), { minLength: 1, maxLength: 5 }),
  }),
})).chain;

test('opensips: any arithmetic goes from left to right in 32 bits, brackets first', () => {
  fc.assert(
    fc.property(fc.array(chains, { minLength: 5, maxLength: 20 }), (list) => {
      const lines = list.map((each) => `$var(r) = ${written(each)}; xlog("$var(r)");`);
      const { log } = cfg('opensips', `${SET}\n${lines.join('\n')}`).run();
      assert.deepEqual(
        log,
        list.map((each) => String(computed(each))),
        lines.join('\n'),
      );
    }),
    { numRuns: 60 },
  );
});

/** A comparison of a variable with a literal, with NULL, or the variable alone. */
interface Comparison {
  readonly name: string;
  readonly operator: string | undefined;
  readonly right: Value;
}
type Condition =
  | { readonly compare: Comparison; readonly negated: boolean }
  | { readonly inner: Joined; readonly negated: boolean };
interface Joined {
  readonly first: Condition;
  readonly rest: readonly (readonly [joint: '&&' | '||', condition: Condition])[];
}

/** Comparison as recorded: letter case is ignored, a text never equals a number, NULL is only unequal. */
function holds({ name, operator, right }: Comparison): boolean {
  const left = VARS[name] ?? null;
  if (operator === undefined) return left !== null && left !== 0 && left !== '';
  if (right === null) return operator === '==' ? left === null : left !== null;
  if (left === null) return operator === '!=';
  if (typeof left === 'string' && typeof right === 'number') return false;
  const [a, b] = typeof right === 'number' ? [left, right] : [String(left).toLowerCase(), right.toLowerCase()];
  switch (operator) {
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    default:
      return a >= b;
  }
}

/** Both operators have the same precedence, from left to right, with short-circuit evaluation. */
function decided({ first, rest }: Joined): boolean {
  return rest.reduce(
    (left, [joint, condition]) => (joint === '&&' ? left && truthOf(condition) : left || truthOf(condition)),
    truthOf(first),
  );
}

function truthOf(condition: Condition): boolean {
  const plain = 'compare' in condition ? holds(condition.compare) : decided(condition.inner);
  return plain !== condition.negated;
}

function asText({ first, rest }: Joined): string {
  const one = (condition: Condition): string => {
    const sign = condition.negated ? '!' : '';
    if (!('compare' in condition)) return `${sign}(${asText(condition.inner)})`;
    const { name, operator, right } = condition.compare;
    if (operator === undefined) return `${sign}$var(${name})`;
    const literal = right === null ? 'NULL' : typeof right === 'string' ? `"${right}"` : String(right);
    return `${sign}$var(${name}) ${operator} ${literal}`;
  };
  return [one(first), ...rest.map(([joint, condition]) => `${joint} ${one(condition)}`)].join(' ');
}

const texts = Object.entries(VARS).filter(([, value]) => typeof value !== 'number');
const comparison: fc.Arbitrary<Comparison> = fc.oneof(
  fc.record({
    name: fc.constantFrom(...Object.keys(VARS)),
    operator: fc.constantFrom('==', '!=', '<', '<=', '>', '>='),
    right: fc.constantFrom<Value>(0, 1, 7, 10, 2147483647),
  }),
  fc.record({
    name: fc.constantFrom(...texts.map(([name]) => name)),
    operator: fc.constantFrom('==', '!=', '<', '>'),
    right: fc.constantFrom<Value>('abc', 'ABC', 'abd', '10', ''),
  }),
  fc.record({
    name: fc.constantFrom(...Object.keys(VARS)),
    operator: fc.constantFrom('==', '!='),
    right: fc.constant(null),
  }),
  fc.record({
    name: fc.constantFrom(...Object.keys(VARS)),
    operator: fc.constant(undefined),
    right: fc.constant(null),
  }),
);

const conditions = fc.letrec<{ joined: Joined; condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ compare: comparison, negated: fc.boolean() }),
    fc.record({ inner: tie('joined'), negated: fc.boolean() }),
  ),
  joined: fc.record({
    first: tie('condition'),
    rest: fc.array(fc.tuple(fc.constantFrom<'&&' | '||'>('&&', '||'), tie('condition')), { maxLength: 4 }),
  }),
})).joined;

test('opensips: any condition is decided from left to right, && and || having one rank', () => {
  fc.assert(
    fc.property(fc.array(conditions, { minLength: 5, maxLength: 20 }), (list) => {
      const lines = list.map((each) => `if (${asText(each)}) xlog("T"); else xlog("F");`);
      const { log } = cfg('opensips', `${SET}\n${lines.join('\n')}`).run();
      assert.deepEqual(
        log,
        list.map((each) => (decided(each) ? 'T' : 'F')),
        lines.join('\n'),
      );
    }),
    { numRuns: 60 },
  );
});
