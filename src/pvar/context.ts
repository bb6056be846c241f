import { type Clock, systemClock } from '../core/clock.js';
import { AvpStore } from './avp-store.js';
import type { JsonValue } from './json-value.js';
import type { PvarValue } from './value.js';
import { VarStore } from './var-store.js';
import { XavpStore } from './xavp-store.js';

export type { PvarValue } from './value.js';

/** Position of a header field in the text of a message. */
export interface HeaderSpan {
  readonly line: number;
  readonly nameEnd: number;
  readonly value: number;
  readonly end: number;
}

/** What the variables need of a SIP message. All strings are latin1 and may be computed when first asked for. */
export interface PvarMessage {
  readonly isRequest: boolean;
  /** Method of a request; of a reply it is taken from `cseqMethod`. */
  readonly method: string | undefined;
  /** Request-URI as received ($ou); '' or undefined for a reply. */
  readonly requestUri: string | undefined;
  /** Status code of a reply. */
  readonly status: number | undefined;
  readonly reason: string | undefined;
  /** Body of the `index`-th header field of that name (0 is the first), unfolded and trimmed; compact forms understood. */
  header(name: string, index?: number): string | undefined;
  headerCount(name: string): number;
  /** The bodies of all header fields of that name, in order. */
  headers(name: string): readonly string[];
  readonly callId: string | undefined;
  readonly cseqNumber: number | undefined;
  readonly cseqMethod: string | undefined;
  /** Body of the From header field, with display name and parameters. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly body: string | undefined;
  /** Header fields of a name in either form, or all: where line, name, value and value's end are in `text`. */
  fields?(name?: string): Iterable<HeaderSpan>;
  /** The whole message. */
  readonly text: string;
  /** Its length in bytes. */
  readonly length: number;
}

/** Additional branches of a request ($branch). */
export interface PvarBranches {
  readonly count: number;
  get(field: string, index: number): PvarValue;
  append(uri: string): void;
}

/** Records of named fields that a selection keeps ($xavp), the one in use first. */
export interface PvarRecords {
  count(name: string): number;
  get(name: string, index: number, field: string): PvarValue;
}

/** Variables that all messages share ($shv), in one process or in several. */
export interface SharedVariables extends Iterable<readonly [string, PvarValue]> {
  get(name: string): PvarValue | undefined;
  set(name: string, value: PvarValue): unknown;
  has(name: string): boolean;
  readonly size: number;
}

/** Everything a variable may look at or write while a format is evaluated. */
export interface PvarContext {
  readonly message: PvarMessage;
  readonly avps: AvpStore;
  /** $var(name); unlike AVPs a script variable holds one value. */
  readonly vars: VarStore;
  /** $shv(name): shared by all messages. */
  readonly shared: SharedVariables;
  /** $xavp, $xavu and $xavi of Kamailio. */
  readonly xavps: XavpStore;
  readonly xavus: XavpStore;
  readonly xavis: XavpStore;
  /** $json(name) of OpenSIPS. */
  readonly jsons: Map<string, JsonValue>;
  /** $du: the next hop, where it is not the request-URI. */
  destinationUri: string | undefined;
  /** $ru: the current request-URI. */
  readonly requestUri: string | undefined;
  /** Address the message came from, IP literal without brackets. */
  readonly sourceAddress: string;
  readonly sourcePort: number;
  /** Local socket it was received on. */
  readonly receivedAddress: string;
  readonly receivedPort: number;
  /** Protocol it came by, in any letter case. */
  readonly protocol: string;
  /** $fs: "proto:host:port" of the local socket to send from. */
  sendSocket: string | undefined;
  /** $retcode, $rc: what the last function of the script returned. */
  returnCode: number;
  /** $param(name): parameters of the route that runs. */
  params: ReadonlyMap<string, PvarValue>;
  /** $mi: number of the message since the start. */
  readonly messageNumber?: number | undefined;
  /** $return(n): further values that the last route returned. */
  returns?: readonly PvarValue[] | undefined;
  /** $route: routes entered and not left, the outermost first: "route", "route[RELAY]". */
  readonly routes?: string[] | undefined;
  /** Text for %u, %i and the like in formats compiled with placeholders. */
  readonly placeholders: Readonly<Record<string, string>> | undefined;
  readonly branches: PvarBranches | undefined;
  readonly records?: PvarRecords | undefined;
  /** $dsg(field): of what ds_dsg_fetch looked at; undefined before. */
  readonly groupField?: ((field: string) => PvarValue) | undefined;
  /** $T_branch_idx: number of the branch at work. */
  readonly branchIndex: number;
  /** $T_reply_code: status of the reply at work; with it $rs and $rr answer where the message is the request. */
  readonly replyCode?: number | undefined;
  readonly replyReason?: string | undefined;
  readonly clock: Clock;
  /** $(<request>ru), $(<reply>hdr(x)): the other message of the transaction; undefined where there is none. */
  contextOf?(which: 'request' | 'reply'): PvarContext | undefined;
  /** $stat(name); undefined for an unknown statistic. */
  statistic(name: string): number | undefined;
  /** $shtag(name), $shtag(name/cluster): whether this node is the active one of a sharing tag; undefined without that cluster. */
  sharingTag?(name: string): 'active' | 'backup' | undefined;
  /** Part of the body is another when the message leaves; offsets count from the body's start. */
  editBody?(start: number, end: number, text: string): void;
  /** $fu, $tn and the like are written: the header field is another when the message leaves. */
  editAddress?(header: 'from' | 'to', part: 'uri' | 'user' | 'domain' | 'display', value: PvarValue): void;
  /** Rewrites the request-URI of the message ($ru, $rU, $rd, $rp). */
  setRequestUri(uri: string): void;
}

