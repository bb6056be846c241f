import type {
  AfterFailure,
  HopFailure,
  NextHop,
  RelayPlan,
  RouteDecision,
  RoutedRequest,
  Router,
} from '../../src/proxy/decision.js';
import type { DialogTokens } from '../../src/proxy/dialog-token.js';
import type { ProxyObserver } from '../../src/proxy/observer.js';
import { ProxyCore, type ProxyCounters } from '../../src/proxy/proxy.js';
import { looseRoute } from '../../src/route/rules/dialog.js';
import type { DnsSource } from '../../src/sip/dns-source.js';
import { LocalSockets } from '../../src/sip/local-sockets.js';
import type { SipMessage } from '../../src/sip/message.js';
import { Resolver } from '../../src/sip/resolve.js';
import type { TransactionConfig } from '../../src/sip/transaction/config.js';
import { TransactionLayer } from '../../src/sip/transaction/layer.js';
import { FakeClock } from './fake-clock.js';
import {
  countingRandom,
  parsed,
  RecordingSocket,
  type RequestParts,
  recordingLogger,
  replyTo,
  requestText,
  sourceOf,
  TIMERS,
  tallies,
} from './sip-recorder.js';

const NO_DNS: DnsSource = {
  naptr: () => Promise.reject(new Error('none')),
  srv: () => Promise.reject(new Error('none')),
  a: () => Promise.reject(new Error('none')),
  aaaa: () => Promise.reject(new Error('none')),
  system: () => Promise.reject(new Error('none')),
};

/** A next hop for a `sip:` URI with an IP literal. */
export function hopTo(uri: string, more: Partial<NextHop> = {}): NextHop {
  return { uri, ...more };
}

/** A plan with a list of hops that records its calls. */
export class ListPlan implements RelayPlan {
  readonly failures: (HopFailure & { readonly uri: string })[] = [];
  readonly answers: string[] = [];
  readonly edits: RelayPlan['edits'] = [];
  readonly noHop = { code: 480, reason: 'Temporarily Unavailable' };
  private at = 0;

  constructor(
    private readonly hops: readonly (NextHop | readonly NextHop[])[],
    /** Codes that lead to failover. */
    private readonly codes: readonly number[] = [408, 503],
    readonly recordRoute = false,
    readonly allowed: (address: { readonly address: string }) => boolean = () => true,
  ) {}

  next(): NextHop | readonly NextHop[] | undefined {
    return this.hops[this.at++];
  }

  failed(hop: NextHop, failure: HopFailure, _reply?: SipMessage): AfterFailure {
    this.failures.push({ ...failure, uri: hop.uri });
    return this.codes.includes(failure.code);
  }

  answered(hop: NextHop, code: number): void {
    this.answers.push(`${hop.uri} ${code}`);
  }
}

export interface ProxyFixtureOptions {
  /** Makes the observer of requests. */
  readonly observer?: (clock: FakeClock) => ProxyObserver;
  readonly config?: Partial<TransactionConfig>;
  readonly auto100?: boolean;
  readonly tryingDelay?: number;
  readonly udpMaxRequest?: number;
  readonly localRport?: boolean;
  readonly sipsNeedsTls?: boolean;
  readonly dns?: DnsSource;
  readonly tokens?: DialogTokens;
  /** The decision for each request outside a dialog. */
  readonly decide: (request: RoutedRequest) => RouteDecision | Promise<RouteDecision>;
}

/** The proxy core with recorders as sockets: `caller` and `callee` are the sources of messages. */
export function proxyFixture(options: ProxyFixtureOptions) {
  const clock = new FakeClock();
  const { log, errors } = recordingLogger();
  const udp = new RecordingSocket(clock, 'udp', '127.0.0.1', 5060);
  const tcp = new RecordingSocket(clock, 'tcp', '127.0.0.1', 5060);
  const udp6 = new RecordingSocket(clock, 'udp', '::1', 5060);
  const sockets = new LocalSockets([udp, tcp, udp6]);
  const layerCounters = tallies();
  const layer = new TransactionLayer({ ...TIMERS, ...options.config }, clock, countingRandom(), layerCounters, log);
  const tally = () => ({ value: 0 });
  const counters: ProxyCounters = {
    invites: tally(),
    requests: tally(),
    failovers: tally(),
    cancels: tally(),
    strayReplies: tally(),
    stateless: tally(),
    replies: Array.from({ length: 7 }, tally),
  };
  const resolver = new Resolver(clock, countingRandom(), options.dns ?? NO_DNS);
  const router: Router = {
    route(request) {
      const loose = looseRoute(request, sockets);
      if (request.message.toTag !== '' && loose !== undefined) {
        return { kind: 'relay', plan: Object.assign(new ListPlan([loose.hop]), { edits: loose.edits }) };
      }
      return options.decide(request);
    },
    routeAck(request) {
      const loose = looseRoute(request, sockets);
      if (loose !== undefined) return { hop: loose.hop, edits: loose.edits, inDialog: true };
      const decision = options.decide(request);
      const route = (each: RouteDecision) =>
        each.kind === 'stateless' ? { hop: each.hop, edits: each.edits } : undefined;
      return decision instanceof Promise ? decision.then(route) : route(decision);
    },
  };
  const proxy = new ProxyCore(
    layer,
    sockets,
    resolver,
    router,
    counters,
    {
      auto100: options.auto100 ?? true,
      tryingDelay: options.tryingDelay ?? 0,
      udpMaxRequest: options.udpMaxRequest ?? 0,
      localRport: options.localRport ?? false,
      sipsNeedsTls: options.sipsNeedsTls ?? true,
    },
    log,
    countingRandom(),
    options.tokens,
    options.observer?.(clock),
  );
  const caller = sourceOf(udp, '192.0.2.1', 5060);
  return {
    clock,
    errors,
    udp,
    tcp,
    udp6,
    sockets,
    layer,
    layerCounters,
    counters,
    proxy,
    caller,
    /** Sends a request of the caller. */
    call(parts: RequestParts = {}): string {
      const text = requestText(parts);
      layer.receive(text, caller);
      return text;
    },
    /** Replies to a message of the proxy, from its destination. */
    answer(sent: string, status: number, toTag?: string, headers?: string): void {
      layer.receive(replyTo(sent, status, toTag, headers), sourceOf(udp, '192.0.2.7'));
    },
    /** Messages of the proxy to an address, oldest first. */
    sentTo(address: string, socket: RecordingSocket = udp): string[] {
      return socket.sent.filter((each) => each.address === address).map((each) => each.text);
    },
    /** Status codes that the caller received. */
    codes(): number[] {
      return udp.sent.filter((each) => each.address === '192.0.2.1').map((each) => parsed(each.text).status);
    },
    /** The last message that the caller received. */
    lastToCaller(): SipMessage {
      const last = udp.sent.filter((each) => each.address === '192.0.2.1').at(-1);
      return parsed(last?.text ?? '');
    },
  };
}
