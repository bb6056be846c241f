import type { SelectTarget } from '../selection.js';

/**
 * Maximum number of groups in the rules. The documentation has no limit, but a variable of the caller may contain them.
 */
const MAX_GROUPS = 64;
const GROUP = /^([0-9]{0,10})=([0-9]{0,10})$/;

/** The parsed rules of ds_select_routes. */
export interface SelectRoutes {
  readonly targets: readonly SelectTarget[];
  /** What is wrong with the rest of the text; `targets` has the groups before it. */
  readonly problem: string | undefined;
}

/**
 * Parses "setid=alg;setid=alg": groups to try one after the other, each with its own algorithm. An empty number means
 * 0. The last group may lack its algorithm (0), and one ";" may follow it (recorded). `limit`: most targets of all
 * groups, 0 or less for all.
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
    if (targets.length === MAX_GROUPS) return { targets, problem: `more than ${MAX_GROUPS} groups in rules` };
    targets.push({ setId: Number(match[1]), algorithm: Number(match[2]), flags, maxResults: limit });
  }
  return { targets, problem: undefined };
}

/** Where the first target of ds_select_routes is written: the next hop, the request-URI, or nowhere. */
export type RoutesMode = 'destination' | 'request-uri' | 'list';

/** The mode from its first letter: 0 d D, 1 r R, 2 x X. Undefined for any other. */
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
