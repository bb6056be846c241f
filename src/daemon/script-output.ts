import type { Logger } from '../core/logger.js';
import { WRITTEN_LEVELS } from '../route/functions/log-levels.js';
import type { ScriptOutput } from '../script/environment.js';

/** Characters of a line of a script at most: the default of xlog's buf_size in both originals. */
const LONGEST_LINE = 4096;

function cut(line: string): string {
  return line.length <= LONGEST_LINE ? line : `${line.slice(0, LONGEST_LINE)}... (${line.length} characters)`;
}

/** Script lines as log lines. */
export function scriptLines(log: Logger): ScriptOutput {
  return (level, text, callId, prefix = '') => {
    const name = WRITTEN_LEVELS[level];
    // How often a line is written is for the script to say; how long one is, a peer could.
    if (log.isLevelEnabled(name))
      log[name]({ script: level, callId: callId?.slice(0, 256) }, cut(prefix + text.trimEnd()));
  };
}
