import type { DialectName } from './function-table.js';

/**
 * What the two languages, and their versions, decide differently. The parser and the compiler ask this table; they do not
 * ask which program a file was written for.
 */
export interface Dialect {
  readonly name: DialectName;
  /** For messages: "opensips-3.4", "kamailio-5.6". */
  readonly title: string;
  readonly syntax: SyntaxDecisions;
  readonly values: ValueDecisions;
  readonly flow: FlowDecisions;
}

export interface SyntaxDecisions {
  /** "#!define" and the like. */
  readonly directives: boolean;
  /** "//" begins a comment. */
  readonly slashComments: boolean;
  /** Arithmetic and logical operators bind by rank; otherwise strictly from left to right. */
  readonly precedence: boolean;
  /** Conditions compare any two expressions; otherwise the left side is a variable or a call. */
  readonly freeConditions: boolean;
  /** Old core tests: method, uri, src_ip, myself, retcode ... */
  readonly coreTests: boolean;
  /** A statement may be a bare assignment inside a condition. */
  readonly assignInCondition: boolean;
  /** "+=", ":=" and their kin. */
  readonly compoundAssignment: boolean;
  readonly notMatchOperator: boolean;
  /** Global parameters of versions before 3.0. */
  readonly oldParameters: boolean;
}

export interface ValueDecisions {
  /** "==" of strings without letter case. */
  readonly ignoreCase: boolean;
  /** What "" + ... of an unset variable gives, and how comparisons treat it. */
  readonly nullEqualsEmpty: boolean;
  /** What an unset variable is in text. */
  readonly nullText: string;
  /** Which values are true: "nonzero" (not 0, not "", not null) or "positive" (an integer, or text of one, above 0). */
  readonly truth: 'nonzero' | 'positive';
  /** "+" goes by the type of its left operand; otherwise both must have the same. */
  readonly leftDecides: boolean;
}

export interface FlowDecisions {
  /** Conditions set $rc: "calls" (function and route calls do) or "never". */
  readonly statementsSetReturnCode: boolean;
  /** Default of max_while_loops. */
  readonly loops: number;
  /** Route calls within each other. */
  readonly depth: number;
}

export const OPENSIPS: Dialect = {
  name: 'opensips',
  title: 'opensips-3.4',
  syntax: {
    directives: false,
    slashComments: false,
    precedence: false,
    freeConditions: false,
    coreTests: false,
    assignInCondition: true,
    compoundAssignment: true,
    notMatchOperator: true,
    oldParameters: false,
  },
  values: { ignoreCase: true, nullEqualsEmpty: false, nullText: '<null>', truth: 'nonzero', leftDecides: false },
  flow: { statementsSetReturnCode: true, loops: 10_000, depth: 100 },
};

/** OpenSIPS 1.x to 2.x: as 3.x, with the core tests and parameters that 3.0 took out. */
export const OPENSIPS_OLD: Dialect = {
  ...OPENSIPS,
  title: 'opensips-2.1',
  syntax: { ...OPENSIPS.syntax, coreTests: true, oldParameters: true },
};

export const KAMAILIO: Dialect = {
  name: 'kamailio',
  title: 'kamailio-5.6',
  syntax: {
    directives: true,
    slashComments: true,
    precedence: true,
    freeConditions: true,
    coreTests: true,
    assignInCondition: false,
    compoundAssignment: false,
    notMatchOperator: false,
    oldParameters: true,
  },
  values: { ignoreCase: false, nullEqualsEmpty: true, nullText: '<null>', truth: 'positive', leftDecides: true },
  flow: { statementsSetReturnCode: false, loops: 100, depth: 100 },
};
