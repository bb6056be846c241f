import { parseUri } from '../../core/uri.js';
import type { MessageRun } from '../../script/call.js';
import type { ModuleParameters, ScriptEnvironment } from '../../script/environment.js';
import type { BalancerRow } from '../../script/gateway-rows.js';
import { raiseEvent } from '../../script/raised-events.js';
import type { Dialog } from '../dialog/dialog.js';
import { dialogs } from '../dialog/state.js';
import type { DialogTable } from '../dialog/table.js';
import { GatewayProbing, type ProbedGateway, probingSettings } from '../gateway-probing.js';

/** A destination of load_balancer with its state. */
export class Balanced implements ProbedGateway {
  off = false;
  disabled = false;
  readonly socket = '';
  /** Address for lb_is_destination(); undefined when the URI has a name. */
  readonly address: string | undefined;
  readonly port: number | undefined;

  constructor(
    public row: BalancerRow,
    env: ScriptEnvironment,
  ) {
    const uri = parseUri(row.uri);
    const literal = uri === undefined ? undefined : env.resolver.literal(uri);
    this.address = literal?.address;
    this.port = literal?.port;
  }

  /** The URI of the destination. */
  get uri(): string {
    return this.row.uri;
  }

  /** When it is probed. */
  get probeMode(): BalancerRow['probeMode'] {
    return this.row.probeMode;
  }

  /** Whether calls may be sent to it: it is neither switched off nor disabled after a failed probe. */
  get usable(): boolean {
    return !this.off && !this.disabled;
  }
}

/** Name of the profile that counts a resource; its values are ids of destinations. */
function profileOf(resource: string): string {
  return `lbX${resource}`;
}

/**
 * The destinations of a cfg file. Calls are counted in profiles of the dialog module, so that counting ends with the
 * dialog.
 */
class Balancer {
  private rows: readonly BalancerRow[] = [];
  private known = new Map<number, Balanced>();
  /** Limits set by lb_resize, by "id/resource", until the table is read again. */
  private readonly resized = new Map<string, number>();
  readonly probing: GatewayProbing<Balanced>;

  constructor(parameters: ModuleParameters) {
    this.probing = new GatewayProbing(
      probingSettings(parameters),
      () => this.known.values(),
      (env, destination, answers) => {
        if (answers === !destination.disabled) return;
        destination.disabled = !answers;
        statusEvent(env, destination);
      },
    );
  }

  /** The current destinations; their states are kept when the table is reloaded. */
  all(env: ScriptEnvironment): Iterable<Balanced> {
    const { balancers } = env.tables;
    if (this.rows !== balancers) {
      const before = this.known;
      this.rows = balancers;
      this.resized.clear();
      this.known = new Map(
        balancers.map((row) => {
          const old = before.get(row.id);
          if (old === undefined || old.uri !== row.uri) return [row.id, new Balanced(row, env)];
          old.row = row;
          return [row.id, old];
        }),
      );
      this.probing.wake(env);
    }
    return this.known.values();
  }

  /** A destination by its id in the table. */
  find(env: ScriptEnvironment, id: number): Balanced | undefined {
    this.all(env);
    return this.known.get(id);
  }

  /** Maximum number of calls for a resource of a destination; undefined when it does not have the resource. */
  limit(destination: Balanced, resource: string): number | undefined {
    return this.resized.get(`${destination.row.id}/${resource}`) ?? destination.row.resources.get(resource);
  }

  /** Sets the maximum number of calls for a resource; false when the destination does not have it. */
  resize(destination: Balanced, resource: string, limit: number): boolean {
    if (!destination.row.resources.has(resource)) return false;
    this.resized.set(`${destination.row.id}/${resource}`, limit);
    return true;
  }

  /** Number of calls that use a resource of a destination. */
  load(env: ScriptEnvironment, destination: Balanced, resource: string): number {
    return tableOf(env).profiles.size(profileOf(resource), String(destination.row.id)) ?? 0;
  }

  /** Free capacity of a destination for a call that needs these resources; undefined when it lacks one of them. */
  freeCapacity(
    env: ScriptEnvironment,
    destination: Balanced,
    resources: readonly string[],
    relative: boolean,
  ): number | undefined {
    let least: number | undefined;
    for (const resource of resources) {
      const limit = this.limit(destination, resource);
      if (limit === undefined) return undefined;
      const free = limit - this.load(env, destination, resource);
      const capacity = relative ? (limit === 0 ? 0 : Math.trunc((100 * free) / limit)) : free;
      if (least === undefined || capacity < least) least = capacity;
    }
    return least;
  }

  /** Counts a dialog for resources of a destination. */
  allocate(env: ScriptEnvironment, dialog: Dialog, destination: Balanced, resources: readonly string[]): void {
    const { profiles } = tableOf(env);
    for (const resource of resources) {
      profiles.define([profileOf(resource)], []);
      profiles.add(dialog, profileOf(resource), String(destination.row.id));
    }
  }

  /** Ends the counting of a dialog for resources of a destination. */
  release(env: ScriptEnvironment, dialog: Dialog, destination: Balanced, resources: readonly string[]): void {
    for (const resource of resources)
      tableOf(env).profiles.remove(dialog, profileOf(resource), String(destination.row.id));
  }

  /** lb_disable_dst(). */
  disable(env: ScriptEnvironment, destination: Balanced): void {
    if (destination.disabled) return;
    destination.disabled = true;
    statusEvent(env, destination);
    this.probing.wake(env);
  }

  /** Switches a destination on or off by a command; while off it is not probed. */
  setUsed(env: ScriptEnvironment, destination: Balanced, on: boolean): void {
    const before = destination.usable;
    destination.off = !on;
    if (on) destination.disabled = false;
    if (destination.usable !== before) statusEvent(env, destination);
    this.probing.wake(env);
  }
}

function tableOf(env: ScriptEnvironment): DialogTable {
  return env.modules.of(dialogs);
}

function statusEvent(env: ScriptEnvironment, destination: Balanced): void {
  const params = new Map<string, string | number>([
    ['group', destination.row.group],
    ['uri', destination.uri],
    ['status', destination.usable ? 'enabled' : 'disabled'],
  ]);
  raiseEvent(env, 'E_LOAD_BALANCER_STATUS', params);
}

/** Destinations and their states are kept when the file is reloaded. */
export const balancerState = {
  module: 'load_balancer',
  create: (parameters: ModuleParameters): Balancer => new Balancer(parameters),
  renew(before: Balancer, parameters: ModuleParameters): Balancer {
    before.probing.configure(probingSettings(parameters));
    return before;
  },
};

/** The destinations for a run. */
export function balancerOf(run: Pick<MessageRun, 'env'>): Balancer {
  return run.env.modules.of(balancerState);
}
