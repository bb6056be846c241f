import type { RpcArguments } from '../arguments.js';
import { INVALID_PARAMETERS, type RpcCall, RpcError } from '../command.js';
import type { DispatcherTarget, DispatcherView } from '../dispatcher-view.js';

/** The partition of this name. Throws RpcError when there is none. */
export function requireTarget(view: DispatcherView, partition: string | undefined): DispatcherTarget {
  const target = view.target(partition);
  if (target !== undefined) return target;
  throw new RpcError(500, partition === undefined ? 'No Partition' : `Unknown Partition ${partition}`);
}

/** A set of a partition: an integer, or (ours) a text "partition:set". */
export function readGroup(
  view: DispatcherView,
  args: RpcArguments,
  index: number,
  call: RpcCall,
): { readonly target: DispatcherTarget; readonly setId: number } {
  const named = /^([^:]+):([0-9]{1,9})$/.exec(args.text(index) ?? '');
  if (named !== null) return { target: requireTarget(view, named[1]), setId: Number(named[2]) };
  const target = requireTarget(view, call.partition);
  const setId = args.int(index, !target.strict);
  if (setId === undefined) throw INVALID_PARAMETERS;
  return { target, setId };
}
