import type { KeptCall } from '../core/kept-call.js';
import type { Logger } from '../core/logger.js';
import type { Destination } from '../engine/destination.js';
import type { StateSignal } from '../engine/state.js';
import type { AfterFailure, HopFailure, LocalReply, NextHop, RelayPlan, RouteOrigin } from '../proxy/decision.js';
import type { ProxyObserver } from '../proxy/observer.js';
import type { DecisionDelegate, ProxyCore } from '../proxy/proxy.js';
import type { SipMessage } from '../sip/message.js';
import { parseMessage } from '../sip/parse-message.js';
import type { TransactionLayer } from '../sip/transaction/layer.js';
import type { InviteServer } from '../sip/transaction/server.js';
import type { TransactionUser } from '../sip/transaction/user.js';
import { socketOfMarker, socketOfReply } from '../sip/transport/native/steering.js';
import type { Receiver, SipSocket, Source, TransportError } from '../sip/transport/transport.js';
import type { UdpSocket } from '../sip/transport/udp.js';
import type { AddressSet } from '../sip/trusted-sources.js';
import { fitsDatagram } from './datagram-only.js';
import { BegunPlan, type HandedCall } from './handed-call.js';
import { HandingBound } from './handing-bound.js';
import type {
  CommandAnswer,
  FailureDecision,
  FromWorker,
  HandedToWorker,
  SharedDestination,
  SharedHop,
  ToWorker,
} from './protocol.js';
import {
  type CallReport,
  failureOf,
  ReportedCalls,
  type ReportNames,
  type ReportObserver,
  WORKER_DIED,
} from './reported-calls.js';
import type { RequestOwners } from './request-owners.js';
import { type GatedScript, ScriptGate } from './script-gate.js';
import type { SipCounters } from './tallies.js';

/** What the brain needs. */
export interface BrainOptions {
  readonly workers: number;
  readonly layer: TransactionLayer;
  readonly proxy: ProxyCore;
  /** Receives messages from workers as if a socket had received them. */
  readonly receiver: Receiver;
  readonly sockets: readonly SipSocket[];
  readonly counters: SipCounters;
  readonly observer: ProxyObserver & ReportObserver;
  /** Whether all destinations of the selected sets are given by address and reached over UDP. */
  readonly isPlain: (origin: RouteOrigin) => boolean;
  /** Whether messages are traced: then this process forwards everything. */
  readonly isTraced: () => boolean;
  /** A BYE in a dialog got its final reply. */
  readonly byeEnded: (callId: string, fromTag: string, code: number) => void;
  /** Sets the monotonic time of the event that is reported next; undefined: now. */
  readonly reportedAt: (at: number | undefined) => void;
  /** The destination that a worker means; undefined: it no longer exists. */
  readonly destination: (shared: SharedDestination) => Destination | undefined;
  /** Applies a worker's signal about a destination; the worker then gets the resulting state. */
  readonly apply: (signal: StateSignal) => void;
  /** Adds a worker's numbers of successful and failed selections in a partition. */
  readonly selected: (partition: string, succeeded: number, failed: number) => void;
  /** Runs the script of a configuration file here; undefined: the proxy routes. */
  readonly script: GatedScript | undefined;
  /** Knows which process owns which request. */
  readonly owners: RequestOwners;
  /** Whether the script follows dialogs: then their requests go to the process that keeps them, over any transport. */
  readonly keepsDialogs: () => boolean;
  /** A worker has received a message from there, or has sent it there, while messages are traced. */
  readonly seen: (text: string, at: Source, isSent: boolean) => void;
  /** A worker has answered a command. */
  readonly answered: (worker: number, id: number, answer: CommandAnswer) => void;
  readonly publish: (partition: string, kind: string, text: string) => void;
  /** Keeps the content of the record of a worker's call; null: the call has ended. */
  readonly keep: (worker: number, id: string, call: KeptCall | null) => void;
  /** How many requests a worker has decided and forwarded; the last ones may not have been reported yet. */
  readonly begun: (worker: number) => number;
  /** A worker now runs the script of this version. */
  readonly scriptTaken: (worker: number, version: number) => void;
  readonly tableTaken: (worker: number, name: string, generation: number) => void;
  /** Sources without limits. */
  readonly trusted: AddressSet;
  readonly log: Logger;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Sends an item to a worker. */
  readonly send: (worker: number, item: ToWorker) => void;
  /** Passes a message to a worker; false when it accepts none at the moment. */
  readonly hand: (worker: number, item: HandedToWorker) => boolean;
}

