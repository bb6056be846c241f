import type { Logger } from '../core/logger.js';
import { maskUri } from '../core/mask.js';
import type { SipMessage } from '../sip/message.js';
import { reasonPhrase, type TextEdit } from '../sip/reply.js';
import type { Address, Resolution } from '../sip/resolve.js';
import type { TargetCache } from '../sip/target.js';
import type { ClientFailure, ClientTransaction, InviteClient } from '../sip/transaction/client.js';
import type { Tally } from '../sip/transaction/counters.js';
import type { TransactionLayer } from '../sip/transaction/layer.js';
import type { ServerTransaction } from '../sip/transaction/server.js';
import type { SipSocket, Source } from '../sip/transport/transport.js';
import { divideBreadth } from './breadth.js';
import type { AfterFailure, HopFailure, NextHop, RelayPlan } from './decision.js';
import { Failures } from './failures.js';
import { loopHash, replyUpstream } from './forward.js';
import type { LargeRequests } from './large-requests.js';
import type { RelayWatch } from './observer.js';
import { type BranchOwner, RelayBranch } from './relay-branch.js';
import { type Sender, sipsWarning } from './sender.js';

/** The parts of the proxy that a response context uses. */
export interface RelayContext {
  readonly layer: TransactionLayer;
  readonly sender: Sender;
  readonly large: LargeRequests;
  readonly targets: TargetCache;
  readonly counters: { readonly failovers: Tally };
  readonly log: Logger;
  /** Counts a final reply sent to a caller. */
  counted(code: number): void;
}

/**
 * The response context of one request (RFC 3261 section 16.7). It tries the plan's hops in sequence, or several in
 * parallel, keeps the best failure, and forwards replies. It ends with the final reply; a late 2xx of a branch that was
 * given up is still forwarded.
 */
export class Relay implements BranchOwner {
  /** The branches that are tried now, including ended ones: one, or several in parallel. */
  private branches: readonly RelayBranch[] = NO_BRANCHES;
  private cancelled = false;
  private answered = false;
  /** Number of attempts since the start, or since a redirection was followed. The first does not count as failover. */
  private tried = 0;
  private trying = IDLE;
  /** The plan's decisions about the branches that have failed in the current attempt. */
  private verdicts: (AfterFailure | Promise<AfterFailure>)[] | undefined = undefined;
  private failures: Failures | undefined = undefined;
  private message: SipMessage | undefined = undefined;

  constructor(
    private readonly proxy: RelayContext,
    private readonly server: ServerTransaction,
    message: SipMessage,
    private readonly source: Source,
    private plan: RelayPlan | undefined,
    private readonly watch: RelayWatch | undefined,
  ) {
    this.message = message;
  }

  /** Sends the request to the first hop of the plan. */
  start(): void {
    this.tryNext();
  }

  /** The caller sent CANCEL. */
  cancel(): void {
    if (this.answered || this.cancelled) return;
    this.cancelled = true;
    this.watch?.cancelled();
    this.plan?.callerGaveUp?.();
    let waiting = false;
    let unsent: RelayBranch[] | undefined;
    for (const branch of this.branches) {
      if (branch.ended) continue;
      if (branch.client === undefined) {
        branch.ended = true;
        unsent = [...(unsent ?? []), branch];
      } else {
        waiting = true;
        if (branch.client.invite) (branch.client as InviteClient).cancel();
      }
    }
    if (!waiting) this.finish(487, reasonPhrase(487));
    else for (const branch of unsent ?? []) this.plan?.withdrawn?.(branch.hop);
  }

  replied(branch: RelayBranch, client: ClientTransaction, received: SipMessage): void {
    const status = received.status;
    if (branch.byDatagram !== undefined) this.datagramEnded(branch, true);
    if (status >= 200 && status < 300) {
      this.success(branch, client, received);
      return;
    }
    if (this.answered || branch.ended || client !== branch.client || status === 100) return;
    const reply = this.edited(branch, client, received);
    if (status < 200) {
      this.watch?.provisional(branch.hop, status);
      this.plan?.answered?.(branch.hop, status);
      // To a non-INVITE request no provisional reply except 100 may be sent (RFC 4320 section 4.1).
      if (!this.server.invite) return;
      if (reply !== undefined) this.server.reply(replyUpstream(reply), status);
      return;
    }
    // A 503 concerns one server only: the next address is tried (RFC 3263 section 4.3).
    if (status === 503 && branch.addresses.length > 0 && !this.cancelled && !branch.givenUp) {
      this.watch?.failed(branch.hop, { code: status, local: false });
      this.tryAddress(branch);
      return;
    }
    this.branchFailed(branch, { code: status, local: false }, reply ?? received);
  }

