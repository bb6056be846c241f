import { Readable } from 'node:stream';
import type { Terminal } from '../../src/cli/line/io.js';
import { runLine } from '../../src/cli/line/run.js';

/** Result of a command line. */
export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line of the program in this process. */
export async function runCli(
  words: readonly string[],
  given: { readonly stdin?: string; readonly terminal?: Terminal; readonly errTerminal?: Terminal } = {},
): Promise<Ran> {
  let out = '';
  let err = '';
  const status = await runLine(words, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    stdin: Readable.from(given.stdin === undefined ? [] : [given.stdin]),
    terminal: given.terminal,
    errTerminal: given.errTerminal,
  });
  return { status, out, err };
}
