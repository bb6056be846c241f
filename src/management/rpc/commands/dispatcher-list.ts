import { maskUri } from '../../../core/mask.js';
import { readableText } from '../../../core/readable-text.js';
import { nextTurn } from '../../../core/turn.js';
import type { Destination } from '../../../engine/destination.js';
import { type RpcCommand, RpcError, SLICE } from '../command.js';
import type { DispatcherTarget, DispatcherView } from '../dispatcher-view.js';
import { listingOrder } from '../set-order.js';
import { double, list, manyResult, type RpcMember, type RpcStruct, struct, valuesResult } from '../value.js';
import { readGroup, requireTarget } from './target.js';

type Mode = 'short' | 'normal' | 'full';

/**
 * dispatcher.list [short|full [partition]]: the sets of a partition. Any other first argument is the usual mode, as
 * recorded; a partition is ours.
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

/** dispatcher.oclist group: overload control of the destinations of a set, a command of 6.x. */
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
        if (i % SLICE === SLICE - 1) await nextTurn();
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
      if (++count % SLICE === 0) await nextTurn();
      targets.push(show(destination));
    }
    sets.push(['SET', struct(['ID', id], ['TARGETS', list(targets)])]);
  }
  return sets;
}

function shown(target: DispatcherTarget, destination: Destination, mode: Mode): RpcMember {
  const { row } = destination;
  const view = target.view(destination);
  const members: RpcMember[] = [
    ['URI', readableText(maskUri(row.uri))],
    ['FLAGS', view.letters],
    ['PRIORITY', row.priority],
  ];
  if (mode === 'full') {
    members.push(
      ['HOST', destination.host],
      ['IPADDR', ipAddress(destination)],
      ['PORT', destination.port ?? 0],
      ['PROTOID', protocolId(destination)],
      ['DNSTIME_SEC', 0],
      ['DNSTIME_USEC', 0],
    );
  }
  if (mode !== 'short' && row.attrs !== '') {
    const { attributes } = view;
    members.push([
      'ATTRS',
      struct(
        ['BODY', readableText(row.attrs)],
        ['DUID', readable(attributes.duid)],
        ['MAXLOAD', attributes.maxload],
        ['WEIGHT', attributes.weight],
        ['RWEIGHT', attributes.rweight],
        ['SOCKET', readable(attributes.socket)],
        ['SOCKNAME', readable(attributes.sockname)],
        ['OBPROXY', readable(attributes.obproxy)],
      ),
    ]);
  }
  const { latency } = view;
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
  return ['DEST', struct(...members)];
}

function readable(text: string | undefined): string | null {
  return text === undefined ? null : readableText(text);
}

/** The first address, an IPv6 one in brackets (recorded); the host while a name has not been resolved. */
function ipAddress({ resolved, host }: Destination): string {
  const address = resolved[0]?.address;
  if (address === undefined) return host;
  return address.includes(':') ? `[${address}]` : address;
}

/** The number of the transport parameter, 0 without one (recorded: sips too). */
function protocolId({ params }: Destination): number {
  const named = /;transport=([a-z]+)/i.exec(params)?.[1]?.toLowerCase();
  const at = ['udp', 'tcp', 'tls', 'sctp', 'ws', 'wss'].indexOf(named ?? '');
  return at + 1;
}

function overload(target: DispatcherTarget, destination: Destination): RpcStruct {
  const { row, setId } = destination;
  const { letters, overload: announced } = target.view(destination);
  const until = announced === undefined || announced.until === 0 ? 0 : target.timeOf(announced.until);
  return struct(
    ['group', setId],
    ['uri', readableText(maskUri(row.uri))],
    ['flags', letters],
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
