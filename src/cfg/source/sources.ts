/** A configuration file that was read. */
export interface SourceFile {
  /** Name used in messages. */
  readonly file: string;
  /** Decoded as latin1: one character for each byte. */
  readonly text: string;
  /** For the output of a preprocessor: the original line of each line, counted from 1. */
  readonly lines?: readonly number[];
}

/** Reads files. */
export interface SourceReader {
  /**
   * Reads an included file, which is looked for beside `from` and in the working directory; undefined when there is
   * none.
   */
  read(path: string, from: string): SourceFile | undefined;
}

/** Maximum size of one file in bytes. */
export const MAX_FILE = 8 * 1024 * 1024;
/** Maximum number of characters of a configuration, including its includes and the values of defines. */
export const MAX_CFG_TEXT = 16 * 1024 * 1024;
/** Maximum nesting of includes. */
export const MAX_INCLUDES = 32;
/** Maximum nesting of defines. */
export const MAX_EXPANSIONS = 64;
/** Maximum number of tokens in a configuration. */
export const MAX_TOKENS = 2_000_000;
