import type { Clock } from '../../core/clock.js';
import type { AdderPeers } from '../../core/owned-entries.js';
import type { Random } from '../../core/random.js';
import type { ModuleParameters } from '../../script/environment.js';
import { isToken } from '../../sip/parse-message.js';
import { TopologyRecords } from './records.js';
import { type StripperOptions, TopologyStripper } from './stripper.js';

/** What the object that rewrites messages needs. */
interface StripperParts {
  readonly clock: Clock;
  readonly random: Random;
  /** Says which sources may begin dialogs when there are many; undefined: all may. */
  readonly peers?: AdderPeers | undefined;
}

/** State of topos from the parameters of a file; its records outlive a reload. */
export class TopologyStore {
  readonly eventMode: number;
  private readonly options: StripperOptions;
  private readonly times: readonly [branch: number, dialog: number];
  private made: TopologyRecords | undefined = undefined;
  /** Records of the earlier configuration, until they are taken over. */
  private previous: TopologyRecords | undefined;

  /** Throws an Error for a parameter that cannot be written into a message, or is not supported. */
  constructor(parameters: ModuleParameters, before?: TopologyStore) {
    this.previous = before?.made ?? before?.previous;
    const mode = parameters.int('contact_mode', 0);
    if (mode !== 0 && mode !== 1) throw new Error(`contact_mode must be 0 or 1 here, not ${mode}`);
    for (const field of ['a_contact', 'b_contact', 'contact_host'])
      if (parameters.has(`xavu_field_${field}`)) throw new Error(`xavu_field_${field} is not supported`);
    const parameter = parameters.text('cparam_name', 'tps');
    if (!isToken(parameter)) throw new Error(`cparam_name "${parameter}" is not a name of a parameter`);
    const host = parameters.text('contact_host', '');
    if (!/^(?:[\w.-]*|\[[\da-fA-F:.]+\])$/.test(host)) throw new Error(`contact_host "${host}" is not a host`);
    const [branch, dialog] = [parameters.int('branch_expire', 180), parameters.int('dialog_expire', 10_800)];
    if (branch <= 0) throw new Error(`branch_expire must be above 0, not ${branch}`);
    if (dialog <= 0) throw new Error(`dialog_expire must be above 0, not ${dialog}`);
    this.times = [branch, dialog];
    this.eventMode = parameters.int('event_mode', 3);
    this.options = {
      contact: { mode, parameter, host },
      rrUpdate: parameters.flag('rr_update', false),
      noContact: new Set(
        parameters
          .text('methods_nocontact', 'CANCEL,BYE,PRACK')
          .toUpperCase()
          .split(/[ \t\r\n,]+/),
      ),
    };
  }

  /** The object that rewrites messages with these parameters. */
  stripper({ clock, random, peers }: StripperParts): TopologyStripper {
    return new TopologyStripper(this.records(clock), this.options, clock, random, peers);
  }

  /** The records; those of the earlier configuration are taken over at the first access. */
  records(clock: Pick<Clock, 'monotonic'>): TopologyRecords {
    this.made ??= new TopologyRecords(...this.times, clock.monotonic(), this.previous);
    this.previous = undefined;
    return this.made;
  }
}

/** State of topos, made from the parameters. */
export const topologyStore = {
  module: 'topos',
  create: (parameters: ModuleParameters) => new TopologyStore(parameters),
  renew: (before: TopologyStore, parameters: ModuleParameters) => new TopologyStore(parameters, before),
};
