import { trimmedIfThere } from '../../core/characters.js';
import { updateCalls } from '../../engine/kamailio/calls.js';
import { type KamailioFlavour, kamailioOf } from '../../engine/kamailio/flavour.js';
import type { SipMessage } from '../../sip/message.js';
import type { DispatcherCallSite } from './call.js';
import { partitionFor } from './references.js';
import type { DispatcherSite } from './site.js';

/** The partitions that count calls: the named one, or all. */
function* counting({ env }: DispatcherSite, name: string | undefined): Generator<KamailioFlavour> {
  const wanted = trimmedIfThere(name);
  for (const partition of env.engine.partitions) {
    const kamailio = wanted === undefined || partition.name === wanted ? kamailioOf(partition) : undefined;
    if (kamailio !== undefined) yield kamailio;
  }
}

/** The execution of a route for a message that need not belong to a call of the proxy. */
export interface DispatcherMessageSite extends DispatcherSite {
  readonly message: SipMessage;
}

/** ds_load_update of Kamailio: BYE and CANCEL end the call with this Call-ID, a 2xx to its INVITE confirms it. */
export function updateLoad(site: DispatcherMessageSite, partition?: string): number {
  const { message } = site;
  for (const { calls } of counting(site, partition)) {
    updateCalls(calls, message.callId, message.method ?? '', message.isRequest ? 0 : message.status);
  }
  return 1;
}

/**
 * ds_load_unset of Kamailio: stops counting the call. As recorded, a strict partition does nothing for an INVITE whose
 * list is used up, and returns failure for a call that was not counted.
 */
export function unsetLoad(site: DispatcherCallSite, partition?: string): number {
  const { call, env, message } = site;
  let result = 1;
  for (const each of counting(site, partition)) {
    const found = env.engine.partition(each.partition.name);
    const lists = found && call.dispatch.of(found);
    const counted = lists?.first !== undefined && lists.call !== undefined;
    if (each.strict && message.method === 'INVITE' && !counted) continue;
    if (each.strict && each.calls.get(message.callId) === undefined) result = -1;
    each.endCall(message.callId);
  }
  return result;
}

/** ds_reload of Kamailio: starts loading a partition again; the loading continues after the return. */
export function reload(site: DispatcherSite, partition?: string): number {
  const found = partitionFor(site, 'ds_reload', partition);
  return found !== undefined && site.env.reload?.(found.name) === true ? 1 : -1;
}