  unanswered(branch: RelayBranch, client: ClientTransaction, failure: ClientFailure): void {
    if (this.answered || branch.ended || client !== branch.client) return;
    if (branch.byDatagram !== undefined) this.datagramEnded(branch, false);
    const large = branch.insteadOf;
    branch.insteadOf = undefined;
    const code = failure.kind === 'timeout' ? 408 : 503;
    if (large !== undefined && !failure.provisional && !this.cancelled) {
      this.watch?.failed(branch.hop, { code, local: true, cause: failure.cause });
      // TCP was refused, or a firewall dropped the SYN: UDP to the same hop may still work.
      this.proxy.large.streamFailed(large);
      this.send(branch, large);
      return;
    }
    // After an unreachable address the other addresses of the same name are tried (RFC 3263 section 4.3).
    if (!this.cancelled && !failure.provisional && branch.addresses.length > 0) {
      this.watch?.failed(branch.hop, { code, local: true, cause: failure.cause });
      this.tryAddress(branch);
      return;
    }
    this.branchFailed(branch, { code, local: true, cause: failure.cause }, undefined);
  }

  private datagramEnded(branch: RelayBranch, answered: boolean): void {
    this.proxy.large.datagramEnded(branch.byDatagram as Address, answered);
    branch.byDatagram = undefined;
  }

  private success(branch: RelayBranch, client: ClientTransaction, received: SipMessage): void {
    const reply = this.answered ? received : (this.edited(branch, client, received) ?? received);
    const text = replyUpstream(reply);
    if (this.answered) {
      // A second 2xx, or a reply after another final reply was sent. Every 2xx to an INVITE is forwarded to the caller,
      // and nothing else (section 16.7 step 5).
      if (this.server.invite) this.server.send(text);
      return;
    }
    if (!branch.ended) this.plan?.answered?.(branch.hop, reply.status);
    branch.ended = true;
    this.cancelBranches();
    this.answered = true;
    this.proxy.counted(reply.status);
    this.server.reply(text, reply.status);
    this.release(reply.status, branch.hop);
    // The client transaction can only receive further 2xx now; the server transaction forwards them without this
    // object.
    if (this.server.invite) (client as InviteClient).takenBy(this.server);
  }

  /** Cancels the pending branches after a 2xx, a 6xx or another final reply (section 16.7 step 10). */
  private cancelBranches(): void {
    for (const branch of this.branches) {
      if (branch.ended) continue;
      branch.givenUp = true;
      if (branch.client?.invite) (branch.client as InviteClient).cancel();
    }
  }

  /**
   * Tries the next hop. When a hop fails at once, this method is called again from within itself; it then only notes
   * that, and the loop continues, so that thousands of such hops do not fill the stack.
   */
  private tryNext(): void {
    if (this.trying !== IDLE) {
      this.trying = AGAIN;
      return;
    }
    do {
      this.trying = TRYING;
      this.tryOnce();
    } while ((this.trying as number) === AGAIN);
    this.trying = IDLE;
  }

  private tryOnce(): void {
    const plan = this.plan as RelayPlan;
    const next = plan.next();
    if (next === undefined) {
      this.finishWithBest();
      return;
    }
    if (this.tried++ > 0) this.proxy.counters.failovers.value++;
    this.verdicts = undefined;
    const hops = Array.isArray(next) ? (next as readonly NextHop[]) : [next as NextHop];
    if (hops.length === 0) {
      this.finishWithBest();
      return;
    }
    const breadths = hops.length === 1 ? NO_EDITS : divideBreadth(this.message as SipMessage, hops.length);
    if (breadths === undefined) {
      this.failed.keep(440, undefined);
      this.finishWithBest();
      return;
    }
    const branches = hops.map((hop, i) => new RelayBranch(this, hop, breadths[i]));
    this.branches = branches;
    // All branches must exist before the first is opened: a branch that fails at once may end the others.
    for (const branch of branches) if (!branch.ended) this.open(branch);
  }

  private open(branch: RelayBranch): void {
    const { hop } = branch;
    const known = this.proxy.sender.locate(hop, this.message as SipMessage);
    if (known === undefined) {
      const done = (result: Resolution): void => this.resolved(branch, result);
      this.proxy.sender.lookUp(hop, this.message as SipMessage, this.source, done);
    } else if (typeof known === 'number') {
      this.branchFailed(branch, { code: known, local: true }, undefined);
    } else if (hop.flow === undefined && this.plan?.allowed?.(known) === false) {
      this.skip(branch, 473);
    } else {
      this.send(branch, known);
    }
  }

