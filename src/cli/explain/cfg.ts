import { relative } from 'node:path';
import { loadCompleteCfg } from '../../cfg-file/complete.js';
import { ScriptPath, type ScriptStep } from '../../cfg-file/script-path.js';
import { Daemon } from '../../daemon/daemon.js';
import { createLogger } from '../../daemon/logger.js';
import { usageError } from '../line/command.js';
import type { CommandIo } from '../line/io.js';

export interface ExplainCfgOptions {
  readonly cfg: string;
  readonly config?: string | undefined;
  readonly dialect?: string | undefined;
  readonly preprocess?: string | undefined;
  readonly defines?: ReadonlyMap<string, string> | undefined;
  readonly source?: string | undefined;
  readonly json?: boolean | undefined;
}

/** What would be sent, and where to. */
interface Unsent {
  readonly address: string;
  readonly port: number;
  /** First line of the message. */
  readonly line: string;
  readonly text: string;
}

/** Milliseconds that a name may take to be resolved, and how often it is looked whether something would be sent. */
const PATIENCE = 2000;
const LOOK = 20;

/**
 * switchyard explain --cfg: runs the script of a cfg file over one request and shows each statement with its values, and
 * what would be sent. Nothing is sent. Returns the exit status: 1 where the request goes nowhere.
 */
export async function explainCfg(options: ExplainCfgOptions, request: string, io: CommandIo): Promise<number> {
  const { dialect, preprocess, defines } = options;
  const { cfg, settings } = loadCompleteCfg(
    options.cfg,
    { traced: true, dialect, preprocess, ...(defines === undefined ? {} : { defines }) },
    options.config,
  );
  const path = new ScriptPath(cfg);
  const unsent: Unsent[] = [];
  let listening = true;
  const lines: string[] = [];
  const daemon = new Daemon({
    settings,
    cfg,
    log: createLogger('error'),
    scriptTrace: path,
    drainMs: 0,
    scriptOutput: (level, text) => lines.push(`${level} ${text.trimEnd()}`),
    unsent: (text, address, port) => {
      if (listening) unsent.push({ address, port, line: text.slice(0, text.indexOf('\r\n')), text });
    },
  });
  try {
    for (const [partition, { failure }] of await daemon.loadOnly()) {
      if (failure !== undefined) io.err(`partition "${partition}" could not be loaded: ${failure}\n`);
    }
    const { address, port } = sourceOf(options.source);
    const [socket] = daemon.sockets.all;
    if (socket === undefined) throw usageError('the file names no socket to receive the request on');
    daemon.layer.receive(wire(request), { socket, address, port, flow: undefined });
    await settled(unsent);
    listening = false;
  } finally {
    await daemon.stop();
  }
  if (options.json === true) io.out(`${JSON.stringify({ steps: path.steps, log: lines, sent: unsent })}\n`);
  else io.out(render(path.steps, lines, unsent));
  return unsent.some(({ line }) => !/^SIP\/2\.0 [3-6]/.test(line)) ? 0 : 1;
}

/** Requests in files have line ends of their own. */
function wire(request: string): string {
  const text = request.includes('\r\n') ? request : request.replaceAll('\n', '\r\n');
  return text.includes('\r\n\r\n') ? text : `${text.trimEnd()}\r\n\r\n`;
}

function sourceOf(text = '127.0.0.1:5060'): { readonly address: string; readonly port: number } {
  const match = /^(\[[0-9A-Fa-f:.]+\]|[0-9.]+)(?::([0-9]{1,5}))?$/.exec(text);
  if (match === null) throw usageError(`expected an address or address:port for --source, not "${text}"`);
  return { address: (match[1] as string).replace(/^\[|\]$/g, ''), port: Number(match[2] ?? 5060) };
}

/** Waits until something but a provisional reply would be sent, and a moment longer; names may have to be resolved. */
async function settled(unsent: readonly Unsent[]): Promise<void> {
  const done = () => unsent.some(({ line }) => !line.startsWith('SIP/2.0 1'));
  for (let waited = 0; waited < PATIENCE; waited += LOOK) {
    const before = done();
    await new Promise((resolve) => setTimeout(resolve, LOOK));
    if (before) return;
  }
}

function render(steps: readonly ScriptStep[], log: readonly string[], unsent: readonly Unsent[]): string {
  const shown = steps.map(({ file, line, depth, text, result, values }) => {
    const known = values.map(([name, value]) => `${name} = ${value === null ? '<null>' : shortened(String(value))}`);
    const detail = known.length === 0 ? '' : `: ${known.join(', ')}`;
    return `${nameOf(file)}:${line}  ${'  '.repeat(Math.max(0, depth - 1))}${text}\n    ${result}${detail}\n`;
  });
  const written = log.map((each) => `log: ${each}\n`);
  const sent = unsent.map(({ line, address, port }) => `sends to ${address}:${port}: ${line}\n`);
  return [...shown, '\n', ...written, ...(sent.length === 0 ? ['nothing is sent\n'] : sent)].join('');
}

function nameOf(file: string): string {
  const path = relative(process.cwd(), file);
  return path === '' || path.startsWith('..') ? file : path;
}

function shortened(text: string): string {
  const clean = text.replace(/[^\x20-\x7e]/g, '.');
  return clean.length > 80 ? `${clean.slice(0, 77)}...` : clean;
}
