import { SwitchyardError } from '../../core/errors.js';
import type { CommandIo } from './io.js';

/** One option of a command: "--name" or "--name VALUE". One with a value stands once, unless it can be repeated. */
export interface OptionSpec<T = unknown> {
  /** One letter that stands for the name. */
  readonly short?: string;
  /** What stands for the value in help texts; undefined for a switch. */
  readonly value: string | undefined;
  /** One sentence. */
  readonly description: string;
  /** The values there are, for help and completion. */
  readonly choices?: readonly string[];
  /** Converts what was typed to the value. Throws SwitchyardError USAGE with what was expected. */
  readonly read: (text: string) => T;
  /** Of an option that may be repeated: the value of what was given before and what is given now. */
  merge?(before: T, now: T): T;
}

/** Options of a command by name. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** Values of options by their names; what was not given is undefined. */
export type OptionValues<O extends OptionSpecs> = {
  readonly [K in keyof O]?: (O[K] extends OptionSpec<infer T> ? T : never) | undefined;
};

/** What stands on a command line without an option's name. */
export interface ArgumentSpec {
  /** "FILE" */
  readonly name: string;
  readonly description: string;
  readonly optional?: boolean;
  /** Whether it takes all that follows. */
  readonly rest?: boolean;
  readonly choices?: readonly string[];
}

/** A line that can be typed as it stands, and what it does. */
export type Example = readonly [purpose: string, line: string];

/** One call of a command, parsed. */
export interface CommandCall<O extends OptionSpecs = OptionSpecs> {
  readonly options: OptionValues<O>;
  readonly args: readonly string[];
  readonly io: CommandIo;
  /** Every command of the program, for what is made from all of them. */
  readonly commands: () => Promise<readonly CommandSpec[]>;
}

/**
 * A command of the program. Its file holds the words and the options; what does the work is loaded by `run` with
 * `import()`, so that help, completion and other commands do not wait for it.
 */
export interface CommandSpec<O extends OptionSpecs = OptionSpecs> {
  readonly name: string;
  /** Half a line for the overview, without a full stop. */
  readonly summary: string;
  /** Paragraphs for help and the man page. */
  readonly description: string;
  readonly group: 'daemon' | 'operate' | 'data' | 'tool';
  readonly arguments?: readonly ArgumentSpec[];
  readonly options?: O;
  readonly examples: readonly Example[];
  /** Further sections of the help text: a title and its lines. */
  readonly sections?: readonly (readonly [title: string, text: string])[];
  /** Commands below this one ("db init"); they take the options of this one too. */
  readonly subcommands?: readonly CommandSpec[];
  /** Whether the first argument ends the options: what follows belongs to another command ("mi"). */
  readonly passThrough?: boolean;
  /** Does the work. Returns the exit status: 0 ok, 1 what was asked for failed. Throws SwitchyardError USAGE for 2. */
  readonly run?: (call: CommandCall<O>) => Promise<number>;
}

/** Gives `run` the types of the options that stand beside it. */
export function defineCommand<const O extends OptionSpecs = Readonly<Record<never, OptionSpec>>>(
  spec: CommandSpec<O>,
): CommandSpec {
  return spec as unknown as CommandSpec;
}

/** A command line that was not understood: exit status 2. */
export function usageError(message: string, cause?: unknown): SwitchyardError {
  return new SwitchyardError('USAGE', message, cause === undefined ? {} : { cause });
}

/** A switch. */
export function flag(description: string): OptionSpec<boolean> {
  return { value: undefined, description, read: () => true };
}

/** An option with a text for its value. */
export function text(value: string, description: string): OptionSpec<string> {
  return { value, description, read: (given) => given };
}

/** An option with a whole number for its value, from `min` to `max`. */
export function whole(value: string, description: string, min = 0, max = 2_147_483_647): OptionSpec<number> {
  const read = (given: string): number => {
    const number = Number(given);
    if (/^[0-9]+$/.test(given) && number >= min && number <= max) return number;
    throw usageError(`expected a whole number from ${min} to ${max}, not "${given}"`);
  };
  return { value, description, read };
}

/** An option with one of a few words for its value. */
export function choice<const T extends string>(
  value: string,
  choices: readonly T[],
  description: string,
): OptionSpec<T> {
  const read = (given: string): T => {
    const found = choices.find((each) => each === given);
    if (found === undefined) throw usageError(`expected one of ${choices.join(', ')}, not "${given}"`);
    return found;
  };
  return { value, description, choices, read };
}

/** Options that many commands share. */
export const CONFIG = text(
  'FILE',
  'Settings file. Default: ./switchyard.json, or built-in defaults where there is none.',
);
/** The option --json of commands that print results. */
export const JSON_OUTPUT = flag('Print JSON on standard output, and errors as JSON on standard error.');
