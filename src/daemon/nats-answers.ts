import type { Access } from '../access/access.js';
import { type Caller, unbounded } from '../access/caller.js';
import { withinPartition } from '../access/rights.js';
import type { Settings } from '../config/settings.js';
import type { MiAnswer } from '../events/sinks/nats-mi.js';
import type { MiHandler } from '../management/mi/handler.js';
import { METHOD_NOT_FOUND, renderError } from '../management/mi/json-rpc.js';
import { parseFirstJson } from '../management/mi/json-scanner.js';
import { callerForUser } from './callers.js';

/**
 * Answers requests over NATS. The server's permissions decide who may publish to a subject. A request on the subject of
 * a partition and a command is limited to these; one on the general subject is handled as the user in the settings.
 */
export function natsAnswers({ mi: config }: Settings, mi: MiHandler, access: Access): MiAnswer {
  const as = config.nats?.as;
  return async (text, bounds) => {
    if (bounds === undefined) {
      return mi.handle(text, as === undefined ? unbounded('nats') : callerForUser(access, 'nats', as));
    }
    const { partition, command } = bounds;
    const anybody = unbounded('nats', partition);
    const caller: Caller = { ...anybody, ...withinPartition(anybody, partition) };
    const request = requestOf(text, command, mi);
    return request === undefined ? renderError(METHOD_NOT_FOUND, null) : mi.handle(request, caller);
  };
}

/**
 * The request on the subject of a command: the message is empty, the parameters, or a whole request for that command.
 * Undefined for another command.
 */
function requestOf(text: string, command: string, mi: MiHandler): string | undefined {
  const named = mi.find(command);
  if (named === undefined) return undefined;
  if (text.trim() === '') return JSON.stringify({ jsonrpc: '2.0', id: null, method: named.name });
  const value = parseFirstJson(text)?.value;
  // Text that is not JSON is answered as at other endpoints.
  if (value === undefined) return text;
  if (Array.isArray(value)) return JSON.stringify({ jsonrpc: '2.0', id: null, method: named.name, params: value });
  const { jsonrpc, method } = value as Readonly<Record<string, unknown>>;
  if (jsonrpc === undefined) return JSON.stringify({ jsonrpc: '2.0', id: null, method: named.name, params: value });
  return typeof method === 'string' && mi.find(method) === named ? text : undefined;
}
