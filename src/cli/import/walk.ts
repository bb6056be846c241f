import type { Expression, FunctionCall, IfStatement, Position, RouteBlock, Statement } from '../../cfg/ast.js';
import { callsIn } from '../../cfg/visit.js';
import { apart } from './conditions.js';
import { expressionText, literalText } from './expression-text.js';
import {
  ACCEPTED,
  ARMS,
  constantValue,
  decides,
  FORWARDS,
  isBuiltIn,
  isLog,
  isSilent,
  nameOf,
  RELAY_FUNCTIONS,
  REPLIES,
  SELECTS,
} from './functions.js';
import type { Ledger } from './ledger.js';
import { leaveBelow } from './left-out.js';
import { isKeepAlive, type OwnNames } from './match.js';
import { numberAfterCall } from './number.js';
import {
  type Branch,
  behindCall,
  type Ending,
  joinedFalse,
  negated,
  type Path,
  START,
  withoutAssigned,
} from './path.js';
import { mentionsSelection, ofSelection } from './selection-result.js';
import { assigned, noteFallback, type Outcome, ROUTED_OTHERWISE, selectionOf } from './steps.js';
import { withoutSwitch } from './switch-as-if.js';
import { tested } from './tests.js';

/**
 * Maximum number of paths through a script, and of statements examined: beyond that, a list of rules could not
 * express it.
 */
const MAX_PATHS = 300;
const MAX_STEPS = 50_000;
/** Maximum number of conditions on one path: following each is a nested call. */
const MAX_NESTING = 500;
const MAX_DEPTH = 32;

/** What remains to be done on a path: statements from an index on, then the enclosing frame. */
interface Frame {
  readonly statements: readonly Statement[];
  readonly at: number;
  /** Whether "return" ends here. */
  readonly route: boolean;
  readonly depth: number;
  readonly next: Frame | undefined;
}

/**
 * Follows every path of a request that begins a dialog through the main route. A path on which a condition holds comes
 * before the one on which it does not: as rules, of which the first match wins, they need no negation. What cannot be
 * expressed as a rule is reported in the ledger.
 */
export class Walk {
  readonly outcomes: Outcome[] = [];
  /** Why selections cannot be imported, by position. */
  readonly blamed = new Map<Position, string>();
  /** Conditions on the source of a request that became part of a match. */
  readonly guards = new Set<Position>();
  private steps = 0;
  /** Number of conditions on the current path. */
  private nesting = 0;

  constructor(
    private readonly routes: readonly RouteBlock[],
    private readonly ledger: Ledger,
    private readonly own: OwnNames,
  ) {}

  /** Follows the main route; returns the paths in the order of the rules. */
  run(main: RouteBlock): readonly Outcome[] {
    this.follow({ statements: main.body, at: 0, route: true, depth: 0, next: undefined }, START);
    return this.outcomes;
  }

