import { relative } from 'node:path';
import type { ScriptExplanation } from '../../daemon/daemon.js';

/** Whether a message other than a refusal would be sent. */
export function sendsMessage({ sent }: ScriptExplanation): boolean {
  return sent.some(({ line }) => !/^SIP\/2\.0 [3-6]/.test(line));
}

/** Shows on a terminal how a request passes through a script. */
export function renderScript({ steps, log, sent: unsent }: ScriptExplanation): string {
  const shown = steps.map(({ file, line, depth, text, result, values }) => {
    const known = values.map(
      ([name, value]) => `${shortened(name)} = ${value === null ? '<null>' : shortened(String(value))}`,
    );
    const detail = known.length === 0 ? '' : `: ${known.join(', ')}`;
    return `${nameOf(file)}:${line}  ${'  '.repeat(Math.max(0, depth - 1))}${text}\n    ${result}${detail}\n`;
  });
  const written = log.map((each) => `log: ${each}\n`);
  const sent = unsent.map(({ line, address, port }) => `sends to ${address}:${port}: ${line}\n`);
  const lines = [...shown, '\n', ...written, ...(sent.length === 0 ? ['nothing is sent\n'] : sent)];
  // Control characters in a request or script must not reach the terminal.
  return lines.map((line) => line.replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, '?')).join('');
}

function nameOf(file: string): string {
  const path = relative(process.cwd(), file);
  return path === '' || path.startsWith('..') ? file : path;
}

function shortened(text: string): string {
  const clean = text.replace(/[^\x20-\x7e]/g, '.');
  return clean.length > 80 ? `${clean.slice(0, 77)}...` : clean;
}
