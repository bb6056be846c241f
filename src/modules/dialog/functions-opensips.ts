import { linesToAdd } from '../../route/script/header-edits.js';
import type { MessageRun } from '../../script/call.js';
import { NOBODY } from '../../sip/transaction/client.js';
import { type Arg, code, type FunctionSpec, intOf, OPENSIPS, optional, param, textOf } from '../define.js';
import { flagBit } from '../flags.js';
import { dialogJson } from './commands.js';
import { DIALOG_ROUTES, tableOf, withDialog } from './current.js';
import { CONFIRMED, type Dialog, type Side } from './dialog.js';
import { createDialog, fixRoute, matchDialog, validateDialog } from './requests.js';
import { sendWithin } from './requests-within.js';

/** Maximum number of dialogs whose values one function reads. */
const MAX_FOUND = 1000;

/** Writes dialogs as JSON into an AVP (index 0 is the first in the table), and their number. */
function listed(found: readonly Dialog[], result: Arg | undefined, number: Arg | undefined, run: MessageRun): number {
  for (const each of found.slice(0, MAX_FOUND).reverse())
    result?.variable?.assign(run.pvars, dialogJson(each, run.env, true));
  number?.variable?.assign(run.pvars, found.length);
  return code(found.length > 0);
}

/**
 * dlg_on_answer() and similar functions: set the route for a later event of the dialog; without a name they unset it.
 */
function armed(name: string, when: string, arm: (dialog: Dialog, route: string | undefined) => void): FunctionSpec {
  return {
    name,
    dialects: OPENSIPS,
    parameters: [optional('route', 'route', { route: 'request' })],
    routes: DIALOG_ROUTES,
    summary: `sets the route that runs when the dialog ${when}`,
    compile: ([route]) =>
      withDialog((dialog, run) => {
        const text = textOf(route, run);
        arm(dialog, text === '' ? undefined : text);
        return 1;
      }),
  };
}

