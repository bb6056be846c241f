import type { AuditTrail } from '../../access/audit.js';
import { ManagementCall } from '../../access/call.js';
import { type Caller, type EndpointKind, unbounded } from '../../access/caller.js';
import { mayDo } from '../../access/rights.js';
import type { Clock } from '../../core/clock.js';
import { systemClock } from '../../core/clock.js';
import { messageOf } from '../../core/errors.js';
import { nextIteration } from '../../core/event-loop.js';
import type { Logger } from '../../core/logger.js';
import type { CounterFamily, Metrics } from '../../stats/metrics.js';
import type { MiCommand, MiParams, MiResult, MiValue } from './command.js';
import { JsonText, MiError } from './command.js';
import type { JsonRpcRequest, RpcId } from './json-rpc.js';
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

/** Longest request in bytes; longer ones are refused at every endpoint. */
export const MAX_REQUEST_BYTES = 64 * 1024;

const REFUSALS_LOGGED_PER_SECOND = 5;

/** Plain texts that OpenSIPS answers when it cannot build a JSON-RPC answer. */
export const PARSE_ERROR_TEXT = '400 Parse_error';
const INTERNAL_ERROR_TEXT = '500 Internal error';

/** The answer for missing rights. */
export const FORBIDDEN = new MiError(403, 'Forbidden');

