import type { PvarScope } from '../../pvar/context.js';
import type { FieldSpan, SipMessage } from '../../sip/message.js';

/** Changes to one message, written when it leaves. */
export interface MessageEditor {
  /** Inserts text before an offset of the message. Returns why it is not done. */
  insert(at: number, text: string): string | undefined;
  /** Takes out the text between two offsets; false when it was taken out before. */
  remove(start: number, end: number): boolean;
  /** Why fields of a name cannot be taken out; undefined where they can. */
  keeps(name: string): string | undefined;
}

/**
 * A route at work on a message: what the functions of both script languages work on. `RouteSite` implements it for
 * JavaScript, `MessageRun` for cfg files.
 */
export interface MessageSite {
  readonly pvars: PvarScope;
  /** The message at hand: the request, or in reply routes the reply. */
  readonly message: SipMessage;
  readonly edits: MessageEditor;
  /** Status of the reply the route is called for, or that was chosen; undefined where there is none. */
  readonly replyStatus: number | undefined;
  /** Header fields of a name, by its compact form too. */
  fields(name: string): Iterable<FieldSpan>;
  /** Logs, rate limited, why the arguments of a function are refused. Returns -1, what the function then returns. */
  refused(name: string, reason: string): number;
}
