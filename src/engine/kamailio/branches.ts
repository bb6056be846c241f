import { parseUri } from '../../core/uri.js';
import type { Destination } from '../destination.js';
import type { TargetLists } from '../target-lists.js';
import { MOST_FURTHER_BRANCHES } from './choose.js';
import { branchRequestUri, kamailioRequestUri } from './request-uri.js';

/** Where one of the parallel targets goes. */
export interface BranchTarget {
  readonly destination: Destination;
  /** Its Request-URI; undefined for that of the request. */
  readonly requestUri: string | undefined;
  /** Its address is the next hop ($du), not the Request-URI. */
  readonly byNextHop: boolean;
}

/**
 * The parallel targets of the last selection (algorithm 12), which are sent to together with the destination in use; at
 * most eleven. `domain`: the first target went into the Request-URI. Those of a later group of ds_select_routes keep the
 * Request-URI that this left, as recorded. By default those that went down since are left out, and those whose
 * Request-URI cannot be made always are.
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
    if (targets.length === MOST_FURTHER_BRANCHES) break;
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
