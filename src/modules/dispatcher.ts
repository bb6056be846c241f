import { isKamailioUri } from '../pvar/variables/script-uris.js';
import { KAMAILIO_FUNCTIONS, OPENSIPS_2_FUNCTIONS, OPENSIPS_FUNCTIONS } from '../route/dispatcher/table.js';
import type { MessageRun } from '../script/call.js';
import { KAMAILIO, OPENSIPS, type ScriptFunction } from './define.js';
import { sharedFunctions } from './shared.js';

const { ds_mark_dst: mark, ds_select_domain: selectDomain, ds_select_routes: selectRoutes } = KAMAILIO_FUNCTIONS;

/** As recorded, a request-URI that is not valid is left unchanged. */
const hasUri = (run: MessageRun): boolean => isKamailioUri(run.call.requestUri);

/**
 * The functions of Kamailio's module. When one of them changes a state, the event route can see the run that called it.
 */
const kamailio = {
  ...KAMAILIO_FUNCTIONS,
  ds_mark_dst: {
    ...mark,
    run(run: MessageRun, state?: string): number {
      const { marking } = run.env;
      if (marking !== undefined) marking.run = run;
      const result = mark.run(run, state);
      if (marking !== undefined) marking.run = undefined;
      return result;
    },
  },
  ds_select_domain: {
    ...selectDomain,
    run: (run: MessageRun, set: string, algorithm: string, limit?: string): number =>
      hasUri(run) ? selectDomain.run(run, set, algorithm, limit) : -1,
  },
  ds_select_routes: {
    ...selectRoutes,
    run: (run: MessageRun, rules: string, mode: string, limit?: string): number =>
      hasUri(run) || !/^[ \t\r\n]*[rR1]/.test(mode) ? selectRoutes.run(run, rules, mode, limit) : -1,
  },
};

/** Functions of dispatcher in both languages, including older versions of OpenSIPS. */
export const dispatcherFunctions: ScriptFunction[] = [
  ...sharedFunctions('dispatcher', OPENSIPS, OPENSIPS_2_FUNCTIONS).map((each) => ({ ...each, until: 2 })),
  ...sharedFunctions('dispatcher', OPENSIPS, OPENSIPS_FUNCTIONS),
  ...sharedFunctions('dispatcher', KAMAILIO, kamailio),
];
