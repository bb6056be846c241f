import type { MessageRun } from '../../script/call.js';
import { type Arg, code, type FunctionSpec, intOf, optional, param, textOf } from '../define.js';
import { DIALOG_ROUTES, dialogOf, tableOf, withDialog } from './current.js';

/** Maximum number of profiles that a request is put into before its dialog begins. */
const MAX_PENDING_PROFILES = 32;

/** dlg_set_timeout_by_profile: dialogs that are not confirmed keep their lifetime. */
export function timeoutOf(run: MessageRun, profile: string, value: string | undefined, seconds: number): number {
  const table = tableOf(run);
  if (!table.profiles.has(profile) || seconds <= 0) return -1;
  for (const dialog of table.profiles.members(profile, value)) {
    if (dialog.answered !== 0) table.setLifetime(run, dialog, seconds * 1000);
  }
  return 1;
}

/**
 * Functions on profiles; those for a size have the variable as their last parameter, with an optional value before it.
 */
export function profileFunctions(): FunctionSpec[] {
  const name = param('profile', 'string');
  const value = optional('value', 'string');
  const given = (arg: Arg | undefined, run: MessageRun): string | undefined =>
    arg === undefined ? undefined : arg.string(run);
  const size =
    (profile: Arg | undefined, of: Arg | undefined, result: Arg | undefined) =>
    (run: MessageRun): number => {
      const { profiles } = tableOf(run);
      const wanted = textOf(profile, run);
      const count = profiles.size(wanted, of?.text === '' ? undefined : given(of, run));
      if (count === undefined) return -1;
      if (of === undefined && run.env.dialect === 'kamailio' && profiles.hasValues(wanted)) return -1;
      result?.variable?.assign(run.pvars, count);
      return 1;
    };
  const sizes = (dialects: FunctionSpec['dialects']): FunctionSpec[] => [
    {
      name: 'get_profile_size',
      ...(dialects === undefined ? {} : { dialects }),
      parameters: [name, optional('value', 'string'), param('result', 'writable')],
      summary: 'writes the number of dialogs in a profile to a variable',
      compile: ([profile, of, result]) => size(profile, of, result),
    },
    {
      name: 'get_profile_size',
      ...(dialects === undefined ? {} : { dialects }),
      parameters: [name, param('result', 'writable')],
      summary: 'writes the number of dialogs in a profile to a variable',
      compile: ([profile, result]) => size(profile, undefined, result),
    },
  ];
  return [
    {
      name: 'set_dlg_profile',
      parameters: [name, value, optional('clear', 'int')],
      routes: DIALOG_ROUTES,
      summary: 'adds the dialog to a profile; "clear" removes it from the other values',
      compile:
        ([profile, of, clear]) =>
        (run) => {
          const table = tableOf(run);
          const dialog = dialogOf(run);
          if (dialog !== undefined) {
            if (intOf(clear, run, 0) !== 0) table.profiles.removeAll(dialog, textOf(profile, run));
            return code(
              table.profiles.add(dialog, textOf(profile, run), given(of, run), run.env.dialect === 'kamailio'),
            );
          }
          if (run.env.dialect !== 'kamailio') return -1;
          if (of === undefined && table.profiles.hasValues(textOf(profile, run))) return -1;
          // Kept until the dialog begins.
          const { profiles } = table.pendingSettings(run.call);
          if (profiles.length < MAX_PENDING_PROFILES)
            profiles.push({ profile: textOf(profile, run), value: given(of, run) });
          return 1;
        },
    },
    {
      name: 'unset_dlg_profile',
      parameters: [name, value],
      routes: DIALOG_ROUTES,
      summary: 'removes the dialog from a profile',
      compile: ([profile, of]) =>
        withDialog((dialog, run) =>
          // Kamailio refuses it in a request route.
          run.env.dialect === 'kamailio' && run.routeKind === 'request'
            ? -1
            : code(
                run.env.dialect === 'opensips' && of === undefined
                  ? tableOf(run).profiles.removeAll(dialog, textOf(profile, run))
                  : tableOf(run).profiles.remove(dialog, textOf(profile, run), given(of, run)),
              ),
        ),
    },
    {
      name: 'is_in_profile',
      parameters: [name, value],
      routes: DIALOG_ROUTES,
      summary: 'whether the dialog is in a profile',
      compile: ([profile, of]) =>
        withDialog((dialog, run) => {
          const { profiles } = tableOf(run);
          const wanted = textOf(profile, run);
          if (of === undefined && run.env.dialect === 'kamailio' && profiles.hasValues(wanted)) return -1;
          return code(profiles.includes(dialog, wanted, given(of, run)));
        }),
    },
    ...sizes(undefined),
  ];
}
