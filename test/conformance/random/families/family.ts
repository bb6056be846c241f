/** What cases of one kind are made from. All texts are templates (see expand()). */
export interface Family {
  readonly area: string;
  /** Modules and their parameters. */
  readonly head: string;
  /** Files beside the configuration, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Statements before all others. */
  readonly begin?: string;
  /** Some of these are chosen; "@N@" is the number of the statement. */
  readonly statements: readonly string[];
  /** Printed after each statement. */
  readonly probe?: string;
  /** How many statements are chosen at most. */
  readonly most?: number;
  /** How the request route ends. */
  readonly end?: string;
  /** Further routes by header; the text may hold "@PICK@" for a statement of its own choice. */
  readonly routes?: Readonly<Record<string, string>>;
  readonly requests?: readonly Request[];
  readonly gateways?: string;
  /** What the media proxy of the case does (`MediaPlan`). */
  readonly media?: string;
  readonly wait_ms?: number;
}

/** What the caller sends; what is left out is the usual. */
export interface Request {
  readonly method?: string;
  readonly ruri?: string;
  readonly from?: string;
  readonly to?: string;
  readonly headers?: string;
  readonly contact?: string;
  readonly body?: string;
  readonly content_type?: string;
  readonly cseq?: number;
  readonly at_ms?: number;
  readonly max_forwards?: string;
}
