import { canonicalIp } from '../../core/ip-address.js';
import { bareHost, defaultPort, type SipUri, uriParam, uriTransport } from '../../core/uri.js';
import type { ResolvedAddress } from '../../engine/destination.js';
import type { Engine } from '../../engine/engine.js';
import { findInList } from '../../engine/in-list.js';
import type { RoutedRequest } from '../../proxy/decision.js';
import type { DialogTokens, RecordedDialog } from '../../proxy/dialog-token.js';
import type { LooseRoute } from './dialog.js';

/** What is done with requests inside dialogs that did not begin here, as far as can be known (foreign_dialogs). */
export type ForeignDialogs = 'accept' | 'known' | 'refuse';

/** Counts requests with a To tag and our Route whose Route is not shown to be ours. */
export interface ForeignTally {
  /** The Route is followed. */
  passed(): void;
  /** The rules decide. */
  refused(): void;
}

/** What decides on requests inside a dialog. */
export interface DialogGateOptions {
  readonly engine: Pick<Engine, 'partitions' | 'partition'>;
  /** Undefined: every Route of ours is believed. */
  readonly tokens: DialogTokens | undefined;
  readonly foreign: ForeignDialogs;
  /** limits.trusted_sources */
  readonly trusted: { has(address: string): boolean };
  /** Bounds what one source may send in dialogs that began elsewhere, where it is neither trusted nor a destination. */
  readonly limiter: { take(address: string): number };
  readonly tally: ForeignTally;
}

/** How a request may go on by its Route. */
export interface Passage {
  /** For what is recorded of its dialog again; '': nothing is. */
  readonly tags: string;
  /** Whether it may be sent there: a name can resolve to anything. */
  allowed(address: ResolvedAddress): boolean;
}

/** A request, and where it came from. */
type Arrived = Pick<RoutedRequest, 'message' | 'source'>;

/** What is decided of a request inside a dialog, and why. */
export interface ExplainedPassage {
  /** It goes on by its Route; otherwise the rules decide. */
  readonly passes: boolean;
  readonly why: string;
  /** The partition that routed its dialog, where its token says so. */
  readonly partition?: string | undefined;
}

/**
 * Methods that end, acknowledge or accompany a dialog. Others may begin something at a peer that takes no notice of the To tag: a
 * call, a transfer.
 */
const HARMLESS = new Set(['ACK', 'BYE', 'CANCEL', 'INFO', 'NOTIFY', 'OPTIONS', 'PRACK', 'UPDATE']);
const NOWHERE: readonly string[] = [];
const UNCOUNTED = { take: () => 0 };
const UNBOUNDED: Passage = { tags: '', allowed: () => true };

/**
 * Decides whether a request inside a dialog is relayed by its Route, past the rules. A Route alone proves nothing: anybody can
 * write one that names us, and a To tag, and would be relayed anywhere. A token proves its own dialog only: it leads to the
 * destinations of the partition that routed the dialog, to both its ends, and to addresses that are no destinations.
 */
export class DialogGate {
  constructor(private readonly options: DialogGateOptions) {}

  /** Undefined: the rules decide. */
  mayPass(request: RoutedRequest, { to, ours }: LooseRoute): Passage | undefined {
    const { tokens } = this.options;
    if (tokens === undefined) return UNBOUNDED;
    const [first, second] = ours;
    return this.decide(request, first && tokens.recorded(request.message.callId, first, second), to);
  }

  /** The same for a request under a cfg file, whose tokens are of a call, whatever its sockets. `carriers`: URIs that may carry it. */
  mayPassOfCall(
    request: Arrived,
    carriers: readonly (SipUri | undefined)[],
    to: SipUri | undefined,
  ): Passage | undefined {
    const { tokens } = this.options;
    if (tokens === undefined) return UNBOUNDED;
    let dialog: RecordedDialog | undefined;
    for (const uri of carriers) dialog ??= uri && tokens.recordedOfCall(request.message.callId, uri);
    return this.decide(request, dialog, to);
  }

