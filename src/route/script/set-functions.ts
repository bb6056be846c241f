import { parseUri, type TransportName } from '../../core/uri.js';
import { kamailioOf } from '../../engine/kamailio/flavour.js';
import { FROM_LIST, findFromList } from '../../engine/kamailio/from-list.js';
import { groupCounts, groupOverload } from '../../engine/kamailio/group.js';
import { announceOverload } from '../../engine/kamailio/overload.js';
import { markBits } from '../../engine/kamailio/states.js';
import type { Partition } from '../../engine/partition.js';
import { integerOf, type PvarValue } from '../../pvar/context.js';
import { optional, type SetReference, setReference } from './arguments.js';
import { CoreFunctions } from './core-functions.js';

type TextOrNumber = string | number;

const DEFAULT_PORTS: Readonly<Record<string, number>> = { tls: 5061, wss: 443, ws: 80 };

/**
 * Kamailio's functions about sets, which look at no selection. A set is "3" of the default partition, "part:3", or "3"
 * with the partition as a further argument.
 */
export class SetFunctions extends CoreFunctions {
  /** Whether a set is there. */
  ds_list_exists(set: TextOrNumber, partition?: string): boolean {
    const found = this.setOf('ds_list_exists', set, partition);
    if (found === undefined) return this.done(-2);
    return this.done(found.partition.snapshot.sets.has(found.setId) ? 1 : -1);
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
    const name = 'ds_is_from_list';
    const found = this.setOf(name, set, partition);
    if (found === undefined) return this.done(-1);
    const bits = mode === undefined ? FROM_LIST.anyProtocol : integerOf(this.text(mode));
    if (bits === undefined) return this.refused(name, `mode "${mode}" is not a number`);
    const { pvars } = this;
    const { protocol, receivedAddress, receivedPort } = pvars;
    let address = { ip: pvars.sourceAddress, port: pvars.sourcePort, transport: protocol.toLowerCase() };
    if (uri !== undefined) {
      const text = this.text(uri).trim();
      const parsed = parseUri(/^[a-z]{3,4}:/i.test(text) ? text : `sip:${text}`);
      if (parsed === undefined || parsed.scheme === 'tel') return this.refused(name, `"${text}" is no SIP URI`);
      const named = /;transport=([A-Za-z]+)/i.exec(parsed.params)?.[1]?.toLowerCase();
      const transport = named ?? (parsed.scheme === 'sips' ? 'tls' : 'udp');
      address = { ip: parsed.host, port: parsed.port ?? DEFAULT_PORTS[transport] ?? 5060, transport };
    }
    const host = receivedAddress.includes(':') ? `[${receivedAddress}]` : receivedAddress;
    const destination = findFromList(found.partition, {
      ip: address.ip,
      port: address.port,
      transport: address.transport as TransportName,
      socket: `${protocol.toLowerCase()}:${host}:${receivedPort}`,
      setId: found.setId === -1 ? undefined : found.setId,
      mode: bits,
    });
    if (destination === undefined) return this.done(-1);
    if (found.setId === -1) this.env.setidPvar?.assign(pvars, destination.setId);
    if (destination.row.attrs !== '') this.env.attrsPvar?.assign(pvars, destination.row.attrs);
    return this.done(1);
  }

  /** Whether a set has a destination that is neither inactive nor disabled; with `uri`, exactly that one. */
  ds_is_active(set: TextOrNumber, uri?: string, partition?: string): boolean {
    const found = this.setOf('ds_is_active', set, partition);
    if (found === undefined) return this.done(-1);
    const wanted = optional(this.pvars, uri);
    const destinations = found.partition.snapshot.sets.get(found.setId)?.destinations ?? [];
    const active = destinations.some(
      ({ row, health }) => health.state === 'active' && (wanted === undefined || row.uri === wanted),
    );
    return this.done(active ? 1 : -1);
  }

