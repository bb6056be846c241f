import type { ManagementCall } from '../../../access/call.js';
import { nextIteration } from '../../../core/event-loop.js';
import { maskUri } from '../../../core/mask.js';
import { readableText } from '../../../core/readable-text.js';
import type { Destination, HealthState, ResolvedAddress } from '../../../engine/destination.js';
import type { Partition } from '../../../engine/partition.js';
import { weightOf } from '../../../engine/weight.js';
import { DESTINATIONS_AT_ONCE } from '../../bulk.js';
import type { MiCommand, MiParams } from '../command.js';
import { JsonText } from '../command.js';
import type { MiDependencies } from '../dependencies.js';
import { treeLine } from '../tree.js';
import { listedPartitions, parseGroup, parseState, requirePartition, STATE_LABELS } from './partition-lookup.js';

/** What is listed, and in how much detail. */
interface Selection {
  readonly partitions: readonly Partition[];
  readonly setId: number | undefined;
  readonly state: HealthState | undefined;
  /**
   * 0: plain. 1: with weight, priority and description (recorded); except in strict partitions also the reason of a
   * state other than active, if the state has changed or the destination was probed since the load. 2: with the health
   * of all destinations.
   */
  readonly full: number;
}

/** ds_list, dispatcher:list: partitions, sets and destinations in the recorded order and form. */
export function dsListCommand(deps: MiDependencies): MiCommand {
  const full = { name: 'full', type: 'int' } as const;
  const partition = { name: 'partition', type: 'string' } as const;
  return {
    name: 'ds_list',
    aliases: ['dispatcher:list'],
    module: 'dispatcher',
    help: 'lists partitions, sets and destinations with their states; full=1 adds weight, priority, description and why a destination is not active, full=2 the health of all',
    helpNotExported: true,
    needs: { role: 'viewer' },
    paramLists: [[], [full], [partition], [full, partition]],
    extraParams: [
      { name: 'group', type: 'string' },
      { name: 'state', type: 'string' },
    ],
    textParams: [],
    async run(params, call) {
      return new JsonText(await listJson(deps, select(deps, params, call)));
    },
    text: (params, call) => listText(deps, select(deps, params, call)),
  };
}

function select(deps: MiDependencies, params: MiParams, call: ManagementCall): Selection {
  let partitions: readonly Partition[] | undefined;
  let setId: number | undefined;
  if (params['group'] !== undefined) {
    const group = parseGroup(params['group'] as string);
    setId = group.setId;
    if (group.partition !== '') partitions = [requirePartition(deps, call, group.partition, 500)];
  }
  if (params['partition'] !== undefined)
    partitions = [requirePartition(deps, call, params['partition'] as string, 500)];
  return {
    partitions: partitions ?? listedPartitions(deps, call),
    setId,
    state: params['state'] === undefined ? undefined : parseState(params['state'] as string),
    full: (params['full'] as number | undefined) ?? 0,
  };
}

/** Visits the selected destinations in the order of the list; yields to the event loop after each slice. */
async function walk(
  selection: Selection,
  visit: {
    partition(partition: Partition): void;
    set(id: number): void;
    destination(destination: Destination, explains: boolean): void;
    endSet(): void;
    endPartition(): void;
    pause(): void;
  },
): Promise<void> {
  // Takes one snapshot of each partition for the whole answer, which takes several event loop iterations.
  const snapshots = selection.partitions.map((partition) => ({ partition, snapshot: partition.snapshot }));
  let sincePause = 0;
  for (const { partition, snapshot } of snapshots) {
    visit.partition(partition);
    const exact = partition.options.compat === 'strict';
    for (let i = snapshot.setOrder.length - 1; i >= 0; i--) {
      const id = snapshot.setOrder[i] as number;
      if (selection.setId !== undefined && selection.setId !== id) continue;
      visit.set(id);
      for (const destination of snapshot.sets.get(id)?.destinations ?? []) {
        if (selection.state === undefined || destination.health.state === selection.state)
          visit.destination(destination, showsHealth(destination, selection.full, exact));
        // Filtered destinations are counted too, since there may be a hundred thousand of them.
        if (++sincePause >= DESTINATIONS_AT_ONCE) {
          sincePause = 0;
          visit.pause();
          await nextIteration();
        }
      }
      visit.endSet();
    }
    visit.endPartition();
  }
}

