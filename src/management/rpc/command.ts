import type { RpcArguments } from './arguments.js';
import type { RpcResult } from './value.js';

/** What a command answers when it fails: a code and a text that clients print. */
export class RpcError extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
    this.name = 'RpcError';
  }
}

/** The answer to parameters that are missing or of the wrong kind (recorded). */
export const INVALID_PARAMETERS = new RpcError(500, 'Invalid Parameters');

/** What a command is told beside its arguments. */
export interface RpcCall {
  /** Name of the partition that the door is for; undefined: the one that calls without a partition mean. */
  readonly partition: string | undefined;
  /** The door the request came in by, for `ctl.who`. */
  readonly door: RpcDoor;
}

/** Doors by which RPC requests come in, as they stand in metrics. */
export type RpcDoor = 'ctl' | 'jsonrpc-fifo' | 'jsonrpc-datagram' | 'jsonrpc-http';

/** One command, the same for BINRPC and JSON. */
export interface RpcCommand {
  readonly name: string;
  /** One sentence, as `system.methodHelp` prints it. */
  readonly help: string;
  /** Throws RpcError. */
  run(args: RpcArguments, call: RpcCall): RpcResult | Promise<RpcResult>;
}

/** Destinations handled between two turns of the event loop, so that a bulk command delays no call. */
export const SLICE = 500;
