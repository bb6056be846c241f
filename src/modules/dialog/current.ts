import type { RouteKind } from '../../cfg/ast.js';
import type { MessageRun } from '../../script/call.js';
import type { Dialog } from './dialog.js';
import { dialogs } from './state.js';
import type { DialogTable } from './table.js';

/** The dialogs of the script that runs. */
export function tableOf(run: Pick<MessageRun, 'env'>): DialogTable {
  return run.env.modules.of(dialogs);
}

/** The dialog of the message at hand. */
export function dialogOf(run: MessageRun): Dialog | undefined {
  return tableOf(run).of(run);
}

/** What a function does with the dialog of the message at hand; -1 where there is none. */
export function withDialog(act: (dialog: Dialog, run: MessageRun) => number): (run: MessageRun) => number {
  return (run) => {
    const dialog = dialogOf(run);
    return dialog === undefined ? -1 : act(dialog, run);
  };
}

/** Routes that functions about the dialog of a message may be called from. */
export const DIALOG_ROUTES: readonly RouteKind[] = [
  'request',
  'branch',
  'failure',
  'onreply',
  'local',
  'event',
  'branch-failure',
];
