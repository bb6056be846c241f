/** A configuration file as it was read. */
export interface SourceFile {
  /** Name for messages. */
  readonly file: string;
  /** latin1: one character a byte. */
  readonly text: string;
  /** Of the output of a preprocessor: for each line of the text, counted from 1, its line in the file. */
  readonly lines?: readonly number[];
}

/** Where files come from. */
export interface SourceReader {
  /** An included file, looked for beside `from` and in the working directory; undefined when there is none. */
  read(path: string, from: string): SourceFile | undefined;
}

/** Bytes of one file, and of all together with what defines insert. */
export const MOST_FILE = 8 * 1024 * 1024;
/** Characters that a configuration and all it includes may have. */
export const MOST_TEXT = 16 * 1024 * 1024;
/** Files that include each other. */
export const MOST_INCLUDES = 32;
/** Defines that expand within each other. */
export const MOST_EXPANSIONS = 64;
/** Tokens of a configuration. */
export const MOST_TOKENS = 2_000_000;
