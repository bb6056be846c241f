import type { FormatNames } from '../pvar/format-names.js';
import {
  KAMAILIO_6_NAMES,
  KAMAILIO_NAMES,
  OPENSIPS_3_NAMES,
  OPENSIPS_NAMES,
  OPENSIPS_OLD_NAMES,
} from '../pvar/names.js';
import type { DialectName } from './function-table.js';
import { KAMAILIO_OPERATORS } from './semantics/kamailio.js';
import { OPENSIPS_OPERATORS } from './semantics/opensips.js';
import type { Operators } from './semantics/operators.js';

/**
 * Decisions in which the two languages and their versions differ. Parser and compiler read this table; they do not ask
 * which program a file was written for.
 */
export interface Dialect {
  readonly name: DialectName;
  /** Name in messages: "opensips-3.4", "kamailio-5.6". */
  readonly title: string;
  /**
   * Whether the file is for a version later than the recorded one. Additions of later versions are then known, and
   * unknown things are not refused.
   */
  readonly later: boolean;
  /**
   * OpenSIPS: 2 for 1.x and 2.x, 3 for 3.x, 4 for what 3.4 to 4.1 have in common. Functions and variables have a last
   * generation, after which a file may not use them.
   */
  readonly generation: number;
  readonly syntax: SyntaxDecisions;
  readonly operators: Operators;
  readonly calls: CallDecisions;
  readonly flow: FlowDecisions;
  /** Variables and transformations. */
  readonly names: FormatNames;
}

/** Decisions about the syntax of a file. */
export interface SyntaxDecisions {
  /** Whether there are directives such as "#!define". */
  readonly directives: boolean;
  /** Names that are defined from the start. */
  readonly predefined: ReadonlyMap<string, string>;
  /** Whether "//" begins a comment. */
  readonly slashComments: boolean;
  /**
   * Whether operators have ranks; otherwise "&&" and "||" have the same rank, and arithmetic is evaluated strictly from
   * left to right.
   */
  readonly precedence: boolean;
  /** Whether conditions may compare any two expressions; otherwise the left side is a variable or a call. */
  readonly freeConditions: boolean;
  /** Whether the old tests of the core exist: method, uri, src_ip, myself, retcode ... */
  readonly coreTests: boolean;
  /** Whether an assignment may be a condition. */
  readonly assignInCondition: boolean;
  /** Whether "+=", ":=" and the like exist. */
  readonly compoundAssignment: boolean;
  readonly notMatchOperator: boolean;
  /** Whether the null value is written "$null"; otherwise it is the word NULL. */
  readonly nullVariable: boolean;
  /** Words before "{" or "[" that begin a route. */
  readonly routeWords: ReadonlySet<string>;
  /** The number that a word such as "yes" stands for in an expression; undefined for other words. */
  readonly switchWords: (word: string) => number | undefined;
  /**
   * Whether such a word is a number everywhere in a script. As the value of a module parameter it is one in both
   * dialects.
   */
  readonly switchLiterals: boolean;
  /** Whether names of routes need quotes when they are more than a word. */
  readonly quotedRouteNames: boolean;
  /** Whether each kind of route either needs a name or allows none. */
  readonly strictRouteNames: boolean;
  /** Whether ";" is allowed between the definitions of a file. */
  readonly topSemicolons: boolean;
  /** Whether exit and drop may have a number in parentheses. */
  readonly endArguments: boolean;
  /** Whether calls of routes have parameters. */
  readonly routeParameters: boolean;
  /** Whether a module may be loaded twice; the second load has no effect. */
  readonly modulesTwice: boolean;
  /** Whether two main routes are joined, the second after the first. */
  readonly mergesMainRoutes: boolean;
  readonly forLoops: boolean;
  readonly asyncStatements: boolean;
  /** Whether break is allowed outside loops, where it ends the route. */
  readonly breakAnywhere: boolean;
  /** Whether "{ }" is allowed after if and while. */
  readonly emptyBlocks: boolean;
  readonly emptySwitch: boolean;
  /** Whether cases may have a regular expression: case /"regex": */
  readonly regexCases: boolean;
  /** Whether a case label must be a literal; otherwise it may be a constant expression. */
  readonly literalCases: boolean;
  /** Whether return takes an expression; otherwise it takes a number or a variable, and further values. */
  readonly returnExpressions: boolean;
  /** Whether global parameters of versions before 3.0 are allowed. */
  readonly oldParameters: boolean;
}

