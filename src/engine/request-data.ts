/** A request as plain data, in a line for batch selection instead of a SIP message. Strings are latin1. */
export interface RequestData {
  readonly method: string;
  readonly ruri: string;
  /** Complete header values, with display name and tag. */
  readonly from: string;
  readonly to: string;
  readonly callid: string;
  /** Further headers in order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}
