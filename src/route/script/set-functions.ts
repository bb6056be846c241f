import { KAMAILIO_FUNCTIONS } from '../dispatcher/table.js';
import { optional, type TextOrNumber } from './arguments.js';
import { CoreFunctions } from './core-functions.js';

/**
 * Kamailio's functions about sets, which do not depend on a selection. A set is "3" in the default partition, "part:3",
 * or "3" with the partition as a further argument.
 */
export class SetFunctions extends CoreFunctions {
  /** Whether a set exists. */
  ds_list_exists(set: TextOrNumber, partition?: string): boolean {
    const { run } = KAMAILIO_FUNCTIONS.ds_list_exists;
    return this.done(run(this.site, this.text(set), optional(this.pvars, partition)));
  }

  /** Older name of ds_list_exists. */
  ds_list_exist(set: TextOrNumber, partition?: string): boolean {
    return this.ds_list_exists(set, partition);
  }

  /**
   * Whether an address belongs to a destination of a set, or of any set when none or -1 is given. Without `uri` it is
   * the source address of the message. Bits of the mode, default 2: 1 ignores the port, 2 ignores the protocol, 4 only
   * active destinations, 8 the socket that received the message must be the destination's, 16 the best match. The
   * attributes of the match are written to attrs_pvname and, when no set was given, its set to setid_pvname.
   */
  ds_is_from_list(set: TextOrNumber = -1, mode?: TextOrNumber, uri?: string, partition?: string): boolean {
    const { pvars, site } = this;
    const [bits, address, name] = [optional(pvars, mode), optional(pvars, uri), optional(pvars, partition)];
    return this.done(KAMAILIO_FUNCTIONS.ds_is_from_list.run(site, this.text(set), bits, address, name));
  }

  /** Whether a set has a destination that is neither inactive nor disabled; with `uri`, whether that one is. */
  ds_is_active(set: TextOrNumber, uri?: string, partition?: string): boolean {
    const { pvars, site } = this;
    const { run } = KAMAILIO_FUNCTIONS.ds_is_active;
    return this.done(run(site, this.text(set), optional(pvars, uri), optional(pvars, partition)));
  }

  /** Sets the state of any destination by the letters a, i, d, t, p, without regard to thresholds. */
  ds_mark_addr(state: string, set: TextOrNumber, uri: string, partition?: string): boolean {
    const { run } = KAMAILIO_FUNCTIONS.ds_mark_addr;
    const name = optional(this.pvars, partition);
    return this.done(run(this.site, this.text(state), this.text(set), this.text(uri), name));
  }

  /**
   * Starts loading the destinations of a partition again; the loading continues after the return, and the log says when
   * it has ended. False when that is not allowed: in a strict partition within five seconds of the last time.
   */
  ds_reload(partition?: string): boolean {
    return this.done(KAMAILIO_FUNCTIONS.ds_reload.run(this.site, optional(this.pvars, partition)));
  }

  /** Chooses the set, and with `uri` the destination in it, that $dsg(...) reads; $dsg is null for an unknown set. */
  ds_dsg_fetch(set: TextOrNumber, uri?: string, partition?: string): boolean {
    const { pvars, site } = this;
    const { run } = KAMAILIO_FUNCTIONS.ds_dsg_fetch;
    return this.done(run(site, this.text(set), optional(pvars, uri), optional(pvars, partition)));
  }

  /** Like ds_dsg_fetch, for the destination whose overload control $dsg(oc...) reads. */
  ds_dsg_fetch_uri(set: TextOrNumber, uri: string, partition?: string): boolean {
    return this.ds_dsg_fetch(set, uri, partition);
  }

  /**
   * Stores a destination's request for fewer calls (algorithm 64): percentage of calls to skip, milliseconds it is
   * valid (0: 500), and a number that grows with each announcement. $retcode is -1 for a set that does not exist, and
   * -2 when no destination accepted it (an unknown URI, or an announcement that is not newer).
   */
  ds_oc_set_attrs(
    set: TextOrNumber,
    uri: string,
    rate: TextOrNumber,
    time: TextOrNumber,
    seq: TextOrNumber,
    partition?: string,
  ): boolean {
    const { run } = KAMAILIO_FUNCTIONS.ds_oc_set_attrs;
    const [percent, milliseconds, number] = [this.text(rate), this.text(time), this.text(seq)];
    const name = optional(this.pvars, partition);
    return this.done(run(this.site, this.text(set), this.text(uri), percent, milliseconds, number, name));
  }
}
