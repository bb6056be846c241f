/** One message from an event socket. */
export interface SocketMessage {
  /** Names are in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** '' without Content-Length. */
  readonly body: string;
}

/** The headers of a message, and where its body begins and ends. */
interface Head {
  readonly headers: SocketMessage['headers'];
  readonly end: number;
  readonly whole: number;
}

/** The peer does not send the event socket protocol. */
export class FramingFault extends Error {}

const MAX_HEADERS = 8 * 1024;
const MAX_BODY = 64 * 1024;
const LINE_FEED = 10;
const RETURN = 13;

/**
 * Splits the bytes from FreeSWITCH's event socket into messages: lines "Name: value", an empty line, then
 * Content-Length bytes. Holds at most one incomplete message (72 KiB).
 */
export class MessageCutter {
  private pending: Buffer = Buffer.alloc(0);
  /** Bytes of `pending` that were searched for the end of the headers. */
  private searched = 0;
  /** Parsed headers whose body is incomplete, so that they are not parsed again with each segment. */
  private head: Head | undefined;

  /** Returns the messages that these bytes complete. Throws FramingFault. */
  *add(chunk: Buffer): Generator<SocketMessage> {
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    for (;;) {
      const message = this.next();
      if (message === undefined) return;
      yield message;
    }
  }

  private next(): SocketMessage | undefined {
    this.head ??= this.readHead();
    if (this.head === undefined || this.pending.length < this.head.whole) return undefined;
    const { headers, end, whole } = this.head;
    const body = this.pending.toString('utf8', end, whole);
    this.pending = this.pending.subarray(whole);
    this.searched = 0;
    this.head = undefined;
    return { headers, body };
  }

  private readHead(): Head | undefined {
    const end = this.headerEnd();
    if (end === undefined) return undefined;
    const headers = parseHeaders(this.pending.toString('latin1', 0, end));
    if (headers.size === 0) throw new FramingFault('a message has no headers');
    const length = headers.get('content-length');
    if (length !== undefined && !(/^[0-9]{1,6}$/.test(length) && Number(length) <= MAX_BODY)) {
      throw new FramingFault(`Content-Length is not 0 to ${MAX_BODY}`);
    }
    return { headers, end, whole: end + Number(length ?? 0) };
  }

  /** Where the body begins; undefined while the headers are incomplete. Skips empty lines before a message. */
  private headerEnd(): number | undefined {
    let start = 0;
    while (this.searched === 0 && isBreak(this.pending[start])) start++;
    if (start > 0) this.pending = this.pending.subarray(start);
    for (let i = this.searched; i < this.pending.length; i++) {
      if (i > MAX_HEADERS) throw new FramingFault(`headers are longer than ${MAX_HEADERS} bytes`);
      if (this.pending[i] !== LINE_FEED) continue;
      const next = this.pending[i + 1] === RETURN ? i + 2 : i + 1;
      if (this.pending[next] === LINE_FEED) return next + 1;
    }
    this.searched = Math.max(0, this.pending.length - 3);
    return undefined;
  }
}

function isBreak(byte: number | undefined): boolean {
  return byte === LINE_FEED || byte === RETURN;
}

/** Reads lines "Name: value"; when a name occurs twice, the first one counts. */
export function parseHeaders(text: string): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    if (!headers.has(name)) headers.set(name, line.slice(colon + 1).trim());
  }
  return headers;
}