  private resolved(branch: RelayBranch, result: readonly Address[] | Error): void {
    if (branch.ended || this.answered) return;
    if (branch.givenUp) {
      this.withdraw(branch);
      return;
    }
    if (result instanceof Error) {
      this.branchFailed(branch, { code: 503, local: true, cause: 'dns' }, undefined);
      return;
    }
    // An address of a family without a local socket is left out, and not counted as a failure of the hop.
    const known = this.proxy.sender.reachable(result);
    const allowed = this.plan?.allowed;
    branch.addresses = allowed === undefined ? known : known.filter((address) => this.plan?.allowed?.(address));
    if (branch.addresses.length === 0) this.skip(branch, 473);
    else this.tryAddress(branch);
  }

  private tryAddress(branch: RelayBranch): void {
    const [first, ...rest] = branch.addresses;
    branch.addresses = rest;
    this.send(branch, first as Address);
  }

  private send(branch: RelayBranch, address: Address): void {
    const { proxy, source } = this;
    const { hop } = branch;
    const socket = proxy.sender.socketTo(hop, address, source);
    if (socket === undefined) {
      const reason = `no ${address.transport} socket for IPv${address.family}`;
      const callId = this.message?.callId.slice(0, SHOWN);
      const uri = maskUri(hop.uri);
      proxy.log.warn({ from: source.address, callId, uri, reason }, 'a destination cannot be reached');
      this.branchFailed(branch, { code: 503, local: true, cause: 'send' }, undefined);
      return;
    }
    if (proxy.sender.bars(this.message as SipMessage, hop, socket)) {
      this.skip(branch, 480);
      return;
    }
    const text = this.write(branch, socket, address);
    if (hop.socket === undefined && proxy.large.isLarge(text, socket)) {
      const stream = proxy.large.streamTo(address);
      if (stream !== undefined) {
        // If TCP fails, the same address is tried by UDP (RFC 3261 section 18.1.1).
        branch.insteadOf = address;
        this.transmit(branch, this.write(branch, stream, address), stream, address);
        proxy.large.tried(stream, address);
        return;
      }
      branch.byDatagram = address;
    }
    this.transmit(branch, text, socket, address);
  }

  /** The request as sent from a socket, with a new branch parameter. */
  private write(branch: RelayBranch, socket: SipSocket, { address: to }: Address): string {
    const { proxy, source } = this;
    const message = this.message as SipMessage;
    const plan = this.plan as RelayPlan;
    branch.id = proxy.layer.branches.make(loopHash(message, source), message);
    const hopEdits = branch.breadth === undefined ? branch.hop.edits : [...(branch.hop.edits ?? []), branch.breadth];
    const writing = { branch: branch.id.text, recordRoute: plan.recordRoute, edits: plan.edits, hopEdits, to };
    return proxy.sender.write(message, source, branch.hop, socket, writing);
  }

  private transmit(branch: RelayBranch, text: string, socket: SipSocket, address: Address): void {
    const target = this.proxy.targets.target(socket, address.address, address.port, address.name);
    const { invite } = this.server;
    this.watch?.sent(branch.hop, target);
    branch.client = this.proxy.layer.request(text, invite, branch.id, target, branch, branch.hop.flow?.flow);
  }

  /** A reply as edited by the plan; undefined to drop it. */
  private edited(branch: RelayBranch, client: ClientTransaction, reply: SipMessage): SipMessage | undefined {
    const plan = this.plan;
    return plan?.reply === undefined ? reply : plan.reply(branch.hop, reply, client.target);
  }

  /** Nothing may be sent to a hop: it is skipped, and does not count as failed. */
  private skip(branch: RelayBranch, code: number): void {
    this.failed.skipped(code);
    this.watch?.hopSkipped(branch.hop, code);
    this.withdraw(branch);
  }

  private withdraw(branch: RelayBranch): void {
    branch.ended = true;
    this.ended(this.plan?.withdrawn?.(branch.hop) ?? true);
  }

  private branchFailed(branch: RelayBranch, failure: HopFailure, reply: SipMessage | undefined): void {
    branch.ended = true;
    branch.client = undefined;
    this.watch?.failed(branch.hop, failure);
    if (this.cancelled) {
      const verdict = this.plan?.cancelled?.(branch.hop, failure, reply) ?? false;
      this.failed.keepCancelled(failure.code, reply);
      this.ended(verdict);
      return;
    }
    this.failed.keep(failure.code, reply);
    if (branch.givenUp) {
      // This proxy cancelled the branch, so the hop has not failed.
      this.withdraw(branch);
      return;
    }
    const verdict = (this.plan as RelayPlan).failed(branch.hop, failure, reply);
    if (failure.code >= 600) this.cancelBranches();
    this.ended(verdict);
  }

