import type { RouteKind } from '../../cfg/ast.js';
import type { MessageRun } from '../../script/call.js';
import type { Dialog } from './dialog.js';
import { dialogs } from './state.js';
import type { DialogTable } from './table.js';

/** The dialogs for a run. */
export function tableOf(run: Pick<MessageRun, 'env'>): DialogTable {
  return run.env.modules.of(dialogs);
}

/** The dialog of the current message. */
export function dialogOf(run: MessageRun): Dialog | undefined {
  return tableOf(run).of(run);
}

/** Makes a function that calls `act` with the dialog of the current message; -1 when there is none. */
export function withDialog(act: (dialog: Dialog, run: MessageRun) => number): (run: MessageRun) => number {
  return (run) => {
    // As recorded, Kamailio's functions find the dialog of a request that loose routing has not matched.
    const dialog = run.env.dialect === 'kamailio' ? tableOf(run).lookUp(run.call) : dialogOf(run);
    return dialog === undefined ? -1 : act(dialog, run);
  };
}

/** Kinds of routes that may call functions on the dialog of a message. */
export const DIALOG_ROUTES: readonly RouteKind[] = [
  'request',
  'branch',
  'failure',
  'onreply',
  'local',
  'event',
  'branch-failure',
];
