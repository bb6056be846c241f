import type { ScriptRun } from '../cfg/runtime.js';
import { parseMessage, type SipMessage } from '../sip/message.js';
import { buildReply, reasonPhrase } from '../sip/reply.js';
import type { ResolvedTarget } from '../sip/target.js';
import type { InviteClient } from '../sip/transaction/client.js';
import type { CancelForm } from '../sip/transaction/derived.js';
import type { ServerTransaction } from '../sip/transaction/server.js';
import { bestBranch } from './best-branch.js';
import type { BranchListener, TxBranch } from './branch.js';
import type { Call } from './call.js';
import { type CallFollower, destinationOf } from './calls.js';
import { challengesOf, isAggregated, ownChallenges } from './challenges.js';
import type { ScriptEnvironment } from './environment.js';
import { outgoingReply, rewritten } from './outgoing.js';
import { runLocalResponse, runOnsendReply } from './reply-routes.js';
import { showReply, showsReplies } from './service-routes.js';
import type { ReplyFilter, TransactionState, TransactionWatcher } from './state.js';
import { statusLine } from './status.js';
import { resumedRun, runBranchFailure, runFailureRoute, throughReplyRoutes } from './transaction-routes.js';

/** A transaction a script began: what the transaction modules of the originals keep of a request and its branches. */
export class ScriptTransaction implements BranchListener, TransactionState {
  readonly branches: TxBranch[] = [];
  /** Final status the caller got; 0 while it has none. */
  final = 0;
  private gaveUp = false;
  /** Reason of a final reply of our own. */
  private finalReason = '';
  /** The record of its call; null when there is none. */
  private record: CallFollower | null | undefined = undefined;
  /** Branches before this index are of earlier legs, which a failure route has dealt with. */
  legStart = 0;
  decisive: TxBranch | undefined = undefined;
  relayFailed = false;
  /** Last provisional or final status that went to the caller. */
  lastStatus = 0;
  /** Replies are ignored: t_drop_replies. */
  dropAll = false;
  private watchers: TransactionWatcher[] | undefined = undefined;
  /** Changes made to every reply before anything else sees it. */
  private filters: ReplyFilter[] | undefined = undefined;
  private lateFilters: ReplyFilter[] | undefined = undefined;
  /** What came while a reply route waits for something: it is looked at afterwards, in order. */
  private held: (() => void)[] | undefined = undefined;
  /** A failure route is at work: its branches are not judged before it has ended. */
  private inFailureRoute = false;

  /** $ru and $du when the transaction began: what failure routes of Kamailio begin with. */
  private readonly firstUri: string;
  private readonly firstDestination: string | undefined;
  constructor(
    readonly env: ScriptEnvironment,
    readonly call: Call,
    readonly server: ServerTransaction,
  ) {
    this.firstUri = call.requestUri;
    this.firstDestination = call.scope.destinationUri;
    server.owner = this;
  }

  /** The caller gave up. */
  get cancelled(): boolean {
    return this.gaveUp;
  }

  set cancelled(value: boolean) {
    if (value && !this.gaveUp) {
      this.env.calls?.cancelled();
      this.record?.cancelled();
    }
    this.gaveUp = value;
  }

  /** A branch is about to be sent. */
  leaves(branch: TxBranch, uri: string, target: ResolvedTarget): void {
    const { call, env } = this;
    const { calls } = env;
    if (calls === undefined) return;
    const partition = call.selections.used.at(-1);
    if (this.record === undefined)
      this.record = calls.relayed(call.message, call.source, partition?.name, call.recordRouting.length > 0) ?? null;
    if (this.branches.some((each) => each !== branch && each.status >= 300)) calls.failedOver();
    const current = partition === undefined ? undefined : call.dispatch.current(partition);
    branch.hop = { uri, requestUri: branch.requestUri, destination: destinationOf(partition, current, uri) };
    this.record?.sent(branch.hop, target);
  }

  get timeoutLines(): string {
    return this.env.tm.timeoutReason;
  }