/** The table of commands; converts the bytes of a request to the text of its answer, for all endpoints. */
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
    /** The audit trail, if any. */
    private readonly audit?: AuditTrail,
  ) {
    this.requests = metrics.counter('switchyard_mi_requests_total', 'MI commands run, by command, endpoint and result');
    this.refusals = metrics.counter('switchyard_mi_refused_total', 'MI requests refused before any command ran');
  }

  /** Registers a command under its name and aliases. Throws when one of them exists. */
  register(command: MiCommand): void {
    for (const name of [command.name, ...command.aliases]) {
      if (this.byName.has(name)) throw new Error(`MI command "${name}" is registered twice`);
      this.byName.set(name, command);
    }
    this.all.push(command);
  }

  /** All commands in order of registration. */
  commands(): readonly MiCommand[] {
    return this.all;
  }

  /** The command with a name or alias. */
  find(name: string): MiCommand | undefined {
    return this.byName.get(name);
  }

  /**
   * Runs a command by name, for endpoints with their own framing.
   * @param params positional (array), named (object) or none
   * @throws MiError: -32601 unknown command, -32602 wrong parameters, or an error of the command
   */
  async execute(method: string, params?: unknown, caller: Caller = unbounded('cli')): Promise<MiValue> {
    const result = await this.call(method, params, caller);
    return result instanceof JsonText ? result.toJson() : result;
  }

  /**
   * Answers a packet: JSON-RPC, or the line text form if the first byte is a colon. Undefined when there is no answer.
   * Never throws.
   */
  async handle(input: Uint8Array | string, caller: Caller): Promise<string | undefined> {
    return (await this.answer(input, caller))?.join('');
  }

  /** Like `handle`, but returns a long answer in pieces, so that no endpoint has to encode it at once. */
  async answer(input: Uint8Array | string, caller: Caller): Promise<readonly string[] | undefined> {
    const { endpoint } = caller;
    if (input.length > MAX_REQUEST_BYTES) {
      this.refuse(endpoint, 'oversized', `a request of ${input.length} bytes is longer than ${MAX_REQUEST_BYTES}`);
      return [renderError(new MiError(-32600, 'Invalid Request', 'request too large'), null)];
    }
    const text =
      typeof input === 'string' ? input : Buffer.from(input.buffer, input.byteOffset, input.length).toString();
    if (text.charCodeAt(0) === 58 /* the colon */ && endpoint === 'datagram')
      return this.answerTextDatagram(text, caller);
    const parsed = parseFirstJson(text);
    if (parsed === undefined) {
      this.refuse(endpoint, 'malformed', `a request is neither JSON-RPC nor the line text form: ${excerpt(text)}`);
      if (endpoint === 'fifo') return undefined;
      if (endpoint === 'datagram') return [PARSE_ERROR_TEXT];
      return [renderError(new MiError(-32700, 'Parse error'), null)];
    }
    return Array.isArray(parsed.value)
      ? this.answerBatch(parsed.value as unknown[], caller)
      : this.answerOne(readRequest(parsed.value), caller, false);
  }

  /** Answers a command in line text form that a FIFO has read. Never throws. */
  async answerText(request: TextRequest, caller: Caller): Promise<readonly string[]> {
    const fifo = caller.endpoint === 'fifo';
    const command = this.byName.get(request.command);
    if (command === undefined) {
      this.countUnknown(caller);
      return [fifo ? renderUnknownFifoCommand(request.command) : TEXT_NOT_AVAILABLE];
    }
    const { text } = command;
    try {
      const tree = await this.run(
        command,
        caller,
        () => matchTextParameters(command, request.params),
        (params, call) => (text === undefined ? this.genericText(command, params, call) : text(params, call)),
      );
      return renderTextReply(tree, fifo);
    } catch (error) {
      return [renderTextError(asMiError(error), fifo)];
    }
  }

  /** Counts a request that was refused before a command ran, and logs it, a few lines a second at most. */
  refuse(endpoint: EndpointKind, reason: string, message: string): void {
    this.refusals.with({ endpoint, reason }).value++;
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
    this.logger.warn({ endpoint, reason, ...unlogged }, `MI: ${message}`);
  }

  /** Counts a command that ran by another protocol. */
  served(command: string, endpoint: EndpointKind, result: 'ok' | 'error'): void {
    this.requests.with({ command, endpoint, result }).value++;
  }

  private async answerTextDatagram(text: string, caller: Caller): Promise<readonly string[]> {
    let request: TextRequest | undefined;
    try {
      request = parseTextDatagram(text);
    } catch (error) {
      if (error instanceof MiError) return [renderTextError(error, false)];
      throw error;
    }
    if (request === undefined) {
      this.refuse('datagram', 'malformed', `a line text request does not start with ":command:": ${excerpt(text)}`);
      return [TEXT_NOT_AVAILABLE];
    }
    return this.answerText(request, caller);
  }

  private async genericText(command: MiCommand, params: MiParams, call: ManagementCall): Promise<string> {
    const result = await command.run(params, call);
    return renderTree(result instanceof JsonText ? result.toJson() : result);
  }

  /** JSON-RPC 2.0 section 6; OpenSIPS crashes on any batch. */
  private async answerBatch(values: readonly unknown[], caller: Caller): Promise<readonly string[] | undefined> {
    if (values.length === 0 || values.length > MAX_BATCH) {
      this.refuse(
        caller.endpoint,
        'invalid',
        `a batch of ${values.length} requests: from 1 to ${MAX_BATCH} are accepted`,
      );
      return [renderError(INVALID_REQUEST, null)];
    }
    const answers: string[] = [];
    for (const [i, value] of values.entries()) {
      if (i > 0) await nextIteration();
      const answer = await this.answerOne(readRequest(value), caller, true);
      if (answer !== undefined) answers.push(answers.length === 0 ? '[' : ',', ...answer);
    }
    return answers.length === 0 ? undefined : [...answers, ']'];
  }

  private async answerOne(
    request: JsonRpcRequest,
    caller: Caller,
    inBatch: boolean,
  ): Promise<readonly string[] | undefined> {
    const { endpoint } = caller;
    if (request.kind === 'bad-id') {
      this.refuse(endpoint, 'invalid', 'a JSON-RPC id is neither a string, a number nor null');
      const literal = !inBatch && (endpoint === 'datagram' || endpoint === 'fifo');
      return [literal ? INTERNAL_ERROR_TEXT : renderError(INVALID_REQUEST, null)];
    }
    if (request.kind === 'invalid') {
      this.refuse(endpoint, 'invalid', 'a JSON value is not a JSON-RPC 2.0 request');
      return [renderError(INVALID_REQUEST, request.id)];
    }
    const { id } = request;
    try {
      const result = await this.call(request.method, request.params, caller);
      return id === undefined ? undefined : renderResult(result, id as RpcId);
    } catch (error) {
      return id === undefined ? undefined : [renderError(asMiError(error), id)];
    }
  }

  private async call(method: string, params: unknown, caller: Caller): Promise<MiResult> {
    const command = this.byName.get(method);
    if (command === undefined) {
      this.countUnknown(caller);
      throw METHOD_NOT_FOUND;
    }
    return this.run(
      command,
      caller,
      () => matchParameters(command, params),
      (matched, call) => command.run(matched, call),
    );
  }

  /** Checks the caller's rights, runs a command, counts it, and records it in the audit trail. Throws MiError. */
  private async run<Result>(
    command: MiCommand,
    caller: Caller,
    match: () => MiParams,
    work: (params: MiParams, call: ManagementCall) => Result | Promise<Result>,
  ): Promise<Result> {
    const { needs, name } = command;
    const { endpoint } = caller;
    const call = new ManagementCall(caller);
    let params: MiParams = {};
    try {
      if (typeof needs !== 'function' && !mayDo(caller, needs)) throw FORBIDDEN;
      params = match();
      if (typeof needs === 'function' && !mayDo(caller, needs(params))) throw FORBIDDEN;
      const result = await work(params, call);
      this.requests.with({ command: name, endpoint, result: 'ok' }).value++;
      if (isChange(command, params)) this.record(name, params, call, undefined);
      return result;
    } catch (thrown) {
      this.requests.with({ command: name, endpoint, result: 'error' }).value++;
      if (!(thrown instanceof MiError)) {
        const text = `MI: ${name} failed: ${messageOf(thrown)}`;
        this.logger.error({ command: name, endpoint, err: thrown }, text);
      }
      const error = asMiError(thrown);
      if (error === FORBIDDEN || call.refused || isChange(command, params)) this.record(name, params, call, error);
      throw error;
    }
  }

  private record(command: string, params: MiParams, call: ManagementCall, error: MiError | undefined): void {
    this.audit?.record({
      caller: call.caller,
      command,
      params,
      partition: call.partition,
      result: error === undefined ? 'ok' : error === FORBIDDEN || call.refused ? 'refused' : 'failed',
      error: error === undefined ? undefined : `${error.code} ${error.message}`,
      changes: call.changes,
    });
  }

  private countUnknown({ endpoint }: Caller): void {
    this.requests.with({ command: 'unknown', endpoint, result: 'error' }).value++;
  }
}

function isChange({ changes = false }: MiCommand, params: MiParams): boolean {
  return typeof changes === 'function' ? changes(params) : changes;
}

function asMiError(error: unknown): MiError {
  return error instanceof MiError ? error : new MiError(-32603, 'Internal error');
}

/** The beginning of a refused request, for one log line. */
function excerpt(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}
