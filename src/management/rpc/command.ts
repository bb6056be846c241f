import { ManagementCall } from '../../access/call.js';
import type { Caller } from '../../access/caller.js';
import type { Need } from '../../access/rights.js';
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

/** Who asks, and where the endpoint binds the request to one partition. */
export interface RpcRequest {
  /** Name of the partition that the endpoint is for; undefined: the one that calls without a partition mean. */
  readonly partition: string | undefined;
  readonly caller: Caller;
}

/** A call of a command, and the partition its endpoint is for. */
export class RpcCall extends ManagementCall {
  /** undefined: the endpoint is for all; calls that name no partition mean the usual one. */
  readonly pinned: string | undefined;

  constructor({ caller, partition }: RpcRequest) {
    super(caller);
    this.pinned = partition;
  }
}

/** One command, the same for BINRPC and JSON. */
export interface RpcCommand {
  readonly name: string;
  /** One sentence, as `system.methodHelp` prints it. */
  readonly help: string;
  /** The rights the caller needs. */
  readonly needs: Need | ((args: RpcArguments, call: RpcCall) => Need);
  /** Whether a call with these arguments changes something, and leaves an audit record; absent: it only reads. */
  readonly changes?: (args: RpcArguments) => boolean;
  /** Throws RpcError. */
  run(args: RpcArguments, call: RpcCall): RpcResult | Promise<RpcResult>;
}
