import type { AuditTrail } from '../../access/audit.js';
import type { EndpointKind } from '../../access/caller.js';
import { mayDo } from '../../access/rights.js';
import { messageOf } from '../../core/errors.js';
import { nextIteration } from '../../core/event-loop.js';
import type { Logger } from '../../core/logger.js';
import { parseFirstJson } from '../mi/json-scanner.js';
import { fromJson, fromRecord, MAX_ARGUMENTS, type RpcArgument, RpcArguments } from './arguments.js';
import { BinrpcFault, type PacketRead, RecordReader } from './binrpc-decode.js';
import { encodeFault, encodeReply, PACKET } from './binrpc-encode.js';
import { RpcCall, type RpcCommand, RpcError, type RpcRequest } from './command.js';
import { systemCommands } from './commands/system.js';
import { type JsonId, renderJsonError, renderJsonResult } from './json-text.js';
import { type RpcResult, struct, valuesResult } from './value.js';

/** Counts requests, and logs refusals, a few a second at most. */
export interface RpcTally {
  /** `command`: "unknown" if it does not exist. */
  served(command: string, endpoint: EndpointKind, result: 'ok' | 'error'): void;
  /** A request was refused before a command ran. */
  refuse(endpoint: EndpointKind, reason: string, message: string): void;
}

/** An answer in BINRPC; `close`: whether the connection is closed after it, as Kamailio does for some. */
export interface BinrpcAnswer {
  readonly bytes: Buffer;
  readonly close: boolean;
}

/** Longest answer; a longer one is replaced by an error. */
const MAX_ANSWER = 32 * 1024 * 1024;
/** Kamailio's answer to JSON that is not a request (recorded). */
const NOTHING = valuesResult(struct());

/** The table of Kamailio's RPC commands; converts a request to its answer in either encoding. Never throws. */
export class RpcService {
  private readonly commands = new Map<string, RpcCommand>();

  constructor(
    commands: readonly RpcCommand[],
    private readonly tally: RpcTally,
    private readonly log: Logger,
    /** The audit trail, if any. */
    private readonly audit?: AuditTrail,
  ) {
    const table = { names: () => [...this.commands.keys()].sort(), find: (name: string) => this.commands.get(name) };
    for (const command of [...commands, ...systemCommands(table)]) {
      if (this.commands.has(command.name)) throw new Error(`RPC command "${command.name}" is registered twice`);
      this.commands.set(command.name, command);
    }
  }

  /** Counts and logs a request for which no command ran. */
  refuse(endpoint: EndpointKind, reason: string, message: string): void {
    this.tally.refuse(endpoint, reason, message);
  }

  /** Answers a BINRPC packet. */
  async answerPacket(packet: Exclude<PacketRead, { kind: 'more' }>, from: RpcRequest): Promise<BinrpcAnswer> {
    const { cookie } = packet;
    const { endpoint } = from.caller;
    if (packet.kind === 'bad' || packet.type !== PACKET.request) {
      const reason = packet.kind === 'bad' ? packet.reason : 'it is not a request';
      this.refuse(endpoint, 'malformed', `a packet is refused: ${reason}`);
      return { bytes: encodeFault(cookie, 400, 'bad request: corrupted packet'), close: true };
    }
    const reader = new RecordReader(packet.body);
    let method: string;
    try {
      const first = reader.next();
      if (first.type !== 'string') throw new BinrpcFault("record doesn't match type");
      method = first.value;
    } catch (error) {
      this.refuse(endpoint, 'malformed', `a request names no method: ${messageOf(error)}`);
      return { bytes: encodeFault(cookie, 400, `bad request method: ${messageOf(error)}`), close: true };
    }
    try {
      const result = await this.run(method, new RpcArguments(readArguments(reader), 'binrpc'), from);
      const bytes = await encodeReply(cookie, result, nextIteration);
      if (bytes.length <= MAX_ANSWER) return { bytes, close: false };
      return { bytes: encodeFault(cookie, 500, 'Answer Too Long'), close: false };
    } catch (error) {
      const { code, message } = asRpcError(error);
      const text = error === METHOD_NOT_FOUND ? `command ${method.slice(0, 128)} not found` : message;
      return { bytes: encodeFault(cookie, code, text), close: false };
    }
  }

