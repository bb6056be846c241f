import {
  type Arg,
  code,
  type FunctionSpec,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  param,
  type ScriptFunction,
} from '../define.js';
import { flagBit } from '../flags.js';
import { DIALOG_ROUTES, dialogOf, tableOf } from './current.js';
import { kamailioFunctions } from './functions-kamailio.js';
import { opensipsFunctions } from './functions-opensips.js';
import { profileFunctions } from './profile-functions.js';

/** Functions on the flags of the dialog; Kamailio keeps flags that are set before the dialog begins. */
function flagFunctions(
  names: Readonly<Record<'set' | 'reset' | 'test', readonly [string, FunctionSpec['dialects']][]>>,
): FunctionSpec[] {
  return (['set', 'reset', 'test'] as const).flatMap((act) =>
    names[act].map(
      ([name, dialects]): FunctionSpec => ({
        name,
        ...(dialects === undefined ? {} : { dialects }),
        parameters: [param('flag', 'flag')],
        routes: DIALOG_ROUTES,
        summary: act === 'test' ? 'whether a flag of the dialog is set' : `${act}s a flag of the dialog`,
        compile: ([flag]) => {
          // As recorded, a number above 31 is accepted by Kamailio and has no effect.
          const { text } = flag as Arg;
          const bit = dialects === KAMAILIO && /^\d+$/.test(text) && Number(text) > 31 ? 0 : 1 << flagBit(text);
          return (run) => {
            if (bit === 0) return -1;
            const dialog = dialogOf(run);
            const holder =
              dialog ?? (run.env.dialect === 'kamailio' ? tableOf(run).pendingSettings(run.call) : undefined);
            if (holder === undefined) return -1;
            if (act === 'set') holder.flags |= bit;
            else if (act === 'reset') holder.flags &= ~bit;
            return act === 'test' ? code((holder.flags & bit) !== 0) : 1;
          };
        },
      }),
    ),
  );
}

/** Functions of dialog. */
export const dialogFunctions: ScriptFunction[] = moduleFunctions('dialog', [
  ...profileFunctions(),
  ...flagFunctions({
    set: [
      ['set_dlg_flag', OPENSIPS],
      ['dlg_setflag', KAMAILIO],
    ],
    reset: [
      ['reset_dlg_flag', OPENSIPS],
      ['dlg_resetflag', KAMAILIO],
    ],
    test: [
      ['is_dlg_flag_set', OPENSIPS],
      ['dlg_isflagset', KAMAILIO],
    ],
  }),
  ...opensipsFunctions,
  ...kamailioFunctions,
]);
