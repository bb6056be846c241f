/** One route. What it is called with is in `Routes`; as a method's parameter it may be more special here. */
type Handler<Result> = { handle(route: object): Result }['handle'];

type Handlers<Result> = Readonly<Record<string, Handler<Result>>>;

/**
 * The routes of a script by kind and name, as the program calls them. `Routes` has the same with the type of each route,
 * for those who write scripts; the routes themselves import only this, so that none of them imports all others.
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

/** A route script as it was loaded once. */
export interface LoadedScript {
  readonly file: string;
  /** Its text as it was loaded. */
  readonly source: string;
  readonly routes: RouteTable;
}
