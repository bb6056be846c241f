import type { SipMessage } from '../../sip/message.js';
import type { Selections } from './selections.js';
import type { DispatcherSite, SelectingCall } from './site.js';

/** A call with what its routes have selected. */
export interface DispatcherCall extends SelectingCall {
  readonly selections: Selections;
}

/** A route at work on the messages of one call. */
export interface DispatcherCallSite extends DispatcherSite {
  readonly call: DispatcherCall;
  /** The message at hand: the request, or in reply routes the reply. */
  readonly message: SipMessage;
}
