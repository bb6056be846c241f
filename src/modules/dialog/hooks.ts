import type { MessageRun } from '../../script/call.js';
import type { ScriptHooks } from '../../script/hooks.js';
import { dialogs } from './state.js';

/** Hooks by which the dialog module follows dialogs. */
export const dialogHooks: ScriptHooks<MessageRun> = {
  received: [],
  began: [
    (run, transaction) => {
      const { call, env } = run;
      const table = env.modules.of(dialogs);
      if (call.message.toTag !== '') {
        table.within(run, transaction);
        return;
      }
      if (!transaction.invite) return;
      const { flag, byeFlag } = table.settings;
      if (flag !== undefined && (call.flags & (1 << flag)) !== 0) table.begin(run);
      const dialog = table.of(run);
      if (dialog === undefined) return;
      if (byeFlag !== undefined && (call.flags & (1 << byeFlag)) !== 0) dialog.byeOnTimeout = true;
      table.follow(run, dialog);
    },
  ],
  routed: [(run) => void run.env.modules.of(dialogs).routed(run)],
  acknowledged: [],
  cancelled: [],
};
