import { trimmed } from '../core/characters.js';
import { linkJson, mergedJson } from '../pvar/variables/json.js';
import { type Arg, code, moduleFunctions, OPENSIPS, param, type ScriptFunction, textOf } from './define.js';

/** The path in "$json(path)". */
function pathIn({ text }: Arg): string {
  const path = /^\$\(?json\((.*)\)$/s.exec(trimmed(text))?.[1]?.replace(/\)$/, '');
  if (path === undefined || path.includes('$')) throw new Error(`${text} is not a $json(name)`);
  return path;
}

/** Functions of json. */
export const jsonFunctions: ScriptFunction[] = moduleFunctions('json', [
  {
    name: 'json_link',
    dialects: OPENSIPS,
    parameters: [param('target', 'writable'), param('source', 'writable')],
    summary: 'puts a JSON document into another one without a copy: changes show in both',
    compile: ([target, source]) => {
      const [to, from] = [pathIn(target as Arg), pathIn(source as Arg)];
      return (run) => code(linkJson(run.pvars, to, from));
    },
  },
  {
    name: 'json_merge',
    dialects: OPENSIPS,
    parameters: [param('document', 'string'), param('changes', 'string'), param('result', 'writable')],
    summary: 'applies the changes of a JSON document to another one (RFC 7396)',
    compile:
      ([document, changes, result]) =>
      (run) => {
        const text = mergedJson(textOf(document, run), textOf(changes, run));
        if (text === null) return -1;
        result?.variable?.replace(run.pvars, text);
        return 1;
      },
  },
]);
