import { trimmed } from '../core/characters.js';
/** A branch that a script added; it gets the request in addition to the request-URI. */
export interface RequestBranch {
  uri: string;
  destinationUri: string | undefined;
  q: string;
  path: string;
  flags: number;
  /** Description of the socket to send from. */
  socket: string | undefined;
}

/** Whether a text is a q value as Kamailio reads it: "0.5", ".5", "1.0", with leading blanks; "" is not one. */
export function isQ(text: string): boolean {
  return /^[ \t\r\n]*(?:0*(?:\.\d+)?|0*1(?:\.0+)?)$/.test(text);
}

/** A q value in thousandths; further digits are cut off. */
export function thousandthsOf(q: string): number {
  const [whole = '', part = ''] = trimmed(q).split('.');
  return Number(whole) * 1000 + Number(part.slice(0, 3).padEnd(3, '0'));
}

/**
 * Maximum number of branches of one request, including the request-URI's, unless Kamailio's max_branches says
 * otherwise.
 */
export const MAX_BRANCHES = 12;

/** Adds a branch; false when there are too many already. Properties that are not given are empty. */
export function addBranch(
  branches: RequestBranch[],
  branch: Pick<RequestBranch, 'uri'> & Partial<RequestBranch>,
  max = MAX_BRANCHES,
): boolean {
  if (branches.length >= max - 1) return false;
  branches.push({ destinationUri: undefined, q: '', path: '', flags: 0, socket: undefined, ...branch });
  return true;
}
