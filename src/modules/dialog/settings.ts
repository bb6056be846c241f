import type { Format } from '../../pvar/format.js';
import type { ModuleParameters, ModuleStates } from '../../script/environment.js';
import { flagParameter } from '../flags.js';
import type { PingTimes } from './pings.js';

/** Parameters of the dialog module. */
export interface DialogSettings {
  /** Milliseconds. */
  readonly lifetime: number;
  /** Name of the parameter in our Record-Route. */
  readonly rrParam: string;
  /**
   * How requests are matched: 0 by did only, 1 by did or else by Call-ID and tags, 2 by Call-ID and tags only;
   * undefined: the default of the dialect.
   */
  readonly matchMode: number | undefined;
  /** Kamailio: message flag that makes an INVITE begin a dialog. */
  readonly flag: number | undefined;
  /** Old OpenSIPS: message flag that requests a BYE at the timeout. */
  readonly byeFlag: number | undefined;
  /** Intervals of this proxy's requests inside dialogs with pings. */
  readonly pings: PingTimes;
  /** Milliseconds from an answer that crossed a CANCEL to the end of the dialog. */
  readonly raceMs: number;
  /** Whether both sides get BYE when the lifetime of any dialog ends: send_bye of Kamailio. */
  readonly sendsBye: boolean;
  /** Kamailio: whether an INVITE that comes again belongs to the dialog of its first pass. */
  readonly spirals: boolean;
  /** Kamailio: whether dialogs are counted for scripts. */
  readonly counted: boolean;
  /** AVP with the lifetime in seconds. */
  readonly timeoutAvp: Format | undefined;
}

/** Settings from the module parameters of a file. */
export function settingsOf(parameters: ModuleParameters, states: ModuleStates): DialogSettings {
  const avp = parameters.text('timeout_avp', '');
  return {
    lifetime: parameters.int('default_timeout', 43_200) * 1000,
    rrParam: parameters.text('rr_param', 'did'),
    pings: {
      options: parameters.int('options_ping_interval', parameters.int('ping_interval', 30)) * 1000,
      reinvite: parameters.int('reinvite_ping_interval', 300) * 1000,
    },
    raceMs: parameters.int('race_condition_timeout', 5) * 1000,
    matchMode: parameters.text('dlg_match_mode', '') === '' ? undefined : parameters.int('dlg_match_mode', 0),
    flag: flagParameter(parameters, 'dlg_flag'),
    byeFlag: flagParameter(parameters, 'bye_on_timeout_flag'),
    sendsBye: parameters.flag('send_bye', false),
    spirals: parameters.flag('detect_spirals', true),
    counted: parameters.flag('enable_stats', true),
    timeoutAvp: avp === '' ? undefined : states.compile(avp),
  };
}