  private follow(start: Frame | undefined, from: Path): void {
    let frame = start;
    let path = from;
    for (;;) {
      if (++this.steps > MAX_STEPS || this.outcomes.length > MAX_PATHS || this.nesting > MAX_NESTING) {
        this.unknown(frame, path, 'the script has too many paths');
        return;
      }
      while (frame !== undefined && frame.at >= frame.statements.length) frame = frame.next;
      if (frame === undefined) break;
      const statement = frame.statements[frame.at] as Statement;
      const rest: Frame = { ...frame, at: frame.at + 1 };
      switch (statement.kind) {
        case 'assign': {
          path = assigned(path, statement, this.ledger);
          frame = rest;
          break;
        }
        case 'call-statement': {
          const { call } = statement;
          if (call.kind === 'route') {
            const inner = this.inner(nameOf(call.name), rest);
            if (inner === undefined) {
              this.unknown(rest, path, `${expressionText(call)} cannot be written as a rule`, call.at);
              return;
            }
            frame = inner;
            path = { ...path, justSelected: false };
            break;
          }
          const ended = this.call(call, path);
          if (ended === 'ends') return;
          path = { ...ended, justSelected: call.kind === 'call' && SELECTS.test(call.name) };
          frame = rest;
          break;
        }
        case 'if': {
          const outcome = this.condition(statement, rest, path);
          if (outcome === undefined) return;
          frame = rest;
          path = outcome;
          break;
        }
        case 'exit':
        case 'drop':
          this.end(path, statement.at);
          return;
        case 'switch': {
          const asIf = withoutSwitch(statement);
          if (asIf !== undefined) {
            frame = { statements: asIf, at: 0, route: false, depth: rest.depth, next: rest };
            break;
          }
          if (
            decides(
              statement.cases.flatMap(({ body }) => body),
              this.body,
            )
          ) {
            const bodies = statement.cases.flatMap(({ body }) => body);
            const inside: Frame = { statements: bodies, at: 0, route: false, depth: 0, next: rest };
            this.unknown(inside, path, 'it depends on a "switch"', statement.at);
            return;
          }
          this.ledger.leave(statement.at, '"switch" and its cases are not carried over');
          leaveBelow(
            statement.cases.flatMap(({ body }) => body),
            '"switch"',
            this.ledger,
          );
          frame = rest;
          break;
        }
        case 'return': {
          let around: Frame | undefined = frame;
          while (around !== undefined && !around.route) around = around.next;
          frame = around?.next;
          if (frame === undefined) {
            this.end(path);
            return;
          }
          break;
        }
        case 'break':
          frame = rest;
          break;
        default: {
          const bodies = bodyOf(statement);
          const what =
            statement.kind === 'async' || statement.kind === 'launch' ? statement.kind : `"${statement.kind}"`;
          if (statement.kind === 'async' || statement.kind === 'launch' || decides(bodies, this.body)) {
            this.unknown(
              { statements: bodies, at: 0, route: false, depth: 0, next: rest },
              path,
              `it depends on ${what}`,
              statement.at,
            );
            return;
          }
          this.ledger.leave(statement.at, `${what} and its body are not carried over`);
          leaveBelow(bodies, what, this.ledger);
          frame = rest;
        }
      }
    }
    this.end(path);
  }

  /**
   * An "if": follows all its paths (returns undefined), or skips one that decides nothing (returns the path after it).
   */
  private condition(statement: IfStatement, rest: Frame, path: Path): Path | undefined {
    const { body, otherwise = [] } = statement;
    const around: Frame = { statements: [statement], at: 0, route: false, depth: rest.depth, next: rest };
    const branches = this.branches(apart(statement.condition), path);
    const decisive = mentionsSelection(statement.condition) || decides([...body, ...otherwise], this.body);
    if (!decisive && branches.some(({ holds }) => holds === 'unknown')) {
      if (!isSilent([...body, ...otherwise])) {
        leaveBelow([...body, ...otherwise], `"if (${expressionText(statement.condition)})"`, this.ledger);
      }
      return withoutAssigned(path, [...body, ...otherwise]);
    }
    for (const branch of branches) {
      if (branch.holds === 'unknown') {
        const why = `the condition "${expressionText(statement.condition)}" (line ${statement.at.line}) cannot be written as "match"`;
        this.unknown(around, branch.path, why, statement.at);
        leaveBelow([...body, ...otherwise], `"if (${expressionText(statement.condition)})"`, this.ledger);
        continue;
      }
      const inner = branch.holds ? body : otherwise;
      this.nesting++;
      this.follow({ statements: inner, at: 0, route: false, depth: rest.depth, next: rest }, branch.path);
      this.nesting--;
    }
    return undefined;
  }

