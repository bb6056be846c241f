import { trimEnd } from '../core/characters.js';
import type { Logger } from '../core/logger.js';
import { WRITTEN_LEVELS } from '../route/functions/log-levels.js';
import type { ScriptOutput } from '../script/environment.js';

/** Longest script line in characters: the default of xlog's buf_size in OpenSIPS and Kamailio. */
const LONGEST_LINE = 4096;

function cut(line: string): string {
  return line.length <= LONGEST_LINE ? line : `${line.slice(0, LONGEST_LINE)}... (${line.length} characters)`;
}

/** Writes script lines to the log. */
export function scriptLines(log: Logger): ScriptOutput {
  return (level, text, callId, prefix = '') => {
    const name = WRITTEN_LEVELS[level];
    // The script decides how often it writes a line, but a peer may decide how long it is.
    if (log.isLevelEnabled(name))
      log[name]({ script: level, callId: callId?.slice(0, 256) }, cut(prefix + trimEnd(text)));
  };
}
