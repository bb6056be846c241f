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

/** Whether text is the q of a branch as Kamailio reads it: "0.5", ".5", "1.0", blanks before it allowed; "" is none. */
export function isQ(text: string): boolean {
  return /^\s*(?:0*(?:\.\d+)?|0*1(?:\.0+)?)$/.test(text);
}

/** A q in thousandths, further digits cut off. */
export function thousandthsOf(q: string): number {
  const [whole = '', part = ''] = q.trim().split('.');
  return Number(whole) * 1000 + Number(part.slice(0, 3).padEnd(3, '0'));
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
