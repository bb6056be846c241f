import { JsonScanner } from '../../mi/json-scanner.js';

/** What comes out of the byte stream of a FIFO: a JSON text, or why something is none. */
export type StreamItem =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'refused'; readonly reason: 'malformed' | 'oversized' | 'half'; readonly message: string };

/** A request of more bytes than this is refused. */
export const MAX_TEXT = 64 * 1024;
/** Where behind something that was given up the next request may begin. */
const NEXT = /\n\s*\{\s*"/;

/**
 * Cuts what is read into JSON objects, which may stand on several lines or several on one. Lines that do not start with a
 * brace are dropped.
 */
export class JsonStream {
  /** Bytes not yet used, one character a byte. */
  private buffer = '';
  private scanner: JsonScanner | undefined;
  /** Dropping the rest of a line. */
  private dropping = false;

  /** Whether part of a request is held. */
  get waiting(): boolean {
    return this.buffer !== '' || this.dropping;
  }

  /** Takes what was read and returns the requests that are now complete. */
  push(chunk: Uint8Array): StreamItem[] {
    this.buffer += Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1');
    const items: StreamItem[] = [];
    while (this.step(items)) {
      // Each step uses up some of the buffer.
    }
    return items;
  }

  /** Gives up the half request that is held, and goes on with one that was written behind it. */
  expire(): StreamItem[] {
    const items: StreamItem[] = [];
    this.dropping = false;
    while (this.buffer !== '') {
      items.push({ kind: 'refused', reason: 'half', message: 'a request was not completed in time; it is dropped' });
      this.scanner = undefined;
      const next = this.buffer.slice(1).search(NEXT);
      this.buffer = next < 0 ? '' : this.buffer.slice(next + 1);
      while (this.step(items)) {
        // As in push.
      }
    }
    return items;
  }

  private step(items: StreamItem[]): boolean {
    if (this.dropping) {
      const newline = this.buffer.indexOf('\n');
      this.dropping = newline < 0;
      this.buffer = newline < 0 ? '' : this.buffer.slice(newline + 1);
    }
    if (this.scanner === undefined) this.buffer = this.buffer.replace(/^[\x00-\x20]+/, '');
    if (this.buffer === '') return false;
    if (this.buffer[0] !== '{') return this.drop(items, 'malformed', 'a line does not start with "{"');
    this.scanner ??= new JsonScanner();
    const end = this.scanner.scan(this.buffer);
    if (end === -2) return this.drop(items, 'malformed', 'a JSON value is nested too deeply');
    if ((end < 0 ? this.buffer.length : end) > MAX_TEXT) {
      return this.drop(items, 'oversized', `a request is longer than ${MAX_TEXT} bytes`);
    }
    if (end < 0) return false;
    items.push({ kind: 'text', text: Buffer.from(this.buffer.slice(0, end), 'latin1').toString('utf8') });
    this.buffer = this.buffer.slice(end);
    this.scanner = undefined;
    return true;
  }

  private drop(items: StreamItem[], reason: 'malformed' | 'oversized', why: string): true {
    items.push({ kind: 'refused', reason, message: `${why}; it is dropped` });
    this.scanner = undefined;
    this.dropping = true;
    return true;
  }
}