  get ignoresIcmp(): boolean {
    return this.env.dialect === 'kamailio';
  }

  /** How a CANCEL of this transaction is written. */
  get cancelForm(): CancelForm {
    return { opensips: this.env.dialect === 'opensips', userAgent: `${this.env.userAgentLine}\r\n` };
  }

  /** The request as it was received. */
  get request(): SipMessage {
    return this.call.message;
  }

  /** Whether the request is an INVITE. */
  get invite(): boolean {
    return this.server.invite;
  }

  watch(watcher: TransactionWatcher): void {
    (this.watchers ??= []).push(watcher);
  }

  filterReplies(filter: ReplyFilter, late = false): void {
    if (late) (this.lateFilters ??= []).push(filter);
    else (this.filters ??= []).push(filter);
  }

  /** Whether a branch waits for its final reply. */
  get pending(): boolean {
    return this.branches.some((each) => each.pending);
  }

  /** Replies here: t_reply, send_reply. False when the caller has its final reply. */
  reply(code: number, reason: string, lines = '', body = '', relayed = false): boolean {
    if (this.final !== 0) return false;
    const all = lines + (code > 100 || this.env.dialect === 'kamailio' ? this.env.serverLine : '');
    this.server.replyWith(code, reason, all, body);
    // A 408 of a request other than INVITE does not leave.
    const leaves = code !== 408 || this.invite;
    if (this.env.dialect === 'kamailio' && this.lastStatus === 0 && !relayed && leaves) {
      runLocalResponse(this.env, this.request, code, reason, this.call, all);
    } else if (leaves && showsReplies(this.env)) {
      showReply(this.call, buildReply(this.request, this.call.source, code, reason, 'local', all, body));
    }
    this.lastStatus = code;
    this.sent(code, reason, undefined);
    if (code >= 200) {
      this.finalReason = reason;
      this.cancelBranches(this.env.dialect === 'kamailio' ? `Reason: SIP;cause=${code}\r\n` : '');
      this.ended(code);
    }
    return true;
  }

  /** Branches that no reply came on need not be waited for once the caller gave up: OpenSIPS counts them as 487 at once. */
  cancelSilent(): void {
    for (const branch of this.branches) {
      if (!branch.pending || branch.replied || branch.status >= 100) continue;
      branch.cause = 'cancelled';
      this.refused(branch, 487, undefined, true);
    }
  }

  /** Cancels pending branches. `lines` are header lines of the CANCEL requests, `early` those of one that waits for a provisional reply. */
  cancelBranches(lines: string, but?: TxBranch, early?: string): void {
    for (const branch of this.branches) {
      if (branch === but) continue;
      // As recorded, a CANCEL that waits for a provisional reply has no text.
      const waits = this.env.dialect === 'kamailio' && branch.status < 100;
      branch.cancel(waits ? (early ?? lines.replace(REASON_TEXT, '')) : lines);
    }
  }

  /** The proxy stops: the caller was answered, branches stop ringing. */
  giveUp(): void {
    this.cancelBranches('');
    this.ended(503);
  }

  /** A reply came on a branch. */
  replied(branch: TxBranch, reply: SipMessage): void {
    if (this.held !== undefined) {
      this.hold(() => this.replied(branch, reply));
      return;
    }
    const { status } = reply;
    if (status < 200) branch.replied = true;
    if (this.call.replicates) {
      branch.status = Math.max(branch.status, status);
      return;
    }
    if (status === 100) {
      if (branch.status < 100) branch.status = 100;
      this.trying(branch, reply);
      return;
    }
    // As recorded, what a branch says that a 6xx of another one has ended is not passed on.
    if (status < 200 && branch.cancelled && !this.cancelled && this.env.dialect === 'kamailio') return;
    if (this.final !== 0 && (!this.invite || status < 200 || status >= 300)) {
      if (status >= 200) branch.status = status;
      return;
    }
    const filtered = changedBy(this.filters, reply);
    if (this.final !== 0 && branch.reply !== undefined && branch.status < 300) {
      // A further copy of the 2xx that the caller has already.
      this.server.send(outgoingReply(changedBy(this.lateFilters, filtered), []));
      return;
    }
    const seen = throughReplyRoutes(this, branch, filtered);
    if (seen instanceof Promise) this.waitFor(seen, (result) => this.routed(branch, result));
    else this.routed(branch, seen);
  }

