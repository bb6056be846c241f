import type { Expression, FunctionCall, RouteBlock, Statement } from '../../cfg/ast.js';
import { callsIn } from '../../cfg/visit.js';
import { compilePosix } from '../../core/posix-regex.js';
import { apart } from './conditions.js';
import { expressionText, literalText } from './expression-text.js';
import {
  constantValue,
  decides,
  isBuiltIn,
  isLog,
  isSilent,
  NEXT_FUNCTIONS,
  nameOf,
  RELAY_FUNCTIONS,
  REPLIES,
} from './functions.js';
import type { Ledger } from './ledger.js';
import { leaveBelow } from './left-out.js';

/** Maximum number of statements examined on all paths, and of nested blocks and routes: a rule cannot express more. */
const MAX_STATEMENTS = 10_000;
const MAX_NESTING = 32;

/** The failover part of a rule. */
export interface Failover {
  readonly codes: readonly string[];
  readonly max?: number;
  readonly mark?: 'p' | 'i' | 'a';
}

/** Range of final replies; the code after the last one means no reply. */
const FIRST = 300;
const SILENCE = 700;
type Codes = ReadonlySet<number>;
const ALL: Codes = new Set(Array.from({ length: SILENCE - FIRST + 1 }, (_, i) => FIRST + i));

/** Thrown with the reason when something cannot be expressed as a rule. */
class NotExpressible extends Error {}

interface Found {
  readonly codes: Codes;
  readonly mark: string | undefined;
  readonly rearmed: boolean;
}

/** What is known at one point of the failure route. */
interface State {
  readonly codes: Codes;
  readonly mark: string | undefined;
  /** Whether the next destination has been selected. */
  readonly next: boolean;
  readonly armed: boolean;
}

/**
 * Converts a failure route to failover of a rule: for which replies it uses the next destination, and how it marks the
 * failed one. Returns a text with the reason when a rule cannot express it.
 */
export function failoverOf(
  name: string,
  routes: readonly RouteBlock[],
  ledger: Ledger,
  kamailio: boolean,
): Failover | string {
  const route = routes.find((each) => each.kind === 'failure' && each.name === name);
  if (route === undefined) return `there is no failure_route[${name}]`;
  const reader = new FailureReader(name, routes, ledger);
  try {
    reader.follow(route.body, { codes: ALL, mark: undefined, next: false, armed: false }, 0);
  } catch (error) {
    if (error instanceof NotExpressible) return error.message;
    throw error;
  }
  const { found } = reader;
  if (found.length === 0) return 'it selects no next destination';
  const marks = new Set(found.map(({ mark }) => mark));
  const rearmed = found.every((each) => each.rearmed);
  if (marks.size > 1) return 'it marks some failed destinations but not others';
  if (!rearmed && found.some((each) => each.rearmed)) return 'it is set again for some replies but not for others';
  const [mark] = marks;
  const letter = mark === undefined ? undefined : markLetter(mark, kamailio);
  if (mark !== undefined && letter === undefined) return `ds_mark_dst("${mark}") has no counterpart in a rule`;
  return {
    codes: codeList(new Set(found.flatMap(({ codes }) => [...codes]))),
    ...(rearmed ? {} : { max: 2 }),
    ...(letter === undefined ? {} : { mark: letter }),
  };
}

class FailureReader {
  readonly found: Found[] = [];
  private steps = 0;

  constructor(
    private readonly name: string,
    private readonly routes: readonly RouteBlock[],
    private readonly ledger: Ledger,
  ) {}

  /** The state after the statements; undefined when no path continues after them. */
  follow(statements: readonly Statement[], start: State, depth: number): State | undefined {
    let state = start;
    for (const statement of statements) {
      if (++this.steps > MAX_STATEMENTS || depth > MAX_NESTING) throw new NotExpressible('it has too many paths');
      if (state.codes.size === 0) return undefined;
      switch (statement.kind) {
        case 'exit':
        case 'drop':
        case 'return':
          return undefined;
        case 'assign':
          this.ledger.leaveRepeated(statement.at, `the assignment to ${statement.target.text} is not carried over`);
          break;
        case 'call-statement': {
          const { call } = statement;
          if (call.kind === 'route') {
            const body = this.body(nameOf(call.name));
            if (body === undefined) throw new NotExpressible(`${expressionText(call)} cannot be written as a rule`);
            const after = this.follow(body, state, depth + 1);
            if (after === undefined) return undefined;
            state = after;
            break;
          }
          const after = this.call(call, state);
          if (after === undefined) return undefined;
          state = after;
          break;
        }
        case 'if': {
          const { body, otherwise = [] } = statement;
          const taken = this.condition(apart(statement.condition), state);
          if (taken === undefined) {
            if (decides([...body, ...otherwise], (name) => this.body(name)) || mentionsNext(statement.condition)) {
              const condition = expressionText(statement.condition);
              throw new NotExpressible(
                `the condition "${condition}" (line ${statement.at.line}) cannot be written as codes`,
              );
            }
            if (isSilent([...body, ...otherwise])) break;
            leaveBelow([...body, ...otherwise], `"if (${expressionText(statement.condition)})"`, this.ledger);
            break;
          }
          if (mentionsNext(statement.condition)) this.leaveReplies([...body, ...otherwise]);
          const after = [this.follow(body, taken.holds, depth), this.follow(otherwise, taken.holdsNot, depth)].filter(
            (each) => each !== undefined,
          );
          const [first, second] = after.filter(({ codes }) => codes.size > 0);
          if (first === undefined) return undefined;
          if (second === undefined) state = first;
          else if (second.mark === first.mark && second.next === first.next && second.armed === first.armed) {
            state = { ...first, codes: new Set([...first.codes, ...second.codes]) };
          } else throw new NotExpressible(`the paths after line ${statement.at.line} differ`);
          break;
        }
        default:
          throw new NotExpressible(`"${statement.kind}" (line ${statement.at.line}) cannot be written as a rule`);
      }
    }
    return state;
  }

