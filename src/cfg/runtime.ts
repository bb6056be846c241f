import type { PvarContext } from '../pvar/context.js';
import type { Position, RouteKind, Statement } from './ast.js';

/** Bounds of one run of a script. */
export interface ScriptBounds {
  /** Iterations of one while loop; 0 for as many as `work` allows. */
  readonly loops: number;
  /** Routes that call each other, one within the other. */
  readonly depth: number;
  /** Statements and loop iterations of one route with all it calls. */
  readonly work: number;
  /** Characters a string may have. */
  readonly text: number;
}

// How a statement went on.

/** The next statement follows. */
export const NEXT = 0;
/** "break": ends the innermost loop or switch. */
export const BREAK = 1;
/** "return": ends the route; what called it goes on. */
export const RETURN = 2;
/** "exit": ends the script. */
export const EXIT = 3;
/** "drop": ends the script, and the message is not sent where the route decides that. */
export const DROP = 4;
/** How a statement went on: one of the constants above. */
export type Signal = typeof NEXT | typeof BREAK | typeof RETURN | typeof EXIT | typeof DROP;

/**
 * How a route ended: "ended" by itself or by return, "return-0" by a return of 0 (at any depth), "exit" by exit or by a
 * function that returned 0, "drop" by drop, "fault" because a limit was reached; that is logged already.
 */
export type RouteOutcome = 'ended' | 'return-0' | 'exit' | 'drop' | 'fault';

/** A route ready to run. */
export interface CompiledRoute<Run extends ScriptRun = ScriptRun> {
  readonly kind: RouteKind;
  readonly name: string | undefined;
  /** Seconds of a timer route. */
  readonly interval: number | undefined;
  readonly at: Position;
  /** Whether a function in it, or in a route it calls, may wait. Otherwise `run` never returns a promise. */
  readonly waits: boolean;
  /** Never throws. The code it returned is in `run.returned`. */
  run(run: Run): RouteOutcome | Promise<RouteOutcome>;
}

/** Follows a run statement by statement: what `explain` shows. */
export interface ScriptTrace {
  /** A statement is about to run. */
  before(run: ScriptRun, statement: Statement): void;
  /** Of if and while. */
  condition(run: ScriptRun, statement: Statement, holds: boolean): void;
  /** A statement has run; `run.last` is its result. */
  after(run: ScriptRun, statement: Statement): void;
}

/**
 * One run of one route over one message: the argument of every closure. The caller that runs scripts extends it with
 * what its functions need. $rc is `pvars.returnCode`.
 */
export abstract class ScriptRun {
  /** Statements that may still be run. */
  work = 0;
  /** Routes entered and not left. */
  depth = 0;
  /** What the innermost return gave; when the script has ended, what its route returned. */
  returned = 1;
  /** Result of the last statement: the result of a route without return. */
  last = 1;
  /** How a call within an expression ended the script; NEXT while it goes on. */
  stop: Signal = NEXT;
  /** The function at work was called by async() or launch(). */
  asynchronous = false;
  /** The script ended by a return of 0. */
  zero = false;
  trace: ScriptTrace | undefined = undefined;
  abstract readonly pvars: PvarContext;
  /** Kind of the route that was entered from outside. */
  abstract readonly routeKind: RouteKind;
  /** A fault of the script: logged with its position; the implementation limits the rate. */
  abstract fault(at: Position, message: string): void;

  /** Whether an address or a host name, with this port or any, is local: "uri == myself". */
  isOwn(_host: string, _port: number | undefined): boolean {
    return false;
  }

  /** The route that was entered waits for something for the first time: other messages run before it goes on. */
  waits(): void {}

  /** A route that waited has ended. */
  ends(): void {}

  /**
   * OpenSIPS' async() and launch(): the operation that was begun is `done` later, and `resume` runs then. After async()
   * the present route has ended.
   */
  suspend(
    _kind: 'async' | 'launch',
    at: Position,
    _done: number | Promise<number>,
    _resume: CompiledRoute | undefined,
  ): void {
    this.fault(at, 'nothing can be waited for here');
  }
}
