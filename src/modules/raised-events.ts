import type { RouteBlock } from '../cfg/ast.js';
import { callsIn } from '../cfg/visit.js';

/** An event that a cfg file raises; `params` in the documented order, empty where the script chooses them. */
export interface RaisedEvent {
  readonly name: string;
  readonly params: readonly string[];
}

/** Events of OpenSIPS' modules with their documented parameters. */
const EVENTS: readonly (readonly [module: string, name: string, params: string])[] = [
  ['acc', 'E_ACC_CDR', ''],
  ['acc', 'E_ACC_EVENT', ''],
  ['acc', 'E_ACC_MISSED_EVENT', ''],
  ['dialog', 'E_DLG_STATE_CHANGED', 'id hash_entry hash_id callid from_tag to_tag old_state new_state'],
  ['drouting', 'E_DROUTING_STATUS', 'partition gwid address status'],
  ['fraud_detection', 'E_FRD_WARNING', 'param value threshold user called_number rule_id'],
  ['fraud_detection', 'E_FRD_CRITICAL', 'param value threshold user called_number rule_id'],
  ['load_balancer', 'E_LOAD_BALANCER_STATUS', 'group uri status'],
  ['pike', 'E_PIKE_BLOCKED', 'ip'],
  ['rtpengine', 'E_RTPENGINE_STATUS', 'socket status'],
  ['status_report', 'E_CORE_SR_STATUS_CHANGED', 'group identifier status details old_status'],
];

/** The events to which programs can subscribe: those of the loaded modules, and those that `raise_event()` names. */
export function raisedEvents(
  dialect: 'opensips' | 'kamailio',
  loaded: ReadonlySet<string>,
  routes: readonly RouteBlock[],
): readonly RaisedEvent[] {
  if (dialect !== 'opensips') return [];
  const found = new Map<string, RaisedEvent>();
  for (const [module, name, params] of EVENTS) {
    if (loaded.has(module)) found.set(name, { name, params: params.split(' ').filter((each) => each !== '') });
  }
  for (const { body } of routes) {
    for (const call of callsIn(body)) {
      const [event] = call.kind === 'call' && call.name === 'raise_event' ? call.args : [];
      if (event?.kind !== 'string' || event.value.includes('$') || found.has(event.value)) continue;
      found.set(event.value, { name: event.value, params: [] });
    }
  }
  return [...found.values()];
}
