import { fileURLToPath } from 'node:url';
import { trimmed } from '../../core/characters.js';

/**
 * Query parameter in the URLs under which a script and its imports are loaded. Each load has another number, so that
 * Node's module cache is not used.
 */
export const LOAD_MARK = 'switchyard-load';

/** A location in a script. */
export interface ScriptPosition {
  readonly file: string;
  /** Counted from 1; undefined when only the file is known. */
  readonly line: number | undefined;
}

/**
 * The position in a script that a thrown value comes from: the first stack frame in a file of the script, else the
 * script's file without a line.
 */
export function positionOf(thrown: unknown, script: string): ScriptPosition {
  const stack = thrown instanceof Error ? (thrown.stack ?? '') : '';
  for (const line of stack.split('\n')) {
    const position = frame(line, script);
    if (position !== undefined) return position;
  }
  return { file: script, line: undefined };
}

function frame(line: string, script: string): ScriptPosition | undefined {
  const marked = new RegExp(`(file:///[^\\s?()]+)\\?${LOAD_MARK}=[0-9]+:([0-9]+)`).exec(line);
  if (marked !== null) return { file: fileURLToPath(marked[1] as string), line: Number(marked[2]) };
  // With a source map the frame names the original source.
  const plain = /(?:\(|at |^)((?:file:\/\/)?\/[^ \t\r\n?()]+?)(?:\?[^: \t\r\n]*)?:([0-9]+)(?::[0-9]+)?\)?$/.exec(
    trimmed(line),
  );
  if (plain === null) return undefined;
  const named = plain[1] as string;
  const file = named.startsWith('file://') ? fileURLToPath(named) : named;
  return file === script ? { file, line: Number(plain[2]) } : undefined;
}
