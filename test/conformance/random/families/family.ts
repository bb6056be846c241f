/** The parts from which cases of one kind are made. All texts are templates (see expand()). */
export interface Family {
  readonly area: string;
  /** Modules and their parameters. */
  readonly head: string;
  /** Files beside the configuration, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Statements before all others. */
  readonly begin?: string;
  /** Some of them are chosen; "@N@" is the number of the statement. */
  readonly statements: readonly string[];
  /** Printed after each statement. */
  readonly probe?: string;
  /** Maximum number of chosen statements. */
  readonly max?: number;
  /** How the request route ends. */
  readonly end?: string;
  /** Further routes by header; "@PICK@" in the text is replaced by a random statement. */
  readonly routes?: Readonly<Record<string, string>>;
  readonly requests?: readonly Request[];
  readonly gateways?: string;
  /** Behaviour of the media proxy of the case (`MediaPlan`). */
  readonly media?: string;
  readonly wait_ms?: number;
}

/** A request of the caller; parts that are not given have default values. */
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
