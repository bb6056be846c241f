import type { ScriptRun } from '../cfg/runtime.js';
import type { SipMessage } from '../sip/message.js';
import { parseMessage } from '../sip/parse-message.js';
import { buildReply, reasonPhrase } from '../sip/reply.js';
import type { ResolvedTarget } from '../sip/target.js';
import type { InviteClient } from '../sip/transaction/client.js';
import type { DerivedForm } from '../sip/transaction/derived.js';
import type { ServerTransaction } from '../sip/transaction/server.js';
import { bestBranch } from './best-branch.js';
import type { BranchListener, TxBranch } from './branch.js';
import type { Call } from './call.js';
import { type CallFollower, destinationOf } from './calls.js';
import { challengesOf, isAggregated, ownChallenges } from './challenges.js';
import type { ScriptEnvironment } from './environment.js';
import { runOnsendReply } from './onsend.js';
import { outgoingReply, rewritten } from './outgoing.js';
import { runLocalResponse } from './reply-routes.js';
import { showReply, showsReplies } from './service-routes.js';
import type { ReplyFilter, TransactionState, TransactionWatcher } from './state.js';
import { statusLine } from './status.js';
import {
  resumedRun,
  runBranchFailure,
  runFailureRoute,
  throughReplyRoutes,
  throughStep,
} from './transaction-routes.js';

/** A transaction that a script created: what the tm modules of the originals keep about a request and its branches. */
export class ScriptTransaction implements BranchListener, TransactionState {
  readonly branches: TxBranch[] = [];
  /** Final status that was sent to the caller; 0 while there is none. */
  final = 0;
  private gaveUp = false;
  /** Reason phrase of a generated final reply. */
  private finalReason = '';
  /** Follower that writes the call record; null when no record is kept. */
  private record: CallFollower | null | undefined = undefined;
  /**
   * Index of the first branch created by the current t_relay(); earlier branches have been handled by a failure route.
   */
  legStart = 0;
  lastFinalBranch: TxBranch | undefined = undefined;
  relayFailed = false;
  suspended = false;
  /** Provisional or final status that was sent to the caller last. */
  lastStatus = 0;
  /** The failure route runs because of a timeout: as recorded, its first reply runs tm:local-response again. */
  private timed = false;
  /** Branches whose replies failure_reply_mode has discarded for the failure route that runs. */
  private discarded: TxBranch[] = [];
  /** Whether that route has called keepReplies(). */
  private keepsReplies = false;
  private watchers: TransactionWatcher[] | undefined = undefined;
  /** Filters that change each reply before the reply routes, and after them (`lateFilters`). */
  private filters: ReplyFilter[] | undefined = undefined;
  private lateFilters: ReplyFilter[] | undefined = undefined;
  /** Replies and timeouts that came while a reply route waits for something; they are handled afterwards, in order. */
  private held: (() => void)[] | undefined = undefined;
  /** Whether a failure route is running; the result of the branches is evaluated when it has ended. */
  inFailureRoute = false;

  /** $ru and $du when the transaction was created; failure routes of Kamailio begin with these. */
  private readonly firstUri: string;
  private readonly firstDestination: string | undefined;
  private readonly begun: number;
  constructor(
    readonly env: ScriptEnvironment,
    readonly call: Call,
    readonly server: ServerTransaction,
  ) {
    this.firstUri = call.requestUri;
    this.firstDestination = call.scope.destinationUri;
    this.begun = env.clock.monotonic();
    server.owner = this;
  }

  /** Whether the caller sent CANCEL. */
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

  /** The form in which ACK and CANCEL requests of this transaction are written. */
  get derivedForm(): DerivedForm {
    const { dialect, tm, userAgentLine } = this.env;
    return { opensips: dialect === 'opensips', userAgent: `${userAgentLine}\r\n`, extra: tm.derivedFields };
  }

  /** The received request. */
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

  /** Whether a branch has no final status yet. */
  get pending(): boolean {
    return this.branches.some((each) => each.pending);
  }

  /** Sends a generated reply (t_reply, send_reply). False when the caller has a final reply already. */
  reply(code: number, reason: string, lines = '', body = '', relayed = false): boolean {
    if (this.final !== 0) return false;
    const all = lines + (code > 100 || this.env.dialect === 'kamailio' ? this.env.serverLine : '');
    this.server.replyWith(code, reason, all, body);
    // The transaction layer sends no 408 for a request other than INVITE.
    const leaves = code !== 408 || this.invite;
    const first = this.lastStatus === 0 || this.timed;
    this.timed = false;
    if (this.env.dialect === 'kamailio' && first && !relayed && leaves) {
      runLocalResponse(this.env, this.request, code, reason, this.call, all);
    } else if (leaves && showsReplies(this.env)) {
      showReply(this.call, buildReply(this.request, this.call.source, code, reason, 'local', all, body));
    }
    this.lastStatus = code;
    this.sent(code, reason, undefined);
    if (code >= 200) {
      this.finalReason = reason;
      this.cancelBranches(this.cancelReason(code));
      this.ended(code);
    }
    return true;
  }

