import { messageOf } from '../../../core/errors.js';
import { nextIteration } from '../../../core/event-loop.js';
import { maskSecrets, maskUri } from '../../../core/mask.js';
import { readableText } from '../../../core/readable-text.js';
import type { Destination } from '../../../engine/destination.js';
import type { Discarded } from '../../../engine/partition.js';
import type { RpcArguments } from '../arguments.js';
import { INVALID_PARAMETERS, type RpcCall, type RpcCommand, RpcError } from '../command.js';
import type { DispatcherTarget, DispatcherView } from '../dispatcher-view.js';
import { type RpcMember, struct, textResult, valuesResult } from '../value.js';
import { readGroup, requireTarget } from './target.js';

/** States set per event loop iteration: each is logged, counted and sent to subscribers. */
const CHANGES_PER_ITERATION = 50;
const UPDATED = textResult('Ok. Dispatcher state updated.');
const UPDATED_IN_MEMORY = textResult('Ok. Dispatcher state updated, not yet in the table.');
const UPDATE_FAILED = new RpcError(500, 'State Update Failed');

/** dispatcher.set_state state group address|all, dispatcher.set_duid_state state group duid. */
export function dispatcherStateCommands(view: DispatcherView): readonly RpcCommand[] {
  const run =
    (pick: (target: DispatcherTarget, setId: number, text: string) => readonly Destination[]): RpcCommand['run'] =>
    async (args, call) => {
      const state = args.printable(0);
      const text = args.text(2);
      // All three must be present before any is checked: "zz 1" lacks a parameter, whatever "zz" is.
      if (state === undefined || text === undefined) throw INVALID_PARAMETERS;
      const { target, setId } = readGroup(view, args, 1, call);
      if (!target.isState(state)) throw new RpcError(500, 'Unknown State Value');
      const destinations = pick(target, setId, text);
      // "all" for an unknown set changes nothing and succeeds (recorded).
      if (destinations.length === 0 && text !== 'all') throw UPDATE_FAILED;
      for (const [i, destination] of destinations.entries()) {
        if (i % CHANGES_PER_ITERATION === CHANGES_PER_ITERATION - 1) await nextIteration();
        const before = target.view(destination).letters;
        target.setState(destination, state);
        noteState(call, target, destination, before);
      }
      return (await target.writeThrough()) || target.strict ? UPDATED : UPDATED_IN_MEMORY;
    };
  return [
    {
      name: 'dispatcher.set_state',
      help: 'Set the state of a destination by address',
      needs: { role: 'operator' },
      changes: () => true,
      run: run((target, setId, address) =>
        address === 'all' ? destinationsOf(target, setId) : at(target, setId, address),
      ),
    },
    {
      name: 'dispatcher.set_duid_state',
      help: 'Set the state of a destination by duid',
      needs: { role: 'operator' },
      changes: () => true,
      run: run((target, setId, duid) =>
        destinationsOf(target, setId).filter((each) => readableText(target.view(each).attributes.duid ?? '') === duid),
      ),
    },
  ];
}

/** The destinations with an address; one with a password may be written as in lists. */
function at(target: DispatcherTarget, setId: number, address: string): readonly Destination[] {
  const found = target.find(setId, address);
  if (found.length > 0 || !address.includes(':***@')) return found;
  return destinationsOf(target, setId).filter(({ row }) => maskUri(row.uri).toLowerCase() === address.toLowerCase());
}

function noteState(call: RpcCall, target: DispatcherTarget, destination: Destination, before: string): void {
  const now = target.view(destination).letters;
  if (now !== before) call.changed(`${maskUri(destination.row.uri)} of set ${destination.setId}: ${before} to ${now}`);
}

function destinationsOf(target: DispatcherTarget, setId: number): readonly Destination[] {
  return target.snapshot.sets.get(setId)?.destinations ?? [];
}

/** Maximum number of rows named in an answer. */
const MAX_NAMED = 5;

/** dispatcher.reload [partition]; the argument is our own. */
export function dispatcherReloadCommand(view: DispatcherView): RpcCommand {
  return {
    name: 'dispatcher.reload',
    help: 'Reload dispatcher destination sets',
    needs: { role: 'operator' },
    changes: () => true,
    async run(args, call) {
      const target = requireTarget(view, args.text(0), call);
      try {
        const leftOut = await target.reload();
        call.changed(`${target.name} loaded again`);
        return textResult(`Ok. Dispatcher successfully reloaded.${target.strict ? '' : namesOf(leftOut)}`);
      } catch {
        // The load has logged the reason.
        throw new RpcError(500, 'Reload Failed');
      }
    },
  };
}

