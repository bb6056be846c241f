import type { Readable } from 'node:stream';
import { maskSecrets } from '../../core/mask.js';

/** Where a command reads and writes: data goes to `out`, messages for people to `err`. */
export interface CommandIo {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly stdin: Readable;
  /** The terminal of standard output; undefined for a file or pipe. */
  readonly terminal?: Terminal | undefined;
  /** The terminal of standard error; undefined for a file or pipe. */
  readonly errTerminal?: Terminal | undefined;
}

/** A terminal. */
export interface Terminal {
  /** Whether colours are wanted (NO_COLOR is not set). */
  readonly color: boolean;
  /** Characters per line. */
  readonly columns: number;
}

/** The standard streams of this process. Colours follow NO_COLOR (no-color.org) and TERM. */
export function standardIo(env: Readonly<Record<string, string | undefined>> = process.env): CommandIo {
  const { stdout, stderr } = process;
  const color = (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return {
    out: (text) => stdout.write(text),
    // A word of the command line, which messages repeat, may be a URL with a password.
    err: (text) => stderr.write(maskSecrets(text)),
    stdin: process.stdin,
    terminal: stdout.isTTY === true ? { color, columns: stdout.columns || 80 } : undefined,
    errTerminal: stderr.isTTY === true ? { color, columns: stderr.columns || 80 } : undefined,
  };
}