  /** Ends branches without any reply after the caller has sent CANCEL: OpenSIPS counts them as 487 at once. */
  cancelSilent(): void {
    for (const branch of this.branches) {
      if (!branch.pending || branch.replied || branch.status >= 100) continue;
      branch.cause = 'cancelled';
      this.refused(branch, 487, undefined, true);
    }
  }

  /**
   * Cancels pending branches, except `but`. `lines` are the header lines of the CANCEL requests; `early` are those for
   * a branch that has no provisional reply yet; `method` is what is done with that one.
   */
  cancelBranches(lines: string, but?: TxBranch, early?: string, method = this.env.tm.cancelMethod): void {
    for (const branch of this.branches) {
      if (branch === but) continue;
      // As recorded, a CANCEL that has to wait for a provisional reply has no text in its Reason header.
      const waits = this.env.dialect === 'kamailio' && branch.status < 100;
      const written = waits ? (early ?? lines.replace(REASON_TEXT, '')) : lines;
      if (!waits || method === 1) branch.cancel(written);
      else if (method === 2) branch.cancel(lines, true);
      else this.endSilent(branch, lines);
    }
  }

  /** cancel_b_method 0 of Kamailio: a branch without any reply ends at once with 487. */
  private endSilent(branch: TxBranch, lines: string): void {
    if (!branch.pending || branch.cancelled) return;
    branch.abandon(lines);
    branch.cause = 'cancelled';
    this.refused(branch, 487, undefined, true);
  }

  /** The proxy stops: the caller has been answered, pending branches are cancelled. */
  giveUp(): void {
    this.cancelBranches('');
    this.ended(503);
  }