  private call(call: Extract<Expression, { kind: 'call' }>, state: State): State | undefined {
    const { name, args } = call;
    if (NEXT_FUNCTIONS.test(name)) return { ...state, next: true };
    if (name === 'ds_mark_dst') return { ...state, mark: markArgument(args.map(literalText)) };
    if (name === 't_on_failure') {
      const armed = args[0] === undefined ? '' : nameOf(args[0]);
      if (armed !== this.name) throw new NotExpressible(`it sets another failure route, "${armed}"`);
      return { ...state, armed: true };
    }
    if (RELAY_FUNCTIONS.test(name)) {
      if (!state.next) throw new NotExpressible('it relays to something other than the next destination');
      this.found.push({ codes: state.codes, mark: state.mark, rearmed: state.armed });
      return undefined;
    }
    if (REPLIES.test(name)) {
      this.ledger.leave(
        call.at,
        `${expressionText(call)} is not carried over: the caller gets the best reply of all tries`,
      );
      return state;
    }
    if (isLog(name) || isBuiltIn(name) || /^t_on_(?:reply|branch)$/.test(name)) return state;
    if (decides([{ kind: 'call-statement', call, at: call.at }], () => undefined)) {
      throw new NotExpressible(`${name}() (line ${call.at.line}) cannot be written as a rule`);
    }
    this.ledger.leaveRepeated(call.at, `${name}() is not carried over`);
    return state;
  }

  /**
   * The replies for which a condition holds, and those for which it does not; undefined when that depends on other
   * things.
   */
  private condition(condition: Expression, state: State): { holds: State; holdsNot: State } | undefined {
    const none = { ...state, codes: new Set<number>() };
    if (condition.kind === 'unary' && condition.operator === '!') {
      const inner = this.condition(condition.operand, state);
      return inner && { holds: inner.holdsNot, holdsNot: inner.holds };
    }
    if (condition.kind === 'call' && NEXT_FUNCTIONS.test(condition.name)) {
      // When there is no next destination the call ends, as it does with a rule.
      return { holds: { ...state, next: true }, holdsNot: none };
    }
    if (condition.kind === 'call' && RELAY_FUNCTIONS.test(condition.name)) {
      this.call(condition, state);
      return { holds: none, holdsNot: none };
    }
    if (condition.kind === 'call' && condition.name === 't_is_set') {
      return { holds: none, holdsNot: state };
    }
    if (condition.kind === 'binary' && condition.operator === '&&' && mentionsNext(condition)) {
      const left = this.condition(condition.left, state);
      const right = left && this.condition(condition.right, left.holds);
      if (left === undefined || right === undefined || right.holdsNot.codes.size > 0) return undefined;
      return { holds: right.holds, holdsNot: left.holdsNot };
    }
    const always = constantValue(condition);
    if (always !== undefined) return always ? { holds: state, holdsNot: none } : { holds: none, holdsNot: state };
    const codes = codesOf(condition);
    if (codes === undefined) return undefined;
    const unanswered = unansweredIn(condition);
    if (unanswered !== undefined)
      this.ledger.note(unanswered.at, 'a destination that rings and then sends no final reply is failed over as well');
    const inside = new Set([...state.codes].filter((code) => codes.has(code)));
    const outside = new Set([...state.codes].filter((code) => !codes.has(code)));
    return { holds: { ...state, codes: inside }, holdsNot: { ...state, codes: outside } };
  }

  /** Reports what the script answers when no destination is left. */
  private leaveReplies(statements: readonly Statement[]): void {
    for (const call of callsIn(statements)) {
      if (call.kind !== 'call' || !REPLIES.test(call.name)) continue;
      const what = `${expressionText(call)} is not carried over: when no destination is left the caller gets the best reply`;
      this.ledger.leave(call.at, what);
    }
  }

  private body(name: string | undefined): readonly Statement[] | undefined {
    return this.routes.find((route) => route.kind === 'request' && route.name === name && name !== undefined)?.body;
  }
}

function mentionsNext(condition: Expression): boolean {
  if (condition.kind === 'call') return NEXT_FUNCTIONS.test(condition.name);
  if (condition.kind === 'unary') return mentionsNext(condition.operand);
  return condition.kind === 'binary' && (mentionsNext(condition.left) || mentionsNext(condition.right));
}

