import type { SipMessage } from '../../sip/message.js';
import type { Selections } from './selections.js';
import type { DispatcherSite, SelectingCall } from './site.js';

/** A call, with the destinations that its routes have selected. */
export interface DispatcherCall extends SelectingCall {
  readonly selections: Selections;
}

/** The execution of a route for a message of a call. */
export interface DispatcherCallSite extends DispatcherSite {
  readonly call: DispatcherCall;
  /** The message that the route handles: the request, or the reply in reply routes. */
  readonly message: SipMessage;
}
