import type { FormatNames } from '../pvar/format.js';
import { KAMAILIO_NAMES, OPENSIPS_3_NAMES, OPENSIPS_NAMES, OPENSIPS_OLD_NAMES } from '../pvar/names.js';
import type { DialectName } from './function-table.js';
import { KAMAILIO_OPERATORS } from './semantics/kamailio.js';
import { OPENSIPS_OPERATORS } from './semantics/opensips.js';
import type { Operators } from './semantics/operators.js';

/**
 * What the two languages, and their versions, decide differently. The parser and the compiler ask this table; they do not
 * ask which program a file was written for.
 */
export interface Dialect {
  readonly name: DialectName;
  /** For messages: "opensips-3.4", "kamailio-5.6". */
  readonly title: string;
  /** A version after the recorded one: what only such a version has is known, and what nothing is known of is not refused. */
  readonly later: boolean;
  /**
   * Of OpenSIPS: 2 for 1.x and 2.x, 3 for 3.x, 4 for what 3.4 to 4.1 have in common. What a file may use depends on it: functions and variables
   * have a last generation.
   */
  readonly generation: number;
  readonly syntax: SyntaxDecisions;
  readonly operators: Operators;
  readonly calls: CallDecisions;
  readonly flow: FlowDecisions;
  /** Variables and transformations. */
  readonly names: FormatNames;
}

/** What a dialect decides about the text of a file. */
export interface SyntaxDecisions {
  /** "#!define" and the like. */
  readonly directives: boolean;
  /** Names that are defined from the beginning. */
  readonly predefined: ReadonlyMap<string, string>;
  /** "//" begins a comment. */
  readonly slashComments: boolean;
  /** Operators bind by rank; otherwise "&&" and "||" bind alike, and arithmetic goes strictly from left to right. */
  readonly precedence: boolean;
  /** Conditions compare any two expressions; otherwise the left side is a variable or a call. */
  readonly freeConditions: boolean;
  /** Old core tests: method, uri, src_ip, myself, retcode ... */
  readonly coreTests: boolean;
  /** An assignment may be a condition. */
  readonly assignInCondition: boolean;
  /** "+=", ":=" and the like. */
  readonly compoundAssignment: boolean;
  readonly notMatchOperator: boolean;
  /** "$null" is the null; otherwise the word NULL. */
  readonly nullVariable: boolean;
  /** Words before "{" or "[" that make a route. */
  readonly routeWords: ReadonlySet<string>;
  /** The number that a word such as "yes" stands for in an expression; undefined for any other word. */
  readonly switchWords: (word: string) => number | undefined;
  /** Such a word is a number wherever one may stand, also as a parameter of a module. */
  readonly switchLiterals: boolean;
  /** Names of routes that are more than a word need quotes. */
  readonly quotedRouteNames: boolean;
  /** Every kind of route either needs a name or takes none. */
  readonly strictRouteNames: boolean;
  /** ";" is allowed between the definitions of a file. */
  readonly topSemicolons: boolean;
  /** exit and drop may have a number in brackets. */
  readonly endArguments: boolean;
  /** A module may be loaded twice; the second load has no effect. */
  readonly modulesTwice: boolean;
  /** Two main routes are one, the second after the first. */
  readonly joinsMainRoutes: boolean;
  readonly forLoops: boolean;
  readonly asyncStatements: boolean;
  /** break is allowed outside of loops, where it ends the route. */
  readonly breakAnywhere: boolean;
  /** "{ }" after if and while. */
  readonly emptyBlocks: boolean;
  readonly emptySwitch: boolean;
  /** case /"regex": */
  readonly regexCases: boolean;
  /** A case is one literal; otherwise a constant expression. */
  readonly literalCases: boolean;
  /** return takes an expression; otherwise a number or a variable, and more values. */
  readonly returnExpressions: boolean;
  /** Global parameters of versions before 3.0. */
  readonly oldParameters: boolean;
}

