import { KAMAILIO_FUNCTIONS, OPENSIPS_2_FUNCTIONS, OPENSIPS_FUNCTIONS } from '../route/dispatcher/table.js';
import { KAMAILIO, OPENSIPS, type ScriptFunction } from './define.js';
import { sharedFunctions } from './shared.js';

/** Functions of dispatcher in both languages, including older versions of OpenSIPS. */
export const dispatcherFunctions: ScriptFunction[] = [
  ...sharedFunctions('dispatcher', OPENSIPS, OPENSIPS_2_FUNCTIONS).map((each) => ({ ...each, until: 2 })),
  ...sharedFunctions('dispatcher', OPENSIPS, OPENSIPS_FUNCTIONS),
  ...sharedFunctions('dispatcher', KAMAILIO, KAMAILIO_FUNCTIONS),
];