  /** Answers a JSON-RPC text; undefined if it is not JSON, which gets no answer (recorded). */
  async answerJson(text: string, from: RpcRequest): Promise<readonly string[] | undefined> {
    const parsed = parseFirstJson(text);
    if (parsed !== undefined) return this.answerJsonValue(parsed.value, from);
    this.refuse(from.caller.endpoint, 'malformed', `a request is not JSON: ${JSON.stringify(text.slice(0, 80))}`);
    return undefined;
  }

  /** Like answerJson, for a parsed value. */
  async answerJsonValue(value: unknown, from: RpcRequest): Promise<readonly string[]> {
    const { endpoint } = from.caller;
    const request = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
    const id = answeredId(request['id']);
    const { method, params } = request;
    if (method !== undefined && typeof method !== 'string') {
      this.refuse(endpoint, 'malformed', 'a method is not a string');
      return [renderJsonError(-32600, 'Invalid Request', id)];
    }
    const listed = params === undefined || params === null ? [] : params;
    if (request['jsonrpc'] !== '2.0' || method === undefined || typeof listed !== 'object') {
      this.refuse(endpoint, 'malformed', 'a JSON value is not a JSON-RPC 2.0 request');
      return [...renderJsonResult(NOTHING, id)];
    }
    const args = Object.values(listed).slice(0, MAX_ARGUMENTS).map(fromJson);
    try {
      const result = await this.run(method, new RpcArguments(args, 'json'), from);
      const pieces: string[] = [];
      for (const piece of renderJsonResult(result, id)) {
        if (pieces.length > 0) await nextIteration();
        pieces.push(piece);
      }
      return pieces;
    } catch (error) {
      const { code, message } = asRpcError(error);
      return [renderJsonError(code, message, id)];
    }
  }

  /** Checks the caller's rights, runs a command, counts it, and records it in the audit trail. */
  private async run(method: string, args: RpcArguments, from: RpcRequest): Promise<RpcResult> {
    const command = this.commands.get(method);
    const { endpoint } = from.caller;
    if (command === undefined) {
      this.tally.served('unknown', endpoint, 'error');
      throw METHOD_NOT_FOUND;
    }
    const call = new RpcCall(from);
    const { needs, changes } = command;
    try {
      if (!mayDo(from.caller, typeof needs === 'function' ? needs(args, call) : needs)) throw FORBIDDEN;
      const result = await command.run(args, call);
      this.tally.served(command.name, endpoint, 'ok');
      if (changes?.(args) === true) this.record(command.name, args, call, undefined);
      return result;
    } catch (thrown) {
      this.tally.served(command.name, endpoint, 'error');
      if (!(thrown instanceof RpcError)) {
        this.log.error({ command: command.name, err: thrown }, `RPC: ${command.name} failed: ${messageOf(thrown)}`);
      }
      const error = asRpcError(thrown);
      if (error === FORBIDDEN || call.refused || changes?.(args) === true) {
        this.record(command.name, args, call, error);
      }
      throw error;
    }
  }

  private record(command: string, args: RpcArguments, call: RpcCall, error: RpcError | undefined): void {
    this.audit?.record({
      caller: call.caller,
      command,
      params: args.shown(),
      partition: call.partition,
      result: error === undefined ? 'ok' : error === FORBIDDEN || call.refused ? 'refused' : 'failed',
      error: error === undefined ? undefined : `${error.code} ${error.message}`,
      changes: call.changes,
    });
  }
}

const FORBIDDEN = new RpcError(403, 'Forbidden');

/** BINRPC errors contain the name of an unknown command, JSON errors do not (recorded). */
const METHOD_NOT_FOUND = new RpcError(500, 'Method Not Found');

function asRpcError(error: unknown): RpcError {
  return error instanceof RpcError ? error : new RpcError(500, 'Internal Error');
}

/** The arguments up to the first malformed record, since Kamailio reads no further than it must. */
function readArguments(reader: RecordReader): RpcArgument[] {
  const args: RpcArgument[] = [];
  try {
    while (!reader.done && args.length < MAX_ARGUMENTS) args.push(fromRecord(reader.next()));
  } catch (error) {
    if (!(error instanceof BinrpcFault)) throw error;
  }
  return args;
}

/** An ID that is neither string nor number is answered as 0 (recorded). */
function answeredId(id: unknown): JsonId {
  if (id === undefined || typeof id === 'string' || typeof id === 'number') return id;
  return 0;
}
