/**
 * A route function. It is declared as a method, since TypeScript then accepts a function whose parameter has a more
 * specific type, as the routes in `ScriptRoutes` have.
 */
type Handler<Result> = { handle(route: object): Result }['handle'];

type Handlers<Result> = Readonly<Record<string, Handler<Result>>>;

/**
 * The routes of a script by kind and name, as the program calls them. `ScriptRoutes` has the same with the type of each
 * route, for authors of scripts. The routes import only this file, so that they do not all import each other.
 */
export interface RouteTable {
  readonly request: Handler<unknown>;
  readonly failure?: Handlers<unknown>;
  readonly branch?: Handlers<unknown>;
  readonly reply?: Handlers<unknown>;
  readonly local?: Handler<unknown>;
  readonly event?: Handlers<unknown>;
  readonly algo?: Handlers<number>;
}

/** A loaded route script. */
export interface LoadedScript {
  readonly file: string;
  /** The text that was loaded. */
  readonly source: string;
  readonly routes: RouteTable;
}
