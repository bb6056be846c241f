import type { ManagementCall } from '../../../access/call.js';
import type { Caller } from '../../../access/caller.js';
import type { Need } from '../../../access/rights.js';
import { SwitchyardError } from '../../../core/errors.js';
import { type EventKind, eventKind } from '../../../events/catalogue.js';
import type { SubscriberEntry } from '../../../events/publisher.js';
import type { MiCommand, MiParams, MiValue } from '../command.js';
import { MiError } from '../command.js';
import type { MiDependencies } from '../dependencies.js';
import { treeLine } from '../tree.js';

/** Maximum number of parameters of an event that is raised by a command. */
const MAX_EVENT_PARAMS = 64;

/** The commands event_subscribe, events_list, subscribers_list and raise_event. */
export function eventCommands(deps: MiDependencies): readonly MiCommand[] {
  const { events } = deps;
  const event = { name: 'event', type: 'string' } as const;
  const socket = { name: 'socket', type: 'string' } as const;
  const expire = { name: 'expire', type: 'int' } as const;
  /** A subscriber by the line text protocol of OpenSIPS 2.1 gets events in text form, others as JSON. */
  const subscribe = (params: MiParams, { caller }: ManagementCall, form: 'json' | 'text'): void => {
    const seconds = params['expire'] as number | undefined;
    const owner = { name: ownerOf(caller), partitions: caller.partitions };
    try {
      events.subscribe(params['event'] as string, params['socket'] as string, seconds, form, owner);
    } catch (error) {
      if (error instanceof SwitchyardError) throw new MiError(400, 'Bad parameter value');
      throw error;
    }
  };
  return [
    {
      name: 'event_subscribe',
      aliases: ['evi:subscribe'],
      module: 'evi',
      help: 'subscribes a socket ("udp:host:port", "unix:/path", "nats:subject") to an event for expire seconds; 0 ends the subscription',
      paramLists: [
        [event, socket],
        [event, socket, expire],
      ],
      needs: subscriptionNeeds,
      changes: true,
      run(params, call) {
        subscribe(params, call, 'json');
        return 'OK';
      },
      text(params, call) {
        subscribe(params, call, 'text');
        return '';
      },
    },
    {
      name: 'events_list',
      aliases: ['evi:list'],
      module: 'evi',
      help: 'lists all events',
      needs: { role: 'viewer' },
      paramLists: [[]],
      run: () => events.events(),
      text: () =>
        events
          .events()
          .Events.map(({ name, id }) => treeLine(0, 'Event', name, [['id', String(id)]]))
          .join(''),
    },
    {
      name: 'subscribers_list',
      aliases: ['evi:subscribers'],
      module: 'evi',
      help: 'lists the subscribers of one event or of all',
      needs: { role: 'viewer' },
      paramLists: [[], [event], [event, socket]],
      run: (params, call) => subscribers(deps, params, call),
      text: (params, call) => subscribersText(deps, params, call),
    },
    {
      name: 'raise_event',
      aliases: ['evi:raise'],
      module: 'evi',
      help: 'raises an event by hand: event, params (an array, or a string that is a JSON object)',
      needs: { role: 'admin', wholeProcess: true },
      changes: true,
      paramLists: [[event], [event, { name: 'params', type: 'any' }]],
      run(params) {
        const kind = eventKind(params['event'] as string);
        if (kind === undefined) throw new MiError(404, 'Event not registered');
        deps.raiseEvent(kind.name, raisedParams(kind, params['params']));
        return 'OK';
      },
    },
  ];
}

/**
 * As documented: an array in the order of the event's parameters, or a JSON object in a string. A plain object is
 * refused (recorded).
 */
function raisedParams(kind: EventKind, value: MiValue | undefined): Record<string, string | number> {
  let entries: readonly (readonly [string, unknown])[] | undefined;
  if (value === undefined) entries = [];
  else if (Array.isArray(value)) {
    entries = (value as readonly MiValue[]).map((each, i) => [kind.documented[i] ?? `param${i + 1}`, each]);
  } else if (typeof value === 'string') entries = objectEntries(value);
  if (entries === undefined) throw new MiError(400, 'No Params');
  const usable = (each: unknown): boolean => typeof each === 'string' || Number.isFinite(each);
  if (entries.length > MAX_EVENT_PARAMS || !entries.every(([, each]) => usable(each))) {
    throw new MiError(400, 'Bad parameter value', 'params');
  }
  return Object.fromEntries(entries) as Record<string, string | number>;
}

function objectEntries(text: string): readonly (readonly [string, unknown])[] | undefined {
  try {
    const parsed = JSON.parse(text) as unknown;
    const isObject = parsed !== null && typeof parsed === 'object' && !Array.isArray(parsed);
    return isObject ? Object.entries(parsed) : undefined;
  } catch {
    return undefined;
  }
}

/** The owner of a subscription: the user or, without authentication, the address of the request. */
function ownerOf({ user, endpoint, peer }: Caller): string {
  return user === undefined ? `${endpoint} ${peer}` : `user ${user}`;
}

/**
 * Viewers may subscribe UDP targets; a UNIX socket or a NATS subject requires an operator who is not limited to
 * partitions.
 */
function subscriptionNeeds({ socket }: MiParams): Need {
  return /^\s*udp:/i.test(String(socket)) ? { role: 'viewer' } : { role: 'operator', wholeProcess: true };
}

/** A caller limited to some partitions sees only its own subscriptions. */
function subscribers(
  deps: MiDependencies,
  params: MiParams,
  { caller }: ManagementCall,
): NonNullable<ReturnType<typeof deps.events.subscribers>> {
  const owner = caller.partitions === undefined ? undefined : ownerOf(caller);
  const { event, socket } = params as Readonly<Record<string, string | undefined>>;
  const answer = deps.events.subscribers(event, socket, owner);
  if (answer === undefined) {
    const known = event !== undefined && deps.events.events().Events.some(({ name }) => name === event);
    throw new MiError(404, known ? 'Subscriber does not exist' : 'Event not published');
  }
  return answer;
}

function subscribersText(deps: MiDependencies, params: MiParams, call: ManagementCall): string {
  const answer = subscribers(deps, params, call);
  const events: { name: string; id: number; of: readonly SubscriberEntry[] }[] = [];
  if ('Events' in answer) {
    for (const { name, id, Subscribers } of answer.Events) events.push({ name, id, of: Subscribers });
  } else {
    const { name, id } = answer.Event;
    events.push({ name, id, of: 'Subscriber' in answer.Event ? [answer.Event.Subscriber] : answer.Event.Subscribers });
  }
  let text = '';
  for (const { name, id, of } of events) {
    text += treeLine(0, 'Event', name, [['id', String(id)]]);
    for (const each of of) {
      const attributes = [
        ['socket', each.socket],
        ['expire', String(each.expire)],
      ] as const;
      text += treeLine(1, 'Subscriber', '', attributes);
    }
  }
  return text;
}