/** The replies for which a condition holds. No reply counts as our own 408, as in both programs. */
function codesOf(condition: Expression): Codes | undefined {
  if (condition.kind === 'binary' && (condition.operator === '&&' || condition.operator === '||')) {
    if (isSilence(condition)) return new Set([SILENCE]);
    const left = codesOf(condition.left);
    const right = codesOf(condition.right);
    if (left === undefined || right === undefined) return undefined;
    if (condition.operator === '||') return new Set([...left, ...right]);
    return new Set([...left].filter((code) => right.has(code)));
  }
  if (condition.kind === 'unary' && condition.operator === '!') {
    const codes = codesOf(condition.operand);
    return codes && new Set([...ALL].filter((code) => !codes.has(code)));
  }
  if (condition.kind === 'call') {
    const [first] = condition.args.map(literalText);
    if (condition.name === 't_check_status' && first !== undefined) return byRegex(first);
    if (condition.name === 't_branch_timeout') return new Set([SILENCE]);
    return undefined;
  }
  if (condition.kind !== 'binary') return undefined;
  const { left, right, operator } = condition;
  const isCode =
    (left.kind === 'variable' && /^\$(?:T_reply_code|T_rpl\(\$rs\)|rs)$/.test(left.text)) ||
    (left.kind === 'word' && left.text === 'status');
  const value = Number(literalText(right));
  if (!isCode) return undefined;
  if (operator === '=~') return byRegex(literalText(right) ?? '(');
  const holds: Readonly<Record<string, (code: number) => boolean>> = {
    '==': (code) => code === value,
    '!=': (code) => code !== value,
    '<': (code) => code < value,
    '>': (code) => code > value,
    '<=': (code) => code <= value,
    '>=': (code) => code >= value,
  };
  const test = holds[operator];
  if (test === undefined || !Number.isInteger(value)) return undefined;
  return new Set([...ALL].filter((code) => test(code === SILENCE ? 408 : code)));
}

/** Whether a condition is "t_branch_timeout() and !t_branch_replied()" or a part of it: nothing was received at all. */
function isSilence(condition: Expression): boolean {
  if (condition.kind !== 'binary' || condition.operator !== '&&') return false;
  const { left, right } = condition;
  const isTimeout = (each: Expression) => each.kind === 'call' && each.name === 't_branch_timeout';
  const isUnanswered = (each: Expression) =>
    each.kind === 'unary' &&
    each.operator === '!' &&
    each.operand.kind === 'call' &&
    /^t_(?:branch|any)_replied$/.test(each.operand.name);
  return (isTimeout(left) && isUnanswered(right)) || (isTimeout(right) && isUnanswered(left));
}

/** The t_branch_replied() in the first `isSilence` of a condition. */
function unansweredIn(condition: Expression): FunctionCall | undefined {
  if (condition.kind === 'unary') return unansweredIn(condition.operand);
  if (condition.kind !== 'binary') return undefined;
  if (!isSilence(condition)) return unansweredIn(condition.left) ?? unansweredIn(condition.right);
  const negated = condition.left.kind === 'unary' ? condition.left : condition.right;
  return negated.kind === 'unary' && negated.operand.kind === 'call' ? negated.operand : undefined;
}

function byRegex(source: string): Codes | undefined {
  try {
    const regex = compilePosix(source);
    return new Set([...ALL].filter((code) => regex.test(String(code === SILENCE ? 408 : code))));
  } catch {
    return undefined;
  }
}

/** Codes in the form of a rule: complete classes, then single codes, then "timeout" unless 408 covers it. */
function codeList(codes: Codes): string[] {
  const list: string[] = [];
  for (let first = FIRST; first < SILENCE; first += 100) {
    const inside = Array.from({ length: 100 }, (_, i) => first + i).filter((code) => codes.has(code));
    if (inside.length === 100) list.push(`${first / 100}xx`);
    else list.push(...inside.map(String));
  }
  if (codes.has(SILENCE) && !codes.has(408)) list.push('timeout');
  return list;
}

/** The state in the arguments of ds_mark_dst: a letter or word; by default inactive. */
function markArgument(args: readonly (string | undefined)[]): string {
  if (args.length === 0) return 'i';
  const state = args.find((arg) => arg !== undefined && /^(?:[aidptAIDPT012]{1,2}|active|inactive|probing)$/.test(arg));
  return state ?? args.join(', ');
}

function markLetter(mark: string, kamailio: boolean): 'p' | 'i' | 'a' | undefined {
  if (/^(?:p|2|probing)$/i.test(mark)) return kamailio ? undefined : 'p';
  if (/^(?:i|1|inactive)$/i.test(mark) && (mark !== '1' || kamailio)) return 'i';
  if (!kamailio && mark === '0') return 'i';
  if (/^(?:a|active)$/i.test(mark) || (mark === '1' && !kamailio)) return 'a';
  // Kamailio's "ip" and "tp" mean: probing makes it active again.
  return kamailio && /^[it]p$/i.test(mark) ? 'p' : undefined;
}