/** Decisions about calls of functions and routes. */
export interface CallDecisions {
  /** Whether a call in an expression has the value 1 or 0; otherwise it has its return code. */
  readonly booleanCalls: boolean;
  /** Whether $rc is set to 0 when a call in an expression begins. */
  readonly clearsReturnCode: boolean;
  /** Whether arguments must be constants, except for functions that say otherwise. */
  readonly constantArguments: boolean;
  /** Whether a function that takes a number refuses a string, and the reverse. */
  readonly typedArguments: boolean;
  /** Whether a named route may only call functions that are allowed in all kinds of routes that reach it. */
  readonly checksThroughCalls: boolean;
  /** Whether routes that functions name (t_on_failure) need not exist; then nothing runs. */
  readonly lateRoutes: boolean;
  /** Return code of a call whose computed route name does not exist. */
  readonly missingRouteCode: number;
  /** Whether such a call sets $rc to that code. */
  readonly missingRouteSetsReturnCode: boolean;
  /** Whether bare words are allowed as arguments: names of flags, addresses. */
  readonly wordArguments: boolean;
}

/** Decisions about $rc, loops and the end of routes. */
export interface FlowDecisions {
  /** Value of $rc when the program enters a route; undefined: the value that the route before left. */
  readonly returnCodeAtEntry: number | undefined;
  /** Whether an assignment sets $rc to 1. */
  readonly assignmentSetsReturnCode: boolean;
  /** Whether an if that is not taken sets $rc to 0, and a loop sets it to the result of its condition. */
  readonly blocksSetReturnCode: boolean;
  /** Return code of a route that a break ended, or whose last statement is a loop or switch that a break ended. */
  readonly breakResult: number;
  /** Return code of a route whose last statement is a switch without a matching case. */
  readonly noCaseResult: number;
  /** Return code of a switch over a constant without a matching case. */
  readonly noCaseResultOfConstant: number;
  /** Whether a block of "if", "while" or "case" counts as one more level of nesting for route calls in it. */
  readonly blocksNest: boolean;
  /** Whether the result of a loop is that of its last statement. */
  readonly loopsKeepResult: boolean;
  /** Whether a failed calculation sets the variable to null; otherwise the variable keeps its value. */
  readonly failureAssignsNull: boolean;
  /** Variables ($rU, $du ...) that ignore a calculated number and take the number of another variable as a text. */
  readonly textTargets?: RegExp;
  /** Whether a call of a route without statements counts as a call of a missing route. */
  readonly emptyRoutesUndefined: boolean;
  /** Default of max_while_loops. */
  readonly loops: number;
  /** Maximum nesting of route calls. */
  readonly depth: number;
}

const COMMON_ROUTES = ['route', 'failure_route', 'branch_route', 'onreply_route', 'event_route'];

/** Words that stand for 1 and 0 in OpenSIPS, in lower case. */
const OPENSIPS_SWITCHES: ReadonlyMap<string, number> = new Map([
  ...['yes', 'on', 'true'].map((word) => [word, 1] as const),
  ...['no', 'off', 'false'].map((word) => [word, 0] as const),
]);
/** Those of Kamailio, which are numbers everywhere. */
const KAMAILIO_SWITCHES: ReadonlyMap<string, number> = new Map([...OPENSIPS_SWITCHES, ['enable', 1], ['disable', 0]]);

/** The language of opensips.cfg in OpenSIPS 3.4 to 4.1. */
export const OPENSIPS: Dialect = {
  name: 'opensips',
  later: false,
  title: 'opensips-4',
  generation: 4,
  syntax: {
    directives: false,
    predefined: new Map(),
    slashComments: false,
    precedence: false,
    freeConditions: false,
    coreTests: false,
    assignInCondition: true,
    compoundAssignment: true,
    notMatchOperator: true,
    nullVariable: false,
    routeWords: new Set([...COMMON_ROUTES, 'local_route', 'startup_route', 'timer_route', 'error_route']),
    switchWords: (word) => OPENSIPS_SWITCHES.get(word.toLowerCase()),
    switchLiterals: false,
    quotedRouteNames: false,
    mergesMainRoutes: false,
    modulesTwice: true,
    strictRouteNames: true,
    topSemicolons: false,
    endArguments: false,
    routeParameters: true,
    forLoops: true,
    asyncStatements: true,
    breakAnywhere: false,
    emptyBlocks: true,
    emptySwitch: false,
    regexCases: false,
    literalCases: true,
    returnExpressions: false,
    oldParameters: false,
  },
  operators: OPENSIPS_OPERATORS,
  calls: {
    booleanCalls: false,
    clearsReturnCode: false,
    constantArguments: false,
    typedArguments: true,
    checksThroughCalls: true,
    lateRoutes: false,
    missingRouteCode: 1,
    missingRouteSetsReturnCode: true,
    wordArguments: false,
  },
  flow: {
    returnCodeAtEntry: undefined,
    assignmentSetsReturnCode: true,
    blocksSetReturnCode: true,
    breakResult: 1,
    noCaseResult: 1,
    blocksNest: false,
    noCaseResultOfConstant: 1,
    loopsKeepResult: false,
    failureAssignsNull: true,
    emptyRoutesUndefined: true,
    loops: 10_000,
    depth: 100,
  },
  names: OPENSIPS_NAMES,
};

