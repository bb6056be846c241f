import { canonicalIp } from '../../core/ip-address.js';
import { bareHost, defaultPort, type SipUri, uriParam, uriTransport } from '../../core/uri.js';
import type { ResolvedAddress } from '../../engine/destination.js';
import type { Engine } from '../../engine/engine.js';
import { isListed } from '../../engine/in-list.js';
import type { RoutedRequest } from '../../proxy/decision.js';
import type { DialogTokens, RecordedDialog } from '../../proxy/dialog-token.js';
import type { LooseRoute } from './dialog.js';

/** What to do with requests inside dialogs that did not begin here, as far as that can be known (foreign_dialogs). */
export type ForeignDialogs = 'accept' | 'known' | 'refuse';

/** Counts requests that have a To tag and a Route of ours, but no valid token. */
export interface ForeignTally {
  /** The request follows its Route. */
  passed(): void;
  /** The rules decide about the request. */
  refused(): void;
}

/** Input of a DialogGate. */
export interface DialogGateOptions {
  readonly engine: Pick<Engine, 'partitions' | 'partition'>;
  /** Undefined: any Route that names this proxy is accepted. */
  readonly tokens: DialogTokens | undefined;
  readonly foreign: ForeignDialogs;
  /** limits.trusted_sources */
  readonly trusted: { has(address: string): boolean };
  /** Limits what one source may send in dialogs that began elsewhere, unless it is trusted or a destination. */
  readonly limiter: { take(address: string): number };
  readonly tally: ForeignTally;
}

/** Permission for a request to follow its Route. */
export interface Passage {
  /** Tags for the token when Record-Route is added again; '': no token. */
  readonly tags: string;
  /** Whether the request may be sent to this address; checked for each, since a name can resolve to any address. */
  allowed(address: ResolvedAddress): boolean;
}

/** A received request and its source. */
type ReceivedRequest = Pick<RoutedRequest, 'message' | 'source'>;

/** The decision about a request inside a dialog, and the reason. */
export interface ExplainedPassage {
  /** Whether it follows its Route; otherwise the rules decide. */
  readonly passes: boolean;
  readonly why: string;
  /** The partition that selected the destination of its dialog, when the token says so. */
  readonly partition?: string | undefined;
}

/**
 * Methods that end, acknowledge or accompany a dialog. Other methods may begin a call or a transfer at a peer that
 * ignores the To tag.
 */
const ACCOMPANYING_METHODS = new Set(['ACK', 'BYE', 'CANCEL', 'INFO', 'NOTIFY', 'OPTIONS', 'PRACK', 'UPDATE']);
const NOWHERE: readonly string[] = [];
const UNCOUNTED = { take: () => 0 };
const UNBOUNDED: Passage = { tags: '', allowed: () => true };

/**
 * Decides whether a request inside a dialog follows its Route without being checked by the rules. A Route proves
 * nothing by itself: anybody can write a Route that names this proxy, add a To tag, and would be relayed to any
 * address. A token proves one dialog: a request with it may be sent to destinations of the partition that routed the
 * dialog, to both ends of the dialog, and to addresses that are not destinations of any partition.
 */
export class DialogGate {
  constructor(private readonly options: DialogGateOptions) {}

  /** The permission to follow the Route; undefined: the rules decide. */
  mayPass(request: RoutedRequest, { to, ours }: LooseRoute): Passage | undefined {
    const { tokens } = this.options;
    if (tokens === undefined) return UNBOUNDED;
    const [first, second] = ours;
    return this.decide(request, first && tokens.recorded(request.message.callId, first, second), to);
  }

  /**
   * The same for cfg files, where a token covers a call without its sockets. `carriers`: URIs that may contain the
   * token.
   */
  mayPassOfCall(
    request: ReceivedRequest,
    carriers: readonly (SipUri | undefined)[],
    to: SipUri | undefined,
  ): Passage | undefined {
    const { tokens } = this.options;
    if (tokens === undefined) return UNBOUNDED;
    let dialog: RecordedDialog | undefined;
    for (const uri of carriers) dialog ??= uri && tokens.recordedOfCall(request.message.callId, uri);
    return this.decide(request, dialog, to);
  }

  private decide(
    request: ReceivedRequest,
    dialog: RecordedDialog | undefined,
    uri: SipUri | undefined,
  ): Passage | undefined {
    const { foreign, tally } = this.options;
    const to = literalOf(uri);
    if (dialog !== undefined) {
      const isWithin = (address: string, port: number): boolean =>
        this.isWithin(dialog, address, port, plain(request.source.address));
      const passage = new DialogPassage(dialog.tags, isWithin);
      if (to === undefined || passage.allowed(to)) return passage;
    }
    const passage = foreign === 'accept' ? UNBOUNDED : foreign === 'known' ? this.known(request, to) : undefined;
    if (passage === undefined) tally.refused();
    else tally.passed();
    return passage;
  }

