import type { MessageRun } from '../../script/call.js';

/** What a script does about the next dialog before it begins ($dlg_ctx of Kamailio, $DLG_timeout). */
export interface Wishes {
  lifetime: number | undefined;
  bye: boolean;
  flags: number;
  timeoutRoute: string | undefined;
  /** The run of a route in which dlg_get() found the dialog. */
  looked: MessageRun | undefined;
  readonly profiles: { readonly profile: string; readonly value: string | undefined }[];
  /** What $dlg_var() was set to before the dialog began. */
  readonly values: Map<string, string>;
}

/** What holds while a script has set nothing. */
export function noWishes(): Wishes {
  return {
    lifetime: undefined,
    bye: false,
    flags: 0,
    timeoutRoute: undefined,
    looked: undefined,
    profiles: [],
    values: new Map(),
  };
}
