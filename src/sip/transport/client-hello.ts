import type { Socket } from 'node:net';

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
/** Maximum bytes of a ClientHello with its records. Clients send up to 2 KB. */
const MAX_BYTES = 16_384;

/** Maximum number of records of a ClientHello. */
const MAX_RECORDS = 16;

/**
 * Result of reading the first bytes of a connection: the server name a client asks for, or that more bytes are needed,
 * or that there are too many.
 */
type Peeked = { readonly name: string | undefined } | 'more' | 'too many';

const NO_NAME: Peeked = { name: undefined };

/** Reads the server name (RFC 6066 section 3) from a ClientHello, which may be split into several records. */
export function serverNameIn(data: Buffer): Peeked {
  const fragments: Buffer[] = [];
  let needed = 4;
  let held = 0;
  for (let at = 0; held < needed; ) {
    if (fragments.length === MAX_RECORDS || at > MAX_BYTES) return 'too many';
    if (at < data.length && data[at] !== HANDSHAKE) return NO_NAME;
    if (at + 5 > data.length) return 'more';
    const end = at + 5 + data.readUInt16BE(at + 3);
    if (end === at + 5) return NO_NAME;
    const fragment = data.subarray(at + 5, end);
    fragments.push(fragment);
    held += fragment.length;
    if (needed === 4 && held >= 4) {
      const hello = Buffer.concat(fragments);
      if (hello[0] !== CLIENT_HELLO) return NO_NAME;
      needed = 4 + hello.readUIntBE(1, 3);
    }
    if (held < needed && end > data.length) return data.length > MAX_BYTES ? 'too many' : 'more';
    at = end;
  }
  return { name: nameIn(Buffer.concat(fragments).subarray(4, needed)) };
}

function nameIn(hello: Buffer): string | undefined {
  try {
    // Version and random, then session, ciphers and compressions, each with its length.
    let at = 34;
    at += 1 + hello.readUInt8(at);
    at += 2 + hello.readUInt16BE(at);
    at += 1 + hello.readUInt8(at);
    for (at += 2; at < hello.length; ) {
      const extension = hello.readUInt16BE(at);
      const length = hello.readUInt16BE(at + 2);
      // A list whose only entry is a host name.
      if (extension === SERVER_NAME && length > 5 && hello.readUInt8(at + 6) === 0)
        return hello.toString('latin1', at + 9, at + 9 + hello.readUInt16BE(at + 7));
      at += 4 + length;
    }
  } catch (error) {
    // The ClientHello is cut short; OpenSSL will refuse it.
    if (!(error instanceof RangeError)) throw error;
  }
  return undefined;
}

/**
 * Calls `take` with the server name that a client asks for; its bytes can then still be read from the socket. A
 * connection that sends nothing in time, or a ClientHello without end, is closed.
 */
export function peekServerName(socket: Socket, limitMs: number, take: (name: string | undefined) => void): void {
  let data: Buffer = Buffer.alloc(0);
  const end = (): void => void socket.destroy();
  const timer = setTimeout(end, limitMs);
  const read = (): void => {
    const more = socket.read() as Buffer | null;
    if (more === null) return;
    data = data.length === 0 ? more : Buffer.concat([data, more]);
    const peeked = serverNameIn(data);
    if (peeked === 'more') return;
    if (peeked === 'too many') {
      end();
      return;
    }
    clearTimeout(timer);
    socket.off('readable', read).off('end', end).off('error', end);
    socket.unshift(data);
    take(peeked.name);
  };
  socket.once('close', () => clearTimeout(timer));
  socket.on('readable', read).on('end', end).on('error', end);
}
