import type { MessageRun } from '../../script/call.js';

/** Values that Kamailio's $dlg_ctx() was assigned in one run; they can be read in that run. */
export interface ContextValues {
  readonly run: MessageRun;
  on: number;
  timeout: number;
  timeoutBye: number;
  timeoutRoute: string | undefined;
}

/** What a script has set for a dialog before it begins ($dlg_ctx of Kamailio, $DLG_timeout). */
export interface PendingSettings {
  lifetime: number | undefined;
  bye: boolean;
  flags: number;
  timeoutRoute: string | undefined;
  context: ContextValues | undefined;
  /** The run in which dlg_get() found the dialog. */
  looked: MessageRun | undefined;
  readonly profiles: { readonly profile: string; readonly value: string | undefined }[];
  /** Values that $dlg_var() set before the dialog began. */
  readonly values: Map<string, string>;
}

/** Values when a script has set nothing. */
export function noPendingSettings(): PendingSettings {
  return {
    lifetime: undefined,
    bye: false,
    flags: 0,
    timeoutRoute: undefined,
    context: undefined,
    looked: undefined,
    profiles: [],
    values: new Map(),
  };
}
