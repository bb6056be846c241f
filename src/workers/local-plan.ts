import type { CompiledSet } from '../engine/compiled-set.js';
import type { Destination, ResolvedAddress } from '../engine/destination.js';
import type { Engine } from '../engine/engine.js';
import type { AfterFailure, HopFailure, NextHop, RelayPlan } from '../proxy/decision.js';
import type { RelayWatch } from '../proxy/observer.js';
import type { SipMessage } from '../sip/message.js';
import type { ResolvedTarget } from '../sip/target.js';
import type { SipSocket } from '../sip/transport/transport.js';
import type { FromWorker, SharedDestination } from './protocol.js';

/** Requests for changes of state, which only the brain makes. */
export interface Marks {
  /** Resolves when the last requested change is done; undefined: nothing was requested since the last call. */
  take(): Promise<void> | undefined;
}

/** The plan of a request that a worker decided itself: like the brain's, but the brain sets the marks. */
export class LocalPlan implements RelayPlan {
  readonly recordRoute: boolean;
  readonly edits: RelayPlan['edits'];
  readonly noHop: RelayPlan['noHop'];
  readonly origin: RelayPlan['origin'];

  constructor(
    private readonly plan: RelayPlan,
    private readonly engine: Engine,
    private readonly marks: Marks,
  ) {
    this.recordRoute = plan.recordRoute;
    this.edits = plan.edits;
    this.noHop = plan.noHop;
    this.origin = plan.origin;
  }

  next(): ReturnType<RelayPlan['next']> {
    return this.plan.next();
  }

  failed(hop: NextHop, failure: HopFailure, reply?: SipMessage): AfterFailure | Promise<AfterFailure> {
    this.refresh();
    const after = this.plan.failed(hop, failure, reply);
    const marked = this.marks.take();
    return marked === undefined ? after : marked.then(() => after);
  }

  allowed(address: ResolvedAddress): boolean {
    return this.plan.allowed?.(address) ?? true;
  }

  ended(code: number): void {
    this.plan.ended?.(code);
  }

  /** States may have changed since the selection; the next targets must be active now. */
  private refresh(): void {
    const { partition: name, sets = [] } = this.origin ?? {};
    const snapshot = name === undefined ? undefined : this.engine.partition(name)?.snapshot;
    for (const id of sets) {
      const set = snapshot?.sets.get(id) as CompiledSet | undefined;
      set?.enter();
      set?.leave();
    }
  }
}

/** What reports need from their worker. */
export interface ReportContext {
  readonly sockets: readonly SipSocket[];
  addLater(item: FromWorker): void;
  /** Milliseconds of the brain's clock. */
  now(): number;
}

/** Reports to the brain what happens to a request that this worker decided itself. */
export class LocalWatch implements RelayWatch {
  constructor(
    private readonly context: ReportContext,
    private readonly id: number,
  ) {}

  sent(hop: NextHop, { address, port, socket }: ResolvedTarget): void {
    const { context, id } = this;
    context.addLater(['sent', id, context.now(), [sharedOfHop(hop), address, port, context.sockets.indexOf(socket)]]);
  }

  provisional(_hop: NextHop, code: number): void {
    const { context, id } = this;
    context.addLater(['provisional', id, context.now(), code]);
  }

  failed(_hop: NextHop, { code, local, cause }: HopFailure): void {
    const { context, id } = this;
    context.addLater(['failed', id, context.now(), code, local, cause ?? null]);
  }

  hopSkipped(hop: NextHop, code: number): void {
    const { context, id } = this;
    context.addLater(['hopSkipped', id, context.now(), sharedOfHop(hop), code]);
  }

  cancelled(): void {
    this.context.addLater(['cancelled', this.id]);
  }

  ended(code: number, hop: NextHop | undefined): void {
    const { context, id } = this;
    context.addLater(['ended', id, context.now(), code, hop !== undefined]);
  }
}

/** The destination of a hop. */
function sharedOfHop({ destination, uri, requestUri = uri }: NextHop): SharedDestination {
  return destination === undefined ? ['', 0, -1, requestUri] : sharedOf(destination);
}

/** How processes name a destination to each other. */
export function sharedOf({ partition, setId, index, row }: Destination): SharedDestination {
  return [partition, setId, index, row.uri];
}
