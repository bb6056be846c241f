import { loadSettings } from '../../config/load.js';
import { usageError } from '../line/command.js';
import type { CommandIo } from '../line/io.js';
import { callMi } from './client.js';
import { type Endpoint, firstEndpoint } from './endpoints.js';
import { parseCliParams } from './params.js';
import { renderForPeople } from './render.js';

export interface MiOptions {
  readonly config?: string | undefined;
  readonly to?: string | undefined;
  /** Milliseconds. */
  readonly timeout?: number | undefined;
  readonly 'reply-dir'?: string | undefined;
  readonly json?: boolean | undefined;
}

/** Where the daemon of these options is reached. Throws SwitchyardError USAGE, ConfigError. */
export function endpointFor(options: MiOptions): Endpoint {
  const replyDir = options['reply-dir'];
  if (options.to !== undefined) return { target: options.to, replyDir };
  const { settings } = loadSettings(options.config);
  const found = firstEndpoint(settings);
  if (found === undefined) {
    throw usageError(`${settings.file} has no management endpoint: add "mi" to it, or give --to TARGET`);
  }
  return { target: found.target, replyDir: replyDir ?? found.replyDir };
}

/** switchyard mi. Returns the exit status. Throws MiCallError, SwitchyardError. */
export async function mi(options: MiOptions, args: readonly string[], io: CommandIo): Promise<number> {
  // Nobody means "--json" as a value of a management command; people put it last.
  const words = args.filter((word) => word !== '--json');
  const json = options.json === true || words.length < args.length;
  const [method = '', ...params] = words;
  const { target, replyDir } = endpointFor(options);
  const answer = await callMi(target, method, parseCliParams(params, method), {
    ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout }),
    ...(replyDir === undefined ? {} : { replyDir }),
  });
  io.out(json ? `${JSON.stringify(answer)}\n` : renderForPeople(method, answer));
  return 0;
}
