import { first, type ScriptCommand } from '../../script/commands.js';
import { hangUp, named } from '../dialog/commanded.js';
import { proxyCommands } from '../proxy-commands.js';
import { mediaEngine } from './engine.js';

const module = 'rtpengine';

/** Management commands of rtpengine. */
export const rtpengineCommands: readonly ScriptCommand[] = [
  ...proxyCommands(module, (env) => env.modules.of(mediaEngine).sets, true),
  {
    module,
    mi: 'teardown',
    help: 'ends the dialog with a Call-ID, as a media proxy asks for it',
    joined: first,
    changes: true,
    parameters: ['callid'],
    required: 1,
    run: (env, { callid = '' }) => hangUp(env, named(env, callid), undefined),
  },
  {
    module,
    rpc: 'rtpengine.get_hash_total',
    help: 'shows of how many calls the media proxy is known',
    joined: (answers) => answers.reduce<number>((sum, each) => sum + Number(each), 0),
    changes: false,
    parameters: [],
    required: 0,
    run: (env) => [...env.modules.of(mediaEngine).calls.entries(env.clock.monotonic())].length,
  },
];
