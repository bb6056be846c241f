import type { SipMessage } from '../../sip/message.js';
import { KAMAILIO_FUNCTIONS } from '../dispatcher/table.js';
import { HEADER_FUNCTIONS } from '../functions/headers.js';
import { MESSAGE_FUNCTIONS } from '../functions/message.js';
import { called, optional } from './arguments.js';
import { SetFunctions } from './set-functions.js';
import type { RouteMessageSite } from './site.js';

/** Why a text is not written into a message. */
export const LINE_BREAK = 'a line break in the value of a variable';

/** Functions of routes that handle a message. */
export class MessageFunctions extends SetFunctions {
  declare protected readonly site: RouteMessageSite;

  constructor(site: RouteMessageSite) {
    super(site);
  }

  protected get message(): SipMessage {
    return this.site.message;
  }

  /** Whether the method is one of these: is_method('INVITE|ACK'). For a reply, the method in CSeq is tested. */
  is_method(names: string): boolean {
    return this.done(called(this.site, MESSAGE_FUNCTIONS.is_method, names));
  }

  /** Whether To has a tag, as in requests inside a dialog. */
  has_totag(): boolean {
    return this.done(called(this.site, MESSAGE_FUNCTIONS.has_totag));
  }

  /** Whether the message has a header field with that name. */
  is_present_hf(name: string): boolean {
    return this.done(called(this.site, HEADER_FUNCTIONS.is_present_hf, name));
  }

  /**
   * Appends header lines when the message is sent: append_hf('X-Way: $du\r\n'). False, and nothing is appended, for a
   * text that is not a header line and for fields that a proxy needs (Via, From, To, Call-ID, CSeq, Max-Forwards,
   * Content-Length).
   */
  append_hf(text: string): boolean {
    this.running('append_hf');
    const lines = this.lines(text);
    if (lines === undefined) return this.refused('append_hf', LINE_BREAK);
    return this.done(HEADER_FUNCTIONS.append_hf.run(this.site, lines));
  }

  /**
   * Updates call load: BYE and CANCEL end the call with this Call-ID, a 2xx to its INVITE confirms it. Always true.
   * Without a partition, applies to all partitions of flavour kamailio.
   */
  ds_load_update(partition?: string): boolean {
    return this.done(KAMAILIO_FUNCTIONS.ds_load_update.run(this.site, optional(this.pvars, partition)));
  }

  /** Header lines with their variables replaced; undefined when the value of a variable contains a line break. */
  protected lines(text: string): string | undefined {
    const lines = this.format(text);
    return lines.split('\n').length > text.split('\n').length ? undefined : lines;
  }

  /** Removes all header fields of a name when the message is sent. False when there are none. */
  remove_hf(name: string): boolean {
    this.running('remove_hf');
    return this.done(called(this.site, HEADER_FUNCTIONS.remove_hf, name));
  }
}