const NO_PARAMS: ReadonlyMap<string, PvarValue> = new Map();

/** A context with default values; stores are made when first used. Callers fill in what they know. */
export class PvarScope implements PvarContext {
  /** A destination URI was written, be it the one that was there. */
  protected destinationWritten = false;
  private nextHop: string | undefined = undefined;
  sourceAddress = '';
  sourcePort = 0;
  receivedAddress = '';
  receivedPort = 0;
  protocol = 'udp';
  sendSocket: string | undefined = undefined;
  returnCode = 1;
  params: ReadonlyMap<string, PvarValue> = NO_PARAMS;
  returns: readonly PvarValue[] | undefined = undefined;
  routes: string[] | undefined = undefined;
  messageNumber: number | undefined = undefined;
  placeholders: Readonly<Record<string, string>> | undefined = undefined;
  branches: PvarBranches | undefined = undefined;
  records: PvarRecords | undefined = undefined;
  groupField: ((field: string) => PvarValue) | undefined = undefined;
  branchIndex = 0;
  replyCode: number | undefined = undefined;
  replyReason: string | undefined = undefined;
  clock: Clock = systemClock;
  /** Answers `$stat(name)`. */
  lookUpStatistic: ((name: string) => number | undefined) | undefined = undefined;
  lookUpTag: ((name: string) => 'active' | 'backup' | undefined) | undefined = undefined;
  /** Is called on each change of the request-URI. */
  onRequestUri: ((uri: string) => void) | undefined = undefined;
  private rewrittenUri: string | undefined = undefined;
  private avpStore: AvpStore | undefined = undefined;
  private varStore: VarStore | undefined = undefined;
  private sharedStore: SharedVariables | undefined = undefined;
  private xavpStore: XavpStore | undefined = undefined;
  private xavuStore: XavpStore | undefined = undefined;
  private xaviStore: XavpStore | undefined = undefined;
  private jsonStore: Map<string, JsonValue> | undefined = undefined;
  /** Whose records these are. */
  private recordsOf: PvarScope | undefined = undefined;

  constructor(public message: PvarMessage) {}

  /** $xavp, $xavu and $xavi are those of another scope from here on: a reply sees those of its transaction. */
  shareRecords(other: PvarScope): void {
    this.recordsOf = other;
    this.records = other.records;
  }

  get destinationUri(): string | undefined {
    return this.nextHop;
  }

  set destinationUri(uri: string | undefined) {
    this.nextHop = uri;
    if (uri !== undefined) this.destinationWritten = true;
  }

  get requestUri(): string | undefined {
    return this.rewrittenUri ?? this.message.requestUri;
  }

  /** The request-URI is another than that of the message, or was written to be the same. */
  get requestUriWritten(): boolean {
    return this.rewrittenUri !== undefined;
  }

  /** AVPs; made when first asked for. */
  get avps(): AvpStore {
    return (this.avpStore ??= new AvpStore());
  }

  get vars(): VarStore {
    return (this.varStore ??= new VarStore());
  }

  get shared(): SharedVariables {
    return (this.sharedStore ??= new Map());
  }

  get xavps(): XavpStore {
    return this.recordsOf?.xavps ?? (this.xavpStore ??= new XavpStore());
  }

  /** Values of $xavu; made when first asked for. */
  get xavus(): XavpStore {
    return this.recordsOf?.xavus ?? (this.xavuStore ??= new XavpStore());
  }

  /** Values of $xavi; made when first asked for. */
  get xavis(): XavpStore {
    return this.recordsOf?.xavis ?? (this.xaviStore ??= new XavpStore());
  }

  get jsons(): Map<string, JsonValue> {
    return (this.jsonStore ??= new Map());
  }

  /** From now on $var reads and writes `vars`, and $shv `shared`: several messages have them in common. */
  shareVars(vars: VarStore, shared?: SharedVariables): void {
    this.varStore = vars;
    if (shared !== undefined) this.sharedStore = shared;
  }

  statistic(name: string): number | undefined {
    return this.lookUpStatistic?.(name);
  }

  sharingTag(name: string): 'active' | 'backup' | undefined {
    return this.lookUpTag?.(name);
  }

  setRequestUri(uri: string): void {
    this.rewrittenUri = uri;
    this.onRequestUri?.(uri);
  }
}

/** How a value looks inside a string: null is written "<null>", as OpenSIPS prints it. */
export function textOf(value: PvarValue): string {
  if (typeof value === 'string') return value;
  return value === null ? '<null>' : String(value);
}

/** The integer a value represents, or undefined: numbers, and strings of an optional sign and digits. */
export function integerOf(value: PvarValue): number | undefined {
  if (typeof value === 'number') return Math.trunc(value);
  if (value === null || !/^\s*[+-]?[0-9]{1,15}\s*$/.test(value)) return undefined;
  return Number(value);
}
