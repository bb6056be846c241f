import type { SipMessage } from '../../sip/message.js';
import { KAMAILIO_FUNCTIONS } from '../dispatcher/table.js';
import { HEADER_FUNCTIONS } from '../functions/headers.js';
import { MESSAGE_FUNCTIONS } from '../functions/message.js';
import { called, optional } from './arguments.js';
import { SetFunctions } from './set-functions.js';
import type { RouteMessageSite } from './site.js';

/** Why a text is not put into a message. */
export const LINE_BREAK = 'a line break in the value of a variable';

/** What routes that work on a message can do with it. */
export class MessageFunctions extends SetFunctions {
  declare protected readonly site: RouteMessageSite;

  constructor(site: RouteMessageSite) {
    super(site);
  }

  protected get message(): SipMessage {
    return this.site.message;
  }

  /** Whether the method is one of these: is_method('INVITE|ACK'). Of a reply it is that of CSeq. */
  is_method(names: string): boolean {
    return this.done(called(this.site, MESSAGE_FUNCTIONS.is_method, names));
  }

  /** Whether To has a tag: the request belongs to a dialog. */
  has_totag(): boolean {
    return this.done(called(this.site, MESSAGE_FUNCTIONS.has_totag));
  }

  /** Whether a header field of that name is there. */
  is_present_hf(name: string): boolean {
    return this.done(called(this.site, HEADER_FUNCTIONS.is_present_hf, name));
  }

  /**
   * Appends header lines when the message leaves: append_hf('X-Way: $du\r\n'). False, and nothing is appended, for what
   * is no header line and for fields a proxy depends on (Via, From, To, Call-ID, CSeq, Max-Forwards, Content-Length).
   */
  append_hf(text: string): boolean {
    this.running('append_hf');
    const lines = this.lines(text);
    if (lines === undefined) return this.refused('append_hf', LINE_BREAK);
    return this.done(HEADER_FUNCTIONS.append_hf.run(this.site, lines));
  }

  /**
   * Call load follows the call: BYE and CANCEL end it, a 2xx to its INVITE confirms it. Always true. Without a partition in
   * all of flavour kamailio: the call is identified by its Call-ID.
   */
  ds_load_update(partition?: string): boolean {
    return this.done(KAMAILIO_FUNCTIONS.ds_load_update.run(this.site, optional(this.pvars, partition)));
  }

  /** Header lines with their variables replaced; undefined when a value brought a line break of its own with it. */
  protected lines(text: string): string | undefined {
    const lines = this.format(text);
    return lines.split('\n').length > text.split('\n').length ? undefined : lines;
  }

  /** Removes all header fields of a name when the message leaves. False when there is none. */
  remove_hf(name: string): boolean {
    this.running('remove_hf');
    return this.done(called(this.site, HEADER_FUNCTIONS.remove_hf, name));
  }
}