  /**
   * Sets the state of a destination, whatever was selected: letters a, i, d, t, p. At once, not by way of the thresholds.
   */
  ds_mark_addr(state: string, set: TextOrNumber, uri: string, partition?: string): boolean {
    const found = this.setOf('ds_mark_addr', set, partition);
    if (found === undefined) return this.done(-1);
    const kamailio = kamailioOf(found.partition);
    if (kamailio === undefined) return this.refused('ds_mark_addr', NOT_KAMAILIO);
    const bits = markBits(this.text(state).trim(), kamailio.options);
    if (bits === undefined) return this.refused('ds_mark_addr', `state "${state}" is none of a, i, d, t, p`);
    const destination = found.partition.find(found.setId, this.text(uri));
    if (destination === undefined) return this.done(-1);
    const reason = 'script function ds_mark_addr()';
    this.env.engine.states.apply({ destination, kind: 'set', mark: { bits, how: 'set' }, origin: 'script', reason });
    return this.done(1);
  }

  /**
   * Has the destinations of a partition loaded anew, which goes on after this has returned; its end stands in the log.
   * False while it may not be: in a strict partition for five seconds after the last time.
   */
  ds_reload(partition?: string): boolean {
    const name = optional(this.pvars, partition)?.trim() ?? '';
    const found = this.env.engine.partition(name);
    if (found === undefined) return this.refused('ds_reload', `no partition "${name}"`);
    return this.done(this.env.reload?.(found.name) === true ? 1 : -1);
  }

  /** Chooses the set, and with `uri` its destination, that $dsg(...) reads; $dsg is null for an unknown set. */
  ds_dsg_fetch(set: TextOrNumber, uri?: string, partition?: string): boolean {
    const found = this.setOf('ds_dsg_fetch', set, partition);
    if (found === undefined) return this.done(-1);
    const { setId } = found;
    const of = optional(this.pvars, uri);
    this.pvars.groupField = (field) => this.groupField(found.partition, setId, of, field);
    return this.done(1);
  }

  /** As ds_dsg_fetch, with the destination whose overload control $dsg(oc...) reads. */
  ds_dsg_fetch_uri(set: TextOrNumber, uri: string, partition?: string): boolean {
    return this.ds_dsg_fetch(set, uri, partition);
  }

  /**
   * A destination asks for fewer calls (algorithm 64): percent of calls to skip, milliseconds it holds (0: 500), and a
   * number that grows with each announcement. Leaves -1 in $retcode for a set that is not there, -2 when no destination
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
    const found = this.setOf('ds_oc_set_attrs', set, partition);
    if (found === undefined) return this.done(-1);
    const [percent, milliseconds, number] = [rate, time, seq].map((each) => integerOf(this.text(each)));
    if (percent === undefined || milliseconds === undefined || number === undefined) {
      return this.refused('ds_oc_set_attrs', 'rate, time and sequence must be numbers');
    }
    const announcement = { rate: percent, time: milliseconds, seq: number };
    return this.done(announceOverload(found.partition, found.setId, this.text(uri), announcement));
  }

  /** A set that is named by its number; undefined, with a warning, when it is not. */
  private setOf(
    name: string,
    set: TextOrNumber,
    partition: string | undefined,
  ): (SetReference & { readonly setId: number }) | undefined {
    const found = setReference(this.env.engine, this.text(set).trim(), optional(this.pvars, partition));
    const problem = typeof found === 'string' ? found : 'no set is named';
    if (typeof found !== 'string' && found.setId !== undefined) return { ...found, setId: found.setId };
    this.refused(name, problem);
    return undefined;
  }

  private groupField(partition: Partition, setId: number, uri: string | undefined, field: string): PvarValue {
    const counts = groupCounts(partition, setId);
    if (counts === undefined) return null;
    const percent = (part: number) => (counts.count === 0 ? 0 : Math.floor((part * 100) / counts.count));
    switch (field) {
      case 'count':
        return counts.count;
      case 'active':
        return counts.active;
      case 'inactive':
        return counts.inactive;
      case 'pactive':
        return percent(counts.active);
      case 'pinactive':
        return percent(counts.inactive);
    }
    const overload = uri === undefined ? undefined : groupOverload(partition, setId, uri);
    if (overload === undefined) return null;
    const { clock } = this.env;
    const until = overload.until === 0 ? 0 : clock.now() + overload.until - clock.monotonic();
    switch (field) {
      case 'octime_sec':
        return Math.floor(until / 1000);
      case 'octime_usec':
        return Math.floor(until % 1000) * 1000;
      case 'ocseq':
        return overload.seq;
      case 'ocrate':
        return overload.rate;
      default:
        return null;
    }
  }
}

/** Why a function of Kamailio's is refused for a partition. */
export const NOT_KAMAILIO = 'the partition is not of flavour kamailio';
