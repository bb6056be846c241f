import { spawnSync } from 'node:child_process';
import { SwitchyardError } from '../../core/errors.js';
import { MAX_FILE, type SourceFile } from './sources.js';

/** Timeout of a preprocessor in milliseconds. */
const TIME = 10_000;

/**
 * Runs an external preprocessor, as OpenSIPS' option -p does: it gets the text on its standard input, and its output is
 * used as the file. The command is a program and its arguments, separated by blanks; no shell is used. Lines such as
 * "#line 5" in the output (m4 -s, cpp) keep the positions of the original file. Throws SwitchyardError
 * (USAGE, CONFIG_UNREADABLE) with the reason.
 */
export function preprocessed(source: SourceFile, command: string): SourceFile {
  const [program = '', ...args] = words(command);
  if (program === '') throw new SwitchyardError('USAGE', 'the preprocessor has no name');
  const { status, signal, stdout, stderr, error } = spawnSync(program, args, {
    input: Buffer.from(source.text, 'latin1'),
    timeout: TIME,
    maxBuffer: MAX_FILE,
    windowsHide: true,
  });
  // A program may end without reading all of its input (EPIPE): then its status counts.
  if (error !== undefined && codeOf(error) !== 'EPIPE')
    throw unusable(`preprocessor "${command}" ${failureOf(error)}`, error);
  if (status !== 0) {
    const reason = stderr.toString('latin1').trim().split('\n')[0] ?? '';
    throw unusable(`preprocessor "${command}" failed with ${signal ?? `status ${status}`}: ${reason.slice(0, 200)}`);
  }
  const text = stdout.toString('latin1');
  const lines = lineNumbers(text);
  return lines === undefined ? { file: source.file, text } : { file: source.file, text, lines };
}

const codeOf = (error: Error): string | undefined => (error as NodeJS.ErrnoException).code;

function failureOf(error: Error): string {
  const code = codeOf(error);
  if (code === 'ETIMEDOUT') return `has not ended within ${TIME / 1000} s`;
  if (code === 'ENOBUFS') return `has written more than ${MAX_FILE} bytes`;
  return `cannot be started: ${error.message}`;
}

function unusable(message: string, cause?: Error): SwitchyardError {
  return new SwitchyardError('CONFIG_UNREADABLE', message, { cause });
}

/** Splits a command into words; double quotes join words with blanks. */
function words(command: string): string[] {
  return Array.from(command.matchAll(/"([^"]*)"|([^\s"]+)/g), ([, quoted, plain]) => quoted ?? plain ?? '');
}

/**
 * The line of the original file for each line of the output (counted from 1); undefined when the output has no line
 * markers.
 */
function lineNumbers(text: string): readonly number[] | undefined {
  const numbers: number[] = [0];
  let next = 1;
  let found = false;
  for (const line of text.split('\n')) {
    const match = /^#(?:line)? ([0-9]{1,9})(?: "|$)/.exec(line);
    if (match === null) numbers.push(next++);
    else {
      found = true;
      next = Number(match[1]);
      numbers.push(next);
    }
  }
  return found ? numbers : undefined;
}
