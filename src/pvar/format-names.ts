import type { TransformationDefinition } from './transformations/definition.js';
import {
  addressTransformations,
  csvTransformations,
  paramTransformations,
  uriTransformations,
  viaTransformations,
} from './transformations/lists.js';
import { stringTransformations } from './transformations/strings.js';
import type { VariableDefinition } from './variables/definition.js';
import { kamailioVariableTable } from './variables/kamailio.js';
import { messageVariableTable } from './variables/message.js';
import { runtimeVariableTable } from './variables/runtime.js';
import { uriVariableTable } from './variables/uris.js';

/** The names that a format may use, and how they are read. */
export interface FormatNames {
  readonly variables: ReadonlyMap<string, VariableDefinition>;
  readonly transformations: ReadonlyMap<string, TransformationDefinition>;
  /** Whether a name includes all dots and letters that follow, known or not: "$rU.x" is one name. */
  readonly greedy: boolean;
  /** Whether names of transformations are read without letter case. */
  readonly foldCase: boolean;
  /** Whether blanks in "$(...)" may only stand after a transformation. */
  readonly tight?: boolean;
  /** Whether names may contain question marks: "$rU?x" is one name. */
  readonly questionMarks?: boolean;
  /** Whether a transformation without a value becomes "" in a text instead of "<null>". */
  readonly emptyTransformed?: boolean;
  /**
   * Whether a variable used as a numeric argument of a transformation must be a number by its type: the text "2" then
   * gives no value.
   */
  readonly typedArguments?: boolean;
  /** Whether arguments of transformations keep trailing blanks (Kamailio). */
  readonly keepsBlanksAfter?: boolean;
}

const VARIABLES: ReadonlyMap<string, VariableDefinition> = new Map([
  ...uriVariableTable,
  ...messageVariableTable,
  ...runtimeVariableTable,
  ...kamailioVariableTable,
]);

const TRANSFORMATIONS: ReadonlyMap<string, TransformationDefinition> = new Map([
  ...stringTransformations,
  ...uriTransformations,
  ...paramTransformations,
  ...csvTransformations,
  ...addressTransformations,
  ...viaTransformations,
]);

/** Names for route scripts, rules and settings: those of OpenSIPS and Kamailio together. */
export const COMMON_NAMES: FormatNames = {
  variables: VARIABLES,
  transformations: TRANSFORMATIONS,
  greedy: false,
  foldCase: false,
};

/** Names of all variables, without "$". */
export function variableNames(): string[] {
  return [...VARIABLES.keys()];
}

/** Names of all transformations, "s.len" and so on. */
export function transformationNames(): string[] {
  return [...TRANSFORMATIONS.keys()];
}
