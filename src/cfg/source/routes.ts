import type { Position, RouteBlock, RouteKind } from '../ast.js';
import type { Dialect } from '../dialect.js';
import type { Problems } from '../problem.js';
import { SyntaxFault } from './preprocessor.js';
import { isReserved } from './reserved.js';
import type { StatementParser } from './statements.js';
import type { Token } from './token.js';
import { shown, type TokenStream } from './token-stream.js';

/** Maximum number of routes in one configuration. */
const MAX_ROUTES = 20_000;

/** Words that begin a route block, with the kind of route. */
export const ROUTE_WORDS: ReadonlyMap<string, RouteKind> = new Map([
  ['route', 'request'],
  ['request_route', 'request'],
  ['failure_route', 'failure'],
  ['branch_route', 'branch'],
  ['onreply_route', 'onreply'],
  ['reply_route', 'onreply'],
  ['onsend_route', 'onsend'],
  ['event_route', 'event'],
  ['local_route', 'local'],
  ['startup_route', 'startup'],
  ['timer_route', 'timer'],
  ['error_route', 'error'],
]);

const EVENT_NAME = /^[A-Za-z][\w.-]*:[A-Za-z]/;

/** Kinds of routes of which Kamailio joins all blocks without a name, as it does with request routes. */
const JOINED: ReadonlySet<RouteKind> = new Set(['failure', 'branch', 'onreply', 'onsend']);

/** Parses the route blocks of a file, and keeps them. */
export class RouteParser {
  readonly routes: RouteBlock[] = [];
  /** Index of each route in the list, by kind and name. */
  private readonly index = new Map<string, number>();

  constructor(
    private readonly tokens: TokenStream,
    private readonly statements: StatementParser,
    private readonly dialect: Dialect,
    private readonly problems: Problems,
  ) {}

  /** Parses a block of this kind, from its word on. */
  route(kind: RouteKind): void {
    const { tokens, dialect } = this;
    const word = tokens.take();
    let name: string | undefined;
    let interval: number | undefined;
    if (tokens.accept('[')) {
      const token = tokens.peek();
      if (token.kind === 'string') name = tokens.string().value;
      else if (token.kind === 'word' || token.kind === 'int') {
        const word = tokens.adjacentText('],');
        name = word.text;
        if (dialect.name === 'kamailio' && kind !== 'event' && isReserved(token))
          throw new SyntaxFault(word.at, `${name} cannot be the name of a route without quotes`);
        if (word.tokens > 1 && dialect.syntax.quotedRouteNames && kind !== 'event') {
          throw new SyntaxFault(word.at, `route name ${name} needs quotes`);
        }
      } else throw tokens.unexpected('the name of a route');
      if (dialect.name === 'kamailio') this.checkEventName(kind, name, token);
      else if (tokens.accept(',')) {
        const value = tokens.take();
        interval = value.kind === 'int' ? value.value : undefined;
        if (kind === 'timer' && interval === undefined)
          throw new SyntaxFault(value.at, 'a timer route needs an interval in seconds');
      }
      tokens.expect(']', 'after the name of a route');
    }
    this.checkName(word, kind, name, interval);
    if (word.text === 'request_route' && name !== undefined && dialect.name === 'kamailio') {
      throw new SyntaxFault(word.at, 'request_route takes no name; a named one is a route');
    }
    if (word.text === 'reply_route' && name !== undefined) {
      throw new SyntaxFault(word.at, 'reply_route takes no name; a named one is an onreply_route');
    }
    if (name === 'main' && kind === 'request') name = undefined;
    const main = name === '0' && kind === 'request';
    if (name === '0' && (kind === 'onreply' || kind === 'request') && this.dialect.name === 'kamailio')
      name = undefined;
    const body = this.statements.routeBody(`after ${shown(word)}`);
    // Kamailio notices a second block at its end.
    const noticed = dialect.name === 'kamailio' ? (tokens.previous?.at ?? word.at) : word.at;
    this.add({ kind, name, interval, body, at: word.at }, noticed, main);
  }

  /** Reports a kind of route that lacks a name it needs, or has one it must not have. */
  private checkName(word: Token, kind: RouteKind, name: string | undefined, interval: number | undefined): void {
    if (!this.dialect.syntax.strictRouteNames) return;
    if (name === undefined && (kind === 'failure' || kind === 'branch' || kind === 'event' || kind === 'timer')) {
      throw new SyntaxFault(this.tokens.peek().at, `${word.text} needs a name`);
    }
    if (name !== undefined && (kind === 'local' || kind === 'startup' || kind === 'error')) {
      throw new SyntaxFault(word.at, `${word.text} takes no name`);
    }
    if (kind === 'timer' && interval === undefined)
      throw new SyntaxFault(word.at, 'timer_route needs an interval in seconds');
  }

  /** An event route's name is of words with colons between them: "tm:local-request". */
  private checkEventName(kind: RouteKind, name: string, { at }: Token): void {
    if (kind === 'event' && !EVENT_NAME.test(name))
      throw new SyntaxFault(at, `the name of an event route is expected as module:event`);
  }

  /** Whether a second block without a name continues the first. */
  private joins({ kind, name }: RouteBlock): boolean {
    if (name !== undefined || !this.dialect.syntax.mergesMainRoutes) return false;
    return kind === 'request' || (this.dialect.name === 'kamailio' && JOINED.has(kind));
  }

  /** Adds a block. `alone`: it does not continue one before it. */
  private add(block: RouteBlock, noticed: Position, alone: boolean): void {
    const branchFailure = /^tm:branch-failure(?::(.*))?$/.exec(block.kind === 'event' ? (block.name ?? '') : '');
    const route: RouteBlock =
      branchFailure === null ? block : { ...block, kind: 'branch-failure', name: branchFailure[1] };
    const key = `${route.kind} ${route.name ?? '\n'}`;
    const same = this.index.get(key) ?? -1;
    const before = this.routes[same];
    if (before === undefined) {
      if (this.routes.length >= MAX_ROUTES) {
        throw new SyntaxFault(route.at, `more than ${MAX_ROUTES} routes`, 'syntax', 'too-large');
      }
      this.index.set(key, this.routes.push(route) - 1);
    } else if (!alone && this.joins(route)) {
      this.routes[same] = { ...before, body: [...before.body, ...route.body] };
    } else {
      const which = route.name === undefined ? `${route.kind} route` : `${route.kind} route "${route.name}"`;
      this.problems.error(
        'duplicate-route',
        noticed,
        `${which} is defined twice, in line ${route.at.line} and before in ${before.at.file} line ${before.at.line}`,
      );
    }
  }
}
