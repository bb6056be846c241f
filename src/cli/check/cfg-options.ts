import { choice, type OptionSpec, text, usageError } from '../line/command.js';

/** Definitions for the preprocessor by name; the value may be empty. */
export const DEFINE: OptionSpec<ReadonlyMap<string, string>> = {
  value: 'NAME=VALUE,...',
  short: 'A',
  description: "Definitions for #!ifdef and its kin, as Kamailio's -A. May be repeated.",
  read: (given) => {
    const defines = new Map<string, string>();
    for (const each of given.split(',')) {
      const equals = each.indexOf('=');
      const name = (equals < 0 ? each : each.slice(0, equals)).trim();
      if (!/^\w+$/.test(name)) throw usageError(`"${name}" is not a name of a definition`);
      defines.set(name, equals < 0 ? '' : each.slice(equals + 1));
    }
    return defines;
  },
  merge: (before, now) => new Map([...before, ...now]),
};

/** Kamailio's option -Y. */
export const RUNTIME_DIR = text(
  'FOLDER',
  'Folder of the sockets that modules of Kamailio open by default. Default /run/kamailio.',
);

/** Names for the languages of cfg files. */
export const DIALECT_NAMES = [
  'opensips',
  'opensips-4',
  'opensips-3',
  'opensips-2.1',
  'kamailio',
  'kamailio-6',
] as const;

/** Options of commands that read an opensips.cfg or kamailio.cfg. */
export const CFG_OPTIONS = {
  cfg: text('FILE', 'An opensips.cfg or kamailio.cfg.'),
  dialect: choice('NAME', DIALECT_NAMES, 'Language of the cfg file, if it cannot be detected.'),
  define: DEFINE,
  preprocess: text('COMMAND', 'Preprocessor for the cfg file, as -p of OpenSIPS: "m4 -s".'),
};
