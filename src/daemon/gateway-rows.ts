import { timeRecurrence } from '../core/time-recurrence.js';
import { parseUri } from '../core/uri.js';
import type {
  BalancerRow,
  CarrierRow,
  GatewayRow,
  GroupRow,
  ListEntry,
  ProbeMode,
  RuleRow,
} from '../script/gateway-rows.js';
import { type DatabaseRow, textIn } from './script-rows.js';

function probeModeOf(row: DatabaseRow): ProbeMode {
  const mode = Number(row['probe_mode'] ?? 0);
  return mode === 1 || mode === 2 ? mode : 0;
}

/** Parses "pstn=32; transc=8". Throws an Error for a resource without a number. */
function resourcesIn(text: string): Map<string, number> {
  const resources = new Map<string, number>();
  for (const each of text.split(';')) {
    if (each.trim() === '') continue;
    const [name = '', max = ''] = each.split('=').map((part) => part.trim());
    if (/^fs:/i.test(max)) throw new Error(`resource ${name}: limits from FreeSWITCH are not supported`);
    if (name === '' || !/^\d{1,9}$/.test(max)) throw new Error(`resource "${each.trim()}" is not NAME=NUMBER`);
    resources.set(name, Number(max));
  }
  if (resources.size === 0) throw new Error('there are no resources');
  return resources;
}

/** Reads a row of the load_balancer table. Throws an Error for an invalid one. */
export function balancerRow(row: DatabaseRow): BalancerRow {
  const uri = textIn(row, 'dst_uri') ?? '';
  if (parseUri(uri) === undefined) throw new Error(`"${uri}" is not a SIP URI`);
  return {
    id: Number(row['id'] ?? 0),
    group: Number(row['group_id'] ?? 0),
    uri,
    resources: resourcesIn(textIn(row, 'resources') ?? ''),
    probeMode: probeModeOf(row),
    attributes: textIn(row, 'attrs') ?? '',
  };
}

/**
 * Reads a row of a gateway table, with an address such as "sip:10.0.0.1:5080" or, in 1.x and 2.x, "10.0.0.1:5080".
 * Throws an Error for an invalid one.
 */
export function gatewayRow(row: DatabaseRow): GatewayRow {
  const address = (textIn(row, 'address') ?? '').trim();
  const uri = /^sips?:/i.test(address) ? address : `sip:${address}`;
  if (address === '' || parseUri(uri) === undefined) throw new Error(`"${address}" is not a SIP address`);
  return {
    id: textIn(row, 'gwid') ?? String(row['id'] ?? ''),
    type: Number(row['type'] ?? 0),
    uri,
    strip: Math.max(0, Number(row['strip'] ?? 0) || 0),
    prefix: textIn(row, 'pri_prefix') ?? '',
    attributes: textIn(row, 'attrs') ?? '',
    probeMode: probeModeOf(row),
    state: Number(row['state'] ?? 0),
    socket: textIn(row, 'socket') ?? '',
  };
}

/** Parses "gw1=10,gw4,#cr3=80"; in 1.x and Kamailio also with ";", in Kamailio also with "|" as separator. */
function listIn(text: string): ListEntry[] {
  return text.split(';').flatMap((part, section) =>
    part
      .split(/[,|]/)
      .map((each) => each.trim())
      .filter((each) => each !== '')
      .map((each) => {
        const equals = each.indexOf('=');
        const id = (equals < 0 ? each : each.slice(0, equals)).trim();
        const weight = equals < 0 ? 0 : Math.max(0, Number(each.slice(equals + 1)) || 0);
        return { id: id.replace(/^#/, ''), carrier: id.startsWith('#'), weight, section };
      }),
  );
}

const WEIGHTED = 1;
const FIRST_ONLY = 2;
const OFF = 4;

/** Reads a row of dr_carriers, with the flags of 2.x or the columns of 3.x. */
export function carrierRow(row: DatabaseRow): CarrierRow {
  const flags = Number(row['flags'] ?? 0);
  return {
    id: textIn(row, 'carrierid') ?? '',
    list: listIn(textIn(row, 'gwlist') ?? ''),
    byWeight: textIn(row, 'sort_alg') === 'W' || (row['sort_alg'] === undefined && (flags & WEIGHTED) !== 0),
    firstOnly: (flags & FIRST_ONLY) !== 0,
    off: (flags & OFF) !== 0 || Number(row['state'] ?? 0) !== 0,
    attributes: textIn(row, 'attrs') ?? '',
  };
}

/** Reads a row of Kamailio's dr_gw_lists. */
export function gatewayListRow(row: DatabaseRow): CarrierRow {
  return {
    id: textIn(row, 'id') ?? '',
    list: listIn(textIn(row, 'gwlist') ?? ''),
    byWeight: false,
    firstOnly: false,
    off: false,
    attributes: '',
  };
}

/** Reads a row of dr_rules. Throws an Error for an invalid time. */
export function ruleRow(row: DatabaseRow): RuleRow {
  return {
    id: Number(row['ruleid'] ?? 0),
    groups: (textIn(row, 'groupid') ?? '')
      .split(/[,;]/)
      .filter((each) => each.trim() !== '')
      .map(Number),
    prefix: (textIn(row, 'prefix') ?? '').trim(),
    time: timeRecurrence(textIn(row, 'timerec') ?? ''),
    priority: Number(row['priority'] ?? 0),
    route: (textIn(row, 'routeid') ?? '').trim(),
    list: listIn(textIn(row, 'gwlist') ?? ''),
    byWeight: textIn(row, 'sort_alg') === 'W',
    attributes: textIn(row, 'attrs') ?? '',
  };
}

/** Reads a row of dr_groups, whose column names are parameters. */
export function groupRow(row: DatabaseRow, columns: readonly [user: string, domain: string, group: string]): GroupRow {
  const [user, domain, group] = columns;
  return {
    user: textIn(row, user) ?? '',
    domain: (textIn(row, domain) ?? '').toLowerCase(),
    group: Number(row[group] ?? 0),
  };
}
