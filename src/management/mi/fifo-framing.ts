import { MAX_REQUEST_BYTES } from './handler.js';
import { JsonScanner } from './json-scanner.js';
import type { TextRequest } from './line-text.js';
import { parseParams } from './line-text.js';

/** What comes out of the byte stream of a FIFO. `reply` names the reply FIFO; '' where none is wanted. */
export type FifoItem =
  | { readonly kind: 'json'; readonly reply: string; readonly body: string }
  | { readonly kind: 'text'; readonly reply: string; readonly request: TextRequest }
  /** Something that is no command; `reply` and `form` where as much could be told, so that its writer can be answered. */
  | {
      readonly kind: 'refused';
      readonly reason: 'malformed' | 'oversized' | 'half' | 'reply-name';
      readonly message: string;
      readonly reply: string;
      readonly form: 'json' | 'text';
    };

/** Longest ":name:reply" head. */
const MAX_HEAD = 256;
/** A reply FIFO stands in the reply folder and nowhere else: no "/" and no "." (recorded), nothing unprintable. */
const REPLY_NAME = /^[^/.:\x00-\x20\x7f]{0,128}$/;
/** The head of a next command. Within JSON no line can start like this, so there it ends one that was left half. */
const JSON_INTERRUPTED = /\n:[^:\s"{}[\],]{0,128}:/g;
/** A line that starts a next command rather than being a parameter of the one before. */
const NEXT_TEXT_COMMAND = /^:[^:\s]{1,128}:[^:\s]{0,128}$/;
/** Where in a command that was given up another may begin that was written right behind it. */
const NEXT_WITHIN = /:[^:\s"{}[\],]{0,128}:[ \t]*\{|:[a-z_]{1,64}:[^/.:\s"{}[\],]{0,128}\n/;
const NEXT_JSON_COMMAND = /^:[^:\s]{0,128}:[ \t]*[{[]/;

type State =
  | { readonly at: 'idle' }
  /** Dropping the rest of a line. */
  | { readonly at: 'garbage' }
  | { readonly at: 'json'; readonly reply: string; readonly start: number; readonly scanner: JsonScanner; seen: number }
  | { readonly at: 'text'; readonly command: string; readonly reply: string; readonly start: number; line: number };

const IDLE: State = { at: 'idle' };

/**
 * Cuts what is read from the FIFO into commands of both forms:
 *
 *     :reply:{json}            JSON-RPC, ended by its closing bracket, over several lines or with several on one
 *     :command:reply\n         line text, parameters one a line, ended by an empty line
 *
 * They are told apart by what follows the second colon. White space before a command is skipped, a line that does not
 * start with a colon is dropped. Writes may be torn anywhere. The original waits for the rest of a half command for ever
 * and takes the next one as part of it; here a half command is given up when another begins or when `expire` is called.
 */
export class FifoFraming {
  /** Bytes not yet used, one character a byte. */
  private buffer = '';
  private state: State = IDLE;
  private items: FifoItem[] = [];

  /** Whether part of a command is held. */
  get waiting(): boolean {
    return this.buffer !== '' || this.state.at === 'garbage';
  }

  /** Takes what was read and returns the commands that are now complete. */
  push(chunk: Uint8Array): readonly FifoItem[] {
    this.buffer += Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1');
    this.advance();
    return this.take();
  }

  /** Gives up the half command that is held, and goes on with a complete one that was written behind it. */
  expire(): readonly FifoItem[] {
    while (this.buffer !== '') {
      const held = this.buffer;
      this.giveUp('half', 'was not completed in time');
      const next = held.slice(1).search(NEXT_WITHIN);
      if (next < 0) break;
      this.buffer = held.slice(next + 1);
      this.state = IDLE;
      this.advance();
    }
    this.buffer = '';
    this.state = IDLE;
    return this.take();
  }

  private take(): readonly FifoItem[] {
    const items = this.items;
    this.items = [];
    return items;
  }

  private advance(): void {
    while (this.buffer !== '' && this.step()) {
      // Each step uses up some of the buffer or changes the state.
    }
  }

  /** Goes one step; false when more bytes are needed. */
  private step(): boolean {
    switch (this.state.at) {
      case 'idle':
        return this.head();
      case 'garbage':
        return this.dropLine();
      case 'json':
        return this.json(this.state);
      case 'text':
        return this.text(this.state);
    }
  }

  private dropLine(): boolean {
    const newline = this.buffer.indexOf('\n');
    this.buffer = newline < 0 ? '' : this.buffer.slice(newline + 1);
    if (newline >= 0) this.state = IDLE;
    return newline >= 0;
  }

  /** ":name:" and what tells the form. */
  private head(): boolean {
    this.buffer = this.buffer.replace(/^[\x00-\x20]+/, '');
    if (this.buffer === '') return false;
    if (this.buffer.charCodeAt(0) !== 58 /* : */) return this.garbage('a line does not start with ":"');
    const second = this.buffer.indexOf(':', 1);
    const newline = this.buffer.indexOf('\n');
    if (newline >= 0 && (second < 0 || newline < second)) return this.garbage('a line has no second ":"');
    if (second < 0) return this.buffer.length > MAX_HEAD ? this.garbage('a line has no second ":"') : false;
    const name = this.buffer.slice(1, second);
    let after = second + 1;
    while (this.buffer[after] === ' ' || this.buffer[after] === '\t') after++;
    const form = this.buffer[after];
    if (form === '{' || form === '[') {
      this.state = { at: 'json', reply: name, start: after, scanner: new JsonScanner(after), seen: 0 };
      return true;
    }
    if (newline < 0) return this.buffer.length > MAX_HEAD ? this.garbage('a command line is too long') : false;
    const reply = this.buffer.slice(second + 1, newline);
    const glued = reply.indexOf(':');
    if (glued >= 0) {
      // ":ds_reload:rpl1:version:rpl2": the first was never ended, the second is whole. ":ds_rel:version:rpl2": nor its name.
      this.giveUp('half', 'is followed by another on its line');
      this.buffer = this.buffer.slice(reply.includes(':', glued + 1) ? second + 1 + glued : second);
      return true;
    }
    this.state = { at: 'text', command: name, reply, start: newline + 1, line: newline + 1 };
    return true;
  }

  private json(state: Extract<State, { at: 'json' }>): boolean {
    const end = state.scanner.scan(this.buffer);
    if (end === -2) return this.garbage('a JSON value is nested too deeply');
    JSON_INTERRUPTED.lastIndex = Math.max(state.start, state.seen - MAX_HEAD);
    const interrupted = JSON_INTERRUPTED.exec(end < 0 ? this.buffer : this.buffer.slice(0, end));
    state.seen = this.buffer.length;
    if (interrupted !== null) {
      this.giveUp('half', 'is followed by another');
      this.buffer = this.buffer.slice(interrupted.index + 1);
      this.state = IDLE;
      return true;
    }
    if ((end < 0 ? this.buffer.length : end - state.start) > MAX_REQUEST_BYTES) return this.oversized();
    if (end < 0) return false;
    const body = fromBytes(this.buffer.slice(state.start, end));
    this.buffer = this.buffer.slice(end);
    this.state = IDLE;
    if (!REPLY_NAME.test(state.reply)) this.badReplyName(state.reply, 'json');
    else this.items.push({ kind: 'json', reply: state.reply, body });
    return true;
  }

  private text(state: Extract<State, { at: 'text' }>): boolean {
    for (;;) {
      const newline = this.buffer.indexOf('\n', state.line);
      const line = this.buffer.slice(state.line, newline < 0 ? undefined : newline);
      if (NEXT_JSON_COMMAND.test(line) || (newline >= 0 && NEXT_TEXT_COMMAND.test(line))) {
        const from = state.line;
        this.giveUp('half', 'is followed by another');
        this.buffer = this.buffer.slice(from);
        this.state = IDLE;
        return true;
      }
      if ((newline < 0 ? this.buffer.length : newline) - state.start > MAX_REQUEST_BYTES) return this.oversized();
      if (newline < 0) return false;
      if (line === '' || line === '\r') {
        const body = this.buffer.slice(state.start, state.line);
        this.buffer = this.buffer.slice(newline + 1);
        this.state = IDLE;
        this.textCommand(state.command, state.reply, fromBytes(body));
        return true;
      }
      state.line = newline + 1;
    }
  }

  private textCommand(command: string, reply: string, body: string): void {
    if (!REPLY_NAME.test(reply)) {
      this.badReplyName(reply, 'text');
      return;
    }
    try {
      if (!/^[^\x00-\x20\x7f]+$/.test(command)) throw new Error('its name is empty or not printable');
      this.items.push({ kind: 'text', reply, request: { command, params: parseParams(body) } });
    } catch (error) {
      const message = `a command is refused: ${(error as Error).message}`;
      this.items.push({ kind: 'refused', reason: 'malformed', message, reply, form: 'text' });
    }
  }

  private badReplyName(reply: string, form: 'json' | 'text'): void {
    const message = `the reply FIFO name ${JSON.stringify(reply.slice(0, 80))} is not a plain name; the command is not run`;
    this.items.push({ kind: 'refused', reason: 'reply-name', message, reply: '', form });
  }

  private garbage(message: string): boolean {
    this.items.push({
      kind: 'refused',
      reason: 'malformed',
      message: `${message}; it is dropped`,
      reply: '',
      form: 'text',
    });
    this.state = { at: 'garbage' };
    return true;
  }

  private oversized(): boolean {
    this.giveUp('oversized', `is longer than ${MAX_REQUEST_BYTES} bytes`);
    this.state = { at: 'garbage' };
    return true;
  }

  /** Reports the command that is held; the caller decides where reading goes on. */
  private giveUp(reason: 'half' | 'oversized', why: string): void {
    const { state } = this;
    const form = state.at === 'json' ? 'json' : 'text';
    const named = state.at === 'json' || state.at === 'text' ? state.reply : '';
    const reply = REPLY_NAME.test(named) ? named : '';
    this.items.push({ kind: 'refused', reason, message: `a command ${why}; it is dropped`, reply, form });
  }
}

function fromBytes(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8');
}
