/**
 * One line of a script that was executed, as shown by "explain": a statement of a cfg file, or a function that a
 * JavaScript route called.
 */
export type ExecutedStep = {
  readonly file: string;
  readonly line: number;
  /** 1 in the route that was entered first, greater in the routes that it calls or causes. */
  readonly depth: number;
  /** The line of the file. */
  readonly text: string;
  /** For example "yes", "no", "returns 1", "enters", "ends". */
  readonly result: string;
  /** Variables of the statement or of the arguments, in order; null for one that is not set. */
  readonly values: readonly (readonly [name: string, value: string | number | null])[];
};