  /** A reply was received on a branch. */
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
    // As recorded, provisional replies of a branch that was cancelled because of a 6xx are not forwarded.
    if (status < 200 && branch.cancelled && !this.cancelled && this.env.dialect === 'kamailio') return;
    if (this.final !== 0 && (!this.invite || status < 200 || status >= 300)) {
      if (status >= 200) {
        branch.status = status;
        this.refuseAfterFinal(branch, reply);
      }
      return;
    }
    const filtered = changedBy(this.filters, reply);
    if (this.final !== 0 && branch.reply !== undefined && branch.status < 300) {
      // A retransmission of the 2xx that the caller has got already.
      const again = this.call.step === undefined ? changedBy(this.lateFilters, filtered) : branch.reply;
      this.server.send(outgoingReply(again, []));
      return;
    }
    const seen = throughStep(this, branch, throughReplyRoutes(this, branch, filtered));
    if (seen instanceof Promise) this.waitFor(seen, (result) => this.routed(branch, result));
    else this.routed(branch, seen);
  }

  /** Ends a refusal that came after the final reply. As recorded, Kamailio's named reply routes see it. */
  private refuseAfterFinal(branch: TxBranch, reply: SipMessage): void {
    if (branch.replyRoute === undefined || this.env.dialect !== 'kamailio') return;
    const seen = throughReplyRoutes(this, branch, reply);
    if (seen instanceof Promise) this.waitFor(seen, () => undefined);
  }

  /** A refusal after the timeout of its branch. As recorded, Kamailio's named reply routes see it. */
  late(branch: TxBranch, reply: SipMessage): void {
    if (this.held !== undefined) this.hold(() => this.late(branch, reply));
    else this.refuseAfterFinal(branch, reply);
  }

  /** A 100 is not forwarded, unless relay_100 is set. As recorded, Kamailio's named reply routes see it. */
  private trying(branch: TxBranch, reply: SipMessage): void {
    const { dialect, tm } = this.env;
    if (this.final !== 0 || dialect !== 'kamailio') return;
    if (branch.replyRoute === undefined && !tm.relay100) return;
    const left = (each: SipMessage | undefined): void => {
      if (tm.relay100 && each !== undefined && this.final === 0) this.pass(each);
    };
    const seen = throughReplyRoutes(this, branch, reply);
    if (seen instanceof Promise) this.waitFor(seen, left);
    else left(seen);
  }

  /** The reply routes have handled a reply; undefined: they dropped it. */
  private routed(branch: TxBranch, reply: SipMessage | undefined): void {
    if (reply === undefined) return;
    const seen = changedBy(this.lateFilters, reply);
    if (seen.status < 200) {
      branch.status = Math.max(branch.status, seen.status);
      if (branch.hop !== undefined) this.record?.provisional(branch.hop, seen.status);
      if (this.final === 0 && !this.suspended && (!branch.cancelled || !this.cancelled)) this.pass(seen);
      return;
    }
    if (seen.status < 300) {
      if (this.suspended && this.final === 0) return;
      // As recorded: the reply route itself has answered the request meanwhile.
      if (this.final !== 0 && !this.invite) return;
      branch.status = seen.status;
      branch.reply = seen;
      this.pass(seen);
      if (this.final === 0) {
        // As recorded, whatever cancel_b_method says.
        this.cancelBranches(this.answeredElsewhere, branch, undefined, 1);
        this.ended(seen.status, seen);
      }
      // From now on the transaction layer forwards retransmissions of it, unless filters have to change them too.
      const changed = this.filters !== undefined || this.lateFilters !== undefined || this.call.step !== undefined;
      if (branch.client?.invite === true && !changed) (branch.client as InviteClient).takenBy(this.server);
      return;
    }
    this.refused(branch, seen.status, seen, false);
    branch.replied = true;
  }

  /** Reason header of the CANCEL for the branches that a final reply ends. */
  private cancelReason(status: number): string {
    const { dialect, tm } = this.env;
    return dialect === 'kamailio' && tm.cancelReason ? `Reason: SIP;cause=${status}\r\n` : '';
  }

  /**
   * Milliseconds left for a new branch, `max` at the maximum. Kamailio limits the time of all branches together; a
   * branch that begins after that time is sent, and ends at once.
   */
  timeLeft(max: number): number {
    const { call, env, invite } = this;
    const lifetime = call.lifetime ?? (invite ? env.tm.inviteLifetime : env.tm.otherLifetime);
    if (lifetime >= max && this.branches.length <= 1) return max;
    return Math.max(1, Math.min(max, lifetime - (env.clock.monotonic() - this.begun)));
  }

  /** Reason header of the CANCEL for other branches when one has been answered with 2xx. */
  private get answeredElsewhere(): string {
    const { dialect, tm } = this.env;
    if (dialect === 'kamailio')
      return tm.cancelReason ? 'Reason: SIP;cause=200;text="Call completed elsewhere"\r\n' : '';
    return tm.timeoutReason === '' ? '' : ANSWERED_ELSEWHERE;
  }

  /** Calls `go` when a waiting route has ended; events meanwhile are queued in `held`. */
  private waitFor<T>(result: Promise<T>, go: (value: T) => void): void {
    this.held = [];
    void result.then(go).finally(() => {
      const held = this.held ?? [];
      this.held = undefined;
      for (const each of held) each();
    });
  }

  private hold(event: () => void): void {
    if (this.held !== undefined && this.held.length < MAX_QUEUED_REPLIES) this.held.push(event);
  }

  /** A branch timed out, or its request could not be sent. */
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
    const refused = (): void => this.refused(branch, timedOut ? 408 : 477, undefined, true);
    if (timedOut && this.env.dialect === 'kamailio') this.call.scope.withVars(this.env.timerVars, refused);
    else refused();
  }

  /**
   * No process listens at the UDP address of a branch (ICMP). OpenSIPS does not notice that and waits for the timeout.
   * Here an armed failure route runs at once, with the same result; without a failure route the caller waits as with
   * OpenSIPS.
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

  /** A branch got a final status other than 2xx. */
  refused(branch: TxBranch, status: number, reply: SipMessage | undefined, local: boolean): void {
    branch.status = status;
    branch.reply = reply;
    branch.local = local;
    if (branch.hop !== undefined && this.record != null && this.final === 0) {
      const cause = local ? { cause: branch.cause ?? (branch.timedOut ? 'timeout' : 'send') } : {};
      this.record.failed(branch.hop, { code: status, local, ...cause });
    }
    if (this.final !== 0) return;
    if (branch.branchFailureRoute !== undefined) {
      const restored = { uri: this.firstUri, destinationUri: this.firstDestination };
      const outcome = runBranchFailure(this, branch, restored);
      if (outcome instanceof Promise) {
        this.waitFor(outcome, () => this.settled(branch, status));
        return;
      }
    }
    this.settled(branch, status);
  }

  /** Evaluates the final status of a branch, after the branch-failure route. */
  private settled(branch: TxBranch, status: number): void {
    if (this.final !== 0) return;
    this.lastFinalBranch = branch;
    if (status >= 600 && !this.env.tm.plain6xx && !this.call.plain6xx)
      this.cancelBranches(this.cancelReason(status), branch, '');
    if (!this.inFailureRoute) this.judge();
  }

  /** When no branch is pending, runs the failure route, or sends the best reply to the caller. */
  judge(): void {
    if (this.final !== 0 || this.suspended || this.branches.length === 0) return;
    if (this.branches.some((each) => each.pending)) return;
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
      this.sendBestReply();
      return;
    }
    this.call.armed.failure = undefined;
    const before = this.branches.length;
    this.relayFailed = false;
    if (kamailio) this.beforeFailureRoute();
    this.timed = kamailio && best.timedOut;
    this.inFailureRoute = true;
    // As recorded, a failure route begins with the request as it was when the transaction was created.
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
    if (!this.suspended) this.sendBestReply();
  }

  /** Before a failure route: failure_reply_mode 1 discards all earlier replies, mode 2 those of the last t_relay(). */
  private beforeFailureRoute(): void {
    const { failureReplyMode: mode } = this.env.tm;
    const from = mode === 1 ? 0 : mode === 2 ? this.legStart : this.branches.length;
    this.discarded = this.branches.slice(from).filter((each) => !each.dropped);
    for (const each of this.discarded) each.dropped = true;
    this.keepsReplies = false;
  }

  keepReplies(): void {
    for (const each of this.discarded) each.dropped = false;
    this.discarded = [];
    this.keepsReplies = true;
  }

  /**
   * The failure route has added branches: OpenSIPS always discards all earlier replies, Kamailio with
   * failure_reply_mode 3.
   */
  private newLeg(before: number): void {
    if (this.env.dialect === 'opensips' || (this.env.tm.failureReplyMode === 3 && !this.keepsReplies))
      for (const each of this.branches.slice(0, before)) each.dropped = true;
    this.legStart = before;
  }

  private sendBestReply(): void {
    this.timed = false;
    const best = bestBranch(this.branches, this.env.dialect);
    const lines = this.env.dialect === 'kamailio' ? this.call.frozenReplyLines : this.call.replyLines;
    if (best === undefined) {
      const number = this.relayFailed ? 6 : 1;
      const kamailio = this.env.dialect === 'kamailio';
      this.reply(500, kamailio ? `I'm terribly sorry, server error occurred (${number}/TM)` : reasonPhrase(500));
      return;
    }
    const { reply, status } = best;
    if (this.cancelled && reply === undefined) {
      this.reply(487, reasonPhrase(487), lines);
      return;
    }
    if (reply === undefined) {
      this.reply(status, statusLine(status, this.env.dialect), lines);
      return;
    }
    if (status === 503 && this.env.tm.translate503) {
      if (this.env.dialect === 'kamailio') {
        // As recorded, Kamailio generates the reply, with the reason phrase of the received code.
        if (this.passesOnsendRoute(reply)) this.reply(500, reasonPhrase(503), lines, '', true);
        return;
      }
      this.sendFinal(outgoingReply(reply, [], `500 ${reply.reason}`), 500, reply);
      return;
    }
    const challenged = challengesOf(best, this.branches, this.env.tm.aggregateChallenges);
    if (this.env.dialect === 'kamailio' && this.env.tm.aggregateChallenges && isAggregated(best, this.branches)) {
      this.reply(status, reasonPhrase(status), lines + ownChallenges(reply) + (challenged[0]?.text ?? ''));
      return;
    }
    this.sendFinal(outgoingReply(reply, challenged), status, reply);
  }

  private pass(reply: SipMessage): void {
    if (!this.passesOnsendRoute(reply)) return;
    const text = outgoingReply(reply, []);
    this.lastStatus = reply.status;
    if (this.final !== 0) this.server.send(text);
    else this.server.reply(text, reply.status);
    this.sent(reply.status, reply.reason, reply);
  }

  /** Runs Kamailio's onsend route for a reply if onsend_route_reply is set; false when the route drops the reply. */
  private passesOnsendRoute(reply: SipMessage): boolean {
    const { source } = this.call;
    return !this.env.onsendReplies || runOnsendReply(this.env, reply, source, source.address, source.port);
  }

  private sendFinal(text: string, status: number, reply: SipMessage): void {
    if (this.passesOnsendRoute(reply)) this.server.reply(text, status);
    this.lastStatus = status;
    this.sent(status, reply.reason, reply);
    this.ended(status, reply);
  }

  /** A branch was sent as `text`. */
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

  /** Writes the final reply to call records and figures. */
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

/** Maximum number of replies and timeouts queued while a reply route waits. */
const MAX_QUEUED_REPLIES = 64;

/** The reply with the edits of all filters. */
function changedBy(filters: readonly ReplyFilter[] | undefined, reply: SipMessage): SipMessage {
  if (filters === undefined) return reply;
  const edits = filters.flatMap((filter) => filter(reply));
  return edits.length === 0 ? reply : (parseMessage(rewritten(reply, edits)) ?? reply);
}