/** The rows that a load has discarded, the first ones by name; '' for none. */
function namesOf(leftOut: readonly Discarded[]): string {
  if (leftOut.length === 0) return '';
  const named = leftOut.slice(0, MAX_NAMED).map(({ row, reason }) => `${row} (${reason})`);
  const more = leftOut.length > MAX_NAMED ? ' ...' : '';
  return ` ${leftOut.length} left out: ${readableText(maskSecrets(named.join(', ')))}${more}`;
}

/** dispatcher.add group address [flags [priority [attrs]]], dispatcher.remove group address: in memory only. */
export function dispatcherEditCommands(view: DispatcherView): readonly RpcCommand[] {
  /** A command whose first two arguments are set and address. */
  const edit = (
    name: string,
    help: string,
    run: (target: DispatcherTarget, setId: number, address: string, args: RpcArguments, call: RpcCall) => Promise<void>,
    done: string,
  ): RpcCommand => ({
    name,
    help,
    needs: { role: 'admin' },
    changes: () => true,
    async run(args, call) {
      const address = args.text(1);
      if (address === undefined) throw INVALID_PARAMETERS;
      const { target, setId } = readGroup(view, args, 0, call);
      await run(target, setId, address, args, call);
      return textResult(done);
    },
  });
  return [
    edit(
      'dispatcher.add',
      'Add a destination address in memory',
      async (target, setId, address, args, call) => {
        const flags = args.int(2);
        const priority = flags === undefined ? undefined : args.int(3);
        const attrs = priority === undefined ? undefined : args.text(4);
        const uri = /^sips?:/i.test(address) ? address : `sip:${address}`;
        try {
          await target.add({ setId, uri, flags: flags ?? 0, priority: priority ?? 0, attrs: attrs ?? '' });
          call.changed(`${maskUri(uri)} added to set ${setId}, in memory only`);
        } catch (error) {
          // Kamailio answers success even if nothing was added.
          if (!target.strict) throw new RpcError(500, `Adding Destination Failed: ${messageOf(error)}`);
        }
      },
      'Ok. Dispatcher destination added.',
    ),
    edit(
      'dispatcher.remove',
      'Remove a destination address from memory',
      async (target, setId, address, _args, call) => {
        // The answer is the same whether it existed or not (recorded).
        const uri = at(target, setId, address)[0]?.row.uri ?? address;
        if (await target.remove(setId, uri))
          call.changed(`${maskUri(uri)} removed from set ${setId}, from memory only`);
      },
      'Ok. Dispatcher destination removed.',
    ),
  ];
}

/**
 * dispatcher.ping_active [state]: 0 stops probing; any other number except -1 starts it, and is shown from then on. At
 * an endpoint for one partition it concerns that partition.
 */
export function dispatcherPingActiveCommand(view: DispatcherView): RpcCommand {
  /** The number set last, by partition; '' for all. */
  const numbers = new Map<string, number>();
  return {
    name: 'dispatcher.ping_active',
    help: 'Manage setting on/off the pinging (keepalive) of destinations',
    needs: (args, { pinned }) => ({
      role: setsPinging(args) ? 'operator' : 'viewer',
      wholeProcess: setsPinging(args) && pinned === undefined,
    }),
    changes: setsPinging,
    run(args, call) {
      const partition = call.pinned === undefined ? undefined : requireTarget(view, undefined, call).name;
      const old = view.probingActive(partition) ? (numbers.get(partition ?? '') ?? 1) : 0;
      const members: RpcMember[] = [['OldPingState', old]];
      // A JSON text counts as 0, as recorded; so among texts, only digits make sense.
      const state = args.int(0);
      if (state !== undefined && state !== -1) {
        if (state !== 0) numbers.set(partition ?? '', state);
        view.setProbingActive(state !== 0, partition);
        const where = partition === undefined ? '' : ` to partition ${partition}`;
        call.changed(`${state === 0 ? 'no probes' : 'probes'} are sent${where}`);
        members.unshift(['NewPingState', state]);
      }
      return valuesResult(struct(...members));
    },
  };
}

/** dispatcher.hash slots key [key]: the hash of algorithms 0 to 3, and its slot. */
export function dispatcherHashCommand(view: DispatcherView): RpcCommand {
  return {
    name: 'dispatcher.hash',
    help: 'Compute the hash if the values',
    needs: { role: 'viewer' },
    run(args, call) {
      const strict = view.target(call.pinned)?.strict ?? false;
      const slots = args.int(0, !strict);
      const first = args.text(1);
      if (slots === undefined || first === undefined || first === '') throw INVALID_PARAMETERS;
      const hash = view.hash(first, args.text(2));
      return valuesResult(struct(['hashid', hash | 0], ['slot', slots > 0 ? hash % slots : 0]));
    },
  };
}

/** A number other than -1 switches probing; anything else only shows it. */
function setsPinging(args: RpcArguments): boolean {
  const state = args.int(0);
  return state !== undefined && state !== -1;
}
