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
  /** Another process forwards a request outside dialogs. */
  relayedElsewhere(
    request: RecordedRequest,
    invite: boolean,
    source: Source,
    origin: RouteOrigin,
    recordRoute: boolean,
  ): RelayWatch;
}

/** Finds the brain's sockets and destinations by the names that workers use. */
export interface ReportNames {
  source(socket: number, address: string, port: number): Source | undefined;
  target(socket: number, address: string, port: number): ResolvedTarget;
  /** undefined: it no longer exists. */
  destination(shared: SharedDestination): Destination | undefined;
}

interface ReportedCall {
  readonly watch: RelayWatch;
  /** The hop it was last sent to. */
  hop: NextHop;
}

/** A report about a request that a worker forwards by its own decision. */
export type CallReport = Extract<FromWorker, readonly [string, id: number, at: number, ...unknown[]]>;

/** The requests that one worker forwards by its own decision, as reported. */
export class ReportedCalls {
  private readonly calls = new Map<number, ReportedCall>();
  /** Number of requests reported to have begun. */
  begun = 0;

  constructor(
    private readonly observer: ReportObserver,
    private readonly names: ReportNames,
  ) {}

  /** Number of requests in progress. */
  get size(): number {
    return this.calls.size;
  }

  /** The worker has begun to forward a request. */
  began(item: Extract<FromWorker, readonly ['began', ...unknown[]]>): void {
    this.begun++;
    const [, id, , socket, address, port, text, recordRoute, origin, invite, callId, fromTag] = item;
    const source = this.names.source(socket, address, port);
    if (source === undefined) return;
    const request = new Request(text, callId, fromTag);
    const watch = this.observer.relayedElsewhere(request, invite, source, origin, recordRoute);
    this.calls.set(id, { watch, hop: NOWHERE });
  }

  /** Handles a report; returns false for a request that this worker does not forward. */
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
      case 'hopSkipped':
        watch.hopSkipped(this.hopTo(undefined, item[3]), item[4]);
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

  /** The caller of a request has sent CANCEL; returns false for a request that this worker does not forward. */
  cancelled(id: number): boolean {
    const call = this.calls.get(id);
    call?.watch.cancelled();
    return call !== undefined;
  }

  /** The worker has died, and with it what it forwarded. */
  lost(): void {
    for (const { watch } of this.calls.values()) watch.ended(500, undefined, WORKER_DIED);
    this.calls.clear();
  }

  /** The hop of a destination; reuses the present hop if that is the same. */
  private hopTo(present: NextHop | undefined, shared: SharedDestination): NextHop {
    const destination = this.names.destination(shared);
    const [, , , uri] = shared;
    if (present?.destination === destination && (destination !== undefined || present?.uri === uri))
      return present as NextHop;
    return { ...NOWHERE, uri, destination };
  }
}

/** The parts of a request that workers send. */
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

/** What records say of requests that were under way in a worker that has died. */
export const WORKER_DIED: HopFailure = { code: 500, local: true, cause: 'worker died' };

/** A failure as workers report it. */
export function failureOf(code: number, local: boolean, cause: string | null): HopFailure {
  return cause === null ? { code, local } : { code, local, cause };
}
