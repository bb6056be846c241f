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

/** Branches one request may have, that of the request-URI included. */
export const MOST_BRANCHES = 12;

/** Adds a branch beside the request-URI; false when there are as many as there may be. What is not given is empty. */
export function addBranch(
  branches: RequestBranch[],
  branch: Pick<RequestBranch, 'uri'> & Partial<RequestBranch>,
): boolean {
  if (branches.length >= MOST_BRANCHES - 1) return false;
  branches.push({ destinationUri: undefined, q: '', path: '', flags: 0, socket: undefined, ...branch });
  return true;
}
