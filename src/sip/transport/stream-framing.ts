/** Limits on the bytes buffered for one stream peer. */
export const MAX_HEADER_BYTES = 64 * 1024;
/** Bytes a body may have on a stream; a longer one is refused with 413. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** What was found in a stream. */
export type FrameEvent =
  | { readonly kind: 'message'; readonly text: string }
  /** A double CRLF keep-alive: answered with one CRLF (RFC 5626 section 3.5.1). */
  | { readonly kind: 'ping' }
  /**
   * The stream cannot be framed any further and must be closed. `refused` is set when the cause is a message with
   * readable headers.
   */
  | { readonly kind: 'broken'; readonly reason: string; readonly refused?: RefusedHead };

/** The header section of a message whose end is unknown or too far away, and the status code for its sender. */
export interface RefusedHead {
  /** The start line and whole header lines, with the empty line that ends them. */
  readonly text: string;
  readonly code: 400 | 413 | 513;
}

/**
 * Cuts a byte stream into SIP messages by Content-Length (RFC 3261 section 18.3). Work is linear in the bytes received,
 * however few of them come at a time: no byte is searched twice, and none is copied with each chunk.
 */
export class StreamFraming {
  private chunks: string[] = [];
  private held = '';
  private size = 0;
  private searched = 0;
  /** The last characters of a header that is not whole yet, in which its end may have begun; undefined outside of one. */
  private tail: string | undefined = undefined;
  /** Total length of the current message once its header is known, -1 before. */
  private wanted = -1;
  private broken = false;
  /** One CRLF of a keep-alive was received; the second may arrive in another segment. */
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
    // A body that is far from complete is not joined with every chunk.
    if (this.wanted >= 0 && this.size < this.wanted) return events;
    // Nor is a header that comes a few bytes at a time: joining it with each of them would copy all of it as often.
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
      // HTTP, or a stream after a wrong Content-Length: the start of the next message is unknown.
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

  /** Its first lines may be those that an answer needs. */
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

/** Any version: another one than ours is answered, not cut off. */
const START_LINE = /^SIP\/[0-9]|[ \t]SIP\/[0-9.]+[ \t]*$/i;

const CONTENT_LENGTH = /\r\n(?:content-length|l)[ \t]*:[ \t]*(?:\r\n[ \t]+)?([^\r\n]*)/gi;

function contentLength(text: string, headerEnd: number): number | string {
  CONTENT_LENGTH.lastIndex = 0;
  const header = text.slice(0, headerEnd);
  const match = CONTENT_LENGTH.exec(header);
  if (match === null) return 'no Content-Length header on a stream';
  const digits = (match[1] as string).trim();
  if (!/^[0-9]{1,15}$/.test(digits)) return 'malformed Content-Length header';
  const length = Number(digits);
  const second = CONTENT_LENGTH.exec(header);
  if (second !== null && (second[1] as string).trim() !== digits) return 'two different Content-Length headers';
  return length;
}