/** What a dialect decides about calls of functions and routes. */
export interface CallDecisions {
  /** A call within an expression counts as 1 or 0; otherwise as what it returned. */
  readonly booleanCalls: boolean;
  /** $rc is 0 when a call within an expression begins. */
  readonly clearsReturnCode: boolean;
  /** Arguments are constants, but for functions that say otherwise. */
  readonly constantArguments: boolean;
  /** A number is not a string and a string no number where a function takes the other. */
  readonly typedArguments: boolean;
  /** A route that is called from others may only call what those may. */
  readonly checksThroughCalls: boolean;
  /** Routes that functions name need not exist (t_on_failure); then nothing is called. */
  readonly lateRoutes: boolean;
  /** Result of a call of a route whose computed name is not defined. */
  readonly missingRouteCode: number;
  /** Such a call sets $rc to that result. */
  readonly missingRouteSetsReturnCode: boolean;
  /** Bare words as arguments: names of flags, addresses. */
  readonly wordArguments: boolean;
}

/** What a dialect decides about $rc, loops and the end of routes. */
export interface FlowDecisions {
  /** $rc when a route begins that nothing calls; undefined: what the route before left. */
  readonly returnCodeAtEntry: number | undefined;
  /** An assignment sets $rc to 1. */
  readonly assignmentSetsReturnCode: boolean;
  /** An if that is not taken leaves $rc at 0, and a loop leaves it as its condition found it. */
  readonly blocksSetReturnCode: boolean;
  /** Result of a route that a break ended, or whose last statement is a loop or switch that one ended. */
  readonly breakResult: number;
  /** Result of a route whose last statement is a switch without a case for the value. */
  readonly noCaseResult: number;
  /** The same of a switch over a constant. */
  readonly noCaseResultOfConstant: number;
  /** A block of "if", "while" or "case" counts as a level of nesting when a route is called in it. */
  readonly blocksNest: boolean;
  /** The result of a loop is that of the last statement in it. */
  readonly loopsKeepResult: boolean;
  /** A failed calculation makes the variable null; otherwise it keeps its value. */
  readonly failureAssignsNull: boolean;
  /** A route without a statement counts as not defined where it is called. */
  readonly emptyRoutesUndefined: boolean;
  /** Default of max_while_loops. */
  readonly loops: number;
  /** Route calls within each other. */
  readonly depth: number;
}

const COMMON_ROUTES = ['route', 'failure_route', 'branch_route', 'onreply_route', 'event_route'];

/** Words that stand for 1 and 0, in lower case. */
const OPENSIPS_SWITCHES: ReadonlyMap<string, number> = new Map([
  ...['yes', 'on', 'true'].map((word) => [word, 1] as const),
  ...['no', 'off', 'false'].map((word) => [word, 0] as const),
]);
/** Those of Kamailio, which are numbers wherever they stand. */
const KAMAILIO_SWITCHES: ReadonlyMap<string, number> = new Map([...OPENSIPS_SWITCHES, ['enable', 1], ['disable', 0]]);

/** The language of opensips.cfg, version 4. */
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
    joinsMainRoutes: false,
    modulesTwice: true,
    strictRouteNames: true,
    topSemicolons: false,
    endArguments: false,
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

/** OpenSIPS 3.x, which has variables and functions that were taken out later. */
export const OPENSIPS_3: Dialect = { ...OPENSIPS, title: 'opensips-3', generation: 3, names: OPENSIPS_3_NAMES };

/** OpenSIPS 1.x to 2.x: as 3.x, with the core tests and parameters that 3.0 took out. */
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
      ['KAMAILIO', ''],
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
    joinsMainRoutes: true,
    modulesTwice: false,
    strictRouteNames: false,
    topSemicolons: true,
    endArguments: true,
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
    emptyRoutesUndefined: false,
    loops: 100,
    depth: 256,
  },
  names: KAMAILIO_NAMES,
};

/** Kamailio 5.7 to 6.1: as 5.6, with what was added since. */
export const KAMAILIO_6: Dialect = {
  ...KAMAILIO,
  title: 'kamailio-6',
  later: true,
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