/** Functions of dialog that only OpenSIPS has. */
export const opensipsFunctions: FunctionSpec[] = [
  armed('dlg_on_answer', 'is answered', (dialog, route) => {
    dialog.answerRoute = route;
  }),
  armed('dlg_on_timeout', 'has reached its lifetime, which the route may prolong', (dialog, route) => {
    dialog.timeoutRoute = route;
  }),
  armed('dlg_on_hangup', 'has ended', (dialog, route) => {
    dialog.hangupRoute = route;
  }),
  {
    name: 'get_dialog_vals',
    dialects: OPENSIPS,
    parameters: [param('names', 'writable'), param('values', 'writable'), param('Call-ID', 'string')],
    summary: 'names and values of the variables of a dialog, in two lists',
    compile:
      ([names, values, callId]) =>
      (run) => {
        const found = tableOf(run).index.findCall(textOf(callId, run));
        if (found === undefined) return -1;
        for (const [name, value] of [...found.values].reverse()) {
          names?.variable?.assign(run.pvars, name);
          values?.variable?.assign(run.pvars, value);
        }
        return 1;
      },
  },
  {
    name: 'get_dialogs_by_val',
    dialects: OPENSIPS,
    parameters: [
      param('name', 'string'),
      param('value', 'string'),
      param('result', 'writable'),
      param('number', 'writable'),
    ],
    summary: 'the dialogs with a value, as JSON, and how many there are',
    compile:
      ([name, value, result, number]) =>
      (run) => {
        const [key, wanted] = [textOf(name, run), textOf(value, run)];
        const found = tableOf(run).index.withValue(key, wanted);
        return listed(found, result, number, run);
      },
  },
  {
    name: 'get_dialogs_by_profile',
    dialects: OPENSIPS,
    parameters: [
      param('profile', 'string'),
      optional('value', 'string'),
      param('result', 'writable'),
      param('number', 'writable'),
    ],
    summary: 'the dialogs of a profile, as JSON, and how many there are',
    compile:
      ([profile, value, result, number]) =>
      (run) => {
        const wanted = textOf(value, run);
        const { profiles } = tableOf(run);
        const found = [...profiles.members(textOf(profile, run), wanted === '' ? undefined : wanted)];
        return listed(found, result, number, run);
      },
  },
  {
    name: 'dlg_send_sequential',
    dialects: OPENSIPS,
    parameters: [
      param('method', 'string'),
      param('side', 'string'),
      optional('body', 'string'),
      optional('type', 'string'),
      optional('headers', 'string'),
    ],
    summary: 'sends a request within the dialog to its caller or callee',
    compile: ([first, second, body, type, headers]) =>
      withDialog((dialog, run) => {
        // The document has both orders.
        const texts = [textOf(first, run), textOf(second, run)];
        const side = texts.find((each): each is Side => each === 'caller' || each === 'callee');
        const method = texts.find((each) => each !== side);
        if (side === undefined || method === undefined || !/^[A-Z]+$/.test(method) || dialog.state < CONFIRMED)
          return -1;
        // An INVITE is refused, since its final reply would need an ACK.
        if (method === 'INVITE') return -1;
        const text = textOf(body, run);
        const kind = textOf(type, run);
        const { lines, fault } = linesToAdd(textOf(headers, run));
        if (fault !== undefined) return -1;
        const added = `${lines}${kind === '' ? '' : `Content-Type: ${kind}\r\n`}`;
        sendWithin(dialog, side, { method, lines: added, body: text }, NOBODY);
        return 1;
      }),
  },
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
    summary: 'follows the dialog that the INVITE begins; B: sends BYE at the end of its lifetime',
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
    summary: 'finds the dialog of a request without a Route of this proxy',
    compile: () => matchDialog,
  },
  {
    name: 'validate_dialog',
    dialects: OPENSIPS,
    routes: ['request'],
    summary: 'whether CSeq number, request-URI and routes of a request fit its dialog',
    compile: () => validateDialog,
  },
  {
    name: 'fix_route_dialog',
    dialects: OPENSIPS,
    routes: ['request'],
    summary: 'sends a request along the routes of its dialog',
    compile: () => fixRoute,
  },
  {
    name: 'store_dlg_value',
    dialects: OPENSIPS,
    parameters: [param('name', 'string'), param('value', 'string')],
    routes: DIALOG_ROUTES,
    summary: 'stores a value with the dialog',
    compile: ([name, value]) =>
      withDialog((dialog, run) => code(dialog.setValue(textOf(name, run), value?.value(run) ?? ''))),
  },
  {
    name: 'fetch_dlg_value',
    dialects: OPENSIPS,
    parameters: [param('name', 'string'), param('result', 'writable')],
    routes: DIALOG_ROUTES,
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
    routes: DIALOG_ROUTES,
    summary: 'reads a value of the dialogs that have another value',
    compile:
      ([attribute, result, key, value, number]) =>
      (run) => {
        const [name, wanted] = [textOf(key, run), textOf(value, run)];
        const found = tableOf(run).index.withValue(name, wanted);
        number?.variable?.assign(run.pvars, found.length);
        // The value assigned last is the first of an AVP, so the dialogs are read in reverse order.
        for (const each of found.slice(0, MAX_FOUND).reverse()) {
          const of = each.values.get(textOf(attribute, run));
          if (of !== undefined) result?.variable?.assign(run.pvars, of);
        }
        return code(found.length > 0);
      },
  },
  {
    name: 'test_and_set_dlg_flag',
    dialects: OPENSIPS,
    parameters: [param('flag', 'flag'), param('value', 'int')],
    routes: DIALOG_ROUTES,
    summary: 'whether a flag of the dialog has a value; inverts it',
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
    parameters: [param('dialog', 'string'), optional('kind', 'string'), optional('active only', 'int')],
    summary: 'makes the dialog with a Call-ID or did the current one',
    compile:
      ([id, kind]) =>
      (run) => {
        const table = tableOf(run);
        const text = textOf(id, run);
        const [entry, number] = text.split('.');
        const dialog =
          textOf(kind, run, 'callid') === 'did'
            ? table.index.find(Number.parseInt(entry ?? '', 16), Number.parseInt(number ?? '', 16))
            : table.index.findCall(text);
        if (dialog !== undefined) table.use(run.call, dialog);
        return code(dialog !== undefined);
      },
  },
  {
    name: 'unload_dialog_ctx',
    dialects: OPENSIPS,
    summary: 'unsets the current dialog',
    compile: () => (run) => {
      tableOf(run).use(run.call, undefined);
      return 1;
    },
  },
];
