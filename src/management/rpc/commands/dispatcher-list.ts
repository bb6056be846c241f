import { nextIteration } from '../../../core/event-loop.js';
import { canonicalIp } from '../../../core/ip-address.js';
import { maskUri } from '../../../core/mask.js';
import { readableText } from '../../../core/readable-text.js';
import { bracketed } from '../../../core/uri.js';
import type { Destination } from '../../../engine/destination.js';
import type { DestinationView } from '../../../engine/flavour.js';
import { DESTINATIONS_AT_ONCE } from '../../bulk.js';
import { type RpcCommand, RpcError } from '../command.js';
import type { DispatcherTarget, DispatcherView } from '../dispatcher-view.js';
import { listingOrder } from '../set-order.js';
import { double, list, manyResult, type RpcMember, type RpcStruct, struct, valuesResult } from '../value.js';
import { readGroup, requireTarget } from './target.js';

type Mode = 'short' | 'normal' | 'full';

/**
 * dispatcher.list [short|full [partition]]: the sets of a partition. Any other first argument means the normal mode, as
 * recorded; the partition is our own.
 */
export function dispatcherListCommand(view: DispatcherView): RpcCommand {
  return {
    name: 'dispatcher.list',
    help: 'Return the content of dispatcher sets',
    needs: { role: 'viewer' },
    async run(args, call) {
      const target = requireTarget(view, args.text(1), call);
      const asked = args.printable(0);
      const mode: Mode = asked === 'short' || asked === 'full' ? asked : 'normal';
      const sets = await membersOfSets(target, (destination) => shown(target, destination, mode));
      return valuesResult(struct(['NRSETS', sets.length], ['RECORDS', list(sets)]));
    },
  };
}

/** dispatcher.oclist group: overload control of a set's destinations; a command of 6.x. */
export function dispatcherOclistCommand(view: DispatcherView): RpcCommand {
  return {
    name: 'dispatcher.oclist',
    help: 'Return the overload control attributes of the destinations of a set',
    needs: { role: 'viewer' },
    async run(args, call) {
      const { target, setId } = readGroup(view, args, 0, call);
      const set = target.snapshot.sets.get(setId);
      if (set === undefined) throw new RpcError(404, 'Destination Group Not Found');
      const shown: RpcStruct[] = [];
      for (const [i, destination] of set.destinations.entries()) {
        if (i % DESTINATIONS_AT_ONCE === DESTINATIONS_AT_ONCE - 1) await nextIteration();
        shown.push(overload(target, destination));
      }
      return manyResult(shown);
    },
  };
}

async function membersOfSets(
  target: DispatcherTarget,
  show: (destination: Destination) => RpcMember,
): Promise<RpcMember[]> {
  const { snapshot } = target;
  if (snapshot.sets.size === 0) throw new RpcError(500, 'No Destination Sets');
  const sets: RpcMember[] = [];
  let count = 0;
  for (const id of listingOrder(snapshot.setOrder)) {
    const targets: RpcMember[] = [];
    for (const destination of snapshot.sets.get(id)?.destinations ?? []) {
      if (++count % DESTINATIONS_AT_ONCE === 0) await nextIteration();
      targets.push(show(destination));
    }
    sets.push(['SET', struct(['ID', id], ['TARGETS', list(targets)])]);
  }
  return sets;
}

function shown(target: DispatcherTarget, destination: Destination, mode: Mode): RpcMember {
  const { row } = destination;
  const view = target.view(destination);
  const six = target.showsFieldsOf6;
  const members: RpcMember[] = [];
  if (six) members.push(['IDX', destination.index]);
  members.push(['URI', readableText(maskUri(row.uri))], ['FLAGS', view.letters], ['PRIORITY', row.priority]);
  if (six) members.push(['IUID', target.iuid(destination)]);
  if (mode === 'full') members.push(...addressMembers(target, destination, view));
  if (mode !== 'short' && (row.attrs !== '' || (six && mode === 'full'))) {
    members.push(['ATTRS', attributesStruct(row.attrs, view, six)]);
  }
  const { latency, load } = view;
  if (latency !== undefined) {
    members.push([
      'LATENCY',
      struct(
        ['AVG', double(latency.average)],
        ['STD', double(latency.deviation)],
        ['EST', double(latency.estimate)],
        ['MAX', Math.trunc(latency.max)],
        ['TIMEOUT', latency.timeouts],
      ),
    ]);
  }
  if (load !== undefined) members.push(['RUNTIME', struct(['DLGLOAD', load])]);
  return ['DEST', struct(...members)];
}