/** The request that is being routed for a worker. */
interface Asking {
  readonly worker: number;
  readonly id: number;
  answered: boolean;
}

/**
 * Answers the questions of workers: routes their requests with the proxy and router of this process, returns what a
 * worker can forward itself, and does the rest here. It alone changes states and counts calls, so that all workers
 * together behave like one process.
 */
export class Brain implements DecisionDelegate, TransactionUser {
  private asking: Asking | undefined = undefined;
  /** Whether the message being received came from a worker. */
  private fromWorker = false;
  /** What each worker forwards by the brain's decision, by the number of the question. */
  private readonly calls: Map<number, HandedCall>[];
  /** What each worker forwards by its own decision. */
  private readonly reported: readonly ReportedCalls[];
  /** Number of requests that each worker was given to forward. */
  private readonly given: number[];
  private readonly asked: number[] = [];
  private readonly bound: HandingBound;

  constructor(private readonly options: BrainOptions) {
    const { workers } = options;
    this.calls = Array.from({ length: workers + 1 }, () => new Map());
    const names: ReportNames = {
      source: (...at) => this.sourceOf(...at),
      target: (socket, address, port) =>
        options.proxy.targets.target(options.sockets[socket] as SipSocket, address, port, undefined),
      destination: (shared) => options.destination(shared),
    };
    this.reported = Array.from({ length: workers + 1 }, () => new ReportedCalls(options.observer, names));
    this.given = Array.from({ length: workers + 1 }, () => 0);
    this.bound = new HandingBound(options.now, options.trusted);
    options.proxy.delegateTo(this);
    const { script } = options;
    if (script === undefined) {
      options.layer.attach(this);
      return;
    }
    const gate = new ScriptGate(script, {
      handsOn: (message, source, isRequest) => this.handsOn(message, source, isRequest),
    });
    options.layer.attach(gate, gate);
  }

  /**
   * Whether the message that is being received came through a worker, which has counted it to what its source may send.
   */
  get isHanded(): boolean {
    return this.fromWorker;
  }

  /** Passes on an ICMP error for a message that a worker sent; `marker` is the worker's character in branches. */
  strayError(marker: string, text: string, address: string, port: number): void {
    const { workers, hand } = this.options;
    const worker = socketOfMarker(marker);
    if (worker > 0 && worker <= workers) hand(worker, ['undelivered', address, port, text]);
  }

  /** Number of calls that a worker forwards now. */
  callsOf(worker: number): number {
    return (this.calls[worker]?.size ?? 0) + (this.reported[worker]?.size ?? 0);
  }

  /** Number of requests outside dialogs that a worker was given to forward since the start. */
  givenTo(worker: number): number {
    return (this.given[worker] ?? 0) + this.options.begun(worker);
  }

  /** Number of requests that a worker has asked about since the start. */
  askedBy(worker: number): number {
    return this.asked[worker] ?? 0;
  }

