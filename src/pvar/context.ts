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

/** What variables read of a SIP message. All strings are latin1 and may be computed at the first access. */
export interface PvarMessage {
  readonly isRequest: boolean;
  /** Method of a request; of a reply it is taken from `cseqMethod`. */
  readonly method: string | undefined;
  /** Request-URI as received ($ou); '' or undefined for a reply. */
  readonly requestUri: string | undefined;
  /** Status code of a reply. */
  readonly status: number | undefined;
  readonly reason: string | undefined;
  /**
   * Value of the `index`-th header field of that name (0 is the first), unfolded and trimmed; compact forms count too.
   */
  header(name: string, index?: number): string | undefined;
  headerCount(name: string): number;
  /** The values of all header fields of that name, in order. */
  headers(name: string): readonly string[];
  readonly callId: string | undefined;
  readonly cseqNumber: number | undefined;
  readonly cseqMethod: string | undefined;
  /** Value of the From header field, with display name and parameters. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly body: string | undefined;
  /**
   * Header fields of a name in either form, or all of them: offsets in `text` of line, name, value and end of the
   * value.
   */
  fields?(name?: string): Iterable<HeaderSpan>;
  /** The whole message as text. */
  readonly text: string;
  /** The length of the message in bytes. */
  readonly length: number;
}

/** Additional branches of a request ($branch). */
export interface PvarBranches {
  readonly count: number;
  get(field: string, index: number): PvarValue;
  append(uri: string): void;
}

/** Records of named fields that a selection keeps ($xavp): the record of the current destination first. */
export interface PvarRecords {
  count(name: string): number;
  get(name: string, index: number, field: string): PvarValue;
  /**
   * Changes a field of a record, or removes it; without a field the whole record. Without an index a new record comes
   * before the others, or the first is removed.
   */
  change?(name: string, index: number | undefined, field: string | undefined, value: PvarValue): void;
}

/** Variables that all messages share ($shv), within one process or among several. */
export interface SharedVariables extends Iterable<readonly [string, PvarValue]> {
  get(name: string): PvarValue | undefined;
  set(name: string, value: PvarValue): unknown;
  has(name: string): boolean;
  readonly size: number;
}

/** Everything that variables may read or write while a format is evaluated. */
export interface PvarContext {
  readonly message: PvarMessage;
  readonly avps: AvpStore;
  /** $var(name); unlike an AVP it has one value. */
  readonly vars: VarStore;
  /** $shv(name): shared by all messages. */
  readonly shared: SharedVariables;
  /** $xavp, $xavu and $xavi of Kamailio. */
  readonly xavps: XavpStore;
  readonly xavus: XavpStore;
  readonly xavis: XavpStore;
  /** $json(name) of OpenSIPS. */
  readonly jsons: Map<string, JsonValue>;
  /** $du: the next hop, where it differs from the request-URI. */
  destinationUri: string | undefined;
  /** $ru: the current request-URI. */
  readonly requestUri: string | undefined;
  /** Address the message came from, IP literal without brackets. */
  readonly sourceAddress: string;
  readonly sourcePort: number;
  /** Local socket it was received on. */
  readonly receivedAddress: string;
  readonly receivedPort: number;
  /** Transport the message was received by, in any letter case. */
  readonly protocol: string;
  /** $fs: "proto:host:port" of the local socket to send from. */
  sendSocket: string | undefined;
  /** $retcode, $rc: return code of the last function. */
  returnCode: number;
  /** $param(name): parameters of the current route. */
  params: ReadonlyMap<string, PvarValue>;
  /** $mi: number of the message, counted from the start. */
  readonly messageNumber?: number | undefined;
  /** $return(n): the further values of the last return statement. */
  returns?: readonly PvarValue[] | undefined;
  /** $route: the routes being executed, the outermost first: "route", "route[RELAY]". */
  readonly routes?: string[] | undefined;
  /** Texts for %u, %i and the like in formats compiled with placeholders. */
  readonly placeholders: Readonly<Record<string, string>> | undefined;
  readonly branches: PvarBranches | undefined;
  readonly records?: PvarRecords | undefined;
  /** $dsg(field): the set that ds_dsg_fetch read; undefined before. */
  readonly groupField?: ((field: string) => PvarValue) | undefined;
  /** $T_branch_idx: index of the current branch. */
  readonly branchIndex: number;
  /** $T_reply_code: status of the current reply. $rs and $rr use it too where the message is the request. */
  readonly replyCode?: number | undefined;
  readonly replyReason?: string | undefined;
  readonly clock: Clock;
  /**
   * Context of $(<request>ru) or $(<reply>hdr(x)): the other message of the transaction; undefined where there is none.
   */
  contextOf?(which: 'request' | 'reply'): PvarContext | undefined;
  /** $stat(name); undefined for an unknown statistic. */
  statistic(name: string): number | undefined;
  /**
   * $shtag(name), $shtag(name/cluster): whether this node is the active one of a sharing tag; undefined for a cluster
   * this node is not in.
   */
  sharingTag?(name: string): 'active' | 'backup' | undefined;
  /** The SDP with the changes of the script so far; undefined: as received. */
  readonly sdp?: string | undefined;
  /** Replaces a part of the SDP when the message is sent; offsets are those in `sdp`. */
  editSdp?(start: number, end: number, text: string): void;
  /** Replaces a part of From or To when the message is sent ($fu, $tn and the like). */
  editAddress?(header: 'from' | 'to', part: 'uri' | 'user' | 'domain' | 'display', value: PvarValue): void;
  /** Replaces the request-URI ($ru, $rU, $rd, $rp). */
  setRequestUri(uri: string): void;
}

