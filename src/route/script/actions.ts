import { trimmed } from '../../core/characters.js';
import { nearest } from '../../core/nearest.js';
import { reasonPhrase } from '../../sip/reply.js';
import type { RequestActions } from '../functions/actions.js';
import { wireText } from './arguments.js';
import { BranchRoute } from './branch-route.js';
import { headerLines } from './header-edits.js';
import { replyLinesFault } from './reply-lines.js';
import type { RouteTable } from './route-table.js';
import type { ScriptCall } from './script-call.js';
import type { RouteCallSite } from './site.js';

/**
 * RequestActions for JavaScript routes: they only note the decision, which the proxy carries out when the route has
 * ended.
 */
export const scriptActions: RequestActions<RouteCallSite, number> = {
  relay(site) {
    const { call } = site;
    if (call.reply !== undefined || call.hops.length > 0 || call.stateless) return -1;
    if (!call.relayable) return site.refused('t_relay', 'neither $du nor the request-URI is a SIP URI to relay to');
    const branches = call.branches.take();
    const main = branched(call);
    if (main !== undefined) call.hops.push(main);
    for (const branch of branches) {
      const hop = call.on(branch, () => (call.relayable ? branched(call) : undefined));
      if (hop !== undefined) call.hops.push(hop);
    }
    return call.hops.length > 0 ? 1 : -1;
  },

  forward(site) {
    const relayed = this.relay(site, { no100: false, noAutoReply: false });
    if (relayed > 0) site.call.stateless = true;
    return relayed;
  },

  /** Always -1: a request of a known transaction does not reach a script. */
  checkTransaction: () => -1,

  arm({ call }, kind, name) {
    const routes: RouteTable = call.script.routes;
    const table = routes[kind] ?? {};
    if (name !== undefined && !Object.hasOwn(table, name)) {
      const meant = nearest(name, Object.keys(table));
      throw new Error(`no ${kind} route "${name}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`);
    }
    call.armed[kind] = name;
    return 1;
  },

  cancelled: ({ call }) => call.cancelled,

  reply({ call }, status, reason) {
    const phrase = trimmed(wireText(reason).replace(/[\x00-\x1f\x7f]+/g, ' '));
    const { request } = call;
    if (request.message.method === 'ACK') return -1;
    if (status >= 200) return call.answer(status, phrase) ? 1 : -1;
    request.transaction().replyWith(status, phrase === '' ? reasonPhrase(status) : phrase, call.replyHeaders);
    return 1;
  },

  unsetReply: () => ({ status: 500, reason: '' }),

  addReplyLines(site, text) {
    const lines = headerLines(text);
    const fault = replyLinesFault(lines);
    if (fault !== undefined) return site.refused('append_to_reply', fault);
    site.call.replyHeaders += lines;
    return 1;
  },

  appendBranch(site, uri, q) {
    const { call, pvars } = site;
    const given = uri === undefined ? '' : trimmed(wireText(uri));
    const fault = call.branches.add({
      requestUri: given === '' ? call.scope.requestUri : given,
      destinationUri: given === '' ? pvars.destinationUri : undefined,
      sendSocket: pvars.sendSocket,
      q: trimmed(q),
      destination: given === '' ? call.destination : undefined,
    });
    return fault === undefined ? 1 : site.refused('append_branch', fault);
  },

  looseRoute: ({ call }) => (call.looseRoute() ? 1 : -1),

  recordRoute({ call }) {
    call.recordRoute = true;
    return 1;
  },
};

/** The next hop after the branch route; undefined when that dropped the branch. */
function branched(call: ScriptCall) {
  const name = call.armed.branch;
  return name === undefined ? call.nextHop() : BranchRoute.prepare(call, name);
}
