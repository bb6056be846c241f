/** One message of an event socket. */
export interface SocketMessage {
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Empty where there is no Content-Length. */
  readonly body: string;
}

/** Headers of a message, where its body begins and where it ends. */
interface Head {
  readonly headers: SocketMessage['headers'];
  readonly end: number;
  readonly whole: number;
}

/** A server that does not speak the protocol of the event socket. */
export class FramingFault extends Error {}

const MAX_HEADERS = 8 * 1024;
const MAX_BODY = 64 * 1024;
const LINE_FEED = 10;
const RETURN = 13;

/**
 * Cuts what comes from FreeSWITCH's event socket into messages: lines "Name: value", an empty line, then as many bytes as
 * Content-Length says. Holds at most one message that is not complete (72 KiB).
 */
export class MessageCutter {
  private pending: Buffer = Buffer.alloc(0);
  /** Bytes of `pending` that hold no end of headers. */
  private searched = 0;
  /** Headers whose body is not there yet: they are not read again with each segment of it. */
  private head: Head | undefined;

  /** The messages that are complete with these bytes. Throws FramingFault. */
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

  /** Where the body begins. Empty lines before a message are skipped. */
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

/** Reads lines "Name: value"; of several with one name the first counts. */
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
