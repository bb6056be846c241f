import type { MessageRun } from '../script/call.js';
import type { ScriptEnvironment } from '../script/environment.js';
import { NO_HOOKS, type ScriptHooks } from '../script/hooks.js';
import { accHooks } from './acc/follow.js';
import { dialogHooks } from './dialog/hooks.js';
import { mediaRelayHooks } from './media-relay/step.js';
import { pathHooks } from './path.js';
import { pikeHooks } from './pike.js';
import { topologyHidingHooks } from './topology-hiding.js';
import { callIdHooks } from './transactions-by-call-id.js';
import { uacHooks } from './uac-restore.js';

/** Hooks by module. Those of dialog come first, since other modules read the dialog. */
const HOOKS: readonly (readonly [module: string, hooks: ScriptHooks<MessageRun, ScriptEnvironment>])[] = [
  ['dialog', dialogHooks],
  ['topology_hiding', topologyHidingHooks],
  ['uac', uacHooks],
  ['rtpproxy', mediaRelayHooks],
  ['rtp_relay', mediaRelayHooks],
  ['acc', accHooks],
  ['path', pathHooks],
  ['pike', pikeHooks],
  ['tmx', callIdHooks],
];

/** The hooks of all modules that a file loads. */
export function moduleHooks(loaded: ReadonlySet<string>): ScriptHooks {
  // Two modules may have the same hooks; these run once.
  const used = [...new Set(HOOKS.filter(([module]) => loaded.has(module)).map(([, hooks]) => hooks))];
  if (used.length === 0) return NO_HOOKS;
  const all: ScriptHooks<MessageRun, ScriptEnvironment> = {
    received: used.flatMap(({ received }) => received),
    began: used.flatMap(({ began }) => began),
    routed: used.flatMap(({ routed }) => routed),
    acknowledged: used.flatMap(({ acknowledged }) => acknowledged),
    cancelled: used.flatMap(({ cancelled }) => cancelled),
  };
  // The environment's type does not name the run, since the files would import each other.
  return all as unknown as ScriptHooks;
}
