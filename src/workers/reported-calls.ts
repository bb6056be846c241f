import type { RecordedRequest } from '../calls/call-watch.js';
import type { Destination } from '../engine/destination.js';
import { type HopFailure, type NextHop, plainHop, type RouteOrigin } from '../proxy/decision.js';
import type { RelayWatch } from '../proxy/observer.js';
import { hashCallId } from '../sip/call-id-hash.js';
import type { ResolvedTarget } from '../sip/target.js';
import type { Source } from '../sip/transport/transport.js';
import type { FromWorker, SharedDestination } from './protocol.js';

/** Where reports go. */
export interface ReportObserver {
  /** A request outside dialogs is relayed by another process. */
  relayedElsewhere(
    request: RecordedRequest,
    invite: boolean,
    source: Source,
    origin: RouteOrigin,
    recordRoute: boolean,
  ): RelayWatch;
}

/** Sockets and destinations of the brain, by the names that workers give them. */
export interface ReportNames {
  source(socket: number, address: string, port: number): Source | undefined;
  target(socket: number, address: string, port: number): ResolvedTarget;
  /** undefined: it is no longer there. */
  destination(shared: SharedDestination): Destination | undefined;
}

interface ReportedCall {
  readonly watch: RelayWatch;
  /** The hop it was sent to last. */
  hop: NextHop;
}

/** Reports of what becomes of requests that a worker relays on its own. */
export type CallReport = Extract<FromWorker, readonly [string, id: number, at: number, ...unknown[]]>;

/** The requests that one worker relays on its own, as it reports them. */
export class ReportedCalls {
  private readonly calls = new Map<number, ReportedCall>();
  /** How many it has reported to have begun. */
  begun = 0;

  constructor(
    private readonly observer: ReportObserver,
    private readonly names: ReportNames,
  ) {}

  /** Requests that the worker relays now. */
  get size(): number {
    return this.calls.size;
  }

  /** The worker has begun to relay a request. */
  began(item: Extract<FromWorker, readonly ['began', ...unknown[]]>): void {
    this.begun++;
    const [, id, , socket, address, port, text, recordRoute, origin, invite, callId, fromTag] = item;
    const source = this.names.source(socket, address, port);
    if (source === undefined) return;
    const request = new Request(text, callId, fromTag);
    const watch = this.observer.relayedElsewhere(request, invite, source, origin, recordRoute);
    this.calls.set(id, { watch, hop: NOWHERE });
  }

  /** Returns false for a request that this worker does not relay. */
  receive(item: CallReport): boolean {
    const call = this.calls.get(item[1]);
    if (call === undefined) return false;
    const { watch } = call;
    switch (item[0]) {
      case 'sent': {
        const [destination, address, port, socket] = item[3];
        call.hop = this.hopTo(call.hop, destination);
        watch.sent(call.hop, this.names.target(socket, address, port));
        break;
      }
      case 'passedOver':
        watch.passedOver(this.hopTo(undefined, item[3]), item[4]);
        break;
      case 'provisional':
        watch.provisional(call.hop, item[3]);
        break;
      case 'failed':
        watch.failed(call.hop, failureOf(item[3], item[4], item[5]));
        break;
      case 'ended':
        this.calls.delete(item[1]);
        watch.ended(item[3], item[4] ? call.hop : undefined);
        break;
      case 'began':
    }
    return true;
  }

  /** The caller of a request gave up; returns false for a request that this worker does not relay. */
  cancelled(id: number): boolean {
    const call = this.calls.get(id);
    call?.watch.cancelled();
    return call !== undefined;
  }

  /** The worker has died: what it relayed has ended. */
  lost(): void {
    for (const { watch } of this.calls.values()) watch.ended(500, undefined);
    this.calls.clear();
  }

  /** The hop for a destination, which is the present one if that is for the same. */
  private hopTo(present: NextHop | undefined, shared: SharedDestination): NextHop {
    const destination = this.names.destination(shared);
    const [, , , uri] = shared;
    if (present?.destination === destination && (destination !== undefined || present?.uri === uri))
      return present as NextHop;
    return { ...NOWHERE, uri, destination };
  }
}

/** Workers send of a request what identifies it. */
class Request implements RecordedRequest {
  readonly callIdA: number;
  readonly callIdB: number;

  constructor(
    readonly text: string,
    readonly callId: string,
    readonly fromTag: string,
  ) {
    const { a, b } = hashCallId(callId);
    this.callIdA = a;
    this.callIdB = b;
  }

  get identityEnd(): number {
    return this.text.length;
  }
}

const NOWHERE = plainHop('');

/** A failure as workers report it. */
export function failureOf(code: number, local: boolean, cause: string | null): HopFailure {
  return cause === null ? { code, local } : { code, local, cause };
}
