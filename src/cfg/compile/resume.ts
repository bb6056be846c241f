import type { AsyncStatement } from '../ast.js';
import type { Problems } from '../problem.js';
import type { CompiledRoute } from '../runtime.js';
import { staticName } from './analysis.js';

/** Routes that async() and launch() resume in; they are compiled by then. */
export class ResumeRoutes {
  private readonly routes = new Map<string, CompiledRoute>();

  constructor(private readonly names: ReadonlySet<string>) {}

  /** Adds a route that has been compiled. */
  add(name: string, route: CompiledRoute): void {
    this.routes.set(name, route);
  }

  /** Undefined for none; one that does not exist is reported. */
  find({ resume, at }: AsyncStatement, problems: Problems): (() => CompiledRoute | undefined) | undefined {
    if (resume === undefined) return undefined;
    const name = staticName(resume);
    if (name === undefined || !this.names.has(name)) {
      problems.error('unknown-route', at, `route "${name ?? ''}" to resume in is not defined`);
      return undefined;
    }
    return () => this.routes.get(name);
  }
}
