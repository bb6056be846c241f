import { parseUri } from '../core/uri.js';
import type { SipMessage } from '../sip/message.js';
import { reasonPhrase } from '../sip/reply.js';
import type { Address } from '../sip/resolve.js';
import type { ClientFailure, ClientTransaction, ClientUser, InviteClient } from '../sip/transaction/client.js';
import type { ServerTransaction } from '../sip/transaction/server.js';
import type { Source } from '../sip/transport/transport.js';
import type { AfterFailure, HopFailure, NextHop, RelayPlan } from './decision.js';
import { forwardedRequest, loopHash, replyUpstream } from './forward.js';
import type { ProxyCore } from './proxy.js';

/**
 * The response context of one request (RFC 3261 section 16.7): tries the plan's places one after the other, keeps the
 * best failure, and passes replies on. It ends with the one final reply; a late 2xx of a branch given up still passes.
 */
export class Relay implements ClientUser {
  private client: ClientTransaction | undefined;
  private hop: NextHop | undefined;
  /** Addresses of the present hop that are still to be tried. */
  private addresses: readonly Address[] = [];
  private cancelled = false;
  private answered = false;
  private tried = 0;
  /** The best failure so far: what the caller gets if nobody takes the call. */
  private best: SipMessage | undefined;
  private bestCode = 0;
  private message: SipMessage | undefined;

  constructor(
    private readonly proxy: ProxyCore,
    private readonly server: ServerTransaction,
    message: SipMessage,
    private readonly source: Source,
    private plan: RelayPlan | undefined,
  ) {
    this.message = message;
  }

  start(): void {
    this.tryNextHop();
  }

  /** The caller gave up. */
  cancel(): void {
    if (this.answered || this.cancelled) return;
    this.cancelled = true;
    this.plan?.callerGaveUp?.();
    const client = this.client;
    if (client?.invite) (client as InviteClient).cancel();
    else if (client === undefined) this.finish(487, reasonPhrase(487));
  }

  onReply(client: ClientTransaction, received: SipMessage): void {
    const status = received.status;
    if (status >= 200 && status < 300) {
      this.success(client, received);
      return;
    }
    if (this.answered || client !== this.client || status === 100) return;
    const reply = this.edited(client, received);
    if (status < 200) {
      this.hopAnswered(status);
      // To other requests than INVITE only a 100 may be sent before the final reply (RFC 4320 section 4.1).
      if (!this.server.invite) return;
      if (reply !== undefined) this.server.reply(replyUpstream(reply), status);
      return;
    }
    this.client = undefined;
    if (this.cancelled) this.branchCancelled({ code: status, local: false }, reply ?? received);
    else this.hopFailed({ code: status, local: false }, reply ?? received);
  }

  onFailure(client: ClientTransaction, failure: ClientFailure): void {
    if (this.answered || client !== this.client) return;
    this.client = undefined;
    if (this.cancelled) {
      this.branchCancelled(
        { code: failure.kind === 'timeout' ? 408 : 503, local: true, cause: failure.cause },
        undefined,
      );
      return;
    }
    // An address that cannot be reached does not condemn the others the same name stands for (RFC 3263 section 4.3).
    if (!failure.provisional && this.addresses.length > 0) {
      this.tryAddress();
      return;
    }
    const code = failure.kind === 'timeout' ? 408 : 503;
    this.hopFailed({ code, local: true, cause: failure.cause }, undefined);
  }

  private success(client: ClientTransaction, received: SipMessage): void {
    const reply = this.answered ? received : (this.edited(client, received) ?? received);
    const text = replyUpstream(reply);
    if (this.answered) {
      // A second 2xx, or one that came after the caller was told otherwise: every 2xx goes upstream (section 16.7 step 5).
      this.server.send(text);
      return;
    }
    if (client === this.client) this.hopAnswered(reply.status);
    else if (this.client?.invite) (this.client as InviteClient).cancel();
    this.answered = true;
    this.proxy.counted(reply.status);
    this.server.reply(text, reply.status);
    this.release(reply.status);
  }

  private tryNextHop(): void {
    const plan = this.plan as RelayPlan;
    for (;;) {
      const hop = plan.next();
      if (hop === undefined) {
        this.finishWithBest();
        return;
      }
      if (this.tried++ > 0) this.proxy.counters.failovers.value++;
      this.hop = hop;
      if (hop.flow !== undefined) {
        const { socket, address, port } = hop.flow;
        this.addresses = [];
        this.send({ address, port, transport: socket.transport, family: socket.family, name: undefined });
        return;
      }
      if (hop.address !== undefined) {
        if (plan.allowed !== undefined && !plan.allowed(hop.address)) {
          this.noteBlocked();
          continue;
        }
        this.addresses = [];
        this.send({ ...hop.address, name: undefined });
        return;
      }
      const uri = parseUri(hop.uri);
      if (uri === undefined || uri.scheme === 'tel') {
        this.hopFailed({ code: uri === undefined ? 400 : 416, local: true }, undefined);
        return;
      }
      this.proxy.resolver.resolve(uri, (result) => this.resolved(hop, result));
      return;
    }
  }

  private resolved(hop: NextHop, result: readonly Address[] | Error): void {
    if (hop !== this.hop || this.answered) return;
    if (this.cancelled) {
      this.finish(487, reasonPhrase(487));
      return;
    }
    if (result instanceof Error) {
      this.hopFailed({ code: 503, local: true, cause: 'dns' }, undefined);
      return;
    }
    const allowed = this.plan?.allowed;
    this.addresses = allowed === undefined ? result : result.filter((address) => this.plan?.allowed?.(address));
    if (this.addresses.length === 0) {
      this.noteBlocked();
      this.tryNextHop();
      return;
    }
    this.tryAddress();
  }

