import { SwitchyardError } from '../core/errors.js';

/** A problem in a configuration file. */
export interface Problem {
  /** The file's name for messages: relative to the working folder if it is below it. */
  readonly file: string;
  /** JSON pointer (RFC 6901) to the value; '' for the whole file. */
  readonly pointer: string;
  /** Line of a syntax error, from 1. */
  readonly line?: number | undefined;
  /** What is wrong; contains no secret. */
  readonly reason: string;
  /** The word that was probably meant. */
  readonly suggestion?: string | undefined;
}

/** Reports all problems in all files of a configuration. */
export class ConfigError extends SwitchyardError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], code: 'CONFIG_INVALID' | 'CONFIG_UNREADABLE' = 'CONFIG_INVALID') {
    super(code, `configuration refused:\n${formatProblems(problems)}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** The problems as text, one line each: file#/pointer: reason (did you mean "x"?) */
export function formatProblems(problems: readonly Problem[]): string {
  return problems
    .map(({ file, pointer, reason, suggestion }) => {
      const hint = suggestion === undefined ? '' : ` (did you mean "${suggestion}"?)`;
      return oneLine(`${file}#${pointer}: ${reason}${hint}`);
    })
    .join('\n');
}

/** The JSON pointer to a member of the value at `pointer` (RFC 6901 section 3). */
export function below(pointer: string, ...keys: readonly (string | number)[]): string {
  return keys.reduce<string>((base, key) => `${base}/${escapeToken(String(key))}`, pointer);
}

function escapeToken(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** File names and keys may contain anything: a line break must not forge a second line. */
function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f\u2028\u2029]/g, (char) => JSON.stringify(char).slice(1, -1));
}
