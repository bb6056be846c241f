import type { AsyncStatement } from '../ast.js';
import type { Problems } from '../problem.js';
import type { CompiledRoute } from '../runtime.js';
import { staticName } from './analysis.js';

/** Routes in which async() and launch() resume; they are compiled before the first run. */
export class ResumeRoutes {
  private readonly routes = new Map<string, CompiledRoute>();

  constructor(private readonly names: ReadonlySet<string>) {}

  /** Adds a route that has been compiled. */
  add(name: string, route: CompiledRoute): void {
    this.routes.set(name, route);
  }

  /** The route that a statement resumes in; undefined when it names none. A route that does not exist is reported. */
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
