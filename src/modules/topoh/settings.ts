import type { ModuleParameters } from '../../script/environment.js';
import { TopologyMask } from './mask.js';

/** State of topoh from the parameters of a file. */
export const topologyMask = {
  module: 'topoh',
  create: (parameters: ModuleParameters) => ({
    mask: new TopologyMask(parameters),
    eventMode: parameters.int('event_mode', 3),
  }),
};
