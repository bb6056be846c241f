import { COMMON_NAMES, type FormatNames } from './format.js';
import type { VariableDefinition } from './variables/definition.js';

/** Variables and transformations of opensips.cfg. */
export const OPENSIPS_NAMES: FormatNames = {
  variables: new Map([...COMMON_NAMES.variables]),
  transformations: new Map([...COMMON_NAMES.transformations]),
  greedy: true,
  foldCase: true,
};

/** Variables and transformations of kamailio.cfg. */
export const KAMAILIO_NAMES: FormatNames = {
  variables: new Map([...COMMON_NAMES.variables]),
  transformations: new Map([...COMMON_NAMES.transformations]),
  greedy: true,
  foldCase: true,
};

/** The same names with more variables, or others in their place. */
export function withVariables(names: FormatNames, more: Iterable<readonly [string, VariableDefinition]>): FormatNames {
  return { ...names, variables: new Map([...names.variables, ...more]) };
}
