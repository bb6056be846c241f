import { type Arg, code, type FunctionSpec, intOf, OPENSIPS, optional, param, textOf } from '../define.js';
import { flagBit } from '../flags.js';
import { REQUESTS, tableOf, withDialog } from './current.js';
import { createDialog, fixRoute, matchDialog, validateDialog } from './requests.js';

/** Functions of dialog that OpenSIPS alone has. */
export const opensipsFunctions: FunctionSpec[] = [
  {
    name: 'set_dlg_sharing_tag',
    dialects: OPENSIPS,
    parameters: [param('tag', 'string')],
    routes: ['request'],
    summary: 'accepted, when there is a dialog: dialogs are not shared by nodes',
    compile: () => withDialog(() => 1),
  },
  {
    name: 'create_dialog',
    dialects: OPENSIPS,
    parameters: [optional('flags', 'string')],
    routes: ['request'],
    summary: 'keeps the dialog the INVITE begins; B: it is ended by BYE when its lifetime is over',
    compile:
      ([flags]) =>
      (run) =>
        createDialog(run, textOf(flags, run)),
  },
  {
    name: 'match_dialog',
    dialects: OPENSIPS,
    parameters: [optional('mode', 'string')],
    routes: ['request'],
    summary: 'finds the dialog of a request that has no Route of ours',
    compile: () => matchDialog,
  },
  {
    name: 'validate_dialog',
    dialects: OPENSIPS,
    routes: ['request'],
    summary: 'whether number, URI and routes of a request fit its dialog',
    compile: () => validateDialog,
  },
  {
    name: 'fix_route_dialog',
    dialects: OPENSIPS,
    routes: ['request'],
    summary: 'sends a request where its dialog says',
    compile: () => fixRoute,
  },
  {
    name: 'store_dlg_value',
    dialects: OPENSIPS,
    parameters: [param('name', 'string'), param('value', 'string')],
    routes: REQUESTS,
    summary: 'keeps a value with the dialog',
    compile: ([name, value]) =>
      withDialog((dialog, run) => code(dialog.setValue(textOf(name, run), value?.value(run) ?? ''))),
  },
  {
    name: 'fetch_dlg_value',
    dialects: OPENSIPS,
    parameters: [param('name', 'string'), param('result', 'writable')],
    routes: REQUESTS,
    summary: 'reads a value of the dialog',
    compile: ([name, result]) =>
      withDialog((dialog, run) => {
        const value = dialog.values.get(textOf(name, run));
        if (value === undefined) return -1;
        result?.variable?.assign(run.pvars, value);
        return 1;
      }),
  },
  {
    name: 'get_dialog_info',
    dialects: OPENSIPS,
    parameters: [
      param('attribute', 'string'),
      param('result', 'writable'),
      param('key', 'string'),
      param('value', 'string'),
      optional('number', 'writable'),
    ],
    routes: REQUESTS,
    summary: 'reads a value of a dialog that has another value',
    compile:
      ([attribute, result, key, value, number]) =>
      (run) => {
        const [name, wanted] = [textOf(key, run), textOf(value, run)];
        const found = [...tableOf(run).all()].filter((each) => String(each.values.get(name) ?? '') === wanted);
        number?.variable?.assign(run.pvars, found.length);
        const [first] = found;
        if (first === undefined) return -1;
        result?.variable?.assign(run.pvars, first.values.get(textOf(attribute, run)) ?? null);
        return 1;
      },
  },
  {
    name: 'test_and_set_dlg_flag',
    dialects: OPENSIPS,
    parameters: [param('flag', 'flag'), param('value', 'int')],
    routes: REQUESTS,
    summary: 'whether a flag of the dialog has a value; it has the other one then',
    compile: ([flag, value]) => {
      const bit = 1 << flagBit((flag as Arg).text);
      return withDialog((dialog, run) => {
        const wanted = intOf(value, run, 0) !== 0;
        if (((dialog.flags & bit) !== 0) !== wanted) return -1;
        dialog.flags ^= bit;
        return 1;
      });
    },
  },
  {
    name: 'load_dialog_ctx',
    dialects: OPENSIPS,
    parameters: [param('dialog', 'string'), optional('kind', 'string')],
    summary: 'makes another dialog the one at hand, by Call-ID or did',
    compile:
      ([id, kind]) =>
      (run) => {
        const table = tableOf(run);
        const text = textOf(id, run);
        const [entry, number] = text.split('.');
        const dialog =
          textOf(kind, run, 'callid') === 'did'
            ? table.find(Number.parseInt(entry ?? '', 16), Number.parseInt(number ?? '', 16))
            : table.findCall(text);
        if (dialog !== undefined) table.use(run.call, dialog);
        return code(dialog !== undefined);
      },
  },
  {
    name: 'unload_dialog_ctx',
    dialects: OPENSIPS,
    summary: 'no dialog is at hand any more',
    compile: () => (run) => {
      tableOf(run).use(run.call, undefined);
      return 1;
    },
  },
];
