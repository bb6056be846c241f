import { messageOf } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import { nextTurn } from '../../core/turn.js';
import { parseFirstJson } from '../mi/json-scanner.js';
import { fromJson, fromRecord, MAX_ARGUMENTS, type RpcArgument, RpcArguments } from './arguments.js';
import { BinrpcFault, type PacketRead, RecordReader } from './binrpc-decode.js';
import { encodeFault, encodeReply, PACKET } from './binrpc-encode.js';
import { type RpcCall, type RpcCommand, type RpcDoor, RpcError } from './command.js';
import { systemCommands } from './commands/system.js';
import { type JsonId, renderJsonError, renderJsonResult } from './json-text.js';
import { type RpcResult, struct, valuesResult } from './value.js';

/** Where requests are counted; refusals are logged there too, a few a second at most. */
export interface RpcTally {
  /** `command` is "unknown" for one that is not there. */
  served(command: string, door: RpcDoor, result: 'ok' | 'error'): void;
  /** A request was refused before any command ran. */
  refuse(door: RpcDoor, reason: string, message: string): void;
}

/** An answer in BINRPC; after some the connection is closed, as the original does. */
export interface BinrpcAnswer {
  readonly bytes: Buffer;
  readonly close: boolean;
}

/** An answer longer than this is replaced by an error. */
const MAX_ANSWER = 32 * 1024 * 1024;
/** What the original answers to what is JSON and no request: recorded. */
const NOTHING = valuesResult(struct());

/** The table of Kamailio's RPC commands, and the way from a request to its answer over either wire. Never throws. */
export class RpcService {
  private readonly commands = new Map<string, RpcCommand>();

  constructor(
    commands: readonly RpcCommand[],
    private readonly tally: RpcTally,
    private readonly log: Logger,
  ) {
    const table = { names: () => [...this.commands.keys()].sort(), find: (name: string) => this.commands.get(name) };
    for (const command of [...commands, ...systemCommands(table)]) {
      if (this.commands.has(command.name)) throw new Error(`RPC command "${command.name}" is registered twice`);
      this.commands.set(command.name, command);
    }
  }

  /** Counts a request that no command was run for, and logs it. */
  refuse(door: RpcDoor, reason: string, message: string): void {
    this.tally.refuse(door, reason, message);
  }

  /** Answers what was read from a BINRPC door. */
  async answerPacket(packet: Exclude<PacketRead, { kind: 'more' }>, call: RpcCall): Promise<BinrpcAnswer> {
    const { cookie } = packet;
    if (packet.kind === 'bad' || packet.type !== PACKET.request) {
      const reason = packet.kind === 'bad' ? packet.reason : 'it is no request';
      this.refuse(call.door, 'malformed', `a packet is refused: ${reason}`);
      return { bytes: encodeFault(cookie, 400, 'bad request: corrupted packet'), close: true };
    }
    const reader = new RecordReader(packet.body);
    let method: string;
    try {
      const first = reader.next();
      if (first.type !== 'string') throw new BinrpcFault("record doesn't match type");
      method = first.value;
    } catch (error) {
      this.refuse(call.door, 'malformed', `a request names no method: ${messageOf(error)}`);
      return { bytes: encodeFault(cookie, 400, `bad request method: ${messageOf(error)}`), close: true };
    }
    try {
      const result = await this.run(method, new RpcArguments(readArguments(reader), 'binrpc'), call);
      const bytes = await encodeReply(cookie, result, nextTurn);
      if (bytes.length <= MAX_ANSWER) return { bytes, close: false };
      return { bytes: encodeFault(cookie, 500, 'Answer Too Long'), close: false };
    } catch (error) {
      const { code, message } = asRpcError(error);
      const text = error === METHOD_NOT_FOUND ? `command ${method.slice(0, 128)} not found` : message;
      return { bytes: encodeFault(cookie, code, text), close: false };
    }
  }

  /** Answers a JSON-RPC text; undefined where it is no JSON, which gets no answer (recorded). */
  async answerJson(text: string, call: RpcCall): Promise<readonly string[] | undefined> {
    const parsed = parseFirstJson(text);
    if (parsed !== undefined) return this.answerJsonValue(parsed.value, call);
    this.refuse(call.door, 'malformed', `a request is not JSON: ${JSON.stringify(text.slice(0, 80))}`);
    return undefined;
  }

  /** As answerJson, of a value that has been parsed. */
  async answerJsonValue(value: unknown, call: RpcCall): Promise<readonly string[]> {
    const request = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
    const id = answeredId(request['id']);
    const { method, params } = request;
    if (method !== undefined && typeof method !== 'string') {
      this.refuse(call.door, 'malformed', 'a method is not a string');
      return [renderJsonError(-32600, 'Invalid Request', id)];
    }
    const listed = params === undefined || params === null ? [] : params;
    if (request['jsonrpc'] !== '2.0' || method === undefined || typeof listed !== 'object') {
      this.refuse(call.door, 'malformed', 'a JSON value is not a JSON-RPC 2.0 request');
      return [...renderJsonResult(NOTHING, id)];
    }
    const args = Object.values(listed).slice(0, MAX_ARGUMENTS).map(fromJson);
    try {
      const result = await this.run(method, new RpcArguments(args, 'json'), call);
      const pieces: string[] = [];
      for (const piece of renderJsonResult(result, id)) {
        if (pieces.length > 0) await nextTurn();
        pieces.push(piece);
      }
      return pieces;
    } catch (error) {
      const { code, message } = asRpcError(error);
      return [renderJsonError(code, message, id)];
    }
  }

  private async run(method: string, args: RpcArguments, call: RpcCall): Promise<RpcResult> {
    const command = this.commands.get(method);
    if (command === undefined) {
      this.tally.served('unknown', call.door, 'error');
      throw METHOD_NOT_FOUND;
    }
    try {
      const result = await command.run(args, call);
      this.tally.served(command.name, call.door, 'ok');
      return result;
    } catch (error) {
      this.tally.served(command.name, call.door, 'error');
      if (!(error instanceof RpcError)) {
        this.log.error({ command: command.name, err: error }, `RPC: ${command.name} failed: ${messageOf(error)}`);
      }
      throw error;
    }
  }
}

/** BINRPC names the command that is not there, JSON does not (recorded). */
const METHOD_NOT_FOUND = new RpcError(500, 'Method Not Found');

function asRpcError(error: unknown): RpcError {
  return error instanceof RpcError ? error : new RpcError(500, 'Internal Error');
}

/** What follows the method, up to the first record that is malformed: the original looks no further than it must. */
function readArguments(reader: RecordReader): RpcArgument[] {
  const args: RpcArgument[] = [];
  try {
    while (!reader.done && args.length < MAX_ARGUMENTS) args.push(fromRecord(reader.next()));
  } catch (error) {
    if (!(error instanceof BinrpcFault)) throw error;
  }
  return args;
}

/** Anything but a string or a number is answered as 0 (recorded). */
function answeredId(id: unknown): JsonId {
  if (id === undefined || typeof id === 'string' || typeof id === 'number') return id;
  return 0;
}
