import { ownValue } from '../../core/own-value.js';
import type { BinaryOperator, IntLiteral, UnaryOperator } from '../ast.js';
import type { Token } from './token.js';

/**
 * Kamailio's binary operators by rank, the weakest first, as recorded. The order differs from that of C: shifts are
 * weaker than comparisons, "<<" is weaker than ">>", and "&" is weaker than "^".
 */
export const RANKS: readonly (readonly string[])[] = [
  ['||', 'or'],
  ['&&', 'and'],
  ['|'],
  ['&'],
  ['^'],
  ['<<'],
  ['>>'],
  ['==', '!=', '=~', '!~', 'eq', 'ne', 'ieq', 'ine'],
  ['<', '>', '<=', '>='],
  ['+', '-'],
  ['*', '/', 'mod'],
];

/** Rank of the operands of comparisons. */
export const SUMS = RANKS.findIndex((each) => each.includes('+'));
/** Words of the core that "!" negates together with the comparison after them. */
export const CORE_TESTS: ReadonlySet<string> = new Set(
  'method uri from_uri to_uri src_ip dst_ip src_port dst_port proto af status'.split(' '),
);

/** Operators that compare. */
export const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '=~', '!~', '<', '>', '<=', '>=']);
/** Operators of numbers. */
export const ARITHMETIC: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%', '&', '|', '^']);
/** Operators that shift bits. */
export const SHIFTS: ReadonlySet<string> = new Set(['<<', '>>']);
/** Operators that assign. */
export const ASSIGNMENTS: ReadonlySet<string> = new Set([
  '=',
  ':=',
  '+=',
  '-=',
  '*=',
  '/=',
  '%=',
  '&=',
  '|=',
  '^=',
  '<<=',
  '>>=',
]);

const SPELLINGS: Readonly<Record<string, BinaryOperator>> = { or: '||', and: '&&', mod: '%' };

/** Characters that end a bare word with characters other than letters. */
export const WORD_END = '(),;{}=!<>';

/** Operators that join conditions, by their spellings. */
export const LOGICAL: Readonly<Record<string, '&&' | '||' | undefined>> = {
  '&&': '&&',
  and: '&&',
  '||': '||',
  or: '||',
};

/** Words of the language, which no bare word may be. */
export const KEYWORDS = new Set(
  'if else while for switch case default break return exit drop loadmodule modparam and or not'.split(' '),
);

/** Operators whose operand stands in parentheses. */
export const CALL_LIKE: ReadonlySet<UnaryOperator> = new Set<UnaryOperator>(['strlen', 'strempty']);

/** The number of a token, with a minus sign. */
export function negative(token: Token): IntLiteral {
  return { kind: 'int', value: -token.value | 0, text: `-${token.text}`, at: token.at };
}

/** The binary operator that a token is. */
export function operatorOf(token: Token): BinaryOperator {
  return ownValue(SPELLINGS, token.text) ?? (token.text as BinaryOperator);
}

/** The operator before its operand that a token is; undefined for another token. */
export function unaryOperator(token: Token): UnaryOperator | undefined {
  if (token.kind === 'punctuation')
    return token.text === '!' || token.text === '-' || token.text === '~' ? token.text : undefined;
  if (token.kind !== 'word') return undefined;
  if (token.text === 'not') return '!';
  return token.text === 'defined' || token.text === 'strlen' || token.text === 'strempty' ? token.text : undefined;
}

/** Whether a token makes the number before it part of a bare word: a network mask, a port. */
export function isWordPart(token: Token): boolean {
  return token.kind === 'word' || (token.kind === 'punctuation' && (token.text === ':' || token.text === '::'));
}
