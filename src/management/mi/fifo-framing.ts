import { HeldBytes } from '../../core/held-bytes.js';
import { MAX_REQUEST_BYTES } from './handler.js';
import { JsonScanner } from './json-scanner.js';
import type { TextRequest } from './line-text.js';
import { parseParams } from './line-text.js';

/** A command read from a FIFO. `reply`: name of the reply FIFO, '' for none. */
export type FifoItem =
  | { readonly kind: 'json'; readonly reply: string; readonly body: string }
  | { readonly kind: 'text'; readonly reply: string; readonly request: TextRequest }
  /** Text that is not a command; `reply` and `form` if they could be read, so that its writer gets an answer. */
  | {
      readonly kind: 'refused';
      readonly reason: 'malformed' | 'oversized' | 'half' | 'reply-name';
      readonly message: string;
      readonly reply: string;
      readonly form: 'json' | 'text';
    };

/** Longest head ":name:reply". */
const MAX_HEAD = 256;
/**
 * Allowed names of reply FIFOs: no "/" and no ".", so that they are in the reply folder (recorded), and only printable
 * characters.
 */
const REPLY_NAME = /^[^/.:\x00-\x20\x7f]{0,128}$/;
const COMMAND_NAME = /^[^\x00-\x20\x7f]+$/;
/** The head of the next command after an incomplete one: no line within JSON can begin like this. */
const JSON_INTERRUPTED = /^\n:[^:\s"{}[\],]{0,128}:/;
/** Text that may become such a head, or the line break before it. */
const PARTIAL_HEAD = /^\n(?::[^:\s"{}[\],]{0,128})?$/;
/** Longest such head. */
const INTERRUPTION = 131;
/** A line that begins the next command, and is not a parameter. */
const NEXT_TEXT_COMMAND = /^:[^:\s]{1,128}:[^:\s]{0,128}\n/;
const NEXT_JSON_COMMAND = /^:[^:\s]{0,128}:[ \t]{0,256}[{[]/;
/** How many characters of such a line are examined. */
const NEXT_COMMAND = 388;
/** Where, in a dropped command, another one may begin that was written right after it. */
const NEXT_WITHIN = /:[^:\s"{}[\],]{0,128}:[ \t]{0,256}\{|:[a-z_]{1,64}:[^/.:\s"{}[\],]{0,128}\n/;
/** Maximum number of commands searched for after a dropped one. */
const MAX_RECOVERIES = 4;
/** Maximum number of refusals in one read that are reported individually. */
const MAX_REFUSALS = 64;

const TAB = 9;
const NEWLINE = 10;
const RETURN = 13;
const BLANK = 32;
const COLON = 58;
const OPEN_BRACKET = 91;
const OPEN_BRACE = 123;

type State =
  | { readonly at: 'idle' }
  /** The rest of the line is dropped. */
  | { readonly at: 'garbage' }
  | {
      readonly at: 'json';
      readonly reply: string;
      start: number;
      readonly scanner: JsonScanner;
      /** From here on, line breaks have not been examined for another command. */
      checked: number;
    }
  | { readonly at: 'text'; readonly command: string; readonly reply: string; start: number; line: number };

const IDLE: State = { at: 'idle' };

/**
 * Splits what is read from the FIFO into commands of both forms:
 *
 *     :reply:{json}            JSON-RPC, up to its closing bracket; it may have several lines, or share a line with others
 *     :command:reply\n         line text, one parameter per line, up to an empty line
 *
 * The character after the second colon distinguishes them. White space before a command is skipped; a line that does
 * not start with a colon is dropped. A write may arrive in several parts. OpenSIPS waits for the rest of an incomplete
 * command forever and takes the next command as part of it; here an incomplete command is dropped when another begins
 * or when `expire` is called.
 *
 * The work is linear in what is written: each character is examined a bounded number of times.
 */
export class FifoFraming {
  private readonly buffer = new HeldBytes();
  /** Position in the buffer of the command to read next. */
  private at = 0;
  /** Where a line break was searched, and the first one found; up to `to` there is no other. */
  private readonly looked = { from: 0, to: 0, newline: -1 };
  private state: State = IDLE;
  private items: FifoItem[] = [];
  private refusals = 0;

  /** Whether a part of a command is held. */
  get waiting(): boolean {
    return this.at < this.buffer.length || this.state.at === 'garbage';
  }

  /** Adds a chunk and returns the completed commands. */
  push(chunk: Uint8Array): readonly FifoItem[] {
    this.forgetUsed();
    this.buffer.add(chunk);
    this.advance();
    return this.take();
  }

  /** Drops the incomplete command, and returns complete ones written after it. */
  expire(): readonly FifoItem[] {
    for (let i = 0; this.at < this.buffer.length && i < MAX_RECOVERIES; i++) {
      this.giveUp('half', 'was not completed in time');
      const from = this.at + 1;
      const next = NEXT_WITHIN.exec(this.buffer.text(from, this.buffer.length));
      if (next === null) break;
      this.at = from + next.index;
      this.state = IDLE;
      this.advance();
    }
    this.at = this.buffer.length;
    this.forgetUsed();
    this.state = IDLE;
    return this.take();
  }

  private take(): readonly FifoItem[] {
    const { items } = this;
    const unreported = this.refusals - MAX_REFUSALS;
    if (unreported > 0) {
      const message = `${unreported} more commands of one read are malformed; they are dropped`;
      items.push({ kind: 'refused', reason: 'malformed', message, reply: '', form: 'text' });
    }
    this.items = [];
    this.refusals = 0;
    return items;
  }

  /** Removes used text from the buffer, and adjusts positions in it. */
  private forgetUsed(): void {
    const { state, at, looked } = this;
    if (at === 0) return;
    this.buffer.drop(at);
    this.at = 0;
    // The line break has been used; nothing is known about the text after it.
    if (looked.newline >= 0 && looked.newline < at) Object.assign(looked, { from: 0, to: 0, newline: -1 });
    else {
      looked.from = Math.max(0, looked.from - at);
      looked.to = Math.max(0, looked.to - at);
      if (looked.newline >= 0) looked.newline -= at;
    }
    if (state.at === 'json') {
      state.start -= at;
      state.checked -= at;
      state.scanner.shift(at);
    } else if (state.at === 'text') {
      state.start -= at;
      state.line -= at;
    }
  }

  /** Index of the first line break from `from` on; the end of the buffer if there is none. */
  private lineEnd(from: number): number {
    const { looked, buffer } = this;
    if (from < looked.from || (looked.newline >= 0 && looked.newline < from)) {
      looked.from = from;
      looked.to = from;
      looked.newline = -1;
    }
    if (looked.newline < 0) {
      looked.newline = buffer.indexOf(NEWLINE, Math.max(from, looked.to));
      looked.to = buffer.length;
    }
    return looked.newline < 0 ? buffer.length : looked.newline;
  }

  private advance(): void {
    while (this.at < this.buffer.length && this.step()) {
      // Each step uses some of the buffer or changes the state.
    }
  }

  /** Does one step; false when more text is needed. */
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
    const end = this.lineEnd(this.at);
    const ended = end < this.buffer.length;
    this.at = ended ? end + 1 : end;
    if (ended) this.state = IDLE;
    return ended;
  }

  /** Reads ":name:" and what determines the form. */
  private head(): boolean {
    const { buffer } = this;
    while (this.at < buffer.length && buffer.at(this.at) <= 32) this.at++;
    const { at } = this;
    if (at === buffer.length) return false;
    if (buffer.at(at) !== COLON) return this.garbage('a line does not start with ":"');
    const held = buffer.length - at;
    const second = buffer.indexOf(COLON, at + 1);
    const newline = this.lineEnd(at);
    const whole = newline < buffer.length;
    if (whole && (second < 0 || newline < second)) return this.garbage('a line has no second ":"');
    if (second < 0) return held > MAX_HEAD ? this.garbage('a line has no second ":"') : false;
    const name = buffer.text(at + 1, second);
    let after = second + 1;
    while (buffer.at(after) === BLANK || buffer.at(after) === TAB) after++;
    const form = buffer.at(after);
    if (form === OPEN_BRACE || form === OPEN_BRACKET) {
      this.state = { at: 'json', reply: name, start: after, scanner: new JsonScanner(after), checked: after };
      return true;
    }
    if (!whole) return held > MAX_HEAD ? this.garbage('a command line is too long') : false;
    const glued = buffer.indexOf(COLON, second + 1);
    if (glued >= 0 && glued < newline) {
      // In ":ds_reload:rpl1:version:rpl2" the first command was never ended, and the second is complete. In
      // ":ds_rel:version:rpl2" even the first name is incomplete.
      this.giveUp('half', 'is followed by another on its line');
      const next = buffer.indexOf(COLON, glued + 1);
      this.at = next >= 0 && next < newline ? glued : second;
      return true;
    }
    const reply = buffer.text(second + 1, newline);
    this.state = { at: 'text', command: name, reply, start: newline + 1, line: newline + 1 };
    return true;
  }

  private json(state: Extract<State, { at: 'json' }>): boolean {
    const { buffer } = this;
    /** The last line break read so far, unless it may begin the head of another command. */
    let begun = -1;
    for (;;) {
      const newline = this.lineEnd(state.checked);
      const end = newline < state.scanner.scanned ? -1 : state.scanner.scan(buffer.bytes, newline);
      if (end === -2) {
        // Scanned characters are not scanned again.
        this.at = state.scanner.scanned;
        return this.garbage('a JSON value is nested too deeply');
      }
      if ((end < 0 ? newline : end) - state.start > MAX_REQUEST_BYTES) return this.oversized(state.scanner.scanned);
      if (end >= 0) {
        this.at = end;
        this.state = IDLE;
        const body = buffer.utf8(state.start, end);
        if (!REPLY_NAME.test(state.reply)) this.badReplyName(state.reply, 'json');
        else this.items.push({ kind: 'json', reply: state.reply, body });
        return true;
      }
      if (newline === buffer.length) {
        state.checked = begun < 0 ? newline : begun;
        return false;
      }
      const isHead = newline + 1 === buffer.length || buffer.at(newline + 1) === COLON;
      const head = isHead ? buffer.text(newline, newline + INTERRUPTION) : '';
      if (PARTIAL_HEAD.test(head)) begun = newline;
      if (JSON_INTERRUPTED.test(head)) {
        this.giveUp('half', 'is followed by another');
        this.at = newline + 1;
        this.state = IDLE;
        return true;
      }
      state.checked = newline + 1;
    }
  }

  private text(state: Extract<State, { at: 'text' }>): boolean {
    const { buffer } = this;
    for (;;) {
      const newline = this.lineEnd(state.line);
      const line =
        buffer.at(state.line) === COLON
          ? buffer.text(state.line, Math.min(newline + 1, state.line + NEXT_COMMAND))
          : '';
      if (NEXT_JSON_COMMAND.test(line) || NEXT_TEXT_COMMAND.test(line)) {
        this.giveUp('half', 'is followed by another');
        this.at = state.line;
        this.state = IDLE;
        return true;
      }
      if (newline - state.start > MAX_REQUEST_BYTES) return this.oversized(state.line);
      if (newline === buffer.length) return false;
      const length = newline - state.line;
      if (length === 0 || (length === 1 && buffer.at(state.line) === RETURN)) {
        this.at = newline + 1;
        this.state = IDLE;
        this.textCommand(state.command, state.reply, buffer.utf8(state.start, state.line));
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
    if (!COMMAND_NAME.test(command)) {
      this.refuse('malformed', 'a command is refused: its name is empty or not printable', reply, 'text');
      return;
    }
    try {
      this.items.push({ kind: 'text', reply, request: { command, params: parseParams(body) } });
    } catch (error) {
      this.refuse('malformed', `a command is refused: ${(error as Error).message}`, reply, 'text');
    }
  }

  private badReplyName(reply: string, form: 'json' | 'text'): void {
    const message = `the reply FIFO name ${JSON.stringify(reply.slice(0, 80))} is not a plain name; the command is not run`;
    this.refuse('reply-name', message, '', form);
  }

  private garbage(message: string): boolean {
    this.refuse('malformed', `${message}; it is dropped`, '', 'text');
    this.state = { at: 'garbage' };
    return true;
  }

  /**
   * `from`: the beginning of the oversized part. What precedes it belongs to the command and is not parsed again, since
   * each of its lines may look like a command.
   */
  private oversized(from: number): boolean {
    this.giveUp('oversized', `is longer than ${MAX_REQUEST_BYTES} bytes`);
    this.at = from;
    this.state = { at: 'garbage' };
    return true;
  }

  /** Reports the held command; the caller decides where reading continues. */
  private giveUp(reason: 'half' | 'oversized', why: string): void {
    if (this.refusals >= MAX_REFUSALS) {
      this.refusals++;
      return;
    }
    const { state } = this;
    const form = state.at === 'json' ? 'json' : 'text';
    const named = state.at === 'json' || state.at === 'text' ? state.reply : '';
    const reply = REPLY_NAME.test(named) ? named : '';
    this.refuse(reason, `a command ${why}; it is dropped`, reply, form);
  }

  private refuse(
    reason: Extract<FifoItem, { kind: 'refused' }>['reason'],
    message: string,
    reply: string,
    form: 'json' | 'text',
  ): void {
    if (++this.refusals <= MAX_REFUSALS) this.items.push({ kind: 'refused', reason, message, reply, form });
  }
}