/** The additional members in mode full. */
function addressMembers(target: DispatcherTarget, destination: Destination, view: DestinationView): RpcMember[] {
  const members: RpcMember[] = [
    ['HOST', destination.host],
    ['IPADDR', ipAddress(destination)],
    ['PORT', destination.port ?? 0],
    ['PROTOID', protocolId(destination, target.showsFieldsOf6)],
    ['DNSTIME_SEC', 0],
    ['DNSTIME_USEC', 0],
  ];
  if (!target.showsFieldsOf6) return members;
  const until = untilOf(target, view);
  members.push(
    ['OCRATE', view.overload?.rate ?? 0],
    ['OCIDX', view.overload?.index ?? 0],
    ['OCSEQ', view.overload?.sequence ?? 0],
    ['OCTIME_SEC', Math.floor(until / 1000)],
    ['OCTIME_USEC', Math.floor(until % 1000) * 1000],
  );
  return members;
}

function attributesStruct(body: string, { attributes, probingCount }: DestinationView, six: boolean): RpcStruct {
  const members: RpcMember[] = [
    ['BODY', body === '' ? null : readableText(body)],
    ['DUID', readable(attributes.duid)],
  ];
  if (six) members.push(['PROBING_COUNT', probingCount]);
  members.push(
    ['MAXLOAD', attributes.maxload],
    ['WEIGHT', attributes.weight],
    ['RWEIGHT', attributes.rweight],
    ['SOCKET', readable(attributes.socket)],
    ['SOCKNAME', readable(attributes.sockname)],
  );
  if (six) members.push(['PING_SOCKET', readable(attributes.pingSocket)]);
  members.push(['OBPROXY', readable(attributes.obproxy)]);
  if (six) members.push(['OCMIN', attributes.ocMin], ['OCMAX', attributes.ocMax]);
  return struct(...members);
}

/** Milliseconds since the epoch until which an overload report is valid; 0 if there was none. */
function untilOf(target: DispatcherTarget, { overload }: DestinationView): number {
  return overload === undefined || overload.until === 0 ? 0 : target.timeOf(overload.until);
}

function readable(text: string | undefined): string | null {
  return text === undefined ? null : readableText(text);
}

/** The first address, IPv6 in brackets (recorded); the host while a name is not resolved. */
function ipAddress({ resolved, host }: Destination): string {
  const address = resolved[0]?.address;
  return address === undefined ? host : bracketed(address);
}

/**
 * The number of the transport parameter. Without one 0; in 6.x 1 if the host is an address or a port is written
 * (recorded, also for sips).
 */
function protocolId({ params, host, port }: Destination, six: boolean): number {
  const named = /;transport=([a-z]+)/i.exec(params)?.[1]?.toLowerCase();
  const at = ['udp', 'tcp', 'tls', 'sctp', 'ws', 'wss'].indexOf(named ?? '') + 1;
  if (at > 0 || !six) return at;
  return port !== undefined || canonicalIp(host) !== undefined ? 1 : 0;
}

function overload(target: DispatcherTarget, destination: Destination): RpcStruct {
  const { row, setId } = destination;
  const view = target.view(destination);
  const { overload: announced } = view;
  const until = untilOf(target, view);
  return struct(
    ['group', setId],
    ['uri', readableText(maskUri(row.uri))],
    ['flags', view.bits],
    ['priority', row.priority],
    ['ocrate', announced?.rate ?? 0],
    ['ocidx', announced?.index ?? 0],
    ['ocseq', announced?.sequence ?? 0],
    ['octime_sec', Math.floor(until / 1000)],
    ['octime_usec', Math.floor(until % 1000) * 1000],
    ['ocmin', announced?.min ?? 0],
    ['ocmax', announced?.max ?? 100],
  );
}