/**
 * Collects text and joins it once per slice. V8 keeps strings concatenated with "+" as trees until they are read, and
 * many such parts make garbage collections long.
 */
class Pieces {
  private parts: string[] = [];
  private readonly joined: string[] = [];

  add(text: string): void {
    this.parts.push(text);
  }

  join(): void {
    this.joined.push(this.parts.join(''));
    this.parts = [];
  }

  all(): readonly string[] {
    this.join();
    return this.joined;
  }
}

async function listJson(deps: MiDependencies, selection: Selection): Promise<readonly string[]> {
  const pieces = new Pieces();
  let firstPartition = true;
  let firstSet = true;
  let firstDestination = true;
  let loadOf = (_destination: Destination): number | undefined => undefined;
  pieces.add('{"PARTITIONS":[');
  await walk(selection, {
    partition(partition) {
      pieces.add(`${firstPartition ? '' : ','}{"name":${JSON.stringify(partition.name)},"SETS":[`);
      firstPartition = false;
      firstSet = true;
      // Not in OpenSIPS: calls in progress, if the flavour counts them.
      if (selection.full > 1) loadOf = (destination) => partition.flavour.view(destination).load;
    },
    set(id) {
      pieces.add(`${firstSet ? '' : ','}{"id":${id},"Destinations":[`);
      firstSet = false;
      firstDestination = true;
    },
    destination(destination, explains) {
      const { full } = selection;
      const text = destinationJson(deps, destination, full, explains, loadOf(destination));
      pieces.add((firstDestination ? '' : ',') + text);
      firstDestination = false;
    },
    endSet: () => pieces.add(']}'),
    endPartition: () => pieces.add(']}'),
    pause: () => pieces.join(),
  });
  pieces.add(']}');
  return pieces.all();
}

function destinationJson(
  deps: MiDependencies,
  destination: Destination,
  full: number,
  explains: boolean,
  load: number | undefined,
): string {
  const { row, health } = destination;
  let text = `{"URI":${JSON.stringify(maskUri(row.uri))},"state":"${STATE_LABELS[health.state]}","first_hit_counter":${health.hits}`;
  if (row.socket !== '') text += `,"socket":${JSON.stringify(row.socket)}`;
  if (isUnused(deps, destination)) text += `,"socket_state":${JSON.stringify(UNUSED)}`;
  if (row.attrs !== '') text += `,"attr":${JSON.stringify(readableText(row.attrs))}`;
  const scriptAttrs = deps.dispatcher.scriptAttrs(destination);
  if (scriptAttrs !== undefined) text += `,"script_attr":${JSON.stringify(scriptAttrs)}`;
  if (full > 0) {
    text += `,"weight":${weightOf(destination)},"priority":${row.priority}`;
    if (row.description !== '') text += `,"description":${JSON.stringify(readableText(row.description))}`;
  }
  const addresses = destination.resolved.map((each) => JSON.stringify(addressText(each)));
  text += `,"resolved_addresses":[${addresses.join(',')}]`;
  if (explains) text += healthJson(destination);
  if (load !== undefined) text += `,"load":${load}`;
  if (full > 0) text += clusterJson(deps, destination);
  return `${text}}`;
}

const UNUSED = 'does not exist, another is used';

/**
 * Whether a destination names a socket that is not listened on; false in a strict partition, which shows only what was
 * recorded.
 */
function isUnused(deps: MiDependencies, { row, partition }: Destination): boolean {
  if (row.socket === '' || deps.listens?.(row.socket) !== false) return false;
  return deps.partitions().find(({ name }) => name === partition)?.options.compat !== 'strict';
}

/** Not in OpenSIPS: the cluster node that owns a destination, and the one that wrote its record. */
function clusterJson(deps: MiDependencies, destination: Destination): string {
  const cluster = deps.cluster?.();
  if (cluster === undefined) return '';
  const { owner, revision, by } = cluster.describe(destination);
  return `,"owner":${JSON.stringify(owner)},"revision":${revision}${by === '' ? '' : `,"decided_by":${JSON.stringify(by)}`}`;
}

/** `exact`: with full=1 a strict partition shows only what was recorded. */
function showsHealth({ health }: Destination, full: number, exact: boolean): boolean {
  if (full > 1) return true;
  return !exact && full === 1 && health.state !== 'active' && (health.lastChange ?? health.lastProbe) !== undefined;
}

