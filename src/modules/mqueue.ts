import { namedValues } from '../core/named-values.js';
import { ownText } from '../core/own-text.js';
import { OwnedEntries, type OwnedEntry } from '../core/owned-entries.js';
import type { PvarValue } from '../pvar/context.js';
import type { VariableDefinition } from '../pvar/variables/definition.js';
import type { MessageRun } from '../script/call.js';
import { CommandFault, type ScriptCommand } from '../script/commands.js';
import type { ModuleParameters, ScriptEnvironment } from '../script/environment.js';
import { BOTH, moduleFunctions, type ScriptFunction, textOf } from './define.js';
import { adderOf } from './expiring-map.js';
import { kamailioFunction } from './kamailio-function.js';
import { scopeOf } from './script-variable.js';

/** Maximum number of items of one queue, whatever its configured size, and of characters in all of them. */
const MAX_ITEMS = 1_000_000;
const MAX_CHARACTERS = 64 * 1024 * 1024;

interface Item {
  readonly key: string;
  readonly value: string;
  readonly owned: OwnedEntry;
}

/**
 * A queue of keys and values. When it is full, the oldest item makes room for a new one; that of the source that adds
 * one, if more than half of the items are its own: so it cannot displace those of others.
 */
export class MemoryQueue {
  private readonly items = new Map<number, Item>();
  /** Number of the item with a key; used in the modes in which keys are unique. */
  private readonly numbers = new Map<string, number>();
  /** Number for the next item. */
  private next = 0;
  /** Lower bound of all items' numbers, where the search for the oldest starts. */
  private head = 0;
  private characters = 0;
  private readonly owned = new OwnedEntries('mqueue', MAX_ITEMS, MAX_CHARACTERS);
  /** The item fetched last: $mqk and $mqv. */
  fetched: Item | undefined = undefined;

  constructor(
    /** Maximum number of items; 0 for the maximum of all queues. */
    private readonly max: number,
    /** What happens to items with equal keys: 0 both stay, 1 the older stays, 2 the newer stays. */
    private readonly mode: number,
  ) {}

  /** Number of items in the queue. */
  get size(): number {
    return this.items.size;
  }

  /** Adds an item at the end, for a source; the mode decides about an item with the same key. */
  add(key: string, value: string, source?: string): void {
    const known = this.mode === 0 ? undefined : this.numbers.get(key);
    if (known !== undefined) {
      if (this.mode === 1) return;
      this.take(known);
    }
    const owned = this.owned.add(String(this.next), source, 1);
    const item = { key: ownText(key), value: ownText(value), owned };
    this.items.set(this.next, item);
    this.characters += key.length + value.length;
    if (this.mode !== 0) this.numbers.set(item.key, this.next);
    this.next++;
    if (this.items.size > (this.max || MAX_ITEMS)) this.makeRoom(source);
    while (this.characters > MAX_CHARACTERS && this.items.size > 1) this.makeRoom(source);
  }

  private makeRoom(source: string | undefined): void {
    const own = source === undefined ? undefined : this.owned.oldestOfMost(source);
    if (own === undefined) this.shift();
    else this.take(Number(own));
  }

  /** Takes the oldest item into `fetched`; false when there is none. */
  fetch(): boolean {
    this.fetched = this.shift();
    return this.fetched !== undefined;
  }

  /**
   * Removes the oldest item. Searches by number: iterating over the map from its start would skip all removed items
   * each time.
   */
  shift(): Item | undefined {
    while (this.head < this.next) {
      const item = this.take(this.head++);
      if (item !== undefined) return item;
    }
    return undefined;
  }

  private take(number: number): Item | undefined {
    const item = this.items.get(number);
    if (item === undefined) return undefined;
    this.items.delete(number);
    this.owned.remove(item.owned);
    this.characters -= item.key.length + item.value.length;
    if (this.mode !== 0) this.numbers.delete(item.key);
    return item;
  }
}

/** Makes a queue. `text` is its definition, for messages. Throws an Error for an invalid size or mode. */
function queueWith(text: string, size: number, mode: number): MemoryQueue {
  if (!(size >= 0) || ![0, 1, 2].includes(mode))
    throw new Error(`mqueue "${text}": size and addmode are 0 or more, addmode 2 at most`);
  return new MemoryQueue(Math.min(size, MAX_ITEMS), mode);
}

/** Queues by name, from definitions "name=q;size=20;addmode=2" or a name. */
export const memoryQueues = {
  module: 'mqueue',
  /** Throws an Error for a definition without a name. */
  create(parameters: ModuleParameters): Map<string, MemoryQueue> {
    const queues = new Map<string, MemoryQueue>();
    for (const each of parameters.all('mqueue').map(String)) {
      const options = namedValues(each);
      const name = options.get('name');
      if (name === undefined || name === '') throw new Error(`mqueue "${each}" has no name`);
      queues.set(name, queueWith(each, Number(options.get('size') ?? 0), Number(options.get('addmode') ?? 0)));
    }
    const [size, mode] = [parameters.int('mqueue_size', 0), parameters.int('mqueue_addmode', 0)];
    for (const name of parameters.all('mqueue_name').map(String)) queues.set(name, queueWith(name, size, mode));
    return queues;
  },
  renew(before: Map<string, MemoryQueue>, parameters: ModuleParameters): Map<string, MemoryQueue> {
    return new Map([...this.create(parameters)].map(([name, made]) => [name, before.get(name) ?? made]));
  },
};

