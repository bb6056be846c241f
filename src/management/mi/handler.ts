import type { Clock } from '../../core/clock.js';
import { systemClock } from '../../core/clock.js';
import { messageOf } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import { nextTurn } from '../../core/turn.js';
import type { CounterFamily, Metrics } from '../../stats/metrics.js';
import type { Json, MiCommand, MiParams, MiResult } from './command.js';
import { JsonText, MiError } from './command.js';
import type { RpcId, RpcRequest } from './json-rpc.js';
import { INVALID_REQUEST, MAX_BATCH, METHOD_NOT_FOUND, readRequest, renderError, renderResult } from './json-rpc.js';
import { parseFirstJson } from './json-scanner.js';
import type { TextRequest } from './line-text.js';
import {
  parseTextDatagram,
  renderTextError,
  renderTextReply,
  renderUnknownFifoCommand,
  TEXT_NOT_AVAILABLE,
} from './line-text.js';
import { matchParameters, matchTextParameters } from './parameters.js';
import { renderTree } from './tree.js';

/** The way a request came in; it decides how what cannot be parsed is answered. */
export type MiDoor = 'fifo' | 'datagram' | 'http' | 'nats' | 'cli';

/** Doors of other protocols, which have tables of their own and share the counters. */
export type OtherDoor = 'ctl' | 'jsonrpc-fifo' | 'jsonrpc-datagram' | 'jsonrpc-http';

/** A request of more bytes than this is refused at every door. */
export const MAX_REQUEST_BYTES = 64 * 1024;

const REFUSALS_LOGGED_PER_SECOND = 5;

/** Bare texts the original answers when it cannot build a JSON-RPC answer. */
export const PARSE_ERROR_TEXT = '400 Parse_error';
const INTERNAL_ERROR_TEXT = '500 Internal error';

/** The table of commands, and the way from a request's bytes to an answer's text, the same for every door. */
export class MiHandler {
  private readonly byName = new Map<string, MiCommand>();
  private readonly all: MiCommand[] = [];
  private readonly requests: CounterFamily;
  private readonly refusals: CounterFamily;
  private refusalWindow = Number.NEGATIVE_INFINITY;
  private refusalsLogged = 0;
  private refusalsUnlogged = 0;

  constructor(
    private readonly logger: Logger,
    metrics: Metrics,
    private readonly clock: Clock = systemClock,
  ) {
    this.requests = metrics.counter('switchyard_mi_requests_total', 'MI commands run, by command, door and result');
    this.refusals = metrics.counter('switchyard_mi_refused_total', 'MI requests refused before any command ran');
  }

  /** Adds a command under its name and its aliases. Throws when one of them is taken. */
  register(command: MiCommand): void {
    for (const name of [command.name, ...command.aliases]) {
      if (this.byName.has(name)) throw new Error(`MI command "${name}" is registered twice`);
      this.byName.set(name, command);
    }
    this.all.push(command);
  }

  /** All commands, in order of registration. */
  commands(): readonly MiCommand[] {
    return this.all;
  }

  /** The command of this name or alias. */
  find(name: string): MiCommand | undefined {
    return this.byName.get(name);
  }

  /**
   * Runs one command by name, for doors that have their own framing.
   * @param params positional (array), named (object) or none
   * @throws MiError: -32601 unknown command, -32602 parameters, or the command's own
   */
  async execute(method: string, params?: unknown, door: MiDoor = 'cli'): Promise<Json> {
    const result = await this.call(method, params, door);
    return result instanceof JsonText ? result.toJson() : result;
  }

  /**
   * Answers what came through a door as one packet: JSON-RPC, or the line text form where the first byte is a colon.
   * Undefined when there is nothing to answer. Never throws.
   */
  async handle(input: Uint8Array | string, door: MiDoor): Promise<string | undefined> {
    return (await this.answer(input, door))?.join('');
  }

  /** As `handle`; a long answer in pieces, so that no door need encode it in one go. */
  async answer(input: Uint8Array | string, door: MiDoor): Promise<readonly string[] | undefined> {
    if (input.length > MAX_REQUEST_BYTES) {
      this.refuse(door, 'oversized', `a request of ${input.length} bytes is longer than ${MAX_REQUEST_BYTES}`);
      return [renderError(new MiError(-32600, 'Invalid Request', 'request too large'), null)];
    }
    const text =
      typeof input === 'string' ? input : Buffer.from(input.buffer, input.byteOffset, input.length).toString();
    if (text.charCodeAt(0) === 58 /* : */ && door === 'datagram') return this.answerTextDatagram(text);
    const parsed = parseFirstJson(text);
    if (parsed === undefined) {
      this.refuse(door, 'malformed', `a request is neither JSON-RPC nor the line text form: ${excerpt(text)}`);
      if (door === 'fifo') return undefined;
      if (door === 'datagram') return [PARSE_ERROR_TEXT];
      return [renderError(new MiError(-32700, 'Parse error'), null)];
    }
    return Array.isArray(parsed.value)
      ? this.answerBatch(parsed.value as unknown[], door)
      : this.answerOne(readRequest(parsed.value), door, false);
  }

