/** A branch a script added: it is sent to beside the request-URI. */
export interface RequestBranch {
  uri: string;
  destinationUri: string | undefined;
  q: string;
  path: string;
  flags: number;
  /** Description of the socket it leaves by. */
  socket: string | undefined;
}

/** Branches one request may have. */
export const MOST_BRANCHES = 12;
