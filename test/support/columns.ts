import type { ColumnNames } from '../../src/config/settings.js';

/** The documented names of the columns. */
export const COLUMNS: ColumnNames = {
  id: 'id',
  setid: 'setid',
  destination: 'destination',
  socket: 'socket',
  state: 'state',
  probeMode: 'probe_mode',
  weight: 'weight',
  priority: 'priority',
  attrs: 'attrs',
  description: 'description',
};
