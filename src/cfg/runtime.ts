import type { PvarContext, PvarValue } from '../pvar/context.js';
import type { Position, RouteKind, Statement } from './ast.js';

/** Limits of one script run. */
export interface ScriptBounds {
  /** Maximum iterations of one while loop; 0: only `work` limits them. */
  readonly loops: number;
  /** Maximum nesting of route calls. */
  readonly depth: number;
  /** Maximum number of statements and loop iterations of one route, including the routes it calls. */
  readonly work: number;
  /** Maximum length of a string. */
  readonly text: number;
}

// Results of a statement.

/** The script continues with the next statement. */
export const NEXT = 0;
/** "break": ends the innermost loop or switch. */
export const BREAK = 1;
/** "return": ends the route; its caller continues. */
export const RETURN = 2;
/** "exit": ends the script. */
export const EXIT = 3;
/** "drop": ends the script; the message is not forwarded, in the kinds of routes that decide that. */
export const DROP = 4;
/** How the script continues after a statement: one of the constants above. */
export type Signal = typeof NEXT | typeof BREAK | typeof RETURN | typeof EXIT | typeof DROP;

/**
 * How a route ended: "ended" at its end or by return; "return-0" by a return of 0 (at any depth); "exit" by exit or by
 * a function that returned 0; "drop" by drop; "fault" because a limit was reached, which has been logged.
 */
export type RouteOutcome = 'ended' | 'return-0' | 'exit' | 'drop' | 'fault';

/** A compiled route. */
export interface CompiledRoute<Run extends ScriptRun = ScriptRun> {
  readonly kind: RouteKind;
  readonly name: string | undefined;
  /** Interval of a timer route in seconds. */
  readonly interval: number | undefined;
  readonly at: Position;
  /** Whether a function in it, or in a route it calls, may wait. If not, `run` never returns a promise. */
  readonly waits: boolean;
  /** Runs the route. Never throws. The return code is in `run.returned`. */
  run(run: Run): RouteOutcome | Promise<RouteOutcome>;
}

/** Receives the statements of a run, one by one: for `explain`. */
export interface ScriptTrace {
  /** A statement is about to run. */
  before(run: ScriptRun, statement: Statement): void;
  /** The condition of an if or while was evaluated. */
  condition(run: ScriptRun, statement: Statement, holds: boolean): void;
  /** A statement has run; `run.last` is its result. */
  after(run: ScriptRun, statement: Statement): void;
}

/** The route that runs when an operation has ended, if any, and the further arguments of async() or launch(). */
export interface Resumption {
  readonly route: CompiledRoute | undefined;
  /** Seconds for async() to wait, or the parameter of the route of launch(). */
  readonly extra: PvarValue | undefined;
}

/**
 * One execution of a route over one message; all closures get it as their argument. The program that runs scripts
 * extends the class with what its functions need. $rc is `pvars.returnCode`.
 */
export abstract class ScriptRun {
  /** Number of statements the run may still execute. */
  work = 0;
  /** Number of nested route calls. */
  depth = 0;
  /** Code of the last return; after the end of the script, the return code of its route. */
  returned = 1;
  /** Result of the last statement, which is the return code of a route without return. */
  last = 1;
  /** How a call in an expression ended the script; NEXT while the script continues. */
  stop: Signal = NEXT;
  /** Whether async() or launch() called the current function. */
  asynchronous = false;
  /** Whether the operation that async() started has taken longer than its timeout; its result is then ignored. */
  overdue = false;
  /** Whether the script ended by a return of 0. */
  zero = false;
  trace: ScriptTrace | undefined = undefined;
  abstract readonly pvars: PvarContext;
  /** Kind of the route that the program entered. */
  abstract readonly routeKind: RouteKind;
  /** Logs a fault of the script with its position; implementations limit the rate. */
  abstract fault(at: Position, message: string): void;

  /** Whether an address or host name is local, with the given port or (undefined) any: "uri == myself". */
  isOwn(_host: string, _port: number | undefined): boolean {
    return false;
  }

  /** The entered route waits for the first time: other messages are handled before it continues. */
  waits(): void {}

  /** A route that has waited is at its end. */
  ends(): void {}

  /** The run of an operation of launch(), which continues at the same time as this one. Only the AVPs are shared. */
  beside(): ScriptRun {
    return this;
  }

  /**
   * Called by OpenSIPS' async() and launch(): the started operation ends with `done`, and then the route of `resume`
   * runs. After async() the current route has ended.
   */
  suspend(_kind: 'async' | 'launch', at: Position, _done: number | Promise<number>, _resume: Resumption): void {
    this.fault(at, 'this route cannot wait for an asynchronous operation');
  }
}
