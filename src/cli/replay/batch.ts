import { messageOf } from '../../core/errors.js';
import type { DispatchContext } from '../../engine/dispatch-context.js';
import type { Engine } from '../../engine/engine.js';
import { requestUriTarget } from '../../engine/opensips/request-uri.js';
import type { FlavourName } from '../../engine/options.js';
import { type Partition, unknownPartition } from '../../engine/partition.js';
import type { RequestData } from '../../engine/request-data.js';
import type { RequestView } from '../../engine/request-view.js';
import { parseSelectArguments } from '../../engine/select-arguments.js';
import type { TargetLists } from '../../engine/target-lists.js';
import { parseBatchLine, type SelectionLine } from './batch-line.js';

/** The message of a selection line. */
export interface BatchMessage {
  readonly request: RequestData | string;
  /** AVPs to set before the selection; pvar_algo_pattern and hash_pvar may read them. */
  readonly avps: Readonly<Record<string, string | number>>;
}

/** A view whose request-URI changes when ds_select_domain rewrites it. */
export type BatchView = RequestView & { setRequestUri?(uri: string): void };

/** What a batch of selections needs. */
export interface BatchOptions {
  readonly engine: Engine;
  /** Makes a view of a message. Throws for an invalid SIP request. */
  open(message: BatchMessage, context: DispatchContext): BatchView;
  /** Runs an MI command. Returns {"result": ...} or {"error": {...}}. */
  mi(method: string, params: unknown): Promise<object> | object;
  /** Answers a selection in a partition of flavour kamailio; absent: such selections are refused. */
  readonly kamailio?: Answerer;
}

/** Answers a selection line in a partition. */
type Answerer = (line: SelectionLine, partition: Partition) => Promise<object> | object;

/**
 * `switchyard select --batch`: for each JSON value read, writes one, in order. Nothing is sent. Round robin, hit
 * counters and changes by MI commands remain from line to line.
 */
export class BatchSession {
  private readonly answers: Readonly<Record<FlavourName, Answerer>>;

  constructor(private readonly options: BatchOptions) {
    this.answers = {
      opensips: (line, partition) => this.selectOpensips(line, partition),
      kamailio: options.kamailio ?? ((_line, partition) => refused(partition)),
    };
  }

  /** Answers a line. Never throws: errors are answers too, with the line's ID. */
  async run(value: unknown): Promise<object> {
    const line = parseBatchLine(value);
    if (line.kind === 'bad') return { id: line.id, error: { message: line.problem } };
    try {
      if (line.kind === 'mi') return { id: line.id, ...(await this.options.mi(line.method, line.params)) };
      return { id: line.id, ...(await this.select(line)) };
    } catch (error) {
      return { id: line.id, error: { message: messageOf(error) } };
    }
  }

  private async select(line: SelectionLine): Promise<object> {
    const { engine } = this.options;
    const args = parseSelectArguments(line.select);
    const partition = engine.partition(typeof args === 'string' ? (line.select.partition ?? '') : args.partition);
    if (partition !== undefined) return this.answers[partition.flavour.name](line, partition);
    return { error: { message: typeof args === 'string' ? args : unknownPartition(args.partition) } };
  }

  private selectOpensips(line: SelectionLine, partition: Partition): object {
    const { engine } = this.options;
    const args = parseSelectArguments(line.select);
    if (typeof args === 'string') return { error: { message: args } };
    if (line.select.fn !== 'dst' && line.select.fn !== 'domain') {
      return {
        error: {
          message: `fn "${line.select.fn}" is not available in a partition of flavour opensips: expected dst or domain`,
        },
      };
    }

    const context = engine.context();
    const view = withScores(this.options.open(line.message, context), line.scores);
    const message: OpenMessage = { context, view, ruri: view.requestUri };
    let answer = this.choose(message, partition, line.select.fn, args.targets, false);
    if (line.second !== undefined) {
      const then = parseSelectArguments(line.second);
      if (typeof then === 'string') return { error: { message: `then: ${then}` } };
      const second = engine.partition(then.partition === '' ? partition.name : then.partition);
      if (second === undefined) return { error: { message: `then: no partition "${then.partition}"` } };
      const isSet = line.select.fn === 'dst' && answer.lists !== undefined;
      answer = this.choose(message, second, line.second.fn === 'domain' ? 'domain' : 'dst', then.targets, isSet);
    }
    return answer.lists === undefined ? { ok: false, reason: answer.reason } : walk(message, answer);
  }

  private choose(
    message: OpenMessage,
    partition: Partition,
    fn: 'dst' | 'domain',
    targets: Parameters<DispatchContext['select']>[1],
    destinationIsSet: boolean,
  ): Answer {
    const { context, view } = message;
    const verdict = context.select(partition, targets, view, destinationIsSet);
    if (verdict === 'failed') return { fn, partition, lists: undefined, reason: context.failure ?? 'failed' };
    if (fn === 'domain') rewrite(message, partition);
    return { fn, partition, lists: context.of(partition), reason: '' };
  }
}

interface OpenMessage {
  readonly context: DispatchContext;
  readonly view: BatchView;
  ruri: string;
}

interface Answer {
  readonly fn: 'dst' | 'domain';
  readonly partition: Partition;
  readonly lists: TargetLists | undefined;
  readonly reason: string;
}

function rewrite(message: OpenMessage, partition: Partition): void {
  const ruri = message.context.rewriteRequestUri(partition, message.ruri);
  if (ruri === undefined) throw new Error(`request-uri "${message.ruri}" has no host to rewrite`);
  message.ruri = ruri;
  message.view.setRequestUri?.(ruri);
}

/** The destination in use, and those that successive ds_next_dst or ds_next_domain calls return. */
function walk(message: OpenMessage, { fn, partition, lists }: Answer): object {
  const targets: string[] = [];
  const ruris: string[] = [];
  const attrs: string[] = [];
  const sockets: string[] = [];
  const group = lists?.group;
  const count = lists?.count;
  let destination = lists?.current;
  while (lists !== undefined && destination !== undefined) {
    if (fn === 'domain') {
      ruris.push(message.ruri);
      targets.push(requestUriTarget(message.ruri));
    } else {
      targets.push(destination.dialUri);
    }
    attrs.push(lists.attrs);
    sockets.push(lists.socket);
    destination = lists.next();
    if (destination !== undefined && fn === 'domain') rewrite(message, partition);
  }
  return { ok: true, targets, ...(fn === 'domain' ? { ruris } : {}), attrs, sockets, group, count };
}

/** Uses the given scores instead of an algo_route: 1 for a destination without one, as recorded. */
function withScores(view: BatchView, scores: Readonly<Record<string, number>> | undefined): BatchView {
  if (scores === undefined) return view;
  return {
    get callId() {
      return view.callId;
    },
    get fromUri() {
      return view.fromUri;
    },
    get toUri() {
      return view.toUri;
    },
    get requestUri() {
      return view.requestUri;
    },
    get authUsername() {
      return view.authUsername;
    },
    hashVar: (partition) => view.hashVar(partition),
    loadOf: (partition, uri, setId) => view.loadOf(partition, uri, setId),
    scoreOf: (_partition, uri) => (Object.hasOwn(scores, uri) ? scores[uri] : 1),
    setRequestUri: (uri) => view.setRequestUri?.(uri),
  };
}

function refused({ name, flavour }: Partition): object {
  return { error: { message: `partition "${name}" is of flavour ${flavour.name}` } };
}