  private tryAddress(): void {
    const [first, ...rest] = this.addresses;
    this.addresses = rest;
    this.send(first as Address);
  }

  private send(address: Address): void {
    const { proxy, source } = this;
    const hop = this.hop as NextHop;
    const message = this.message as SipMessage;
    const plan = this.plan as RelayPlan;
    const socket = hop.flow?.socket ?? proxy.sockets.choose(address, hop.socket ?? source.socket);
    if (socket === undefined) {
      this.sendFailed(`no ${address.transport} socket for IPv${address.family}`);
      return;
    }
    const branch = proxy.layer.newBranch(loopHash(message, source));
    const text = forwardedRequest({
      message,
      source,
      socket,
      branch,
      requestUri: hop.requestUri,
      recordRoute: plan.recordRoute,
      edits: plan.edits,
      hopEdits: hop.edits,
      maxForwards: hop.maxForwards,
    });
    const target = { socket, address: address.address, port: address.port, serverName: address.name };
    this.client = proxy.layer.request(text, this.server.invite, branch, target, this, hop.flow?.flow);
  }

  private sendFailed(message: string): void {
    this.proxy.log.warn({ uri: this.hop?.uri, reason: message }, 'a destination cannot be reached');
    this.hopFailed({ code: 503, local: true, cause: 'send' }, undefined);
  }

  private hopAnswered(status: number): void {
    if (this.hop !== undefined) this.plan?.answered?.(this.hop, status);
  }

  /** A reply as the plan wants it passed on; undefined to drop it. */
  private edited(client: ClientTransaction, reply: SipMessage): SipMessage | undefined {
    const plan = this.plan;
    if (plan?.reply === undefined || this.hop === undefined) return reply;
    return plan.reply(this.hop, reply, client.target);
  }

  private hopFailed(failure: HopFailure, reply: SipMessage | undefined): void {
    this.keep(failure.code, reply);
    const after = (this.plan as RelayPlan).failed(this.hop as NextHop, failure, reply);
    if (after === true) this.tryNextHop();
    else this.goOn(after);
  }

  /** The branch of a cancelled request has ended, as it was asked to or not. */
  private branchCancelled(failure: HopFailure, reply: SipMessage | undefined): void {
    const after = this.plan?.cancelled?.(this.hop as NextHop, failure, reply) ?? false;
    // The caller waits for its 487, whatever an earlier place had said.
    if (reply !== undefined && failure.code !== 487) this.keep(failure.code, reply);
    else {
      this.best = reply;
      this.bestCode = 487;
    }
    this.goOn(after);
  }

  /** Does what the plan decided; a decision that comes late is void once the caller has an answer. */
  private goOn(after: AfterFailure | Promise<AfterFailure>): void {
    if (after instanceof Promise) {
      after.then(
        (late) => {
          if (!this.answered) this.goOn(late);
        },
        (error) => {
          this.proxy.log.error({ err: error }, 'routing after a failure failed');
          this.finish(500, reasonPhrase(500));
        },
      );
    } else if (after === true && !this.cancelled) {
      this.tryNextHop();
    } else if (typeof after === 'object') {
      this.finish(after.code, after.reason, after.headers);
    } else {
      this.finishWithBest();
    }
  }

  private noteBlocked(): void {
    if (this.bestCode === 0) this.bestCode = 473;
  }

  /**
   * Keeps the better of two failures: 6xx first, else the lowest class, and inside it one the caller can act upon; a real
   * reply before our own (section 16.7 step 6).
   */
  private keep(code: number, reply: SipMessage | undefined): void {
    const better =
      this.bestCode === 0 ||
      this.bestCode === 473 ||
      rank(code) < rank(this.bestCode) ||
      (this.best === undefined && reply !== undefined && rank(code) === rank(this.bestCode));
    if (!better) return;
    this.bestCode = code;
    this.best = reply;
  }

  private finishWithBest(): void {
    const { best, bestCode } = this;
    if (best !== undefined && bestCode !== 503 && (bestCode !== 408 || this.server.invite)) {
      this.answered = true;
      this.proxy.counted(bestCode);
      this.server.reply(replyUpstream(best), bestCode);
      this.release(bestCode);
      return;
    }
    if (bestCode === 0) {
      const noHop = this.plan?.noHop ?? { code: 503, reason: reasonPhrase(503) };
      this.finish(noHop.code, noHop.reason);
      return;
    }
    if (bestCode === 408 && !this.server.invite) {
      // It would come too late to be of use and make the caller shun us (RFC 4320 section 4.2).
      this.answered = true;
      this.server.fallSilent();
      this.release(bestCode);
      return;
    }
    // A 503 of one server is not this proxy's state: it goes on as 500 (section 16.7 step 6).
    const code = bestCode === 503 ? 500 : bestCode;
    this.finish(code, reasonPhrase(code));
  }

  private finish(code: number, reason: string, headers?: string): void {
    if (this.answered) return;
    this.answered = true;
    this.proxy.counted(code);
    this.server.replyWith(code, reason, headers);
    this.release(code);
  }

  /** What is only needed to forward again is let go; transactions stay in memory for a while yet. */
  private release(code: number): void {
    this.plan?.ended?.(code);
    this.message = undefined;
    this.plan = undefined;
    this.best = undefined;
    this.hop = undefined;
    this.addresses = [];
  }
}

function rank(code: number): number {
  if (code >= 600) return 0;
  // 401, 407, 415, 420 and 484 can be acted upon by the caller; a timeout tells it least (section 16.7 step 6).
  const byClass = Math.floor(code / 100) * 10;
  if (code === 408) return byClass + 9;
  return code === 401 || code === 407 || code === 415 || code === 420 || code === 484 ? byClass : byClass + 1;
}
