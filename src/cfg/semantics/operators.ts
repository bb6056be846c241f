import type { PvarValue } from '../../pvar/context.js';
import type { BinaryOperator, Position } from '../ast.js';

/** The value of an expression; undefined when an operation failed, which has been logged. */
export type Result = PvarValue | undefined;

/**
 * Type of an expression as known at load: "digits" is a variable whose text is a number and counts as one in
 * comparisons, "any" is any other variable.
 */
export type StaticType = 'int' | 'string' | 'null' | 'digits' | 'any';

/** Operators that need not evaluate their right operand. */
export type LogicalOperator = '&&' | '||';
/** Operators that match a regular expression. */
export type MatchOperator = '=~' | '!~';
/** Operators that compare. */
export type ComparisonOperator = '==' | '!=' | '<' | '>' | '<=' | '>=' | 'eq' | 'ne' | 'ieq' | 'ine';
/** Operators that compute. */
export type ArithmeticOperator = Exclude<BinaryOperator, LogicalOperator | MatchOperator | ComparisonOperator>;

/** Receives the reason when an operation has no result: the run of a script. */
export interface Faults {
  fault(at: Position, reason: string): void;
}

/** An arithmetic operation; `at` is its position in the file. */
export type Arithmetic = (left: Result, right: Result, faults: Faults, at: Position) => Result;
/** Compares two values; undefined where they cannot be compared. */
export type Comparison = (left: Result, right: Result) => boolean | undefined;

/**
 * A dialect's rules of calculation and comparison. They are chosen at load for each operator, by the types known then.
 */
export interface Operators {
  /** Why the operand types do not fit, found at load; undefined when they do. */
  mismatch(operator: BinaryOperator, left: StaticType, right: StaticType): string | undefined;
  arithmetic(operator: ArithmeticOperator, left: StaticType, right: StaticType): Arithmetic;
  /** Type of the result of an arithmetic operation. */
  arithmeticType(operator: ArithmeticOperator, left: StaticType, right: StaticType): StaticType;
  /** Matches the text of variables whose empty value counts as 0 where it is assigned or compared with a number. */
  readonly emptyIsZero?: RegExp;
  /**
   * Makes the test of whether an assignment to a variable is true as a condition; undefined: the assigned value
   * decides.
   */
  assignmentHolds?(target: string): (value: Result) => boolean;
  /** Variables whose empty text is null in expressions. */
  readonly emptyIsNull?: ReadonlySet<string>;
  /**
   * For a variable whose texts stand for numbers where a number is needed: the number of each text, and under '' that
   * of all other texts; undefined for other variables.
   */
  numbersOf?(variable: string): ReadonlyMap<string, number> | undefined;
  /** Whether "+" always adds where a number is needed, whatever its operands are. */
  readonly addsInNumericContext: boolean;
  /** The comparison to use; `constant` is the right operand when it does not depend on the message. */
  comparison(
    operator: ComparisonOperator,
    left: StaticType,
    right: StaticType,
    constant?: PvarValue | undefined,
  ): Comparison;
  /** Whether a value matches a case label; types may be compared more strictly than by "==". */
  caseEquals(subject: StaticType, label: StaticType, constant: PvarValue): Comparison;
  /** The text that "=~" matches against; undefined where the value matches nothing. */
  matchText(value: Result): string | undefined;
  /** Whether a variable's value makes an if condition true. */
  truth(value: Result): boolean;
  /** Whether it makes a while condition true. */
  loopTruth(value: Result): boolean;
  /** Whether it counts as true for "&&", "||" and "!". */
  logicalTruth(value: Result): boolean;
  /** A value as an integer, for the unary "-" and "~". */
  integer(value: Result): number | undefined;
}

/** 32-bit integer arithmetic that wraps around. Division truncates; the remainder has the sign of the dividend. */
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

/** The comparison function for an operator, chosen at load. */
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
