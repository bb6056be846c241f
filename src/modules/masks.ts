import type { ScriptEnvironment } from '../script/environment.js';
import { sparedByReceiving, sparedBySending } from '../script/sending-events.js';
import type { MessageMask } from '../sip/transport/tap.js';
import { topologyMask } from './topoh/settings.js';
import { topologyStore } from './topos/settings.js';

/** Modules that rewrite messages when they are received and sent. */
export const MASKING: readonly string[] = ['topoh', 'topos'];

/**
 * The object that rewrites messages for the modules of a file; undefined when none does. `env` gives the environment in
 * force.
 */
export function messageMask(env: () => ScriptEnvironment): MessageMask | undefined {
  const { modules } = env();
  if (modules.loaded.has('topos')) return stripping(env);
  if (!modules.loaded.has('topoh')) return undefined;
  const { mask, eventMode } = modules.of(topologyMask);
  return {
    received: (text) => mask.received(text),
    sent: (text, socket, address, port) =>
      mask.sent(text, (message) => sparedBySending(env(), 'topoh', eventMode, message, { socket, address, port })),
  };
}

function stripping(env: () => ScriptEnvironment): MessageMask {
  const store = env().modules.of(topologyStore);
  const stripper = store.stripper(env());
  const { eventMode } = store;
  return {
    received: (text, source) =>
      stripper.received(text, (message) => sparedByReceiving(env(), 'topos', eventMode, message, source)),
    sent: (text, socket, address, port) =>
      stripper.sent(text, (message) => sparedBySending(env(), 'topos', eventMode, message, { socket, address, port })),
  };
}
