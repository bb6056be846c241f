import { trimmed } from '../../core/characters.js';
/** Maximum bytes of a header on a stream. */
export const MAX_HEADER_BYTES = 64 * 1024;
/** Maximum bytes of a body on a stream; a message with a longer one is refused with 413. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** What the framing found in the stream. */
export type FrameEvent =
  | { readonly kind: 'message'; readonly text: string }
  /** A double CRLF keep-alive: answered with one CRLF (RFC 5626 section 3.5.1). */
  | { readonly kind: 'ping' }
  /**
   * The stream cannot be split any further and must be closed. `refused`: the message that caused it, if its headers
   * are readable.
   */
  | { readonly kind: 'broken'; readonly reason: string; readonly refused?: RefusedHead };

/** The header of a message whose end is unknown or too far away, and the status code to answer with. */
export interface RefusedHead {
  /** The start line, complete header lines and an empty line. */
  readonly text: string;
  readonly code: 400 | 413 | 513;
}

/**
 * Splits a byte stream into SIP messages by Content-Length (RFC 3261 section 18.3). The work is linear in the bytes
 * received, even if they come one by one: no byte is searched or copied again with each chunk.
 */
export class StreamFraming {
  private chunks: string[] = [];
  private held = '';
  private size = 0;
  private searched = 0;
  /** The last characters of an incomplete header, which may be the start of its end; undefined outside a header. */
  private tail: string | undefined = undefined;
  /** Total length of the current message; -1 until its header is complete. */
  private wanted = -1;
  private broken = false;
  /** Whether one CRLF of a keep-alive was received; the second may come in another segment. */
  private halfPing = false;

  /** Bytes buffered for an incomplete message. */
  get pending(): number {
    return this.size;
  }

  /** Adds the next bytes (latin1) and returns the events they complete. No event follows `broken`. */
  push(data: string): FrameEvent[] {
    const events: FrameEvent[] = [];
    if (this.broken) return events;
    this.chunks.push(data);
    this.size += data.length;
    // An incomplete body is not concatenated with each chunk.
    if (this.wanted >= 0 && this.size < this.wanted) return events;
    // Neither is an incomplete header.
    if (this.tail !== undefined && this.size <= MAX_HEADER_BYTES) {
      const end = this.tail + data;
      if (!end.includes('\r\n\r\n')) {
        this.tail = end.slice(-3);
        return events;
      }
    }
    this.tail = undefined;
    this.held += this.chunks.join('');
    this.chunks = [];
    while (this.step(events));
    if (this.broken) this.held = '';
    this.size = this.held.length;
    return events;
  }

  private step(events: FrameEvent[]): boolean {
    if (this.wanted < 0) {
      const skip = this.skipBlankLines(events);
      if (skip > 0) {
        this.held = this.held.slice(skip);
        this.searched = 0;
      }
      if (this.held === '' || this.held === '\r') return false;
      const end = this.held.indexOf('\r\n\r\n', Math.max(0, this.searched - 3));
      if (end < 0) {
        this.searched = this.held.length;
        if (this.held.length > MAX_HEADER_BYTES) this.failLong(events);
        else this.tail = this.held.slice(-3);
        return false;
      }
      if (end > MAX_HEADER_BYTES) {
        this.failLong(events);
        return false;
      }
      // HTTP, or a stream after a wrong Content-Length: nobody knows where the next message begins.
      if (!this.beginsMessage()) {
        this.fail(events, 'not SIP');
        return false;
      }
      const length = contentLength(this.held, end);
      if (typeof length === 'string') {
        this.fail(events, length, { text: this.held.slice(0, end + 4), code: 400 });
        return false;
      }
      if (length > MAX_BODY_BYTES) {
        const refused: RefusedHead = { text: this.held.slice(0, end + 4), code: 413 };
        this.fail(events, `body of more than ${MAX_BODY_BYTES} bytes`, refused);
        return false;
      }
      this.wanted = end + 4 + length;
    }
    if (this.held.length < this.wanted) return false;
    events.push({ kind: 'message', text: this.held.slice(0, this.wanted) });
    this.held = this.held.slice(this.wanted);
    this.wanted = -1;
    this.searched = 0;
    return this.held !== '';
  }

  private skipBlankLines(events: FrameEvent[]): number {
    let at = 0;
    while (this.held.startsWith('\r\n', at)) {
      at += 2;
      if (this.halfPing) events.push({ kind: 'ping' });
      this.halfPing = !this.halfPing;
    }
    if (at < this.held.length && this.held.charCodeAt(at) !== 13) this.halfPing = false;
    return at;
  }

  private beginsMessage(): boolean {
    return START_LINE.test(this.held.slice(0, this.held.indexOf('\r\n')));
  }

  /** The first lines may suffice for an answer. */
  private failLong(events: FrameEvent[]): void {
    const reason = `header of more than ${MAX_HEADER_BYTES} bytes`;
    const end = this.held.lastIndexOf('\r\n', MAX_HEADER_BYTES);
    if (end < 0 || !this.beginsMessage()) this.fail(events, reason);
    else this.fail(events, reason, { text: `${this.held.slice(0, end)}\r\n\r\n`, code: 513 });
  }

  private fail(events: FrameEvent[], reason: string, refused?: RefusedHead): void {
    this.broken = true;
    events.push(refused === undefined ? { kind: 'broken', reason } : { kind: 'broken', reason, refused });
  }
}

/** Accepts any version, so that another one is answered with 505 and not disconnected. */
const START_LINE = /^SIP\/[0-9]|[ \t]SIP\/[0-9.]+[ \t]*$/i;

const LENGTH_NAME = /\r\n(?:content-length|l)[ \t]*:/i;
const CONTENT_LENGTH = /\r\n(?:content-length|l)[ \t]*:[ \t]*(?:\r\n[ \t]+)?([^\r\n]*)/gi;

/**
 * A message as it is written to a stream. One that came as a datagram may lack Content-Length; on a stream its body
 * would be another message for the peer, which nobody has checked (RFC 3261 section 18.3).
 */
export function framed(text: string): string {
  const end = text.indexOf('\r\n\r\n');
  if (end <= 0) return text;
  const usual = text.indexOf('\r\nContent-Length:');
  if (usual >= 0 && usual < end) return text;
  if (LENGTH_NAME.test(text.slice(0, end))) return text;
  return `${text.slice(0, end)}\r\nContent-Length: ${text.length - end - 4}${text.slice(end)}`;
}

function contentLength(text: string, headerEnd: number): number | string {
  CONTENT_LENGTH.lastIndex = 0;
  const header = text.slice(0, headerEnd);
  const match = CONTENT_LENGTH.exec(header);
  if (match === null) return 'no Content-Length header on a stream';
  const digits = trimmed(match[1] as string);
  if (!/^[0-9]{1,15}$/.test(digits)) return 'malformed Content-Length header';
  const length = Number(digits);
  const second = CONTENT_LENGTH.exec(header);
  if (second !== null && trimmed(second[1] as string) !== digits) return 'two different Content-Length headers';
  return length;
}
