import { trimmed } from '../core/characters.js';
import type { MessageRun } from '../script/call.js';
import { everyValue } from './avp-arguments.js';
import { type Arg, moduleFunctions, OPENSIPS, optional, param, type ScriptFunction, textOf } from './define.js';

/** Maximum number of parameters of one command. */
const MAX_PARAMETERS = 64;

/** Reads all values of an AVP as texts, in the order in which they were added; of other variables their one value. */
function textsOf(arg: Arg | undefined): (run: MessageRun) => readonly string[] {
  const all = everyValue(arg);
  return (run) => [...all(run)].reverse().map((each) => String(each ?? ''));
}

/** The function of mi_script. */
export const miScriptFunctions: ScriptFunction[] = moduleFunctions('mi_script', [
  {
    name: 'mi',
    dialects: OPENSIPS,
    waits: true,
    async: true,
    parameters: [
      param('command', 'string'),
      optional('result', 'writable'),
      optional('names', 'variable'),
      optional('values', 'variable'),
    ],
    summary: 'runs a management command; its parameters stand after its name, or in AVPs with their names and values',
    compile: ([command, result, names, values]) => {
      const namesOf = textsOf(names);
      const given = textsOf(values);
      return async (run) => {
        const [name = '', ...inline] = trimmed(textOf(command, run)).split(/[ \t\r\n]+/);
        const keys = namesOf(run);
        const texts = given(run);
        if (inline.length > MAX_PARAMETERS || keys.length > MAX_PARAMETERS)
          return run.refused('mi', `a command has at most ${MAX_PARAMETERS} parameters`);
        if (values !== undefined && keys.length !== texts.length)
          return run.refused('mi', `${keys.length} names of parameters, ${texts.length} values`);
        // Without values the first list has the parameters in their order.
        const params =
          names === undefined
            ? inline
            : values === undefined
              ? keys
              : Object.fromEntries(keys.map((key, i) => [key, texts[i] ?? '']));
        const answer = await run.env.services.mi(name, params);
        if (answer === undefined) return run.refused('mi', 'there are no management commands here');
        result?.variable?.assign(run.pvars, Buffer.from(answer.text, 'utf8').toString('latin1'));
        return answer.fault ? -1 : 1;
      };
    },
  },
]);
