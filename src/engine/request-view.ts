/**
 * What the engine reads of a request. Strings are latin1, as on the wire. Implementations use getters, so that a value
 * is computed only when it is needed.
 */
export interface RequestView {
  /** Call-ID without surrounding spaces. */
  readonly callId: string;
  /** Method; undefined means INVITE. */
  readonly method?: string | undefined;
  /** URI of the From header, without display name and header parameters; '' without one. */
  readonly fromUri: string;
  readonly toUri: string;
  /** Request-URI in its current form. */
  readonly requestUri: string;
  /** User name of the Proxy-Authorization credentials, or else of Authorization, up to "@"; undefined when unusable. */
  readonly authUsername: string | undefined;
  /** The value of the partition's hash_pvar for this request; undefined when the parameter is not set. */
  hashVar(partition: string): string | undefined;
  /** The value of pvar_algo_pattern for this request, with %u and %i replaced (algorithm 9); undefined for null. */
  loadOf(partition: string, destinationUri: string, setId: number): number | undefined;
  /** The score that algo_route gives a destination (algorithm 10); undefined without such a route. */
  scoreOf(partition: string, destinationUri: string, attrs: string, scriptAttrs?: string): number | undefined;
}
