import { trimmedIfThere } from '../core/characters.js';
import { digestUsername } from '../core/digest-username.js';
import { addrSpecOf } from '../core/name-addr.js';
import type { RequestView } from '../engine/request-view.js';
import { PvarScope, type PvarValue } from '../pvar/context.js';
import type { Format } from '../pvar/format.js';
import type { SipMessage } from '../sip/message.js';
import type { Source } from '../sip/transport/transport.js';

/** A destination for which algorithm 10 needs a score. */
export interface ScoredDestination {
  readonly partition: string;
  /** As stored. */
  readonly uri: string;
  readonly attrs: string;
  /** Attributes attached by ds_push_script_attrs. */
  readonly scriptAttrs: string | undefined;
}

/** Formats of the dispatcher's parameters, compiled once and shared by all requests. */
export interface DispatcherFormats {
  /** hash_pvar; undefined when the parameter is not set. */
  readonly hash: Format | undefined;
  /** pvar_algo_pattern, with %u and %i as placeholders. */
  readonly load: Format | undefined;
  /** The result of algo_route (algorithm 10). */
  readonly score: ((scope: PvarScope, destination: ScoredDestination) => number | undefined) | undefined;
  readonly statistic: (name: string) => number | undefined;
  /** Whether this node is the active one of a sharing tag; undefined without a cluster. */
  readonly tag?: ((name: string) => 'active' | 'backup' | undefined) | undefined;
}

/**
 * A request as rules, scripts and the engine read it. Values are computed once, at the first access; the scope of
 * pseudo-variables is only created when a variable is used.
 */
export class RequestScope implements RequestView {
  private pvarScope: PvarScope | undefined = undefined;
  private from: string | undefined = undefined;
  private to: string | undefined = undefined;
  private username: string | undefined | null = null;

  constructor(
    readonly message: SipMessage,
    readonly source: Source | undefined,
    /** The current request-URI. */
    public requestUri: string,
    private readonly formats: DispatcherFormats,
  ) {}

  /** Scope of the request's pseudo-variables; created at the first access. */
  get pvars(): PvarScope {
    if (this.pvarScope === undefined) {
      const scope = new PvarScope(this.message);
      if (this.source !== undefined) {
        scope.sourceAddress = this.source.address;
        scope.sourcePort = this.source.port;
        scope.receivedAddress = this.source.socket.address;
        scope.receivedPort = this.source.socket.port;
        scope.protocol = this.source.socket.transport;
      }
      if (this.requestUri !== this.message.requestUri) scope.setRequestUri(this.requestUri);
      scope.onRequestUri = (uri) => {
        this.requestUri = uri;
      };
      scope.lookUpStatistic = this.formats.statistic;
      scope.lookUpTag = this.formats.tag;
      this.pvarScope = scope;
    }
    return this.pvarScope;
  }

  get callId(): string {
    return this.message.callId;
  }

  get method(): string {
    return this.message.method;
  }

  get fromUri(): string {
    return (this.from ??= addrSpecOf(this.message.from));
  }

  /** The URI of To. */
  get toUri(): string {
    return (this.to ??= addrSpecOf(this.message.to));
  }

  get authUsername(): string | undefined {
    if (this.username === null) {
      const message = this.message;
      const credentials = message.header('proxy-authorization') ?? message.header('authorization');
      this.username = credentials === undefined ? undefined : digestUsername(credentials);
    }
    return this.username;
  }

  hashVar(_partition: string): string | undefined {
    return trimmedIfThere(this.formats.hash?.evaluate(this.pvars));
  }

  loadOf(_partition: string, destinationUri: string, setId: number): number | undefined {
    const format = this.formats.load;
    if (format === undefined) return undefined;
    const scope = this.pvars;
    scope.placeholders = { u: destinationUri, i: String(setId) };
    const value = format.evaluateValue(scope);
    scope.placeholders = undefined;
    return numberOf(value);
  }

  scoreOf(partition: string, uri: string, attrs: string, scriptAttrs?: string): number | undefined {
    return this.formats.score?.(this.pvars, { partition, uri, attrs, scriptAttrs });
  }
}

function numberOf(value: PvarValue): number | undefined {
  if (typeof value === 'number') return value;
  if (value === null) return 0;
  const number = Number.parseInt(value, 10);
  return Number.isNaN(number) ? undefined : number;
}
