import type { MessageRun } from '../script/call.js';
import { type Args, type FunctionSpec, KAMAILIO, optional, param } from './define.js';

/** What a function does; its arguments are read as texts or, when they are variables, written. */
export type Body = (run: MessageRun, args: Args) => number | Promise<number>;

/**
 * A function that only Kamailio has. Its parameters are words: a text each, "name?" for one that may be left out.
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

/** Functions, by their names with blanks between, that take their arguments and return a fixed code. */
export function accepted(names: string, parameters: string, result: number, summary: string): FunctionSpec[] {
  return names.split(' ').map((name) => kamailioFunction(name, parameters, summary, () => result));
}
