import type { MessageRun } from '../../script/call.js';
import { type Arg, code, type FunctionSpec, intOf, KAMAILIO, optional, param, textOf } from '../define.js';
import { dialogOf, tableOf, withDialog } from './current.js';
import type { Dialog } from './dialog.js';
import { timeoutOf } from './profile-functions.js';
import { fixRoute, matchDialog } from './requests.js';

/** Parameters that identify another dialog. */
const CALL = [param('Call-ID', 'string'), param('From tag', 'string'), param('To tag', 'string')];

/** Properties of a dialog. */
const PROPERTIES: ReadonlySet<string> = new Set(['ka-src', 'ka-dst', 'timeout-noreset']);

/** The dialog with a Call-ID and tags. */
function named(
  run: MessageRun,
  callId: Arg | undefined,
  from: Arg | undefined,
  to: Arg | undefined,
): Dialog | undefined {
  return tableOf(run).index.findCall(textOf(callId, run), textOf(from, run), textOf(to, run));
}

/** Functions of dialog that only Kamailio has. */
export const kamailioFunctions: FunctionSpec[] = [
  {
    name: 'dlg_manage',
    dialects: KAMAILIO,
    routes: ['request'],
    summary: 'follows the dialog that an INVITE begins; finds the dialog of a request inside one',
    compile: () => (run) => {
      const table = tableOf(run);
      if (run.call.message.toTag !== '') return matchDialog(run);
      return code(dialogOf(run) === undefined && table.begin(run) !== undefined);
    },
  },
  {
    name: 'is_known_dlg',
    dialects: KAMAILIO,
    summary: 'whether the message belongs to a known dialog',
    compile: () => (run) => code(tableOf(run).lookUp(run.call) !== undefined),
  },
  {
    name: 'dlg_get',
    dialects: KAMAILIO,
    parameters: CALL,
    summary: 'makes another dialog the current one',
    compile:
      ([callId, from, to]) =>
      (run) => {
        const table = tableOf(run);
        const dialog = named(run, callId, from, to);
        if (dialog !== undefined) {
          table.use(run.call, dialog);
          table.pendingSettings(run.call).looked = run;
        }
        return code(dialog !== undefined);
      },
  },
  {
    name: 'dlg_get_var',
    dialects: KAMAILIO,
    parameters: [...CALL, param('name', 'string'), param('result', 'writable')],
    summary: 'reads a variable of another dialog',
    compile:
      ([callId, from, to, name, result]) =>
      (run) => {
        const dialog = named(run, callId, from, to);
        if (dialog === undefined) return -1;
        result?.variable?.assign(run.pvars, dialog.values.get(textOf(name, run)) ?? null);
        return 1;
      },
  },
  {
    name: 'dlg_set_var',
    dialects: KAMAILIO,
    parameters: [...CALL, param('name', 'string'), param('value', 'string')],
    summary: 'sets a variable of another dialog',
    compile:
      ([callId, from, to, name, value]) =>
      (run) => {
        const dialog = named(run, callId, from, to);
        return dialog === undefined ? -1 : code(dialog.setValue(textOf(name, run), textOf(value, run)));
      },
  },
  {
    name: 'dlg_set_timeout',
    dialects: KAMAILIO,
    parameters: [param('seconds', 'int'), optional('entry', 'int'), optional('id', 'int')],
    summary: 'sets the lifetime of the dialog',
    compile:
      ([seconds, entry, id]) =>
      (run) => {
        const table = tableOf(run);
        const ms = intOf(seconds, run, 0) * 1000;
        if (ms <= 0) return -1;
        const given = entry !== undefined && id !== undefined;
        const dialog = given ? table.index.find(intOf(entry, run, 0), intOf(id, run, 0)) : table.lookUp(run.call);
        if (dialog !== undefined) table.setLifetime(run, dialog, ms);
        return code(dialog !== undefined);
      },
  },
  {
    name: 'dlg_set_timeout_by_profile',
    dialects: KAMAILIO,
    parameters: [param('profile', 'string'), optional('value', 'string'), param('seconds', 'int')],
    summary: 'sets the lifetime of the dialogs of a profile',
    compile:
      ([profile, value, seconds]) =>
      (run) =>
        timeoutOf(run, textOf(profile, run), textOf(value, run), intOf(seconds, run, 0)),
  },
  {
    name: 'dlg_set_timeout_by_profile',
    dialects: KAMAILIO,
    parameters: [param('profile', 'string'), param('seconds', 'int')],
    summary: 'sets the lifetime of the dialogs of a profile',
    compile:
      ([profile, seconds]) =>
      (run) =>
        timeoutOf(run, textOf(profile, run), undefined, intOf(seconds, run, 0)),
  },
  ...['dlg_set_property', 'dlg_reset_property'].map(
    (name): FunctionSpec => ({
      name,
      dialects: KAMAILIO,
      parameters: [param('property', 'string')],
      summary: 'accepted; no keep-alive requests are sent inside dialogs',
      compile:
        ([property]) =>
        (run) =>
          code(PROPERTIES.has(textOf(property, run))),
    }),
  ),
  ...['dlg_db_load_callid', 'dlg_db_load_extra'].map(
    (name): FunctionSpec => ({
      name,
      dialects: KAMAILIO,
      parameters: name === 'dlg_db_load_callid' ? [param('Call-ID', 'string')] : [],
      summary: 'always false: dialogs are not in a database',
      compile: () => () => -1,
    }),
  ),
  {
    name: 'dlg_set_ruri',
    dialects: KAMAILIO,
    summary: 'sets the request-URI to the Contact of the other side',
    compile: () => fixRoute,
  },
  {
    name: 'dlg_bye',
    dialects: KAMAILIO,
    parameters: [param('side', 'string', { values: ['all', 'caller', 'callee'] })],
    summary: 'ends the dialog by BYE to the caller, the callee or all',
    compile: ([side]) =>
      withDialog((dialog, run) => {
        const which = textOf(side, run);
        return tableOf(run).byeByScript(dialog, which === 'caller' || which === 'callee' ? which : 'both');
      }),
  },
];
