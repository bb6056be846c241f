import { readFileSync } from 'node:fs';
import { unreadableReason } from '../../core/errors.js';
import { Daemon, type Explanation, type ScriptExplanation } from '../../daemon/daemon.js';
import { rehearsalOfRoutes } from '../../daemon/explanations.js';
import { createLogger } from '../../daemon/logger.js';
import { RouteScripts } from '../../daemon/route-scripts.js';
import { usageError } from '../line/command.js';
import type { CommandIo } from '../line/io.js';
import { standardInput } from '../line/standard-input.js';
import { callMi } from '../mi/client.js';
import { endpointFor } from '../mi/mi.js';
import { settingsFor } from '../settings.js';
import { renderExplanation } from './render.js';
import { renderScript, sendsMessage } from './render-script.js';

/** Options of "explain". */
export interface ExplainCommandOptions {
  readonly config?: string | undefined;
  readonly source?: string | undefined;
  readonly live?: boolean | undefined;
  readonly to?: string | undefined;
  readonly json?: boolean | undefined;
}

/**
 * switchyard explain. Returns the exit status: 1 when the request goes nowhere. Throws MiCallError, SwitchyardError.
 */
export async function explain(
  options: ExplainCommandOptions,
  file: string | undefined,
  io: CommandIo,
): Promise<number> {
  const request = await requestIn(file, io);
  if (request.trim() === '') throw usageError('there is no request: name its file, or send it to standard input');
  const found =
    options.live === true || options.to !== undefined
      ? await live(options, request)
      : await offline(options, request, io);
  if ('steps' in found) {
    io.out(options.json === true ? `${JSON.stringify(found)}\n` : renderScript(found));
    return sendsMessage(found) ? 0 : 1;
  }
  io.out(options.json === true ? `${JSON.stringify(found)}\n` : renderExplanation(found));
  return found.failure === undefined ? 0 : 1;
}

async function live(options: ExplainCommandOptions, request: string): Promise<Explanation | ScriptExplanation> {
  const { target, replyDir } = await endpointFor(options);
  const params = { request, ...(options.source === undefined ? {} : { source: options.source }) };
  const answer = await callMi(target, 'explain', params, replyDir === undefined ? {} : { replyDir });
  return answer as unknown as Explanation | ScriptExplanation;
}

async function offline(
  options: ExplainCommandOptions,
  request: string,
  io: CommandIo,
): Promise<Explanation | ScriptExplanation> {
  const settings = settingsFor(options.config, io);
  const script = await RouteScripts.load(settings);
  const routes = script === undefined ? undefined : rehearsalOfRoutes(script);
  const daemon = new Daemon({
    settings,
    log: createLogger('error'),
    anySocket: settings.listenByDefault === true,
    ...(routes === undefined ? {} : { ...routes.options, unsent: routes.rehearsal.unsent, drainMs: 0 }),
  });
  try {
    const outcomes = await daemon.loadOnly();
    for (const [partition, { failure }] of outcomes) {
      if (failure !== undefined) io.err(`partition "${partition}" could not be loaded: ${failure}\n`);
    }
    if (routes === undefined) return daemon.explain(request, options.source);
    await daemon.loadScript(script);
    return await routes.rehearsal.run(daemon, request, options.source);
  } finally {
    await daemon.stop();
  }
}

/** Reads the request from a file, or from standard input for "-" or no name. Throws SwitchyardError USAGE. */
export async function requestIn(file: string | undefined, io: CommandIo): Promise<string> {
  return file === undefined || file === '-' ? (await standardInput(io)).toString('latin1') : textIn(file);
}

function textIn(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    throw usageError(`cannot read ${file}: ${unreadableReason(error)}`, error);
  }
}
