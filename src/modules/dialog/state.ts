import type { ModuleParameters, ModuleStates } from '../../script/environment.js';
import { settingsOf } from './settings.js';
import { DialogTable } from './table.js';

/** State of dialog: the dialogs of a configuration. */
export const dialogs = {
  module: 'dialog',
  create(parameters: ModuleParameters, states: ModuleStates): DialogTable {
    return this.renew(new DialogTable(settingsOf(parameters, states)), parameters, states);
  },
  renew(before: DialogTable, parameters: ModuleParameters, states: ModuleStates): DialogTable {
    if (states.shared !== undefined) before.share(states.shared);
    before.settings = settingsOf(parameters, states);
    before.profiles.define(
      parameters.all('profiles_with_value').map(String),
      parameters.all('profiles_no_value').map(String),
    );
    return before;
  },
  // Dialogs themselves cannot be copied, since their end sends requests and runs routes of the script.
  copy: (table: DialogTable): DialogTable => table.copy(),
};
