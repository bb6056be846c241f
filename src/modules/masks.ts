import type { ScriptEnvironment } from '../script/environment.js';
import { sparedBySending } from '../script/sending-events.js';
import type { MessageMask } from '../sip/transport/tap.js';
import { topologyMask } from './topoh/settings.js';

/** Modules that give messages another form outside. */
export const MASKING: readonly string[] = ['topoh'];

/** What gives messages another form outside for the modules of a file; undefined where none does. `env`: that in force. */
export function messageMask(env: () => ScriptEnvironment): MessageMask | undefined {
  const { modules } = env();
  if (!modules.loaded.has('topoh')) return undefined;
  const { mask, eventMode } = modules.of(topologyMask);
  return {
    received: (text) => mask.received(text),
    sent: (text, socket, address, port) =>
      mask.sent(text, (message) => sparedBySending(env(), 'topoh', eventMode, message, { socket, address, port })),
  };
}
