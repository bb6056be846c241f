import type { PvarValue } from '../../pvar/context.js';
import type { BinaryOperator, Position } from '../ast.js';

/** The value of an expression; undefined when it has none because an operation failed, which is logged by then. */
export type Result = PvarValue | undefined;

/**
 * What is known of an expression before a message is there: "digits" is a variable whose text is a number and counts as one
 * in comparisons, "any" is a variable.
 */
export type StaticType = 'int' | 'string' | 'null' | 'digits' | 'any';

/** Operators that may leave their right side out. */
export type LogicalOperator = '&&' | '||';
/** Operators that match a regular expression. */
export type MatchOperator = '=~' | '!~';
/** Operators that compare. */
export type ComparisonOperator = '==' | '!=' | '<' | '>' | '<=' | '>=' | 'eq' | 'ne' | 'ieq' | 'ine';
/** Operators that compute. */
export type ArithmeticOperator = Exclude<BinaryOperator, LogicalOperator | MatchOperator | ComparisonOperator>;

/** What is given the reason when an operation has no result: the run of a script. */
export interface Faults {
  fault(at: Position, reason: string): void;
}

/** An arithmetic operation that stands at a position of the file. */
export type Arithmetic = (left: Result, right: Result, faults: Faults, at: Position) => Result;
/** Compares two values; undefined where they cannot be compared. */
export type Comparison = (left: Result, right: Result) => boolean | undefined;

/** How a dialect calculates and compares. Chosen once for each operator of a file, by the types that are known then. */
export interface Operators {
  /** Why these operands do not go together, found at load; undefined when they do. */
  mismatch(operator: BinaryOperator, left: StaticType, right: StaticType): string | undefined;
  arithmetic(operator: ArithmeticOperator, left: StaticType, right: StaticType): Arithmetic;
  /** Type of the result of an arithmetic operation. */
  arithmeticType(operator: ArithmeticOperator, left: StaticType, right: StaticType): StaticType;
  /** Variables, as they are written, whose empty text is the number 0 where it is assigned or compared with one. */
  readonly emptyIsZero?: RegExp;
  /** Where a number is needed "+" adds numbers, whatever its operands are. */
  readonly addsWhereNumbersAre: boolean;
  /** `constant` is the right side where it does not depend on the message. */
  comparison(
    operator: ComparisonOperator,
    left: StaticType,
    right: StaticType,
    constant?: PvarValue | undefined,
  ): Comparison;
  /** Whether a value is that of a case; types may count for more than in "==". */
  caseEquals(subject: StaticType, label: StaticType, constant: PvarValue): Comparison;
  /** What "=~" looks at: undefined where the value matches nothing. */
  matchText(value: Result): string | undefined;
  /** Whether a value of a variable fulfils the condition of an if. */
  truth(value: Result): boolean;
  /** Whether it fulfils the condition of a while. */
  loopTruth(value: Result): boolean;
  /** Whether it counts as true for "&&", "||" and "!". */
  logicalTruth(value: Result): boolean;
  /** A value as an integer, for "-" and "~" before it. */
  integer(value: Result): number | undefined;
}

/** Integers have 32 bits and wrap around. Division truncates, the remainder has the sign of the dividend. */
export function integerArithmetic(operator: ArithmeticOperator, a: number, b: number): number {
  switch (operator) {
    case '+':
      return (a + b) | 0;
    case '-':
      return (a - b) | 0;
    case '*':
      return Math.imul(a, b);
    case '/':
      return (a / b) | 0;
    case '%':
      return (a % b) | 0;
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    case '<<':
      return a << b;
    case '>>':
      return a >> b;
  }
}

/** Compares two numbers, or two texts by their code units. */
export type Ordered = <T extends number | string>(a: T, b: T) => boolean;

/** The comparison that an operator stands for, chosen once. */
export function ordered(operator: ComparisonOperator): Ordered {
  switch (operator) {
    case '==':
    case 'ieq':
    case 'eq':
      return (a, b) => a === b;
    case '!=':
    case 'ine':
    case 'ne':
      return (a, b) => a !== b;
    case '<':
      return (a, b) => a < b;
    case '>':
      return (a, b) => a > b;
    case '<=':
      return (a, b) => a <= b;
    case '>=':
      return (a, b) => a >= b;
  }
}
