import { ManagementCall } from '../../access/call.js';
import type { Caller } from '../../access/caller.js';
import type { Need } from '../../access/rights.js';
import { maskSecrets } from '../../core/mask.js';
import type { RpcArguments } from './arguments.js';
import type { RpcResult } from './value.js';

/** The error of a command: a code, and a text that clients print. */
export class RpcError extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    // It may repeat an argument, such as a URI with a password.
    super(maskSecrets(message));
    this.name = 'RpcError';
  }
}

/** The answer to missing or wrong parameters (recorded). */
export const INVALID_PARAMETERS = new RpcError(500, 'Invalid Parameters');

/** The caller, and the partition if the endpoint is limited to one. */
export interface RpcRequest {
  /** The only partition of the endpoint; undefined: commands without a partition use the default one. */
  readonly partition: string | undefined;
  readonly caller: Caller;
}

/** A call of a command, and the partition of its endpoint. */
export class RpcCall extends ManagementCall {
  /** The only partition of the endpoint; undefined: all partitions may be named. */
  readonly pinned: string | undefined;

  constructor({ caller, partition }: RpcRequest) {
    super(caller);
    this.pinned = partition;
  }
}

/** A command, for BINRPC and JSON. */
export interface RpcCommand {
  readonly name: string;
  /** One sentence for `system.methodHelp`. */
  readonly help: string;
  /** The rights the caller needs. */
  readonly needs: Need | ((args: RpcArguments, call: RpcCall) => Need);
  /**
   * Whether a call with these arguments changes something, and is recorded in the audit trail; absent: it only reads.
   */
  readonly changes?: (args: RpcArguments) => boolean;
  /** Throws RpcError. */
  run(args: RpcArguments, call: RpcCall): RpcResult | Promise<RpcResult>;
}
