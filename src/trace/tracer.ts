import type { Clock } from '../core/clock.js';
import { SwitchyardError } from '../core/errors.js';
import { maskSecrets } from '../core/mask.js';
import type { RouteOrigin } from '../proxy/decision.js';
import type { SipMessage } from '../sip/message.js';
import type { MessageTap, TapPoint } from '../sip/transport/tap.js';
import type { SipSocket, Source } from '../sip/transport/transport.js';
import { CallIdSpan, isOneIn } from './call-id.js';
import type { FollowedCalls } from './followed-calls.js';
import {
  DEFAULT_TRACE_BOUNDS,
  type SeenMessage,
  type TraceBounds,
  type TraceFilter,
  TraceSession,
} from './trace-session.js';

/** "sip:user:password@". Each part is bounded, so that the search is linear. */
const PASSWORD = /sips?:[^\s"<>@:]{1,256}:[^\s"<>@]{0,256}@/;
/** Traces at a time, those that have ended and were not asked for included. */
const MOST_SESSIONS = 8;
/** Milliseconds an ended trace is kept for whoever asked for it. */
const KEPT_MS = 600_000;

/** What a trace is asked for with. */
export interface TraceRequest {
  readonly filter: TraceFilter;
  readonly bounds?: Partial<TraceBounds>;
  /** Default true. */
  readonly bodies?: boolean;
}

/** Receives all messages beside the traces: what is sent to a capture server. */
export interface CaptureSink {
  /** One call in this many is wanted, chosen by its Call-ID; 1: all. */
  readonly oneIn: number;
  capture(message: SeenMessage): void;
}

/** Traces of calls: puts a tap into the path of messages while there is one, and takes it away after the last. */
export class Tracer implements MessageTap {
  private readonly sessions = new Map<number, TraceSession>();
  /** Those that have not ended. */
  private active: readonly TraceSession[] = [];
  private readonly callId = new CallIdSpan();
  private capture: CaptureSink | undefined = undefined;
  /** What of the messages goes there: all of them, or those of calls that were chosen. */
  private chosen: FollowedCalls | undefined = undefined;
  private ids = 0;

  constructor(
    private readonly point: TapPoint,
    private readonly clock: Clock,
  ) {}

  /** Sends every message to a capture server as well, or those of `chosen` calls; undefined: to none. */
  useCapture(sink: CaptureSink | undefined, chosen?: FollowedCalls): void {
    this.capture = sink;
    this.chosen = chosen;
    this.settle();
  }

  /** One message for a capture server, without passwords. */
  shown(message: Omit<SeenMessage, 'time'>): SeenMessage {
    return { ...message, time: this.clock.now(), text: withoutPasswords(message.text) };
  }

  /** Begins a trace. Throws SwitchyardError USAGE for a filter that takes everything, and when there are too many traces. */
  begin({ filter, bounds, bodies }: TraceRequest): TraceSession {
    if (Object.values(filter).every((each) => each === undefined)) {
      throw new SwitchyardError('USAGE', 'a trace needs a filter: call_id, from, to, source, partition or one_in');
    }
    const all = { ...DEFAULT_TRACE_BOUNDS, ...bounds };
    this.forget();
    if (this.sessions.size >= MOST_SESSIONS) {
      throw new SwitchyardError('USAGE', `there are ${MOST_SESSIONS} traces already: stop one`, { retryable: true });
    }
    const id = ++this.ids;
    const session = new TraceSession(id, filter, all, bodies ?? true, this.clock.monotonic() + all.seconds * 1000);
    this.sessions.set(id, session);
    this.clock.schedule(all.seconds * 1000, () => this.end(session, 'time'));
    this.settle();
    return session;
  }

  /** The trace of this number. Throws SwitchyardError USAGE. */
  find(id: number): TraceSession {
    const session = this.sessions.get(id);
    if (session === undefined) throw new SwitchyardError('USAGE', `no trace ${id}`);
    return session;
  }

  /** All traces, those that have ended lately included. */
  list(): readonly TraceSession[] {
    return [...this.sessions.values()];
  }

  /** Ends a trace and forgets it. Throws SwitchyardError USAGE. */
  stop(id: number): void {
    const session = this.find(id);
    this.end(session, 'stopped');
    this.sessions.delete(id);
  }

  received(text: string, source: Source): void {
    const { socket, address, port } = source;
    this.seen(text, 'in', socket, address, port);
  }

  sent(text: string, socket: SipSocket, address: string, port: number): void {
    this.seen(text, 'out', socket, address, port);
  }

  /** A request is dispatched: traces of its partition begin here. */
  dispatched(message: Pick<SipMessage, 'text' | 'callId'>, source: Source, origin: RouteOrigin | undefined): void {
    const { active } = this;
    if (active.length === 0) return;
    const { socket, address, port } = source;
    for (const session of active) {
      if (session.filter.partition === undefined) continue;
      const { text, callId } = message;
      if (!session.wantsDispatched(origin?.partition, callId, text, address)) continue;
      session.keep(this.message(text, 'in', socket, address, port, callId));
    }
  }

  private seen(text: string, direction: 'in' | 'out', socket: SipSocket, address: string, port: number): void {
    const { active, capture, callId: span } = this;
    if (!span.find(text)) return;
    // What is not wanted is found by the hash of its Call-ID: nothing is cut out of it.
    const { hash } = span;
    const isCaptured = capture !== undefined && isOneIn(hash, capture.oneIn);
    let callId = '';
    let seen: SeenMessage | undefined;
    for (let i = 0; i < active.length; i++) {
      const session = active[i] as TraceSession;
      if (!session.mayWant(text, span.start, span.end, hash)) continue;
      if (callId === '') callId = text.slice(span.start, span.end);
      if (!session.wants(callId, text, direction, address)) continue;
      seen ??= this.message(text, direction, socket, address, port, callId);
      session.keep(seen);
      if (session.ended !== undefined) this.settle();
    }
    if (!isCaptured) return;
    if (callId === '') callId = text.slice(span.start, span.end);
    if (this.chosen?.wants(callId, text, this.clock.monotonic()) === false) return;
    capture.capture(seen ?? this.message(text, direction, socket, address, port, callId));
  }

  private message(
    text: string,
    direction: 'in' | 'out',
    socket: SipSocket,
    address: string,
    port: number,
    callId: string,
  ): SeenMessage {
    const { transport } = socket;
    const shown = withoutPasswords(text);
    return {
      time: this.clock.now(),
      direction,
      transport,
      local: socket,
      remote: { address, port },
      callId,
      text: shown,
    };
  }

  private end(session: TraceSession, why: TraceSession['ended']): void {
    session.ended ??= why;
    this.settle();
  }

  /** The tap is in the path only while somebody listens. */
  private settle(): void {
    this.active = [...this.sessions.values()].filter((each) => each.ended === undefined);
    this.point.use(this.active.length > 0 || this.capture !== undefined ? this : undefined);
  }

  private forget(): void {
    const now = this.clock.monotonic();
    for (const [id, { ended, until }] of this.sessions) {
      if (ended !== undefined && now > until + KEPT_MS) this.sessions.delete(id);
    }
  }
}

/** A message whose header has no password in a URI: probes have the URI of the row. The body stays as it is. */
function withoutPasswords(text: string): string {
  if (!PASSWORD.test(text)) return text;
  const end = text.indexOf('\r\n\r\n');
  const head = end < 0 ? text : text.slice(0, end);
  const masked = maskSecrets(head);
  return masked === head ? text : masked + text.slice(head.length);
}