  /** The decision of mayPass with its reason as text. Changes no counter. */
  explain(request: RoutedRequest, { to: uri, ours }: LooseRoute): ExplainedPassage {
    const { tokens, foreign, trusted } = this.options;
    const { message, source } = request;
    if (tokens === undefined)
      return { passes: true, why: 'our Route values are followed without a check: dialogs have no tokens' };
    const [first, second] = ours;
    const dialog = first === undefined ? undefined : tokens.recorded(message.callId, first, second);
    const to = literalOf(uri);
    let token = 'its Route has no token of this call';
    if (dialog !== undefined) {
      if (to === undefined) {
        const why = 'its Route has the token of this call; the name it leads to is checked when it is resolved';
        return { passes: true, why, partition: dialog.partition };
      }
      if (this.isWithin(dialog, plain(to.address), to.port, plain(source.address))) {
        return { passes: true, why: 'its Route has the token of this call', partition: dialog.partition };
      }
      token = `its Route has the token of this call, which may not reach ${to.address}:${to.port}`;
    }
    if (foreign !== 'known') {
      return { passes: foreign === 'accept', why: `${token}, and foreign_dialogs is "${foreign}"` };
    }
    const passes = this.known(request, to, UNCOUNTED) !== undefined;
    const origin = trusted.has(source.address)
      ? 'is trusted'
      : this.partitionsOf(plain(source.address)).length > 0
        ? 'is a destination of ours'
        : 'is neither trusted nor a destination of ours';
    const target =
      to !== undefined && this.partitionsOf(to.address, to.port).length > 0
        ? 'it leads to a destination of ours'
        : 'it does not lead to a destination of ours';
    return { passes, why: `${token}; its source ${origin}, ${target}` };
  }

  /** Whether a dialog that began here may reach an address. It may not reach destinations of other partitions. */
  private isWithin(dialog: RecordedDialog, address: string, port: number, source: string): boolean {
    const { partition } = dialog;
    const own = partition === undefined ? undefined : this.options.engine.partition(partition);
    const canonical = canonicalIp(address);
    if (own !== undefined && canonical !== undefined && isListed(own, canonical, port)) return true;
    if (dialog.hasEndAt(address)) return true;
    // Checked for any port: other ports of a gateway's host are not for other dialogs either.
    const targets = this.partitionsOf(address);
    if (targets.some((each) => dialog.isOf(each))) return true;
    // A loopback address is only reached from outside in a dialog that has it as an end.
    return targets.length === 0 && (!isLoopback(address) || isLoopback(source));
  }

  /**
   * Decides about a request in a dialog that began elsewhere: it may come from a destination, or go to one with a
   * harmless method.
   */
  private known(
    { message, source }: ReceivedRequest,
    to: Endpoint | undefined,
    limiter = this.options.limiter,
  ): Passage | undefined {
    const { trusted } = this.options;
    if (trusted.has(source.address)) return UNBOUNDED;
    const origins = this.partitionsOf(plain(source.address));
    if (origins.length > 0) {
      // A gateway may send to any address but those of other partitions' gateways.
      const allowed = ({ address, port }: Endpoint): boolean => {
        const targets = this.partitionsOf(plain(address), port);
        return targets.length === 0 || targets.some((each) => origins.includes(each));
      };
      if (to === undefined || allowed(to)) return { tags: '', allowed };
    }
    if (to === undefined || !ACCOMPANYING_METHODS.has(message.method)) return undefined;
    if (this.partitionsOf(to.address, to.port).length === 0 || limiter.take(source.address) !== 0) return undefined;
    return UNBOUNDED;
  }

  /** Names of the partitions that have a destination with this address. */
  private partitionsOf(ip: string, port?: number): readonly string[] {
    const address = canonicalIp(ip);
    if (address === undefined) return NOWHERE;
    let found: string[] | undefined;
    for (const partition of this.options.engine.partitions) {
      if (isListed(partition, address, port)) (found ??= []).push(partition.name);
    }
    return found ?? NOWHERE;
  }
}

/**
 * How a request goes on whose dialog began here. It is asked for the same address when it is routed and when it is
 * sent.
 */
class DialogPassage implements Passage {
  private address = '';
  private port = 0;
  private isAllowed = false;

  constructor(
    readonly tags: string,
    private readonly isWithin: (address: string, port: number) => boolean,
  ) {}

  allowed({ address, port }: Endpoint): boolean {
    if (address !== this.address || port !== this.port) {
      this.isAllowed = this.isWithin(plain(address), port);
      this.address = address;
      this.port = port;
    }
    return this.isAllowed;
  }
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || canonicalIp(address) === canonicalIp('::1');
}

/**
 * An address in the form destinations have it: an IPv4-mapped IPv6 address ("::ffff:192.0.2.1") as IPv4, since that is
 * where the packet goes.
 */
function plain(address: string): string {
  if (address.indexOf(':') < 0) return address;
  const [, high, low] = /^0:0:0:0:0:ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonicalIp(address) ?? '') ?? [];
  if (high === undefined || low === undefined) return address;
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return `${a >> 8}.${a & 255}.${b >> 8}.${b & 255}`;
}

/** Address and port that a packet is sent to. */
type Endpoint = Pick<ResolvedAddress, 'address' | 'port'>;

/** Address and port in a URI, maddr before host (RFC 3261 section 19.1.1); undefined for a name. */
function literalOf(uri: SipUri | undefined): Endpoint | undefined {
  const transport = uri === undefined ? undefined : uriTransport(uri);
  if (uri === undefined || transport === undefined) return undefined;
  const host = bareHost(uriParam(uri.params, 'maddr') || uri.host);
  if (canonicalIp(host) === undefined) return undefined;
  return { address: plain(host), port: uri.port ?? defaultPort(transport) };
}
