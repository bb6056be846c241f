import type { AuditTrail } from '../access/audit.js';
import { type Caller, unbounded } from '../access/caller.js';
import { type HttpAccess, isRejection, type Rejection } from '../access/http-access.js';
import type { Settings } from '../config/settings.js';
import type { Clock } from '../core/clock.js';
import type { Logger } from '../core/logger.js';
import type { Engine } from '../engine/engine.js';
import { dispatcherHash } from '../engine/hash.js';
import { kamailioOf } from '../engine/kamailio/flavour.js';
import { setStateBits } from '../engine/kamailio/states.js';
import type { Partition } from '../engine/partition.js';
import type { DispatcherControl } from '../management/mi/dependencies.js';
import type { MiHandler } from '../management/mi/handler.js';
import type { DispatcherTarget, DispatcherView } from '../management/rpc/dispatcher-view.js';
import { errorIn } from '../management/rpc/json-text.js';
import { RpcService } from '../management/rpc/service.js';
import { type RpcDependencies, rpcCommands } from '../management/rpc/table.js';
import type { RpcSender, ScriptServices } from '../script/services.js';
import { type NoSocket, RowReader } from '../store/rows.js';

/** What Kamailio's RPC commands need. */
export interface KamailioRpcOptions extends Omit<RpcDependencies, 'view'> {
  readonly mi: Settings['mi'];
  readonly engine: Engine;
  readonly control: DispatcherControl;
  /** Why the socket that a destination names cannot be used. */
  readonly noSocket: NoSocket;
  /** Counts and logs refused requests. */
  readonly handler: Pick<MiHandler, 'refuse' | 'served'>;
  readonly audit: AuditTrail;
  /** Finds the caller of a command over HTTP. */
  readonly access: Pick<HttpAccess, 'caller'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Kamailio's RPC commands. */
export interface KamailioRpc {
  readonly service: RpcService;
  /** Runs a command in this process; returns {"result": ...} or {"error": {"code", "message"}}. Never rejects. */
  call(method: string, params: unknown): Promise<object>;
  /** Answers a JSON-RPC text that a script passes on; undefined if it is not JSON. Never rejects. */
  readonly answer: ScriptServices['rpc'];
}

/** Builds the command table. */
export function createKamailioRpc(options: KamailioRpcOptions): KamailioRpc {
  const { mi, log, handler, audit, access } = options;
  const view = dispatcherView(options);
  const tally = {
    served: handler.served.bind(handler),
    refuse: handler.refuse.bind(handler),
  };
  const service = new RpcService(rpcCommands({ ...options, view }), tally, log, audit);
  return {
    service,
    async answer(text, sender) {
      const { partition, as } = mi.jsonrpc?.[0] ?? {};
      const caller = sender === undefined ? unbounded('jsonrpc-http') : await callerOf(sender, access, as);
      if (isRejection(caller)) return { code: caller.status, reason: 'Unauthorized', body: '' };
      const pieces = await service.answerJson(text, { partition, caller });
      if (pieces === undefined) return undefined;
      const error = errorIn(pieces);
      if (error === undefined) return { code: 200, reason: 'OK', body: pieces.join('') };
      // JSON-RPC's own codes are not HTTP status codes.
      return {
        code: error.code < 400 || error.code > 599 ? 400 : error.code,
        reason: error.message,
        body: pieces.join(''),
      };
    },
    async call(method, params) {
      const request = { jsonrpc: '2.0', id: 1, method, params };
      const partition = mi.jsonrpc?.[0]?.partition;
      const pieces = await service.answerJsonValue(request, { partition, caller: unbounded('jsonrpc-http') });
      const { result, error } = JSON.parse(pieces.join('')) as { result?: unknown; error?: unknown };
      return error === undefined ? { result } : { error };
    },
  };
}

/** The caller of a command that a script got over HTTP, by "access" in the settings. */
function callerOf(
  { peer, authorization }: RpcSender,
  access: KamailioRpcOptions['access'],
  as: string | undefined,
): Promise<Caller | Rejection> {
  return access.caller({ headers: { authorization }, peer }, 'jsonrpc-http', as);
}

const REASON = 'MI command';

function dispatcherView({ engine, control, clock, noSocket, process: info }: KamailioRpcOptions): DispatcherView {
  return {
    target(name) {
      const partition = name === undefined ? usualPartition(engine) : engine.partition(name);
      return partition && dispatcherTarget(partition, engine, control, clock, noSocket, info);
    },
    probingActive: (partition) => control.probingActive(partition),
    setProbingActive: (active, partition) => control.setProbingActive(active, partition),
    hash: dispatcherHash,
  };
}

/**
 * The partition for requests that name none: the default one if its flavour is kamailio, else the first with this
 * flavour, else the default one, else the first.
 */
function usualPartition(engine: Engine): Partition | undefined {
  const byDefault = engine.partition('');
  if (byDefault !== undefined && kamailioOf(byDefault) !== undefined) return byDefault;
  const all = [...engine.partitions];
  return all.find((each) => kamailioOf(each) !== undefined) ?? byDefault ?? all[0];
}

function dispatcherTarget(
  partition: Partition,
  engine: Engine,
  control: DispatcherControl,
  clock: Clock,
  noSocket: NoSocket,
  info: RpcDependencies['process'],
): DispatcherTarget {
  const { name } = partition;
  const { flavour, compat } = partition.options;
  const strict = compat === 'strict';
  return {
    name,
    strict,
    snapshot: partition.snapshot,
    find: (setId, uri) => {
      const all = partition.findAll(setId, uri);
      // If a row occurs twice, Kamailio changes only the first.
      return strict ? all.slice(0, 1) : all;
    },
    showsFieldsOf6: partition.flavour.showsFieldsOf6,
    view: (destination) => partition.flavour.view(destination),
    iuid: ({ serial, setId }) => {
      const seconds = Math.floor(info.startedAt / 1000);
      return `dspt-${seconds.toString(16)}-${process.pid.toString(16)}-${digitsReversed(serial)}-${setId}`;
    },
    timeOf: (monotonic) => clock.now() + monotonic - clock.monotonic(),
    isState: (state) => setStateBits(state) !== undefined,
    setState(destination, state) {
      const bits = setStateBits(state);
      if (bits === undefined) return;
      const signal = { destination, kind: 'set', origin: 'mi', reason: REASON } as const;
      engine.states.apply({ ...signal, ...partition.flavour.wantedByBits(bits) });
    },
    async reload() {
      const inheritState = partition.flavour.reloadKeepsStates;
      const reports = await control.reload([name], { inheritState, dryRun: false });
      return reports.get(name)?.discarded ?? [];
    },
    async add({ setId, uri, flags, priority, attrs }) {
      const reader = new RowReader({ table: name, flavour, persistentState: true, noSocket });
      reader.add({ setid: setId, destination: uri, flags, priority, attrs });
      const [row] = reader.rows;
      if (row === undefined) throw new Error(reader.discarded[0]?.reason ?? 'the destination is refused');
      if (partition.findAll(setId, row.uri).some((each) => each.row.socket === row.socket)) {
        throw new Error('it is there already');
      }
      await control.add(partition, row, { persist: false });
    },
    writeThrough: () => control.writeThrough(partition.name),
    remove: (setId, uri) => control.remove(partition, setId, uri, { persist: false }),
  };
}

/** A number in hexadecimal digits, the last digit first, as 6.x writes its identifiers. */
function digitsReversed(value: number): string {
  return [...value.toString(16)].reverse().join('');
}
