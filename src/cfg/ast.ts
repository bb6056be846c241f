/**
 * Position of an element in the file that contains it, also for included and defined text. Lines and columns count from
 * 1.
 */
export interface Position {
  /** Path as opened: the main file, or an included one. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Kinds of routes of both dialects; a main request route is of kind "request" without a name. */
export type RouteKind =
  | 'request'
  | 'failure'
  | 'branch'
  | 'onreply'
  | 'local'
  | 'startup'
  | 'timer'
  | 'event'
  | 'error'
  | 'onsend'
  | 'branch-failure';

/** A quoted string with its escapes replaced; adjacent literals are joined. */
export interface StringLiteral {
  readonly kind: 'string';
  readonly value: string;
  /** Double quotes allow escapes, single quotes do not. */
  readonly quote: '"' | "'";
  readonly at: Position;
}

/** An integer, wrapped to 32 bits; decimal, octal or hexadecimal in the file. */
export interface IntLiteral {
  readonly kind: 'int';
  readonly value: number;
  /** As written. */
  readonly text: string;
  readonly at: Position;
}

/** A bare word: INVITE, myself, L_INFO, TCP, 127.0.8.0/24, group.name, a flag's name. */
export interface Word {
  readonly kind: 'word';
  readonly text: string;
  readonly at: Position;
}

/** A pseudo-variable as written: "$ru", "$(avp(x)[1]{s.len})". */
export interface VariableReference {
  readonly kind: 'variable';
  readonly text: string;
  readonly at: Position;
}

/** Kamailio's "@msg.header" selects. */
export interface SelectReference {
  readonly kind: 'select';
  readonly text: string;
  readonly at: Position;
}

/** NULL, null, $null. */
export interface NullLiteral {
  readonly kind: 'null';
  readonly at: Position;
}

/** A call of a function of a module or of the core. */
export interface FunctionCall {
  readonly kind: 'call';
  readonly name: string;
  readonly args: readonly Argument[];
  readonly at: Position;
}

/** An argument; undefined when it is left out, as between two commas. */
export type Argument = Expression | undefined;

/** route(name) and route(name, parameters). */
export interface RouteCall {
  readonly kind: 'route';
  readonly name: Expression;
  readonly args: readonly Argument[];
  readonly at: Position;
}

/** Operators with one operand, including casts. */
export type UnaryOperator = '!' | '-' | '~' | 'defined' | 'int' | 'str' | 'strlen' | 'strempty';

/** An operator and its operand. */
export interface Unary {
  readonly kind: 'unary';
  readonly operator: UnaryOperator;
  readonly operand: Expression;
  readonly at: Position;
}

/** Operators with two operands. */
export type BinaryOperator =
  | '&&'
  | '||'
  | '=='
  | '!='
  | '<'
  | '>'
  | '<='
  | '>='
  | '=~'
  | '!~'
  | 'eq'
  | 'ne'
  | 'ieq'
  | 'ine'
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '&'
  | '|'
  | '^'
  | '<<'
  | '>>';

/** An operator between two operands. */
export interface Binary {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
  /** Position of the operator. */
  readonly at: Position;
}

/** An assignment used as a condition: OpenSIPS' "if ($var(x) = 5)". */
export interface AssignExpression {
  readonly kind: 'assign-expression';
  readonly assignment: Assignment;
  readonly at: Position;
}

/** Anything that has a value or can be an argument. */
export type Expression =
  | StringLiteral
  | IntLiteral
  | NullLiteral
  | Word
  | VariableReference
  | SelectReference
  | FunctionCall
  | RouteCall
  | Unary
  | Binary
  | AssignExpression;

/** Operators that assign; ":=" replaces all values of a variable that has several. */
export type AssignmentOperator = '=' | ':=' | '+=' | '-=' | '*=' | '/=' | '%=' | '&=' | '|=' | '^=' | '<<=' | '>>=';

/** An assignment to a variable. */
export interface Assignment {
  readonly kind: 'assign';
  readonly target: VariableReference;
  readonly operator: AssignmentOperator;
  readonly value: Expression;
  readonly at: Position;
}

/** A call of a function or of a route whose result is not used. */
export interface CallStatement {
  readonly kind: 'call-statement';
  readonly call: FunctionCall | RouteCall;
  readonly at: Position;
}

/** "if", with its "else". */
export interface IfStatement {
  readonly kind: 'if';
  readonly condition: Expression;
  readonly body: readonly Statement[];
  readonly otherwise: readonly Statement[] | undefined;
  readonly at: Position;
  /** Position of the next statement: the parser looks for "else" there. */
  readonly following?: Position;
}

/** "while". */
export interface WhileStatement {
  readonly kind: 'while';
  readonly condition: Expression;
  readonly body: readonly Statement[];
  readonly at: Position;
}

/** OpenSIPS' "for ($var(v) in $(avp(x)[*]))". */
export interface ForStatement {
  readonly kind: 'for';
  readonly iterator: VariableReference;
  readonly list: VariableReference;
  readonly body: readonly Statement[];
  readonly at: Position;
}

/** A case label and its statements, which fall through to the next case. */
export interface SwitchCase {
  /** A literal, a regular expression in slashes (Kamailio) or undefined for "default". */
  readonly label:
    | Expression
    | { readonly kind: 'regex'; readonly source: StringLiteral; readonly at: Position }
    | undefined;
  readonly body: readonly Statement[];
  readonly at: Position;
}

/** "switch", with its cases in their order. */
export interface SwitchStatement {
  readonly kind: 'switch';
  readonly subject: Expression;
  readonly cases: readonly SwitchCase[];
  readonly at: Position;
}

/** exit, drop, break or return; the first value of return is the return code. */
export interface EndStatement {
  readonly kind: 'exit' | 'drop' | 'break' | 'return';
  readonly values: readonly Expression[];
  readonly at: Position;
}

/** OpenSIPS' async(function(), route, timeout) and launch(function(), route, parameter). */
export interface AsyncStatement {
  readonly kind: 'async' | 'launch';
  readonly call: FunctionCall;
  readonly resume: Expression | undefined;
  /** Seconds for async() to wait, or the parameter of the route of launch(). */
  readonly extra: Expression | undefined;
  readonly at: Position;
}

/** One statement of a route. */
export type Statement =
  | Assignment
  | CallStatement
  | IfStatement
  | WhileStatement
  | ForStatement
  | SwitchStatement
  | EndStatement
  | AsyncStatement;

/** A route block. */
export interface RouteBlock {
  readonly kind: RouteKind;
  /** undefined: the main request route, the unnamed onreply route, startup and so on. */
  readonly name: string | undefined;
  /** Interval of a timer route in seconds. */
  readonly interval: number | undefined;
  readonly body: readonly Statement[];
  readonly at: Position;
}

/** One value of a global parameter: a literal or a bare word ("udp:127.0.0.1:5060", yes, 4MB). */
export type SettingValue = StringLiteral | IntLiteral | Word;

/** "name = value ..." before the routes; `rest` has what follows the first value ("as", "use_workers", "desc"). */
export interface GlobalParameter {
  /** For example "listen" or "testgrp.num". */
  readonly name: string;
  /** The first value. Undefined for "tcp_accept_aliases" without a value; "{" for a block of names and values. */
  readonly value: SettingValue | undefined;
  readonly rest: readonly SettingValue[];
  readonly at: Position;
}

/** A loadmodule line. */
export interface LoadModule {
  /** As written: "tm.so", "/usr/lib/opensips/modules/tm.so". */
  readonly path: string;
  /** "tm" */
  readonly name: string;
  readonly at: Position;
}

/** A modparam line. */
export interface ModuleParameter {
  /** Name of the module, or several names separated by "|". */
  readonly module: string;
  readonly name: string;
  readonly value: string | number;
  readonly at: Position;
}

/** A whole configuration file, including the files it includes. */
export interface ConfigurationTree {
  readonly parameters: readonly GlobalParameter[];
  readonly modules: readonly LoadModule[];
  readonly moduleParameters: readonly ModuleParameter[];
  readonly routes: readonly RouteBlock[];
  /** Flags declared by name ("flags FLAG_NAT:5"), with their number. */
  readonly flags: ReadonlyMap<string, number>;
  /** Values of preprocessor definitions, for $def(name). */
  readonly defines: ReadonlyMap<string, string>;
}