  /** Answers a command of the line text form that a FIFO has read. Never throws. */
  async answerText(request: TextRequest, door: 'fifo' | 'datagram'): Promise<readonly string[]> {
    const fifo = door === 'fifo';
    const command = this.byName.get(request.command);
    if (command === undefined) {
      this.requests.with({ command: 'unknown', door, result: 'error' }).value++;
      return [fifo ? renderUnknownFifoCommand(request.command) : TEXT_NOT_AVAILABLE];
    }
    try {
      const params = matchTextParameters(command, request.params);
      const tree = command.text === undefined ? await this.genericText(command, params) : await command.text(params);
      this.requests.with({ command: command.name, door, result: 'ok' }).value++;
      return renderTextReply(tree, fifo);
    } catch (error) {
      return [renderTextError(this.failed(command, error, door), fifo)];
    }
  }

  /** Counts a request that was refused before any command ran, and logs it, a few lines a second at most. */
  refuse(door: MiDoor | OtherDoor, reason: string, message: string): void {
    this.refusals.with({ door, reason }).value++;
    const now = this.clock.monotonic();
    if (now - this.refusalWindow >= 1000) {
      this.refusalWindow = now;
      this.refusalsLogged = 0;
    }
    if (this.refusalsLogged >= REFUSALS_LOGGED_PER_SECOND) {
      this.refusalsUnlogged++;
      return;
    }
    this.refusalsLogged++;
    const unlogged = this.refusalsUnlogged === 0 ? {} : { unlogged: this.refusalsUnlogged };
    this.refusalsUnlogged = 0;
    this.logger.warn({ door, reason, ...unlogged }, `MI: ${message}`);
  }

  /** Counts a command that a door of another protocol has run. */
  served(command: string, door: OtherDoor, result: 'ok' | 'error'): void {
    this.requests.with({ command, door, result }).value++;
  }

  private async answerTextDatagram(text: string): Promise<readonly string[]> {
    let request: TextRequest | undefined;
    try {
      request = parseTextDatagram(text);
    } catch (error) {
      if (error instanceof MiError) return [renderTextError(error, false)];
      throw error;
    }
    if (request === undefined) {
      this.refuse('datagram', 'malformed', `a line text request does not start ":command:": ${excerpt(text)}`);
      return [TEXT_NOT_AVAILABLE];
    }
    return this.answerText(request, 'datagram');
  }

  private async genericText(command: MiCommand, params: MiParams): Promise<string> {
    const result = await command.run(params);
    return renderTree(result instanceof JsonText ? result.toJson() : result);
  }

  /** JSON-RPC 2.0 section 6; the original ends on any batch. */
  private async answerBatch(values: readonly unknown[], door: MiDoor): Promise<readonly string[] | undefined> {
    if (values.length === 0 || values.length > MAX_BATCH) {
      this.refuse(door, 'invalid', `a batch of ${values.length} requests: from 1 to ${MAX_BATCH} are accepted`);
      return [renderError(INVALID_REQUEST, null)];
    }
    const answers: string[] = [];
    for (const [i, value] of values.entries()) {
      if (i > 0) await nextTurn();
      const answer = await this.answerOne(readRequest(value), door, true);
      if (answer !== undefined) answers.push(answers.length === 0 ? '[' : ',', ...answer);
    }
    return answers.length === 0 ? undefined : [...answers, ']'];
  }

  private async answerOne(request: RpcRequest, door: MiDoor, inBatch: boolean): Promise<readonly string[] | undefined> {
    if (request.kind === 'bad-id') {
      this.refuse(door, 'invalid', 'a JSON-RPC id is neither a string, a number nor null');
      const literal = !inBatch && (door === 'datagram' || door === 'fifo');
      return [literal ? INTERNAL_ERROR_TEXT : renderError(INVALID_REQUEST, null)];
    }
    if (request.kind === 'invalid') {
      this.refuse(door, 'invalid', 'a JSON value is not a JSON-RPC 2.0 request');
      return [renderError(INVALID_REQUEST, request.id)];
    }
    const { id } = request;
    try {
      const result = await this.call(request.method, request.params, door);
      return id === undefined ? undefined : renderResult(result, id as RpcId);
    } catch (error) {
      return id === undefined ? undefined : [renderError(asMiError(error), id)];
    }
  }

  private async call(method: string, params: unknown, door: MiDoor): Promise<MiResult> {
    const command = this.byName.get(method);
    if (command === undefined) {
      this.requests.with({ command: 'unknown', door, result: 'error' }).value++;
      throw METHOD_NOT_FOUND;
    }
    try {
      const result = await command.run(matchParameters(command, params));
      this.requests.with({ command: command.name, door, result: 'ok' }).value++;
      return result;
    } catch (error) {
      throw this.failed(command, error, door);
    }
  }

  private failed(command: MiCommand, error: unknown, door: MiDoor): MiError {
    this.requests.with({ command: command.name, door, result: 'error' }).value++;
    if (!(error instanceof MiError)) {
      this.logger.error({ command: command.name, door, err: error }, `MI: ${command.name} failed: ${messageOf(error)}`);
    }
    return asMiError(error);
  }
}

function asMiError(error: unknown): MiError {
  return error instanceof MiError ? error : new MiError(-32603, 'Internal error');
}

/** The beginning of a refused request, fit for one log line. */
function excerpt(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}
