import { importCfg } from '../../src/cli/import/import-cfg.js';
import { remarkText } from '../../src/cli/import/ledger.js';

export type Rule = {
  readonly match: Record<string, string>;
  readonly select?: Record<string, unknown>;
  readonly failover?: { readonly codes: readonly string[]; readonly mark?: string; readonly max?: number };
  readonly reject?: object;
  readonly relay?: string;
  readonly record_route?: boolean;
};

/** Imports a file without included files. */
export function carry(text: string, files: Readonly<Record<string, string>> = {}) {
  const { settings, partitions, left, notes } = importCfg(text, 'x.cfg', {
    read: (path) => (files[path] === undefined ? undefined : { file: path, text: files[path] }),
  });
  return {
    settings,
    partitions,
    rules: settings['routing'] as unknown as readonly Rule[],
    left: left.map((each) => remarkText(each).replace(/^x\.cfg /, '')),
    notes: notes.map((each) => remarkText(each).replace(/^x\.cfg /, '')),
  };
}

export const one = (body: string, more = '') => carry(`socket=udp:127.0.0.1:5060\nroute {\n${body}\n}\n${more}`);
