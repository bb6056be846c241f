import type { MessageRun } from '../script/call.js';
import { type Args, type FunctionSpec, KAMAILIO, optional, param } from './define.js';

/** Body of a function; reads its arguments as texts, or writes to them if they are variables. */
export type Body = (run: MessageRun, args: Args) => number | Promise<number>;

/**
 * A function that only Kamailio has. `parameters` are names separated by blanks: each a text, "name?" an optional one.
 */
export function kamailioFunction(
  name: string,
  parameters: string,
  summary: string,
  body: Body,
  waits = false,
): FunctionSpec {
  return {
    name,
    dialects: KAMAILIO,
    ...(waits ? { waits: true } : {}),
    parameters:
      parameters === ''
        ? []
        : parameters
            .split(' ')
            .map((each) => (each.endsWith('?') ? optional(each.slice(0, -1), 'string') : param(each, 'string'))),
    summary,
    compile: (args) => (run) => body(run, args),
  };
}

/** Functions (names separated by blanks) that accept their arguments and return a fixed code. */
export function accepted(names: string, parameters: string, result: number, summary: string): FunctionSpec[] {
  return names.split(' ').map((name) => kamailioFunction(name, parameters, summary, () => result));
}
