/**
 * What the engine may know of a request. All strings are latin1 as on the wire; nothing is computed until asked for,
 * so implementations answer with lazy getters.
 */
export interface RequestView {
  /** Call-ID, trimmed. */
  readonly callId: string;
  /** Method; undefined means INVITE. */
  readonly method?: string | undefined;
  /** addr-spec of the From header, without display name and header parameters; '' when it has none. */
  readonly fromUri: string;
  readonly toUri: string;
  /** Request-URI in its current form. */
  readonly requestUri: string;
  /** Username of the Proxy-Authorization credentials, else of Authorization, up to "@", trimmed; undefined when unusable. */
  readonly authUsername: string | undefined;
  /** The hash_pvar format of `partition`, evaluated on this request; undefined when the parameter is not set. */
  hashVar(partition: string): string | undefined;
  /** pvar_algo_pattern with %u and %i substituted and evaluated on this request (algorithm 9); undefined for null. */
  loadOf(partition: string, destinationUri: string, setId: number): number | undefined;
  /** The score algo_route gives a destination (algorithm 10); undefined when there is no such route. */
  scoreOf(partition: string, destinationUri: string, attrs: string, scriptAttrs?: string): number | undefined;
}
