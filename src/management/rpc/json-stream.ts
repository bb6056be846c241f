import { HeldBytes } from '../../core/held-bytes.js';
import { JsonScanner } from '../mi/json-scanner.js';

/** A part of a FIFO's bytes: a JSON text, or the reason why it is not one. */
export type StreamItem =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'refused'; readonly reason: 'malformed' | 'oversized' | 'half'; readonly message: string };

/** Longest request in bytes. */
export const MAX_TEXT = 64 * 1024;
/** Where, after dropped text, the next request may begin. */
const NEXT = /\n[ \t\r]{0,64}\{[ \t\r\n]{0,64}"/;
/** Maximum number of requests searched for after a dropped one. */
const MAX_RECOVERIES = 4;
/** Maximum number of refusals in one read that are reported individually. */
const MAX_REFUSALS = 64;
const NEWLINE = 10;
const OPEN_BRACE = 123;

/**
 * Splits what is read into JSON objects, of which each may have several lines, and several may be on one. Lines that do
 * not begin with a brace are dropped.
 */
export class JsonStream {
  private readonly buffer = new HeldBytes();
  /** Position in the buffer of the request to read next. */
  private at = 0;
  private scanner: JsonScanner | undefined;
  /** Whether the rest of the line is dropped. */
  private dropping = false;
  private items: StreamItem[] = [];
  private refusals = 0;

  /** Whether a part of a request is held. */
  get waiting(): boolean {
    return this.at < this.buffer.length || this.dropping;
  }

  /** Adds a chunk and returns the completed requests. */
  push(chunk: Uint8Array): StreamItem[] {
    this.forgetUsed();
    this.buffer.add(chunk);
    this.advance();
    return this.take();
  }

  /** Drops the incomplete request, and returns complete ones written after it. */
  expire(): StreamItem[] {
    this.dropping = false;
    for (let i = 0; this.at < this.buffer.length && i < MAX_RECOVERIES; i++) {
      this.refuse('half', 'a request was not completed in time; it is dropped');
      this.scanner = undefined;
      const from = this.at + 1;
      const next = NEXT.exec(this.buffer.text(from, this.buffer.length));
      if (next === null) break;
      this.at = from + next.index;
      this.advance();
    }
    this.at = this.buffer.length;
    this.scanner = undefined;
    this.dropping = false;
    this.forgetUsed();
    return this.take();
  }

  /** Removes used text from the buffer, and adjusts positions in it. */
  private forgetUsed(): void {
    this.scanner?.shift(this.at);
    this.buffer.drop(this.at);
    this.at = 0;
  }

  private take(): StreamItem[] {
    const { items } = this;
    const unreported = this.refusals - MAX_REFUSALS;
    if (unreported > 0) {
      const message = `${unreported} more requests of one read are malformed; they are dropped`;
      items.push({ kind: 'refused', reason: 'malformed', message });
    }
    this.items = [];
    this.refusals = 0;
    return items;
  }

  private advance(): void {
    while (this.step()) {
      // Each step uses some of the buffer.
    }
  }

  private step(): boolean {
    const { buffer } = this;
    if (this.dropping) {
      const newline = buffer.indexOf(NEWLINE, this.at);
      this.dropping = newline < 0;
      this.at = newline < 0 ? buffer.length : newline + 1;
    }
    if (this.scanner === undefined) while (this.at < buffer.length && buffer.at(this.at) <= 32) this.at++;
    if (this.at >= buffer.length) return false;
    if (buffer.at(this.at) !== OPEN_BRACE) return this.drop('malformed', 'a line does not start with "{"');
    this.scanner ??= new JsonScanner(this.at);
    const end = this.scanner.scan(buffer.bytes);
    if (end === -2) {
      this.at = this.scanner.scanned;
      return this.drop('malformed', 'a JSON value is nested too deeply');
    }
    if ((end < 0 ? buffer.length : end) - this.at > MAX_TEXT) {
      this.at = this.scanner.scanned;
      return this.drop('oversized', `a request is longer than ${MAX_TEXT} bytes`);
    }
    if (end < 0) return false;
    this.items.push({ kind: 'text', text: buffer.utf8(this.at, end) });
    this.at = end;
    this.scanner = undefined;
    return true;
  }

  /**
   * Drops the rest of the line. What was already scanned is not scanned again: each of its lines may look like a
   * request.
   */
  private drop(reason: 'malformed' | 'oversized', why: string): true {
    this.refuse(reason, `${why}; it is dropped`);
    this.scanner = undefined;
    this.dropping = true;
    return true;
  }

  private refuse(reason: 'malformed' | 'oversized' | 'half', message: string): void {
    if (++this.refusals <= MAX_REFUSALS) this.items.push({ kind: 'refused', reason, message });
  }
}