/** Not in OpenSIPS: the reason of a destination's state. Members without a value are omitted. */
function healthJson(destination: Destination): string {
  const { failures, lastProbe, lastChange } = destination.health;
  let text = `,"consecutive_failures":${failures}`;
  if (lastProbe !== undefined) {
    text += `,"last_probe":${JSON.stringify({
      time: new Date(lastProbe.time).toISOString(),
      ok: lastProbe.ok,
      code: lastProbe.code,
      cause: lastProbe.cause,
      rtt: lastProbe.rtt,
    })}`;
  }
  if (lastChange !== undefined) {
    text += `,"last_change":${JSON.stringify({
      time: new Date(lastChange.time).toISOString(),
      by: lastChange.origin,
      reason: lastChange.reason,
      code: lastChange.code,
      cause: lastChange.cause,
    })}`;
  }
  return text;
}

async function listText(deps: MiDependencies, selection: Selection): Promise<readonly string[]> {
  const pieces = new Pieces();
  await walk(selection, {
    partition: (partition) => pieces.add(treeLine(0, 'PARTITION', partition.name)),
    set: (id) => pieces.add(treeLine(1, 'SET', String(id))),
    destination: (destination, explains) => pieces.add(destinationText(deps, destination, selection.full, explains)),
    endSet() {},
    endPartition() {},
    pause: () => pieces.join(),
  });
  return pieces.all();
}

function destinationText(deps: MiDependencies, destination: Destination, full: number, explains: boolean): string {
  const { row, health } = destination;
  let text = treeLine(2, 'URI', maskUri(row.uri), [['state', STATE_LABELS[health.state]]]);
  if (row.socket !== '') text += treeLine(3, 'socket', row.socket);
  if (isUnused(deps, destination)) text += treeLine(3, 'socket_state', UNUSED);
  if (row.attrs !== '') text += treeLine(3, 'attr', readableText(row.attrs));
  const scriptAttrs = deps.dispatcher.scriptAttrs(destination);
  if (scriptAttrs !== undefined) text += treeLine(3, 'script_attr', scriptAttrs);
  if (full > 0) {
    text += treeLine(3, 'weight', String(weightOf(destination))) + treeLine(3, 'priority', String(row.priority));
    if (row.description !== '') text += treeLine(3, 'description', readableText(row.description));
  }
  if (explains) text += healthText(destination);
  return text;
}

function healthText(destination: Destination): string {
  const { failures, lastProbe, lastChange } = destination.health;
  let text = treeLine(3, 'consecutive_failures', String(failures));
  if (lastProbe !== undefined) {
    const { time, ok, code, cause, rtt } = lastProbe;
    text += treeLine(3, 'last_probe', new Date(time).toISOString(), [
      ['ok', String(ok)],
      ['code', String(code)],
      ...(cause === undefined ? [] : [['cause', cause] as const]),
      ...(rtt === undefined ? [] : [['rtt', String(rtt)] as const]),
    ]);
  }
  if (lastChange !== undefined) {
    const { time, origin, reason, code, cause } = lastChange;
    text += treeLine(3, 'last_change', new Date(time).toISOString(), [
      ['by', origin],
      ['reason', reason],
      ...(code === undefined ? [] : [['code', String(code)] as const]),
      ...(cause === undefined ? [] : [['cause', cause] as const]),
    ]);
  }
  return text;
}

/** "127.0.0.12:5060"; an IPv6 address in full and without brackets, "0:0:0:0:0:0:0:1:5062" (recorded). */
export function addressText({ family, address, port }: ResolvedAddress): string {
  return `${family === 4 ? address : uncompressedIpv6(address)}:${port}`;
}

function uncompressedIpv6(address: string): string {
  const zone = address.indexOf('%');
  let bare = (zone < 0 ? address : address.slice(0, zone)).toLowerCase();
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(bare);
  if (dotted !== null) {
    const [, head = '', a, b, c, d] = dotted;
    const high = Number(a) * 256 + Number(b);
    const low = Number(c) * 256 + Number(d);
    bare = `${head}${high.toString(16)}:${low.toString(16)}`;
  }
  const [left = '', right] = bare.split('::');
  const before = left === '' ? [] : left.split(':');
  const after = right === undefined || right === '' ? [] : right.split(':');
  const zeros = right === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const groups = [...before, ...new Array<string>(zeros).fill('0'), ...after];
  return groups.map((group) => group.replace(/^0+(?=.)/, '')).join(':');
}