const queueOf = (env: ScriptEnvironment, name: string): MemoryQueue | undefined =>
  env.modules.of(memoryQueues).get(name);

function missing({ env, message }: MessageRun, name: string): void {
  env.peerLog.error({ callId: message.callId, queue: name.slice(0, 64) }, 'script: there is no such mqueue');
}

function named(env: ScriptEnvironment, name: string | undefined, code: number): MemoryQueue {
  if (name === undefined) throw new CommandFault(400, 'No queue name');
  const queue = queueOf(env, name);
  if (queue === undefined) throw new CommandFault(code, 'No such queue');
  return queue;
}

/** Management commands of mqueue; codes and texts were observed with 5.6.3. */
export const mqueueCommands: readonly ScriptCommand[] = [
  {
    module: 'mqueue',
    mi: 'mq_get_size',
    rpc: 'mqueue.get_size',
    help: 'Get size of mqueue.',
    changes: false,
    parameters: ['name'],
    required: 0,
    run: (env, { name }) => ({ name: name ?? '', size: named(env, name, 404).size }),
  },
  {
    module: 'mqueue',
    mi: 'mq_get_sizes',
    rpc: 'mqueue.get_sizes',
    help: 'Get size of all mqueues.',
    changes: false,
    parameters: [],
    required: 0,
    run: (env) => [...env.modules.of(memoryQueues)].reverse().map(([name, { size }]) => ({ name, size })),
  },
  {
    module: 'mqueue',
    mi: 'mq_fetch',
    rpc: 'mqueue.fetch',
    help: 'Fetch an element from the queue.',
    changes: true,
    parameters: ['name'],
    required: 0,
    run(env, { name }) {
      const item = named(env, name, 500).shift();
      if (item === undefined) throw new CommandFault(404, 'Empty queue');
      return { key: item.key, val: item.value };
    },
  },
];

const functions = [
  kamailioFunction(
    'mq_add',
    'queue key value',
    'adds a key and a value to the end of a queue',
    (run, [name, key, value]) => {
      const queue = queueOf(run.env, textOf(name, run));
      if (queue === undefined) {
        missing(run, textOf(name, run));
        return -1;
      }
      queue.add(textOf(key, run), textOf(value, run), adderOf(run)?.source);
      return 1;
    },
  ),
  kamailioFunction(
    'mq_fetch',
    'queue',
    'takes the oldest item of a queue into $mqk and $mqv; -2 when it is empty',
    (run, [name]) => {
      const queue = queueOf(run.env, textOf(name, run));
      return queue === undefined ? -1 : queue.fetch() ? 1 : -2;
    },
  ),
  kamailioFunction('mq_pv_free', 'queue', 'clears the fetched item', (run, [name]) => {
    const queue = queueOf(run.env, textOf(name, run));
    if (queue !== undefined) queue.fetched = undefined;
    return 1;
  }),
  kamailioFunction(
    'mq_size',
    'queue',
    'the number of items of a queue; -1 when it is empty, -2 when there is none',
    (run, [name]) => {
      const queue = queueOf(run.env, textOf(name, run));
      if (queue === undefined) missing(run, textOf(name, run));
      return queue === undefined ? -2 : queue.size || -1;
    },
  ),
];

/** Functions of mqueue, which OpenSIPS has from 3.5 on. */
export const mqueueFunctions: ScriptFunction[] = moduleFunctions(
  'mqueue',
  functions.map((each) => ({ ...each, dialects: BOTH })),
);

function ofQueue(read: (queue: MemoryQueue | undefined) => PvarValue): VariableDefinition {
  return {
    argument: 'required',
    indexed: false,
    compile: (argument) => ({
      get: (context) => {
        const { env } = scopeOf(context);
        return read(queueOf(env, argument?.constant ?? argument?.read(context) ?? ''));
      },
    }),
  };
}

/** "" is null. */
const shown = (text: string | undefined): PvarValue => (text === undefined || text === '' ? null : text);

/** $mqk(queue), $mqv(queue), $mq_size(queue). */
export const mqueueVariables: readonly [string, VariableDefinition][] = [
  ['mqk', ofQueue((queue) => shown(queue?.fetched?.key))],
  ['mqv', ofQueue((queue) => shown(queue?.fetched?.value))],
  ['mq_size', ofQueue((queue) => queue?.size ?? '')],
];