  private decide(request: Arrived, dialog: RecordedDialog | undefined, uri: SipUri | undefined): Passage | undefined {
    const { foreign, tally } = this.options;
    const to = literalOf(uri);
    if (dialog !== undefined) {
      const allowed = ({ address, port }: Endpoint): boolean =>
        this.isWithin(dialog, plain(address), port, plain(request.source.address));
      if (to === undefined || allowed(to)) return { tags: dialog.tags, allowed };
    }
    const passage = foreign === 'accept' ? UNBOUNDED : foreign === 'known' ? this.known(request, to) : undefined;
    if (passage === undefined) tally.refused();
    else tally.passed();
    return passage;
  }

  /** What mayPass decides of a request, and why, for people. Nothing is counted. */
  explain(request: RoutedRequest, { to: uri, ours }: LooseRoute): ExplainedPassage {
    const { tokens, foreign, trusted } = this.options;
    const { message, source } = request;
    if (tokens === undefined) return { passes: true, why: 'every Route of ours is followed: dialogs have no tokens' };
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
        : 'it leads to no destination of ours';
    return { passes, why: `${token}; its source ${origin}, ${target}` };
  }

  /** Whether a dialog of ours may reach an address: not the destinations of partitions it has nothing to do with. */
  private isWithin(dialog: RecordedDialog, address: string, port: number, source: string): boolean {
    const { partition } = dialog;
    const own = partition === undefined ? undefined : this.options.engine.partition(partition);
    if (own !== undefined && findInList(own, { ip: address, port }) !== undefined) return true;
    if (dialog.hasEndAt(address)) return true;
    // Whatever the port: a gateway's host is not there for others either.
    const targets = this.partitionsOf(address);
    if (targets.some((each) => dialog.isOf(each))) return true;
    // What listens on this machine alone is reached from outside in its own calls only.
    return targets.length === 0 && (!isLoopback(address) || isLoopback(source));
  }

  /** Of a dialog that began elsewhere: what comes from one of ours, or goes to one and can do no harm there. */
  private known(
    { message, source }: Arrived,
    to: Endpoint | undefined,
    limiter = this.options.limiter,
  ): Passage | undefined {
    const { trusted } = this.options;
    if (trusted.has(source.address)) return UNBOUNDED;
    const origins = this.partitionsOf(plain(source.address));
    if (origins.length > 0) {
      // A gateway calls whom it likes but the gateways of others.
      const allowed = ({ address, port }: Endpoint): boolean => {
        const targets = this.partitionsOf(plain(address), port);
        return targets.length === 0 || targets.some((each) => origins.includes(each));
      };
      if (to === undefined || allowed(to)) return { tags: '', allowed };
    }
    if (to === undefined || !HARMLESS.has(message.method)) return undefined;
    if (this.partitionsOf(to.address, to.port).length === 0 || limiter.take(source.address) !== 0) return undefined;
    return UNBOUNDED;
  }

  /** Names of the partitions that have a destination at an address. */
  private partitionsOf(ip: string, port?: number): readonly string[] {
    let found: string[] | undefined;
    for (const partition of this.options.engine.partitions) {
      if (findInList(partition, { ip, port }) !== undefined) (found ??= []).push(partition.name);
    }
    return found ?? NOWHERE;
  }
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || canonicalIp(address) === canonicalIp('::1');
}

/** An address as destinations have it: IPv4 where IPv6 stands for it ("::ffff:192.0.2.1"), since a packet goes there. */
function plain(address: string): string {
  if (address.indexOf(':') < 0) return address;
  const [, high, low] = /^0:0:0:0:0:ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonicalIp(address) ?? '') ?? [];
  if (high === undefined || low === undefined) return address;
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return `${a >> 8}.${a & 255}.${b >> 8}.${b & 255}`;
}

/** Where a packet goes. */
type Endpoint = Pick<ResolvedAddress, 'address' | 'port'>;

/** Address and port that a URI is sent to, its maddr before its host (RFC 3261 section 19.1.1); undefined for a name. */
function literalOf(uri: SipUri | undefined): Endpoint | undefined {
  const transport = uri === undefined ? undefined : uriTransport(uri);
  if (uri === undefined || transport === undefined) return undefined;
  const host = bareHost(uriParam(uri.params, 'maddr') || uri.host);
  if (canonicalIp(host) === undefined) return undefined;
  return { address: plain(host), port: uri.port ?? defaultPort(transport) };
}
