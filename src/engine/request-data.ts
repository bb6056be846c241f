/** A request as plain data: what a batch line gives instead of a SIP message. Strings are latin1. */
export interface RequestData {
  readonly method: string;
  readonly ruri: string;
  /** Full header values, with display name and tag. */
  readonly from: string;
  readonly to: string;
  readonly callid: string;
  /** Further headers, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}