const NO_PARAMS: ReadonlyMap<string, PvarValue> = new Map();

/** A context with default values; stores are created at the first access. Callers set what they know. */
export class PvarScope implements PvarContext {
  /** Whether $du was written, even with the value it had. */
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
  /** Look-ups of `$stat(name)` and of `$shtag(name)`. */
  lookUpStatistic: ((name: string) => number | undefined) | undefined = undefined;
  lookUpTag: ((name: string) => 'active' | 'backup' | undefined) | undefined = undefined;
  /** Called at each change of the request-URI. */
  onRequestUri: ((uri: string) => void) | undefined = undefined;
  private rewrittenUri: string | undefined = undefined;
  private avpStore: AvpStore | undefined = undefined;
  private varStore: VarStore | undefined = undefined;
  private sharedStore: SharedVariables | undefined = undefined;
  private xavpStore: XavpStore | undefined = undefined;
  private xavuStore: XavpStore | undefined = undefined;
  private xaviStore: XavpStore | undefined = undefined;
  private jsonStore: Map<string, JsonValue> | undefined = undefined;
  /** The scope whose $xavp, $xavu and $xavi are used; undefined: this one's. */
  private recordsOf: PvarScope | undefined = undefined;

  constructor(public message: PvarMessage) {}

  /** From now on $xavp, $xavu and $xavi are those of another scope: a reply uses those of its transaction. */
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

  /** Whether the request-URI was written, even with the value the message has. */
  get requestUriWritten(): boolean {
    return this.rewrittenUri !== undefined;
  }

  /** AVPs; created at the first access. */
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

  /** Values of $xavu; created at the first access. */
  get xavus(): XavpStore {
    return this.recordsOf?.xavus ?? (this.xavuStore ??= new XavpStore());
  }

  /** Values of $xavi; created at the first access. */
  get xavis(): XavpStore {
    return this.recordsOf?.xavis ?? (this.xaviStore ??= new XavpStore());
  }

  get jsons(): Map<string, JsonValue> {
    return (this.jsonStore ??= new Map());
  }

  /** From now on $var uses `vars`, and $shv `shared`, which several messages have in common. */
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

  /** The request-URI is that of the message again, and there is no $du. */
  protected forgetTarget(): void {
    this.rewrittenUri = undefined;
    this.nextHop = undefined;
  }
}

/** A value as part of a string: null is "<null>", as OpenSIPS prints it. */
export function textOf(value: PvarValue): string {
  if (typeof value === 'string') return value;
  return value === null ? '<null>' : String(value);
}

/** A value as an integer: a number, or a string of an optional sign and digits; undefined for others. */
export function integerOf(value: PvarValue): number | undefined {
  if (typeof value === 'number') return Math.trunc(value);
  if (value === null || !/^[ \t\r\n]*[+-]?[0-9]{1,15}[ \t\r\n]*$/.test(value)) return undefined;
  return Number(value);
}
