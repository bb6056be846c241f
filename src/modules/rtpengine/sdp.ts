import type { MessageRun } from '../../script/call.js';

/** Span of the SDP in a message; undefined when it has none. */
export function sdpSpan(run: MessageRun): readonly [start: number, end: number] | undefined {
  const { message } = run;
  const { bodyStart, bodyEnd } = message;
  if (bodyEnd <= bodyStart) return undefined;
  const type = (message.header('content-type') ?? '').toLowerCase();
  if (type.startsWith('application/sdp')) return [bodyStart, bodyEnd];
  if (!type.startsWith('multipart/')) return undefined;
  const body = message.text.slice(bodyStart, bodyEnd);
  const head = /content-type:[ \t]*application\/sdp/i.exec(body);
  const begin = head === null ? -1 : body.indexOf('\r\n\r\n', head.index);
  const end = begin < 0 ? -1 : body.indexOf('\r\n--', begin + 4);
  return end < 0 ? undefined : [bodyStart + begin + 4, bodyStart + end];
}

/** Replaces the SDP of the message by that of the proxy; as recorded, earlier edits inside it are dropped. */
export function replaceSdp(run: MessageRun, [start, end]: readonly [number, number], sdp: string): void {
  run.edits.drop((edit) => edit.start >= start && edit.end <= end && edit.start !== end);
  run.edits.replace(start, end, sdp);
}