  /** Handles an item from a worker. */
  receive(worker: number, item: FromWorker): void {
    const { options } = this;
    switch (item[0]) {
      case 'ask': {
        const [, id, socket, address, port, text] = item;
        const asking: Asking = { worker, id, answered: false };
        this.asked[worker] = this.askedBy(worker) + 1;
        this.asking = asking;
        try {
          this.deliver(socket, address, port, text);
        } finally {
          this.asking = undefined;
        }
        if (!asking.answered) options.send(worker, ['mine', id]);
        return;
      }
      case 'began':
      case 'sent':
      case 'hopSkipped':
      case 'provisional':
      case 'failed':
      case 'ended':
        options.reportedAt(item[2]);
        try {
          this.noted(worker, item);
        } finally {
          options.reportedAt(undefined);
        }
        return;
      case 'mark': {
        const [, mark, shared, to, reason, code, cause] = item;
        const destination = options.destination(shared);
        if (destination !== undefined) {
          options.apply({ destination, kind: 'set', to, origin: 'traffic', reason, code, cause: cause ?? undefined });
        }
        options.send(worker, ['marked', mark]);
        return;
      }
      case 'signal': {
        const [, shared, signal] = item;
        const destination = options.destination(shared);
        if (destination !== undefined) options.apply({ ...signal, destination });
        return;
      }
      case 'selected':
        for (const counts of item[1]) options.selected(...counts);
        return;
      case 'scriptTaken':
        options.scriptTaken(worker, item[1]);
        return;
      case 'tableTaken':
        options.tableTaken(worker, item[1], item[2]);
        return;
      case 'byeEnded':
        options.byeEnded(item[1], item[2], item[3]);
        return;
      case 'next': {
        const [, id, code, local, cause] = item;
        const call = this.calls[worker]?.get(id);
        const verdict = call === undefined ? null : this.afterFailure(call, failureOf(code, local, cause));
        options.send(worker, ['verdict', id, verdict]);
        return;
      }
      case 'cancelled': {
        if (this.reported[worker]?.cancelled(item[1]) === true) return;
        const call = this.calls[worker]?.get(item[1]);
        call?.watch?.cancelled();
        call?.plan.callerGaveUp?.();
        return;
      }
      case 'pass':
        this.deliver(item[1], item[2], item[3], item[4]);
        return;
      case 'to': {
        const [, other, socket, address, port, text] = item;
        if (other > 0 && other <= options.workers) this.hand(other, ['message', socket, address, port, text]);
        return;
      }
      case 'send': {
        const [, id, socket, address, port, serverName, text] = item;
        const failed = ({ cause, message, stale = false }: TransportError) =>
          options.send(worker, ['unsent', id, cause, message, stale]);
        const by = this.connecting(options.sockets[socket], address, port, serverName ?? undefined);
        by?.send(text, address, port, failed, undefined, serverName ?? undefined);
        return;
      }
      case 'seen': {
        const [, isSent, socket, address, port, text] = item;
        const source = this.sourceOf(socket, address, port);
        if (source !== undefined) options.seen(text, source, isSent);
        return;
      }
      case 'undelivered': {
        const [, other, address, port, text] = item;
        if (other === 0) options.layer.undelivered(text, address, port);
        else if (other <= options.workers) options.hand(other, ['undelivered', address, port, text]);
        return;
      }
      case 'cancel': {
        const request = parseMessage(item[4], true);
        const server = request && options.layer.serving(request);
        if (server?.invite === true) options.proxy.onCancel(server as InviteServer);
        return;
      }
      case 'refused': {
        const [, socket, address, port, text, code, reason, origin] = item;
        const message = parseMessage(text, true);
        const source = this.sourceOf(socket, address, port);
        if (message !== undefined && source !== undefined) {
          options.observer.refused(message, source, code, reason, origin ?? undefined);
        }
        return;
      }
      case 'log':
        options.log[item[1]]({ worker, ...item[2] }, item[3]);
        return;
      case 'answer':
        options.answered(worker, item[1], item[2]);
        return;
      case 'keep':
        options.keep(worker, item[1], item[2]);
        return;
      case 'publish':
        options.publish(item[1], item[2], item[3]);
        return;
      case 'ready':
      case 'busy':
      case 'pong':
      case 'read':
        return;
    }
  }

  /** Handles a worker's report about a request that it forwards. */
  private noted(worker: number, item: CallReport): void {
    const reported = this.reported[worker] as ReportedCalls;
    if (item[0] === 'began') {
      reported.began(item);
      return;
    }
    if (reported.receive(item)) return;
    const call = this.calls[worker]?.get(item[1]);
    if (call === undefined) return;
    switch (item[0]) {
      case 'provisional':
        call.watch?.provisional(call.hop, item[3]);
        return;
      case 'failed':
        call.watch?.failed(call.hop, failureOf(item[3], item[4], item[5]));
        return;
      case 'ended':
        this.ended(worker, item[1], item[3], item[4]);
        return;
      // The brain noted these when it returned the hop.
      case 'sent':
      case 'hopSkipped':
    }
  }

  /** A worker has died, and with it what it forwarded. Returns the number of those requests. */
  lost(worker: number): number {
    const calls = this.calls[worker] as Map<number, HandedCall>;
    const reported = this.reported[worker] as ReportedCalls;
    const begun = this.options.begun(worker);
    const count = calls.size + reported.size + begun - reported.begun;
    reported.begun = begun;
    reported.lost();
    for (const id of [...calls.keys()]) this.ended(worker, id, 500, false, WORKER_DIED);
    return count;
  }