  /**
   * A branch has ended. After the last branch of an attempt, the plan's decisions about all of them determine the next
   * step.
   */
  private ended(verdict: AfterFailure | Promise<AfterFailure>): void {
    if (this.branches.length === 1) {
      this.carryOutDecision(verdict);
      return;
    }
    this.verdicts = [...(this.verdicts ?? []), verdict];
    if (this.branches.some((branch) => !branch.ended)) return;
    const { verdicts } = this;
    if (verdicts.some((each) => each instanceof Promise)) this.carryOutDecision(Promise.all(verdicts).then(combined));
    else this.carryOutDecision(combined(verdicts as AfterFailure[]));
  }

  /** Carries out a decision of the plan; it is ignored when the caller has got a final reply meanwhile. */
  private carryOutDecision(after: AfterFailure | Promise<AfterFailure>): void {
    if (after instanceof Promise) {
      after.then(
        (late) => {
          if (!this.answered) this.carryOutDecision(late);
        },
        (error) => {
          this.proxy.log.error(
            { err: error, callId: this.message?.callId.slice(0, SHOWN) },
            'routing after a failure failed',
          );
          this.finish(500, reasonPhrase(500));
        },
      );
    } else if (after === true && !this.cancelled) {
      this.tryNext();
    } else if (typeof after === 'object') {
      if ('code' in after) {
        this.finish(after.code, after.reason, after.headers);
        return;
      }
      this.failed.redirection = after.left;
      // A 6xx ends the search, even if another branch was redirected (section 16.7 step 5).
      if (this.cancelled || this.failed.code >= 600) this.finishWithBest();
      else {
        this.tried = 0;
        this.tryNext();
      }
    } else {
      this.finishWithBest();
    }
  }

  private finishWithBest(): void {
    const { invite } = this.server;
    const passedOn = this.failures?.toPassOn(invite);
    if (passedOn !== undefined) {
      this.answered = true;
      this.proxy.counted(passedOn.status);
      this.server.reply(replyUpstream(passedOn), passedOn.status);
      this.release(passedOn.status);
      return;
    }
    const code = this.failures?.code ?? 0;
    if (code === 0) {
      const noHop = this.plan?.noHop ?? { code: 503, reason: reasonPhrase(503) };
      this.finish(noHop.code, noHop.reason);
      return;
    }
    if (code === 408 && !invite) {
      // A 408 would arrive too late to be useful, and could make the caller blacklist this proxy (RFC 4320 section
      // 4.2).
      this.answered = true;
      this.server.fallSilent();
      this.release(code);
      return;
    }
    // A 503 of one server does not mean that this proxy is unavailable: it is sent as 500 (section 16.7 step 6).
    const own = code === 503 ? 500 : code;
    this.finish(own, reasonPhrase(own), own === 480 ? sipsWarning(this.source) : undefined);
  }

  /** The failures so far; created at the first access. */
  private get failed(): Failures {
    return (this.failures ??= new Failures());
  }

  private finish(code: number, reason: string, headers?: string): void {
    if (this.answered) return;
    this.cancelBranches();
    this.answered = true;
    this.proxy.counted(code);
    this.server.replyWith(code, reason, headers);
    this.release(code);
  }

  /** Drops all references that only forwarding needs, since transactions stay in memory for some time. */
  private release(code: number, hop?: NextHop): void {
    this.watch?.ended(code, hop);
    this.plan?.ended?.(code);
    this.message = undefined;
    this.plan = undefined;
    this.failures = undefined;
    this.verdicts = undefined;
    for (const branch of this.branches) branch.release();
    this.branches = NO_BRANCHES;
  }
}

/** States of `tryNext`: not running, running, running and called again. */
const IDLE = 0;
const TRYING = 1;
const AGAIN = 2;

/** Maximum length of a Call-ID in a log line. */
const SHOWN = 128;
const NO_BRANCHES: readonly RelayBranch[] = [];
const NO_EDITS: readonly TextEdit[] = [];

/**
 * Combines the decisions about several branches: a reply that one of them gives, else a redirection that one of them
 * follows, else the next hop if all of them want it.
 */
function combined(verdicts: readonly AfterFailure[]): AfterFailure {
  const named = verdicts.filter((each) => typeof each === 'object');
  return named.find((each) => 'code' in each) ?? named[0] ?? verdicts.every((each) => each === true);
}
