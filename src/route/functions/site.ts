import type { PvarScope } from '../../pvar/context.js';
import type { FieldSpan, SipMessage } from '../../sip/message.js';

/** Changes to one message, written when it is sent. */
export interface MessageEditor {
  /** Inserts text before an offset of the message. Returns why it was refused, or undefined. */
  insert(at: number, text: string): string | undefined;
  /** Removes the text between two offsets; false when it was removed before. */
  remove(start: number, end: number): boolean;
  /** Why fields of a name cannot be removed; undefined where they can. */
  keeps(name: string): string | undefined;
}

/**
 * The execution of a route for a message: the object that functions of both script languages work on. `RouteSite`
 * implements it for JavaScript, `MessageRun` for cfg files.
 */
export interface MessageSite {
  readonly pvars: PvarScope;
  /** The message that the route handles: the request, or the reply in reply routes. */
  readonly message: SipMessage;
  readonly edits: MessageEditor;
  /** Status of the reply that the route handles, or of the chosen one; undefined where there is none. */
  readonly replyStatus: number | undefined;
  /** Header fields of a name, including those in its compact form. */
  fields(name: string): Iterable<FieldSpan>;
  /** Logs, limited in rate, why the arguments of a function are refused. Returns -1, the result of the function. */
  refused(name: string, reason: string): number;
}