  relay(message: SipMessage, source: Source, plan: RelayPlan): RelayPlan | undefined {
    const { asking, options } = this;
    if (asking === undefined || plan.portable !== true || options.isTraced()) return plan;
    const { origin } = plan;
    if (!this.canBeHanded(message) || (origin !== undefined && !options.isPlain(origin))) return plan;
    const hop = plan.next();
    const shared = hop === undefined || isList(hop) ? undefined : this.shared(hop, message, source, plan);
    if (shared === undefined || shared === 'skipped') return new BegunPlan(plan, hop);
    const watch = options.observer.relayed(message, source, plan);
    const call: HandedCall = { message, source, plan, watch, hop: hop as NextHop };
    this.calls[asking.worker]?.set(asking.id, call);
    if (message.toTag === '') this.given[asking.worker] = (this.given[asking.worker] ?? 0) + 1;
    this.sent(call, shared);
    const { recordRoute, edits, noHop } = plan;
    const { code, reason } = noHop;
    const relay = { recordRoute, edits, noHop: { code, reason }, hop: shared };
    asking.answered = true;
    options.send(asking.worker, ['relay', asking.id, relay]);
    return undefined;
  }

  reply({ code, reason, headers }: LocalReply): boolean {
    const { asking } = this;
    if (asking === undefined || asking.answered || this.options.isTraced()) return false;
    asking.answered = true;
    this.options.send(asking.worker, ['reply', asking.id, code, reason, headers ?? null]);
    return true;
  }

  onRequest(request: SipMessage, source: Source): void {
    if (!this.handsOn(request, source, true)) this.options.proxy.onRequest(request, source);
  }

  onAck(request: SipMessage, source: Source): void {
    if (!this.handsOn(request, source, true)) this.options.proxy.onAck(request, source);
  }

  onCancel(server: InviteServer | undefined): void {
    this.options.proxy.onCancel(server);
  }

  onFurtherSuccess(reply: SipMessage, pass: (text: string) => void): void {
    this.options.proxy.onFurtherSuccess(reply, pass);
  }

  onStrayReply(reply: SipMessage, source: Source): void {
    if (!this.handsOn(reply, source, false)) this.options.proxy.onStrayReply(reply, source);
  }

  /** Passes a datagram that the kernel gave to the wrong process to the right one. */
  private handsOn(message: SipMessage, source: Source, isRequest: boolean): boolean {
    // A request over a connection belongs to the process that has the connection; a reply may belong to a worker's
    // request.
    if (this.fromWorker || (isRequest && source.socket.transport !== 'udp' && !this.isWithinDialog(message)))
      return false;
    const { workers, sockets, owners } = this.options;
    const worker = isRequest ? owners.owner(message) : socketOfReply(message.via?.branch ?? '');
    if (worker === 0 || worker > workers) return false;
    const { layer, misdirected } = this.options.counters;
    (isRequest ? layer.requestsReceived : layer.repliesReceived).value--;
    const item = ['message', sockets.indexOf(source.socket), source.address, source.port, message.text] as const;
    // A message from a connection is not repeated.
    const bounded = source.socket.transport === 'udp';
    const mayGo = !bounded || this.bound.take(source.address, message.text.length);
    const passed = mayGo && this.options.hand(worker, item);
    if (isRequest && !passed && !bounded) {
      // The worker is being replaced, and its dialogs are gone: this process does what can be done without.
      layer.requestsReceived.value++;
      return false;
    }
    (passed ? misdirected.passed : misdirected.dropped).value++;
    if (!passed) layer.dropped.value++;
    return true;
  }

  /** Whether a request may belong to a dialog that one of our processes keeps. */
  private isWithinDialog({ toTag }: SipMessage): boolean {
    return toTag !== '' && this.options.keepsDialogs();
  }

  private hand(worker: number, item: HandedToWorker): void {
    if (!this.options.hand(worker, item)) this.options.counters.layer.dropped.value++;
  }

