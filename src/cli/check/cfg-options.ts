import { choice, text } from '../line/command.js';

/** Options of commands that read an opensips.cfg or kamailio.cfg. */
export const CFG_OPTIONS = {
  cfg: text('FILE', 'An opensips.cfg or kamailio.cfg.'),
  dialect: choice(
    'NAME',
    ['opensips', 'opensips-4', 'opensips-3', 'opensips-2.1', 'kamailio'],
    'Language of the cfg file, where it cannot be detected.',
  ),
  define: text('NAME=VALUE,...', "Definitions for #!ifdef and its kin, as Kamailio's -A."),
  preprocess: text('COMMAND', 'Program the cfg file is sent through first, as OpenSIPS\' -p: "m4 -s".'),
};

/** The definitions that were given; a name without value is defined and empty. */
export function definesOf(given: string | undefined): ReadonlyMap<string, string> | undefined {
  if (given === undefined) return undefined;
  return new Map(
    given.split(',').map((each) => {
      const equals = each.indexOf('=');
      return equals < 0 ? [each.trim(), ''] : [each.slice(0, equals).trim(), each.slice(equals + 1)];
    }),
  );
}