  /** The paths into which a condition splits a path. */
  private branches(condition: Expression, path: Path): readonly Branch[] {
    const always = isKeepAlive(condition) ? false : constantValue(condition);
    if (always !== undefined) return [{ path, holds: always }];
    if (condition.kind === 'unary' && condition.operator === '!') {
      return this.branches(condition.operand, path).map(negated);
    }
    if (condition.kind === 'binary' && (condition.operator === '&&' || condition.operator === '||')) {
      const decided = condition.operator === '||';
      const found = this.branches(condition.left, path).flatMap((each) => {
        if (each.holds === decided || each.holds === 'unknown') return [each];
        return this.branches(condition.right, each.path);
      });
      return decided ? found : joinedFalse(found, path);
    }
    if (condition.kind === 'binary' && (condition.operator === '!=' || condition.operator === '!~')) {
      const operator = condition.operator === '!=' ? '==' : '=~';
      return this.branches({ ...condition, operator }, path).map(negated);
    }
    if (condition.kind === 'call') return this.callBranches(condition, path).map(behindCall);
    const succeeds = path.justSelected ? ofSelection(condition) : undefined;
    if (succeeds !== undefined) {
      const { selection, fallback } = path;
      const without = fallback === undefined ? { selection: undefined, failed: selection } : { fallback: undefined };
      return [
        { path, holds: succeeds },
        { path: { ...path, ...without }, holds: !succeeds },
      ];
    }
    if (condition.kind === 'binary' && (condition.operator === '==' || condition.operator === 'eq')) {
      const { left } = condition;
      const known = left.kind === 'variable' ? path.constants.get(left.text) : undefined;
      const value = literalText(condition.right);
      if (known !== undefined && value !== undefined) return [{ path, holds: known === value }];
    }
    return tested(condition, path, this.own, this.guards);
  }

  private callBranches(call: FunctionCall, path: Path): readonly Branch[] {
    if (SELECTS.test(call.name)) {
      if (path.selection !== undefined || path.fallback !== undefined) return [{ path, holds: 'unknown' }];
      const selection = selectionOf(call, path);
      // This selection is tried when the one before finds nothing; the path on which it fails too is not followed.
      if (path.failed !== undefined) {
        return [
          { path: { ...path, fallback: selection }, holds: true },
          { path, holds: false },
        ];
      }
      return [
        { path: { ...path, selection }, holds: true },
        { path: { ...path, failed: selection }, holds: false },
      ];
    }
    if (RELAY_FUNCTIONS.test(call.name) || FORWARDS.test(call.name)) {
      this.outcome(path, RELAY_FUNCTIONS.test(call.name) ? 'relay' : 'stateless');
      return [];
    }
    if (call.name === 't_is_set') {
      return [{ path, holds: literalText(call.args[0]) === 'failure_route' && path.failureRoute !== undefined }];
    }
    return tested(call, path, this.own, this.guards);
  }

  private call(call: FunctionCall, path: Path): Path | 'ends' {
    const { name, args } = call;
    if (SELECTS.test(name)) {
      if (path.failed !== undefined && path.fallback === undefined) {
        return { ...path, fallback: selectionOf(call, path) };
      }
      if (path.selection !== undefined || path.failed !== undefined) {
        const problem = 'another selection follows on the same path';
        this.blamed.set(call.at, problem);
        for (const each of [path.selection, path.failed]) if (each !== undefined) each.problem = problem;
        return path;
      }
      return { ...path, selection: selectionOf(call, path) };
    }
    if (RELAY_FUNCTIONS.test(name)) return this.outcome(path, 'relay');
    if (FORWARDS.test(name)) return this.outcome(path, 'stateless');
    if (REPLIES.test(name)) {
      const code = name.endsWith('_error') ? 500 : Number(literalText(args[0]));
      const reason = name.endsWith('_error') ? 'Server error' : (literalText(args[1]) ?? '');
      const isAlone = path.selection === undefined && path.failed === undefined;
      const accepts = code >= 200 && code < 300 && isAlone && ACCEPTED.test(path.match.get('$rm') ?? '');
      if (accepts || (code >= 300 && code <= 699)) return { ...path, reply: { code, reason } };
      if (code >= 100 && code < 200) return path;
      this.ledger.leave(call.at, `${expressionText(call)} is not carried over`);
      return { ...path, inexpressibleReply: expressionText(call) };
    }
    if (name === 'record_route' || name === 'record_route_preset') return { ...path, recordRoute: true };
    if (name === 't_on_failure') {
      const route = args[0] && (nameOf(args[0]) ?? '');
      return { ...path, failureRoute: route === '0' ? undefined : route };
    }
    if (isLog(name) || isBuiltIn(name) || ARMS.test(name)) return path;
    const changed = numberAfterCall(call, path.number);
    if (changed !== undefined && !('problem' in changed)) return { ...path, number: changed };
    this.ledger.leaveRepeated(call.at, `${name}() is not carried over`);
    return changed === undefined ? path : { ...path, rewritten: path.rewritten ?? changed.problem };
  }

