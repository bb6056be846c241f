import { addrSpecOf } from '../../core/name-addr.js';
import { parseUri } from '../../core/uri.js';
import type { Call } from '../../script/call.js';
import type { SipMessage } from '../../sip/message.js';
import { contactOf, type Dialog, splitValues } from './dialog.js';

/** Stores what a 2xx says about the callee: its tag, its Contact, and the routers between it and this proxy. */
export function learnCallee(call: Call, dialog: Dialog, reply: SipMessage): void {
  const { callee } = dialog;
  callee.address = reply.to;
  callee.tag = reply.toTag;
  callee.socket = call.transaction?.branches.find(({ reply: each }) => each !== undefined)?.client?.target.socket;
  if (dialog.hidden !== undefined) {
    callee.contact = dialog.hidden.contact;
    callee.route = dialog.hidden.route;
    return;
  }
  callee.contact = contactOf(reply);
  const routes = reply.headers('record-route').flatMap(splitValues);
  const own = routes.findIndex((each) => each.includes(dialog.did) || isOwnRoute(call, each));
  callee.route = own < 0 ? [] : routes.slice(0, own).reverse();
}

function isOwnRoute(call: Call, value: string): boolean {
  const uri = parseUri(addrSpecOf(value));
  return uri !== undefined && call.env.sockets.isOursAt(uri.host, uri.port ?? 5060);
}
