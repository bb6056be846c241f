import type { MessageRun } from '../../script/call.js';
import { sdpPart } from '../body-parts.js';

/** Span of the SDP in a message; undefined when it has none. */
export function sdpSpan(run: MessageRun): readonly [start: number, end: number] | undefined {
  const { message } = run;
  const { bodyStart, bodyEnd } = message;
  if (bodyEnd <= bodyStart) return undefined;
  const type = (message.header('content-type') ?? '').toLowerCase();
  if (type.startsWith('application/sdp')) return [bodyStart, bodyEnd];
  const part = sdpPart(message);
  if (part === undefined) return undefined;
  // The line break before a boundary belongs to the boundary (RFC 2046 section 5.1.1).
  const { start, end } = part;
  let last = end;
  if (end < bodyEnd) last -= message.text.startsWith('\r\n', end - 2) ? 2 : 1;
  return last > start ? [start, last] : undefined;
}

/** Replaces the SDP of the message by that of the proxy; as recorded, earlier edits inside it are dropped. */
export function replaceSdp(run: MessageRun, [start, end]: readonly [number, number], sdp: string): void {
  run.edits.drop((edit) => edit.start >= start && edit.end <= end && edit.start !== end);
  run.edits.replace(start, end, sdp);
}
