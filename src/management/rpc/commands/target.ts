import { type Rights, sees } from '../../../access/rights.js';
import type { RpcArguments } from '../arguments.js';
import { INVALID_PARAMETERS, type RpcCall, RpcError } from '../command.js';
import type { DispatcherTarget, DispatcherView } from '../dispatcher-view.js';

/**
 * The partition that a request names, or that of its endpoint. At an endpoint for one partition, and for a caller
 * limited to some, others do not exist. Throws RpcError when there is none.
 */
export function requireTarget(view: DispatcherView, named: string | undefined, call: RpcCall): DispatcherTarget {
  const { caller, pinned } = call;
  const found = view.target(named ?? pinned ?? onlyOne(caller));
  const isThere = found !== undefined && sees(caller, found.name) && (pinned === undefined || found.name === pinned);
  const bounded = pinned !== undefined || caller.partitions !== undefined;
  call.partition = found?.name ?? named;
  if (isThere) return found;
  call.refused = bounded;
  throw new RpcError(500, named === undefined ? 'No Partition' : `Unknown Partition ${named}`);
}

/** For a caller with a single partition, a request without a partition means that one. */
function onlyOne({ partitions }: Rights): string | undefined {
  const [only] = partitions?.size === 1 ? partitions : [];
  return only;
}

/** A set of a partition: an integer or (our own) a text "partition:set". */
export function readGroup(
  view: DispatcherView,
  args: RpcArguments,
  index: number,
  call: RpcCall,
): { readonly target: DispatcherTarget; readonly setId: number } {
  const named = /^([^:]+):([0-9]{1,9})$/.exec(args.text(index) ?? '');
  if (named !== null) return { target: requireTarget(view, named[1], call), setId: Number(named[2]) };
  const target = requireTarget(view, undefined, call);
  const setId = args.int(index, !target.strict);
  if (setId === undefined) throw INVALID_PARAMETERS;
  return { target, setId };
}
