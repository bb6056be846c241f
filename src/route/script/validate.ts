import { nearest } from '../../core/nearest.js';
import type { RouteTable } from './route-table.js';

/** An error in the exports of a script, and a word near it in the text. */
export interface ExportFault {
  readonly reason: string;
  readonly word: string;
}

const FUNCTIONS = ['request', 'local'] as const;
const TABLES = ['failure', 'branch', 'reply', 'event', 'algo'] as const;
const KINDS: readonly string[] = [...FUNCTIONS, ...TABLES];
/** Kinds of routes that must be synchronous. */
const SYNCHRONOUS = new Set(['branch', 'reply', 'local', 'algo']);

/** The routes that a module exports, as `routes` or by default; otherwise the errors. */
export function routesOf(exported: Readonly<Record<string, unknown>>): RouteTable | readonly ExportFault[] {
  const routes = exported['routes'] ?? exported['default'];
  if (!isTable(routes)) {
    const names = Object.keys(exported).join(', ');
    const instead = names === '' ? 'nothing' : names;
    return [
      {
        reason: `must export "routes", made by defineRoutes({ request(r) { ... } }); it exports ${instead}`,
        word: 'export',
      },
    ];
  }
  const faults: ExportFault[] = [];
  for (const kind of Object.keys(routes)) {
    if (!KINDS.includes(kind)) {
      const meant = nearest(kind, KINDS);
      const hint = meant === undefined ? KINDS.join(', ') : `did you mean "${meant}"?`;
      faults.push({ reason: `unknown kind of route "${kind}" (${hint})`, word: kind });
    }
  }
  if (routes['request'] === undefined) faults.push({ reason: 'has no request route', word: 'routes' });
  for (const kind of FUNCTIONS) {
    if (routes[kind] !== undefined) faults.push(...functionFaults(kind, kind, routes[kind]));
  }
  for (const kind of TABLES) {
    const table = routes[kind];
    if (table === undefined) continue;
    if (!isTable(table)) faults.push({ reason: `"${kind}" must hold functions by name`, word: kind });
    else for (const [name, each] of Object.entries(table)) faults.push(...functionFaults(kind, name, each));
  }
  return faults.length > 0 ? faults : (routes as unknown as RouteTable);
}

function functionFaults(kind: string, name: string, value: unknown): ExportFault[] {
  const title = kind === name ? `${kind} route` : `${kind} route "${name}"`;
  if (typeof value !== 'function') return [{ reason: `${title} is not a function`, word: name }];
  if (SYNCHRONOUS.has(kind) && value.constructor.name === 'AsyncFunction') {
    return [{ reason: `${title} must not be async: its answer is needed at once`, word: name }];
  }
  return [];
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