  private inner(name: string | undefined, next: Frame): Frame | undefined {
    const body = name === undefined ? undefined : this.body(name);
    if (body === undefined || next.depth >= MAX_DEPTH) return undefined;
    return { statements: body, at: 0, route: true, depth: next.depth + 1, next };
  }

  private readonly body = (name: string): readonly Statement[] | undefined =>
    this.routes.find((route) => route.kind === 'request' && route.name === name)?.body;

  private end(path: Path, at?: Position): void {
    if (path.reply === undefined && path.selection === undefined && path.failed === undefined && at !== undefined) {
      const match = [...path.match].map(([variable, value]) => `${variable} ${value}`).join(', ');
      const requests = match === '' ? 'requests' : `requests with ${match}`;
      const does =
        path.inexpressibleReply === undefined
          ? `drops ${requests} without a reply`
          : `answers ${requests} with ${path.inexpressibleReply}`;
      this.ledger.note(at, `the script ${does}; here they are answered with 404`);
    }
    this.outcome(path, path.reply === undefined ? 'nothing' : 'reply');
  }

  private outcome(path: Path, ending: Ending): 'ends' {
    const { failed, selection, fallback } = path;
    if (failed !== undefined) {
      // The path on which nothing was selected belongs to the selection.
      if (fallback !== undefined) noteFallback(this.outcomes, failed, fallback, path, ending);
      else if (ending === 'reply') failed.reject ??= path.reply;
      else if (ending === 'nothing') failed.reject ??= undefined;
      else failed.problem ??= ROUTED_OTHERWISE;
      return 'ends';
    }
    if (selection !== undefined && (ending === 'reply' || ending === 'nothing')) {
      selection.problem ??= ending === 'reply' ? 'the script replies after it' : 'the request is not relayed after it';
    }
    if (selection !== undefined && path.rewritten !== undefined) {
      selection.problem ??= `the request-URI is changed before it: ${path.rewritten}`;
    }
    this.outcomes.push({ path, ending });
    return 'ends';
  }

  /** What follows is unknown: later rules must not match requests on this path. */
  private unknown(frame: Frame | undefined, path: Path, why: string, at?: Position): void {
    for (let each = frame; each !== undefined; each = each.next) this.setReason(each.statements.slice(each.at), why, 0);
    for (const each of [path.selection, path.failed, path.fallback]) {
      if (each === undefined) continue;
      each.problem ??= why;
      if (!this.blamed.has(each.call.at)) this.blamed.set(each.call.at, each.problem);
    }
    if (at !== undefined) this.ledger.leave(at, `${why}: what depends on it is not carried over`);
    this.outcome(path, 'unknown');
  }

  /** Sets the reason for every selection in these statements that has none. */
  private setReason(statements: readonly Statement[], why: string, depth: number): void {
    if (depth > MAX_DEPTH) return;
    for (const call of callsIn(statements)) {
      if (call.kind === 'call') {
        if (SELECTS.test(call.name) && !this.blamed.has(call.at)) this.blamed.set(call.at, why);
      } else {
        const body = this.body(nameOf(call.name) ?? '');
        if (body !== undefined && this.steps++ < MAX_STEPS) this.setReason(body, why, depth + 1);
      }
    }
  }
}

function bodyOf(statement: Statement): readonly Statement[] {
  return statement.kind === 'while' || statement.kind === 'for' ? statement.body : [];
}