/** OpenSIPS 3.x with the variables and functions that later versions removed. */
export const OPENSIPS_3: Dialect = { ...OPENSIPS, title: 'opensips-3', generation: 3, names: OPENSIPS_3_NAMES };

/** OpenSIPS 1.x to 2.x: like 3.x, with the core tests and parameters that 3.0 removed. */
export const OPENSIPS_OLD: Dialect = {
  ...OPENSIPS,
  title: 'opensips-2.1',
  generation: 2,
  names: OPENSIPS_OLD_NAMES,
  calls: { ...OPENSIPS.calls, typedArguments: false, wordArguments: true },
  syntax: { ...OPENSIPS.syntax, coreTests: true, oldParameters: true, topSemicolons: true, endArguments: true },
};

/** The language of kamailio.cfg, version 5.6. */
export const KAMAILIO: Dialect = {
  name: 'kamailio',
  title: 'kamailio-5.6',
  later: false,
  generation: 5,
  syntax: {
    directives: true,
    predefined: new Map([
      ['KAMAILIO_5', ''],
      ['KAMAILIO_5_6', ''],
      ['KAMAILIO_5_6_3', ''],
    ]),
    slashComments: true,
    precedence: true,
    freeConditions: true,
    coreTests: true,
    assignInCondition: true,
    compoundAssignment: false,
    notMatchOperator: false,
    nullVariable: true,
    routeWords: new Set([...COMMON_ROUTES, 'request_route', 'reply_route', 'onsend_route']),
    switchWords: (word) => KAMAILIO_SWITCHES.get(word),
    switchLiterals: true,
    quotedRouteNames: true,
    mergesMainRoutes: true,
    modulesTwice: false,
    strictRouteNames: false,
    topSemicolons: true,
    endArguments: true,
    routeParameters: false,
    forLoops: false,
    asyncStatements: false,
    breakAnywhere: true,
    emptyBlocks: false,
    emptySwitch: true,
    regexCases: true,
    literalCases: false,
    returnExpressions: true,
    oldParameters: true,
  },
  operators: KAMAILIO_OPERATORS,
  calls: {
    booleanCalls: true,
    clearsReturnCode: true,
    constantArguments: true,
    typedArguments: false,
    checksThroughCalls: false,
    lateRoutes: true,
    missingRouteCode: -10,
    missingRouteSetsReturnCode: false,
    wordArguments: true,
  },
  flow: {
    returnCodeAtEntry: 0,
    assignmentSetsReturnCode: false,
    blocksSetReturnCode: false,
    breakResult: 0,
    noCaseResult: 1,
    blocksNest: true,
    noCaseResultOfConstant: -5,
    loopsKeepResult: true,
    failureAssignsNull: false,
    textTargets: /^\$(?:rU|rd|rp|du|fU|fd|fn|tU|td|tn)$/,
    emptyRoutesUndefined: false,
    loops: 100,
    depth: 256,
  },
  names: KAMAILIO_NAMES,
};

/** Kamailio 5.7 to 6.1: like 5.6, with later additions. */
export const KAMAILIO_6: Dialect = {
  ...KAMAILIO,
  title: 'kamailio-6',
  later: true,
  names: KAMAILIO_6_NAMES,
  syntax: {
    ...KAMAILIO.syntax,
    predefined: new Map([
      ['KAMAILIO', ''],
      ['KAMAILIO_6', ''],
      ['KAMAILIO_6_1', ''],
      ['KAMAILIO_VERSION', '6001000'],
      ['OS_NAME', '"linux"'],
    ]),
  },
};
