import type { PvarScope } from '../../pvar/context.js';
import type { ScoredDestination } from '../request-scope.js';
import { CoreFunctions } from './core-functions.js';
import type { RouteScriptEnvironment } from './environment.js';
import { executeNow } from './execute.js';
import type { LoadedScript } from './route-table.js';
import { RouteSite } from './site.js';

/**
 * An algo route: returns the score of one destination for a request, whose variables it can read. The lowest score is
 * chosen first; a negative one only when the others have failed.
 */
export class AlgoRoute extends CoreFunctions {
  private constructor(
    env: RouteScriptEnvironment,
    pvars: PvarScope,
    route: string,
    private readonly destination: ScoredDestination,
  ) {
    super(new RouteSite(env, pvars, route));
  }

  /** URI of the destination, as stored. */
  get dst_uri(): string {
    return this.destination.uri;
  }

  /** The attributes of the destination. */
  get attrs(): string {
    return this.destination.attrs;
  }

  /** Attributes attached by ds_push_script_attrs; '' for none. */
  get script_attrs(): string {
    return this.destination.scriptAttrs ?? '';
  }

  /** The name of the partition the destination is in. */
  get partition(): string {
    return this.destination.partition;
  }

  /** @internal The score; undefined when there is no such route, or it failed, which has been logged. */
  static score(
    env: RouteScriptEnvironment,
    script: LoadedScript,
    name: string,
    pvars: PvarScope,
    destination: ScoredDestination,
  ): number | undefined {
    const handler = script.routes.algo?.[name];
    if (handler === undefined) return undefined;
    const before = pvars.params;
    pvars.params = new Map([
      ['dst_uri', destination.uri],
      ['attrs', destination.attrs],
      ['script_attrs', destination.scriptAttrs ?? null],
    ]);
    let score: unknown;
    const route = new AlgoRoute(env, pvars, `algo ${name}`, destination);
    const end = executeNow(
      { script: script.file, route: `algo ${name}` },
      () => {
        score = handler(route);
        if (typeof score !== 'number' || Number.isNaN(score)) {
          throw new TypeError(`algo route "${name}" returned ${String(score)}, not a number`);
        }
        return undefined;
      },
      env.faults,
    );
    pvars.params = before;
    return end === 'failed' ? undefined : (score as number | undefined);
  }
}
