import { PvarScope } from '../../pvar/context.js';
import type { SipMessage } from '../../sip/message.js';
import { parseMessage } from '../../sip/parse-message.js';
import { applyEdits } from '../../sip/reply.js';
import type { ResolvedTarget } from '../../sip/target.js';
import { STATUS_FUNCTIONS } from '../functions/transaction.js';
import { executeNow } from './execute.js';
import { DROP } from './exit.js';
import { HeaderEdits } from './header-edits.js';
import { MessageFunctions } from './message-functions.js';
import type { ScriptCall } from './script-call.js';
import { RouteMessageSite } from './site.js';
import { statusPattern } from './status.js';

/**
 * A reply route: runs for a reply to a relayed request. Variables read the reply, AVPs are those of the transaction.
 */
export class ReplyRoute extends MessageFunctions {
  private constructor(
    call: ScriptCall,
    route: string,
    /** The received reply. */
    readonly reply: SipMessage,
    pvars: PvarScope,
  ) {
    super(new RouteMessageSite(call.env, pvars, route, reply, new HeaderEdits(reply)));
  }

  /** Status code of the reply. */
  get code(): number {
    return this.reply.status;
  }

  /** Whether the status code matches a regular expression: t_check_status('18[0-9]'). */
  t_check_status(expression: string): boolean {
    return this.done(STATUS_FUNCTIONS.t_check_status.run(this.site, statusPattern(this.text(expression))));
  }

  /** Drops a provisional reply; for a final one this only ends the route. */
  drop(): never {
    throw DROP;
  }

  /** @internal The reply to forward after the route; undefined to drop it. */
  static run(call: ScriptCall, name: string, reply: SipMessage, target: ResolvedTarget): SipMessage | undefined {
    const handler = call.script.routes.reply?.[name];
    if (handler === undefined) return reply;
    const title = { script: call.script.file, route: `reply ${name}`, callId: call.callId };
    const route = new ReplyRoute(call, title.route, reply, scopeOf(call, reply, target));
    const end = executeNow(title, () => handler(route), call.env.faults);
    route.end();
    if (end === 'dropped') return reply.status < 200 ? undefined : reply;
    const edits = route.site.edits.list;
    if (end === 'failed' || edits.length === 0) return reply;
    return parseMessage(applyEdits(reply.text, 0, [...edits])) ?? reply;
  }
}

/** Variables of a reply, with the AVPs and script variables of its request. */
class ReplyScope extends PvarScope {
  constructor(
    reply: SipMessage,
    private readonly of: PvarScope,
  ) {
    super(reply);
  }

  override get avps() {
    return this.of.avps;
  }

  override get vars() {
    return this.of.vars;
  }
}

function scopeOf(call: ScriptCall, reply: SipMessage, target: ResolvedTarget): PvarScope {
  const scope = new ReplyScope(reply, call.pvars);
  scope.sourceAddress = target.address;
  scope.sourcePort = target.port;
  scope.receivedAddress = target.socket.address;
  scope.receivedPort = target.socket.port;
  scope.protocol = target.socket.transport;
  scope.clock = call.env.clock;
  scope.records = call.pvars.records;
  scope.groupField = call.pvars.groupField;
  scope.lookUpStatistic = call.env.formats.statistic;
  scope.lookUpTag = call.env.formats.tag;
  return scope;
}