  /** A 100 goes no further; as recorded, Kamailio's named reply routes see it. */
  private trying(branch: TxBranch, reply: SipMessage): void {
    if (branch.replyRoute === undefined || this.final !== 0 || this.env.dialect !== 'kamailio') return;
    const seen = throughReplyRoutes(this, branch, reply);
    if (seen instanceof Promise) this.waitFor(seen, () => undefined);
  }

  /** A reply has been through the reply routes; undefined: they dropped it. */
  private routed(branch: TxBranch, reply: SipMessage | undefined): void {
    if (reply === undefined) return;
    const seen = changedBy(this.lateFilters, reply);
    if (seen.status < 200) {
      branch.status = Math.max(branch.status, seen.status);
      if (branch.hop !== undefined) this.record?.provisional(branch.hop, seen.status);
      if (this.final === 0 && (!branch.cancelled || !this.cancelled)) this.pass(seen);
      return;
    }
    if (seen.status < 300) {
      branch.status = seen.status;
      branch.reply = seen;
      this.pass(seen);
      if (this.final === 0) {
        this.cancelBranches(this.answeredElsewhere, branch);
        this.ended(seen.status, seen);
      }
      // Copies of it pass unseen from now on, unless they have to be changed as well.
      if (branch.client?.invite === true && this.filters === undefined && this.lateFilters === undefined)
        (branch.client as InviteClient).takenBy(this.server);
      return;
    }
    this.refused(branch, seen.status, seen, false);
    branch.replied = true;
  }

  /** Why other branches are given up when one has answered. */
  private get answeredElsewhere(): string {
    const { dialect, tm } = this.env;
    if (dialect === 'kamailio') return 'Reason: SIP;cause=200;text="Call completed elsewhere"\r\n';
    return tm.timeoutReason === '' ? '' : ANSWERED_ELSEWHERE;
  }

  /** Continues when a route that waits is done; what happens meanwhile is held back. */
  private waitFor<T>(result: Promise<T>, go: (value: T) => void): void {
    this.held = [];
    void result.then(go).finally(() => {
      const held = this.held ?? [];
      this.held = undefined;
      for (const each of held) each();
    });
  }

  private hold(event: () => void): void {
    if (this.held !== undefined && this.held.length < MOST_HELD) this.held.push(event);
  }

  /** No final reply in time, or the request could not be sent. */
  failed(branch: TxBranch, timedOut: boolean): void {
    if (this.held !== undefined) {
      this.hold(() => this.failed(branch, timedOut));
      return;
    }
    if (!branch.pending) return;
    branch.local = true;
    if (!timedOut && this.env.dialect === 'opensips' && branch.client?.target.socket.transport === 'udp') {
      this.unreachable(branch);
      return;
    }
    branch.timedOut = timedOut;
    this.refused(branch, timedOut ? 408 : 477, undefined, true);
  }

  /**
   * OpenSIPS does not learn that nobody listens at the address of a datagram: it waits. Here a failure route goes on at once, as after
   * that time; a caller for whom there is no other target waits as there.
   */
  private unreachable(branch: TxBranch): void {
    const timedOut = (): void => {
      if (!branch.pending) return;
      branch.timedOut = true;
      this.refused(branch, 408, undefined, true);
    };
    if (this.call.armed.failure !== undefined) timedOut();
    else this.env.clock.schedule(this.call.frTimeout ?? this.env.tm.frTimeout, timedOut);
  }

