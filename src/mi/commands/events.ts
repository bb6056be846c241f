import type { Json, MiCommand, MiParams } from '../command.js';
import { MiError } from '../command.js';
import type { MiDependencies, Subscriber } from '../dependencies.js';
import { treeLine } from '../tree.js';

/** Seconds a subscription lives that names none (documented). */
const DEFAULT_EXPIRE = 3600;

/** event_subscribe, events_list, subscribers_list, raise_event. */
export function eventCommands(deps: MiDependencies): readonly MiCommand[] {
  const { events } = deps;
  const event = { name: 'event', type: 'string' } as const;
  const socket = { name: 'socket', type: 'string' } as const;
  const expire = { name: 'expire', type: 'int' } as const;
  return [
    {
      name: 'event_subscribe',
      aliases: ['evi:subscribe'],
      module: 'evi',
      help: 'sends an event to a socket ("udp:host:port", "unix:/path", "nats:subject") for expire seconds, 0 ends it',
      paramLists: [
        [event, socket],
        [event, socket, expire],
      ],
      run(params) {
        const seconds = (params['expire'] as number | undefined) ?? DEFAULT_EXPIRE;
        const outcome =
          seconds < 0 ? 'bad' : events.subscribe(params['event'] as string, params['socket'] as string, seconds);
        if (outcome === 'bad') throw new MiError(400, 'Bad parameter value');
        return 'OK';
      },
    },
    {
      name: 'events_list',
      aliases: ['evi:list'],
      module: 'evi',
      help: 'lists the events there are',
      paramLists: [[]],
      run: () => ({ Events: events.events().map((name, id) => ({ name, id })) }),
      text: () =>
        events
          .events()
          .map((name, id) => treeLine(0, 'Event', name, [['id', String(id)]]))
          .join(''),
    },
    {
      name: 'subscribers_list',
      aliases: ['evi:subscribers'],
      module: 'evi',
      help: 'lists who is subscribed, to one event or all',
      paramLists: [[], [event], [event, socket]],
      run: (params) => subscribersJson(deps, params),
      text: (params) => subscribersText(deps, params),
    },
    {
      name: 'raise_event',
      aliases: ['evi:raise'],
      module: 'evi',
      help: 'raises an event by hand: event, params (an array, or a string that is a JSON object)',
      paramLists: [[event], [event, { name: 'params', type: 'any' }]],
      run(params) {
        if (!events.raise(params['event'] as string, raisedParams(params['params']))) {
          throw new MiError(400, 'Bad parameter value');
        }
        return 'OK';
      },
    },
  ];
}

/** As documented: an array, or a JSON object in a string. An object itself is refused (recorded). */
function raisedParams(value: Json | undefined): { readonly [name: string]: Json } | readonly Json[] | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value)) return value as readonly Json[];
  if (typeof value === 'string') {
    try {
      const parsed = JSON.parse(value) as Json;
      if (parsed !== null && typeof parsed === 'object' && !Array.isArray(parsed)) {
        return parsed as { readonly [name: string]: Json };
      }
    } catch {
      // Refused below like any other value that is not one of the two forms.
    }
  }
  throw new MiError(400, 'No Params');
}

/** Subscribers newest first (recorded), those of one event where it is given. */
function wanted(deps: MiDependencies, params: MiParams): readonly Subscriber[] {
  const newestFirst = [...deps.events.subscribers()].reverse();
  if (params['event'] === undefined) return newestFirst;
  if (!deps.events.events().includes(params['event'] as string)) throw new MiError(404, 'Event not found');
  const ofEvent = newestFirst.filter((each) => each.event === params['event']);
  return params['socket'] === undefined ? ofEvent : ofEvent.filter((each) => each.socket === params['socket']);
}

function subscribersJson(deps: MiDependencies, params: MiParams): Json {
  const subscribers = wanted(deps, params);
  const shown = (each: Subscriber): Json => ({ socket: each.socket, expire: each.expire, ttl: each.ttl });
  const names = deps.events.events();
  if (params['event'] === undefined) {
    const used = names.map((name, id) => ({ name, id, of: subscribers.filter((each) => each.event === name) }));
    return {
      Events: used
        .filter((each) => each.of.length > 0)
        .map(({ name, id, of }) => ({ name, id, Subscribers: of.map(shown) })),
    };
  }
  const name = params['event'] as string;
  const head = { name, id: names.indexOf(name) };
  if (params['socket'] === undefined) return { Event: { ...head, Subscribers: subscribers.map(shown) } };
  const [only] = subscribers;
  if (only === undefined) throw new MiError(404, 'Subscriber not found');
  return { Event: { ...head, Subscriber: shown(only) } };
}

function subscribersText(deps: MiDependencies, params: MiParams): string {
  const subscribers = wanted(deps, params);
  let text = '';
  for (const [id, name] of deps.events.events().entries()) {
    const of = subscribers.filter((each) => each.event === name);
    if (of.length === 0) continue;
    text += treeLine(0, 'Event', name, [['id', String(id)]]);
    for (const each of of) {
      text += treeLine(1, 'Subscriber', '', [
        ['socket', each.socket],
        ['expire', String(each.expire)],
      ]);
    }
  }
  return text;
}
