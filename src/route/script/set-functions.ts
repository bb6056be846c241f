import { KAMAILIO_FUNCTIONS } from '../dispatcher/table.js';
import { optional, type TextOrNumber } from './arguments.js';
import { CoreFunctions } from './core-functions.js';

/**
 * Kamailio's functions about sets, which look at no selection. A set is "3" of the default partition, "part:3", or "3"
 * with the partition as a further argument.
 */
export class SetFunctions extends CoreFunctions {
  /** Whether a set exists. */
  ds_list_exists(set: TextOrNumber, partition?: string): boolean {
    const { run } = KAMAILIO_FUNCTIONS.ds_list_exists;
    return this.done(run(this.site, this.text(set), optional(this.pvars, partition)));
  }

  /** ds_list_exists by its older name. */
  ds_list_exist(set: TextOrNumber, partition?: string): boolean {
    return this.ds_list_exists(set, partition);
  }

  /**
   * Whether an address is that of a destination of a set; of any without a set or with -1. Without `uri` it is the one
   * the message came from. Mode: 1 whatever the port, 2 whatever the protocol, 4 active ones only, 8 the socket it came in
   * by must be the destination's, 16 the one that agrees in most; default 2. The attributes of what is found go to
   * attrs_pvname, and where any set would do its number to setid_pvname.
   */
  ds_is_from_list(set: TextOrNumber = -1, mode?: TextOrNumber, uri?: string, partition?: string): boolean {
    const { pvars, site } = this;
    const [bits, address, name] = [optional(pvars, mode), optional(pvars, uri), optional(pvars, partition)];
    return this.done(KAMAILIO_FUNCTIONS.ds_is_from_list.run(site, this.text(set), bits, address, name));
  }

  /** Whether a set has a destination that is neither inactive nor disabled; with `uri`, exactly that one. */
  ds_is_active(set: TextOrNumber, uri?: string, partition?: string): boolean {
    const { pvars, site } = this;
    const { run } = KAMAILIO_FUNCTIONS.ds_is_active;
    return this.done(run(site, this.text(set), optional(pvars, uri), optional(pvars, partition)));
  }

  /**
   * Sets the state of a destination, whatever was selected: letters a, i, d, t, p. At once, not by way of the thresholds.
   */
  ds_mark_addr(state: string, set: TextOrNumber, uri: string, partition?: string): boolean {
    const { run } = KAMAILIO_FUNCTIONS.ds_mark_addr;
    const name = optional(this.pvars, partition);
    return this.done(run(this.site, this.text(state), this.text(set), this.text(uri), name));
  }

  /**
   * Has the destinations of a partition loaded anew, which goes on after this has returned; its end stands in the log.
   * False while it may not be: in a strict partition for five seconds after the last time.
   */
  ds_reload(partition?: string): boolean {
    return this.done(KAMAILIO_FUNCTIONS.ds_reload.run(this.site, optional(this.pvars, partition)));
  }

  /** Chooses the set, and with `uri` its destination, that $dsg(...) reads; $dsg is null for an unknown set. */
  ds_dsg_fetch(set: TextOrNumber, uri?: string, partition?: string): boolean {
    const { pvars, site } = this;
    const { run } = KAMAILIO_FUNCTIONS.ds_dsg_fetch;
    return this.done(run(site, this.text(set), optional(pvars, uri), optional(pvars, partition)));
  }

  /** As ds_dsg_fetch, with the destination whose overload control $dsg(oc...) reads. */
  ds_dsg_fetch_uri(set: TextOrNumber, uri: string, partition?: string): boolean {
    return this.ds_dsg_fetch(set, uri, partition);
  }

  /**
   * A destination asks for fewer calls (algorithm 64): percent of calls to skip, milliseconds it holds (0: 500), and a
   * number that grows with each announcement. Leaves -1 in $retcode for a set that does not exist, -2 when no destination
   * took it: an unknown URI, or an announcement that is not newer.
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