  /** A branch has its final status. */
  refused(branch: TxBranch, status: number, reply: SipMessage | undefined, local: boolean): void {
    branch.status = status;
    branch.reply = reply;
    branch.local = local;
    if (branch.hop !== undefined && this.record != null && this.final === 0) {
      const cause = local ? { cause: branch.cause ?? (branch.timedOut ? 'timeout' : 'send') } : {};
      this.record.failed(branch.hop, { code: status, local, ...cause });
    }
    if (this.final !== 0) return;
    if (branch.branchFailureRoute !== undefined && !this.cancelled) {
      const restored = { uri: this.firstUri, destinationUri: this.firstDestination };
      const outcome = runBranchFailure(this, branch, restored);
      if (outcome instanceof Promise) {
        this.waitFor(outcome, () => this.settled(branch, status));
        return;
      }
    }
    this.settled(branch, status);
  }

  /** What follows from the final status of a branch. */
  private settled(branch: TxBranch, status: number): void {
    if (this.final !== 0) return;
    this.decisive = branch;
    if (status >= 600)
      this.cancelBranches(this.env.dialect === 'kamailio' ? `Reason: SIP;cause=${status}\r\n` : '', branch, '');
    if (!this.inFailureRoute) this.judge();
  }

  /** When no branch is waited for any more, the failure route decides, or the best reply goes to the caller. */
  judge(): void {
    if (this.final !== 0 || this.branches.length === 0 || this.branches.some((each) => each.pending)) return;
    const best = bestBranch(this.branches, this.env.dialect);
    if (best === undefined) {
      this.reply(
        500,
        this.env.dialect === 'kamailio' ? "I'm terribly sorry, server error occurred (1/TM)" : reasonPhrase(500),
      );
      return;
    }
    if (this.watchers !== undefined) {
      const reason = best.reply?.reason ?? statusLine(best.status, this.env.dialect);
      for (const each of this.watchers) each.failing?.(best.status, reason, best.reply);
    }
    const kamailio = this.env.dialect === 'kamailio';
    const name = kamailio ? best.failureRoute : this.call.armed.failure;
    const route = name === undefined ? undefined : this.env.script.route('failure', name);
    if (route === undefined) {
      this.giveBest();
      return;
    }
    this.call.armed.failure = undefined;
    const before = this.branches.length;
    this.relayFailed = false;
    if (kamailio) this.beforeFailureRoute();
    this.inFailureRoute = true;
    // As recorded: a failure route gets the request as it was when the transaction began.
    const restored = { uri: this.firstUri, destinationUri: this.firstDestination };
    const outcome = runFailureRoute(this, route, best, restored);
    if (outcome instanceof Promise) void outcome.then(() => this.afterFailureRoute(before));
    else this.afterFailureRoute(before);
  }

  resumeWith(route: (run: ScriptRun) => number | Promise<number>): Promise<void> | undefined {
    const before = this.branches.length;
    this.inFailureRoute = true;
    const ended = route(resumedRun(this));
    if (ended instanceof Promise) return ended.then(() => this.afterFailureRoute(before));
    this.afterFailureRoute(before);
    return undefined;
  }

  private afterFailureRoute(before: number): void {
    this.inFailureRoute = false;
    if (this.final !== 0) return;
    if (this.branches.length > before) {
      this.newLeg(before);
      if (this.pending) return;
      this.judge();
      return;
    }
    this.giveBest();
  }

  /** failure_reply_mode 1 forgets all earlier replies, 2 those of the last leg, whatever the route does. */
  private beforeFailureRoute(): void {
    const { failureReplyMode: mode } = this.env.tm;
    if (mode === 1) for (const each of this.branches) each.dropped = true;
    else if (mode === 2) for (const each of this.branches.slice(this.legStart)) each.dropped = true;
  }

  /** A new leg forgets all earlier replies: in OpenSIPS always, in Kamailio with failure_reply_mode 3. */
  private newLeg(before: number): void {
    if (this.env.dialect === 'opensips' || this.env.tm.failureReplyMode === 3)
      for (const each of this.branches.slice(0, before)) each.dropped = true;
    this.legStart = before;
  }

