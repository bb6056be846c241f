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

/** Matches "sip:user:password@". The lengths are bounded, so that a search takes linear time. */
const PASSWORD = /sips?:[^ \t\r\n"<>@:]{1,256}:[^ \t\r\n"<>@]{0,256}@/;
/** Traces at a time, including ended ones that were not fetched yet. */
const MAX_SESSIONS = 8;
/** Milliseconds an ended trace is kept. */
const KEPT_MS = 600_000;

/** The parameters of a new trace. */
export interface TraceRequest {
  readonly filter: TraceFilter;
  readonly bounds?: Partial<TraceBounds>;
  /** Default true. */
  readonly bodies?: boolean;
}

/** Receives messages independently of traces, for a capture server. */
export interface CaptureSink {
  /** Send one call in this many, chosen by the Call-ID; 1: all. */
  readonly oneIn: number;
  capture(message: SeenMessage): void;
}

/** The traces of calls. While there is one, the transports pass each message to this object. */
export class Tracer implements MessageTap {
  private readonly sessions = new Map<number, TraceSession>();
  /** The traces that have not ended. */
  private active: readonly TraceSession[] = [];
  private readonly callId = new CallIdSpan();
  private capture: CaptureSink | undefined = undefined;
  /** The calls that go to the capture server; undefined: all. */
  private chosen: FollowedCalls | undefined = undefined;
  private ids = 0;

  constructor(
    private readonly point: TapPoint,
    private readonly clock: Clock,
  ) {}

  /** Sends all messages, or those of `chosen` calls, to a capture server too; undefined: to none. */
  useCapture(sink: CaptureSink | undefined, chosen?: FollowedCalls): void {
    this.capture = sink;
    this.chosen = chosen;
    this.settle();
  }

  /** Prepares a message for a capture server, without passwords. */
  shown(message: Omit<SeenMessage, 'time'>): SeenMessage {
    return { ...message, time: this.clock.now(), text: withoutPasswords(message.text) };
  }

  /** Begins a trace. Throws SwitchyardError USAGE when the filter is empty and when there are too many traces. */
  begin({ filter, bounds, bodies }: TraceRequest): TraceSession {
    if (Object.values(filter).every((each) => each === undefined)) {
      throw new SwitchyardError('USAGE', 'a trace needs a filter: call_id, from, to, source, partition or one_in');
    }
    const all = { ...DEFAULT_TRACE_BOUNDS, ...bounds };
    this.forget();
    if (this.sessions.size >= MAX_SESSIONS) {
      throw new SwitchyardError('USAGE', `there are ${MAX_SESSIONS} traces already: stop one`, { retryable: true });
    }
    const id = ++this.ids;
    const session = new TraceSession(id, filter, all, bodies ?? true, this.clock.monotonic() + all.seconds * 1000);
    this.sessions.set(id, session);
    this.clock.schedule(all.seconds * 1000, () => this.end(session, 'time'));
    this.settle();
    return session;
  }

  /** Finds a trace by its number. Throws SwitchyardError USAGE. */
  find(id: number): TraceSession {
    const session = this.sessions.get(id);
    if (session === undefined) throw new SwitchyardError('USAGE', `no trace ${id}`);
    return session;
  }

  /** All traces, including those that ended in the last ten minutes. */
  list(): readonly TraceSession[] {
    return [...this.sessions.values()];
  }

  /** Ends and removes a trace. Throws SwitchyardError USAGE. */
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

  /** Reports a dispatched request: traces with a partition in their filter begin here. */
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
    // Most messages are rejected by the hash of their Call-ID, without a substring.
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

  /** Receives messages from the transports only while there is something to do. */
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

/** Removes passwords from URIs in the header: probes have the URI of the row. The body is not changed. */
function withoutPasswords(text: string): string {
  if (!PASSWORD.test(text)) return text;
  const end = text.indexOf('\r\n\r\n');
  const head = end < 0 ? text : text.slice(0, end);
  const masked = maskSecrets(head);
  return masked === head ? text : masked + text.slice(head.length);
}
