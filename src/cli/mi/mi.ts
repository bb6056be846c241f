import { type EndpointSettings, endpointsOf } from '../../config/endpoints.js';
import { usageError } from '../line/command.js';
import type { CommandIo } from '../line/io.js';
import { hint } from '../line/parse.js';
import { cataloguedCommand, miCommandHelp, miCommandUsage, nearestCommand, unknownParameters } from './catalog.js';
import { callMi, MiCallError } from './client.js';
import { type Endpoint, firstEndpoint } from './endpoints.js';
import { parseCliParams } from './params.js';
import { renderForTerminal } from './render.js';

/** Options of "mi". */
export interface MiOptions {
  readonly config?: string | undefined;
  readonly to?: string | undefined;
  /** Milliseconds. */
  readonly timeout?: number | undefined;
  readonly 'reply-dir'?: string | undefined;
  readonly json?: boolean | undefined;
}

/** The endpoint of the daemon that the options select. Throws SwitchyardError USAGE, ConfigError. */
export async function endpointFor(options: MiOptions): Promise<Endpoint> {
  const replyDir = options['reply-dir'];
  if (options.to !== undefined) return { target: options.to, replyDir };
  const known = endpointsOf(options.config) ?? (await complete(options.config));
  const found = firstEndpoint(known);
  if (found === undefined) {
    const file = options.config ?? './switchyard.json';
    throw usageError(`${file} has no management endpoint: add "mi" to it, or give --to TARGET`);
  }
  return { target: found.target, replyDir: replyDir ?? found.replyDir };
}

/** Loads the complete settings, which reports what is wrong with them. */
async function complete(config: string | undefined): Promise<EndpointSettings> {
  const { loadSettings } = await import('../../config/load.js');
  return loadSettings(config).settings;
}

/** switchyard mi. Returns the exit status. Throws MiCallError, SwitchyardError. */
export async function mi(options: MiOptions, args: readonly string[], io: CommandIo): Promise<number> {
  // "--json" and "--help" are never values of a management command, and people write them last.
  const words = args.filter((word) => word !== '--json' && word !== '--help' && word !== '-h');
  const json = options.json === true || args.includes('--json');
  const [method = '', ...given] = words;
  const misplaced = given.find((word) => /^--(?:to|timeout|config|reply-dir)(?:=|$)/.test(word));
  if (misplaced !== undefined)
    throw usageError(`${misplaced} must come before the command: switchyard mi ${misplaced} ... ${method}`);
  if (args.includes('--help') || args.includes('-h')) return help(method, io);
  const params = parseCliParams(given, method);
  const { target, replyDir } = await endpointFor(options);
  try {
    const answer = await callMi(target, method, params, {
      ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout }),
      ...(replyDir === undefined ? {} : { replyDir }),
    });
    io.out(json ? `${JSON.stringify(answer)}\n` : renderForTerminal(method, answer, io.terminal));
    return 0;
  } catch (error) {
    throw error instanceof MiCallError ? explained(error, method, params) : error;
  }
}

function help(method: string, io: CommandIo): number {
  const command = cataloguedCommand(method);
  if (command === undefined) throw usageError(unknown(method));
  io.out(miCommandHelp(command));
  return 0;
}

function unknown(method: string): string {
  return `there is no management command "${method}"${hint(nearestCommand(method))}`;
}

/** JSON-RPC 2.0, section 5.1. */
const INVALID_PARAMS = -32602;

/** The daemon's error, with what was probably meant. */
function explained(error: MiCallError, method: string, params: ReturnType<typeof parseCliParams>): MiCallError {
  const command = cataloguedCommand(method);
  const named = params !== undefined && !Array.isArray(params) ? Object.keys(params) : [];
  const why = command === undefined ? [unknown(method)] : unknownParameters(command, named);
  // Missing or surplus values have no name, so the error shows how to call the command.
  if (why.length === 0 && error.code === INVALID_PARAMS && command !== undefined) {
    return new MiCallError(error.code, error.plain, error.data, `use ${miCommandUsage(command).join('\nor  ')}`);
  }
  return why.length === 0 ? error : new MiCallError(error.code, error.plain, error.data, why.join('; '));
}