  private giveBest(): void {
    const best = bestBranch(this.branches, this.env.dialect);
    if (best === undefined) {
      const number = this.relayFailed ? 6 : 1;
      const kamailio = this.env.dialect === 'kamailio';
      this.reply(500, kamailio ? `I'm terribly sorry, server error occurred (${number}/TM)` : reasonPhrase(500));
      return;
    }
    const { reply, status } = best;
    if (this.cancelled && reply === undefined) {
      this.reply(487, reasonPhrase(487), this.call.replyLines);
      return;
    }
    if (reply === undefined) {
      this.reply(status, statusLine(status, this.env.dialect), this.call.replyLines);
      return;
    }
    if (status === 503 && this.env.tm.translate503) {
      if (this.env.dialect === 'kamailio') {
        // As recorded, the reply is one of its own, with the words of the code that came.
        if (this.maySend(reply)) this.reply(500, reasonPhrase(503), this.call.replyLines, '', true);
        return;
      }
      this.sendFinal(outgoingReply(reply, [], `500 ${reply.reason}`), 500, reply);
      return;
    }
    const challenged = challengesOf(best, this.branches, this.env.tm.aggregateChallenges);
    if (this.env.dialect === 'kamailio' && this.env.tm.aggregateChallenges && isAggregated(best, this.branches)) {
      this.reply(
        status,
        reasonPhrase(status),
        this.call.replyLines + ownChallenges(reply) + (challenged[0]?.text ?? ''),
      );
      return;
    }
    this.sendFinal(outgoingReply(reply, challenged), status, reply);
  }

  private pass(reply: SipMessage): void {
    if (!this.maySend(reply)) return;
    const text = outgoingReply(reply, []);
    this.lastStatus = reply.status;
    if (this.final !== 0) this.server.send(text);
    else this.server.reply(text, reply.status);
    this.sent(reply.status, reply.reason, reply);
  }

  /** Kamailio's onsend route, run for replies too when the file says so; a drop keeps the reply. */
  private maySend(reply: SipMessage): boolean {
    const { source } = this.call;
    return !this.env.onsendReplies || runOnsendReply(this.env, reply, source, source.address, source.port);
  }

  private sendFinal(text: string, status: number, reply: SipMessage): void {
    if (this.maySend(reply)) this.server.reply(text, status);
    this.lastStatus = status;
    this.sent(status, reply.reason, reply);
    this.ended(status, reply);
  }

  /** A branch leaves as `text` says. */
  sentRequest(text: string): void {
    if (this.watchers === undefined) return;
    for (const each of this.watchers) each.left?.(text);
  }

  private sent(status: number, reason: string, reply: SipMessage | undefined): void {
    if (this.watchers === undefined) return;
    for (const each of this.watchers) each.passed?.(status, reason, reply);
  }

  /** The caller has its final reply. */
  ended(code: number, reply?: SipMessage): void {
    if (this.final !== 0) return;
    this.final = code;
    this.noted(code, reply);
    if (this.watchers === undefined) return;
    for (const each of this.watchers) each.ended?.(code, reply);
  }

  /** Call records and figures of the final reply. */
  private noted(code: number, reply: SipMessage | undefined): void {
    const { calls } = this.env;
    if (calls === undefined) return;
    calls.answered(code);
    if (this.record === undefined && code >= 300) this.call.recordRefusal(code, this.finalReason);
    else if (code < 300) this.record?.ended(code, this.branches.find((each) => each.reply === reply)?.hop);
    else this.record?.ended(code, undefined);
  }
}

const REASON_TEXT = /;text="[^"]*"/;
const ANSWERED_ELSEWHERE = 'Reason: SIP ;cause=200 ;text="Call completed elsewhere"\r\n';

/** Replies and timeouts held back at most while a reply route waits. */
const MOST_HELD = 64;

/** A reply as filters leave it. */
function changedBy(filters: readonly ReplyFilter[] | undefined, reply: SipMessage): SipMessage {
  if (filters === undefined) return reply;
  const edits = filters.flatMap((filter) => filter(reply));
  return edits.length === 0 ? reply : (parseMessage(rewritten(reply, edits)) ?? reply);
}
