import { parseAddress } from '../core/name-addr.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters, ModuleStates } from '../script/environment.js';
import { containsLineBreak } from '../script/outgoing.js';
import { code, moduleFunctions, OPENSIPS, optional, type ScriptFunction, textOf } from './define.js';
import { cutUri } from './uri-parts.js';

/** Where the Remote-Party-ID comes from, and what stands around it: rpid_avp, rpid_prefix, rpid_suffix of auth. */
const settings = {
  module: 'auth',
  create: (parameters: ModuleParameters, states: ModuleStates) => ({
    value: states.compile(parameters.text('rpid_avp', '$avp(rpid)')),
    prefix: parameters.text('rpid_prefix', ''),
    suffix: parameters.text('rpid_suffix', ';party=calling;id-type=subscriber;screen=yes'),
  }),
};

function partyOf(run: MessageRun): string {
  const value = run.env.modules.of(settings).value.evaluateValue(run.pvars);
  return value === null ? '' : String(value);
}

/** Functions of auth about Remote-Party-ID. */
export const rpidFunctions: ScriptFunction[] = moduleFunctions('auth', [
  {
    name: 'append_rpid_hf',
    dialects: OPENSIPS,
    routes: ['request', 'failure', 'branch'],
    parameters: [optional('prefix', 'string'), optional('suffix', 'string')],
    summary: 'adds a Remote-Party-ID from the AVP of rpid_avp',
    compile:
      ([prefix, suffix]) =>
      (run) => {
        const usual = run.env.modules.of(settings);
        const party = partyOf(run);
        if (party === '') return -1;
        const before = prefix === undefined ? usual.prefix : textOf(prefix, run);
        const line = `${before}${party}${suffix === undefined ? usual.suffix : textOf(suffix, run)}`;
        if (containsLineBreak(line)) return run.refused('append_rpid_hf', 'the value contains a line break');
        run.edits.insert(run.message.headersEnd, `Remote-Party-ID: ${line}\r\n`);
        return 1;
      },
  },
  {
    name: 'is_rpid_user_e164',
    dialects: OPENSIPS,
    routes: ['request'],
    summary: 'whether the user of the URI in the AVP of rpid_avp is a telephone number',
    compile: () => (run) => {
      const party = partyOf(run);
      return code(/^\+\d{1,15}$/.test(cutUri(parseAddress(party).uri)?.user ?? ''));
    },
  },
]);
