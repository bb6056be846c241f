import { type Call, CfgScope, MessageRun } from '../../script/call.js';
import { MessageEdits } from '../../script/edits.js';
import { raiseEvent } from '../../script/raised-events.js';
import type { SipMessage } from '../../sip/message.js';
import type { Dialog } from './dialog.js';

/** Runs one of Kamailio's event routes of a dialog, over the reply that caused the event, or over the request. */
export function runEvent(call: Call, name: string, reply: SipMessage | undefined): void {
  const { env } = call;
  if (env.dialect !== 'kamailio') return;
  const route = env.script.route('event', name);
  if (route === undefined) return;
  const before = call.scope.run;
  let { scope } = call;
  if (reply !== undefined) {
    scope = new CfgScope(env, reply, call.source, call.scope.avps);
    scope.call = call;
    scope.shareRecords(call.scope);
  }
  const edits = reply === undefined ? call.edits : new MessageEdits();
  const run = new MessageRun(env, 'event', scope, reply ?? call.message, call.source, edits, call);
  run.transaction = call.transaction;
  run.routeName = name;
  void route.run(run);
  call.scope.run = before;
}

/** Raises OpenSIPS' E_DLG_STATE_CHANGED. */
export function stateEvent(dialog: Dialog, from: number): void {
  const { env } = dialog.call;
  const name = 'E_DLG_STATE_CHANGED';
  if (env.dialect !== 'opensips') return;
  if (env.script.route('event', name) === undefined && !env.services.subscribed(name)) return;
  const params = new Map<string, string | number>([
    ['id', dialog.did],
    ['hash_entry', dialog.entry],
    ['hash_id', dialog.id],
    ['callid', dialog.callId],
    ['from_tag', dialog.caller.tag],
    ['to_tag', dialog.callee.tag],
    ['old_state', from],
    ['new_state', dialog.state],
  ]);
  raiseEvent(env, name, params);
}

/**
 * Runs a route with a name over the request that began the dialog, or over another message; does nothing when there is
 * none.
 */
export function runRoute(call: Call, name: string, message?: SipMessage): void {
  const { env } = call;
  const route = env.script.route('request', name);
  if (route === undefined) return;
  if (message !== undefined) {
    const other = new CfgScope(env, message, call.source, call.scope.avps);
    other.call = call;
    other.shareRecords(call.scope);
    void route.run(new MessageRun(env, 'event', other, message, call.source, new MessageEdits(), call));
    return;
  }
  const { scope } = call;
  const before = scope.run;
  void route.run(new MessageRun(env, 'request', scope, call.message, call.source, call.edits, call));
  scope.run = before;
}