  /**
   * The socket that a message is to leave by: a worker does not know which of WS and WSS has the connection to a
   * client.
   */
  private connecting(socket: SipSocket | undefined, address: string, port: number, serverName: string | undefined) {
    if (socket?.transport !== 'ws' || this.hasConnection(socket, address, port, serverName)) return socket;
    return (
      this.options.sockets.find(
        (each) => each.transport === 'wss' && this.hasConnection(each, address, port, serverName),
      ) ?? socket
    );
  }

  private hasConnection(socket: SipSocket, address: string, port: number, serverName: string | undefined): boolean {
    return socket.connectionTo?.(address, port, undefined, serverName) !== undefined;
  }

  private deliver(socket: number, address: string, port: number, text: string): void {
    const source = this.sourceOf(socket, address, port);
    if (source === undefined) return;
    this.fromWorker = true;
    try {
      this.options.receiver.receive(text, source);
    } finally {
      this.fromWorker = false;
    }
  }

  private sourceOf(socket: number, address: string, port: number): Source | undefined {
    const at = this.options.sockets[socket];
    if (at === undefined || at.transport === 'udp') return (at as UdpSocket | undefined)?.sourceOf(address, port);
    return { socket: at, address, port, flow: undefined };
  }

  private canBeHanded(message: SipMessage): boolean {
    const { proxy } = this.options;
    if (!fitsDatagram(message, proxy.options, proxy.sockets)) return false;
    // Some parameters of the request-URI may change the address of destinations that are written into it.
    return message.parsedUri?.params === '' || message.toTag !== '' || !/transport|maddr/i.test(message.requestUri);
  }

  /** A hop in the form for a worker; undefined when only this process can send there. */
  private shared(
    hop: NextHop,
    message: SipMessage,
    source: Source,
    plan: RelayPlan,
  ): SharedHop | 'skipped' | undefined {
    const { sender } = this.options.proxy;
    const address = sender.locate(hop, message);
    if (address === undefined || typeof address === 'number' || address.transport !== 'udp') return undefined;
    if (hop.flow !== undefined) return undefined;
    if (plan.allowed?.(address) === false) return 'skipped';
    const socket = sender.socketTo(hop, address, source);
    if (socket?.transport !== 'udp' || sender.bars(message, hop, socket)) return undefined;
    const { uri, requestUri, edits, maxForwards } = hop;
    const tags = plan.recordRoute ? sender.dialogTags(hop, source, address.address) : hop.dialogTags;
    const index = this.options.sockets.indexOf(socket);
    return { uri, requestUri, address: address.address, port: address.port, socket: index, tags, edits, maxForwards };
  }

  private afterFailure(call: HandedCall, failure: HopFailure): FailureDecision {
    let after = call.plan.failed(call.hop, failure) as AfterFailure;
    for (;;) {
      if (typeof after === 'object' && 'code' in after) return after;
      const hop = after === true ? call.plan.next() : undefined;
      if (hop === undefined || isList(hop)) return null;
      call.hop = hop;
      const shared = this.shared(hop, call.message, call.source, call.plan);
      if (shared === 'skipped') {
        call.watch?.hopSkipped(hop, 473);
        continue;
      }
      if (shared !== undefined) {
        this.sent(call, shared);
        return shared;
      }
      const unreachable: HopFailure = { code: 503, local: true, cause: 'send' };
      this.options.log.warn({ uri: hop.uri }, 'a worker does not reach a destination by UDP: it is skipped');
      call.watch?.failed(hop, unreachable);
      after = call.plan.failed(hop, unreachable) as AfterFailure;
    }
  }

  private sent({ watch, hop }: HandedCall, { socket, address, port }: SharedHop): void {
    const { sockets, proxy } = this.options;
    watch?.sent(hop, proxy.targets.target(sockets[socket] as SipSocket, address, port, undefined));
  }

  private ended(worker: number, id: number, code: number, byHop: boolean, lost?: HopFailure): void {
    const calls = this.calls[worker] as Map<number, HandedCall>;
    const call = calls.get(id);
    if (call === undefined) return;
    calls.delete(id);
    call.watch?.ended(code, byHop ? call.hop : undefined, lost);
    call.plan.ended?.(code);
  }
}

function isList(hop: NextHop | readonly NextHop[]): hop is readonly NextHop[] {
  return Array.isArray(hop);
}
