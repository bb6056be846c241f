import { parseUri } from '../../core/uri.js';
import type { Destination } from '../destination.js';
import type { TargetLists } from '../target-lists.js';
import { MAX_FURTHER_BRANCHES } from './choose.js';
import { branchRequestUri, kamailioRequestUri } from './request-uri.js';

/** One of the parallel targets (algorithm 12). */
export interface BranchTarget {
  readonly destination: Destination;
  /** Its request-URI; undefined: that of the request. */
  readonly requestUri: string | undefined;
  /** Whether the address is set as next hop ($du) instead of the request-URI. */
  readonly byNextHop: boolean;
}

/**
 * The parallel targets of the last selection (algorithm 12), to which the request is sent together with the destination
 * in use; at most eleven. `domain`: the first target was written into the request-URI; targets of a later group of
 * ds_select_routes then keep that request-URI (recorded). Targets whose request-URI cannot be written are left out, and
 * by default also those that have gone down since.
 */
export function branchTargets(
  lists: TargetLists,
  requestUri: string,
  mode: 'dst' | 'domain',
  all: readonly Destination[] = lists.branches ?? [],
): BranchTarget[] {
  const { current, partition } = lists;
  const targets: BranchTarget[] = [];
  if (current === undefined) return targets;
  const strict = partition.options.compat === 'strict';
  for (const destination of all) {
    if (targets.length === MAX_FURTHER_BRANCHES) break;
    if (!strict && destination.health.state !== 'active') continue;
    if (mode === 'dst') {
      targets.push({ destination, requestUri: undefined, byNextHop: true });
      continue;
    }
    const ofFirst = destination.setId === current.setId;
    const uri = ofFirst
      ? branchRequestUri(requestUri, destination, strict)
      : kamailioRequestUri(requestUri, current, strict);
    if (uri === undefined || parseUri(uri) === undefined) continue;
    targets.push({ destination, requestUri: uri, byNextHop: !ofFirst });
  }
  return targets;
}
