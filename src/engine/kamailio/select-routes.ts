import type { SelectTarget } from '../selection.js';

/** Groups in one text; the documentation knows no bound, a variable of a caller should. */
const MOST_GROUPS = 64;
const GROUP = /^([0-9]{0,10})=([0-9]{0,10})$/;

/** Rules of ds_select_routes, read. */
export interface SelectRoutes {
  readonly targets: readonly SelectTarget[];
  /** What is wrong with the rest of the text; `targets` holds the groups before it. */
  readonly problem: string | undefined;
}

/**
 * Reads "setid=alg;setid=alg": groups to be tried one after the other, each in the order of its own algorithm. An empty
 * number is 0, and so is the algorithm of a set without one at the very end; one ";" may follow (recorded). `limit`:
 * targets kept over all groups, 0 or less for all.
 */
export function parseRoutes(rules: string, flags: number, limit: number): SelectRoutes {
  const targets: SelectTarget[] = [];
  const groups = rules.split(';');
  const last = groups.length - 1;
  if (last > 0 && groups[last] === '') groups.pop();
  else if (/^[0-9]+$/.test(groups[last] as string)) groups[last] += '=';
  for (const group of groups) {
    const match = GROUP.exec(group);
    if (match === null) return { targets, problem: `"${group}" in rules "${rules}" is not setid=algorithm` };
    if (targets.length === MOST_GROUPS) return { targets, problem: `more than ${MOST_GROUPS} groups in rules` };
    targets.push({ setId: Number(match[1]), algorithm: Number(match[2]), flags, maxResults: limit });
  }
  return { targets, problem: undefined };
}

/** Where the first target of ds_select_routes goes: the next hop, the Request-URI, or nowhere. */
export type RoutesMode = 'destination' | 'request-uri' | 'list';

/** The mode its first letter says: 0 d D, 1 r R, 2 x X. Undefined for any other. */
export function routesMode(mode: string): RoutesMode | undefined {
  switch (mode.charAt(0).toLowerCase()) {
    case '0':
    case 'd':
      return 'destination';
    case '1':
    case 'r':
      return 'request-uri';
    case '2':
    case 'x':
      return 'list';
    default:
      return undefined;
  }
}
