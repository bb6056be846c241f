import { messageOf } from '../../core/errors.js';
import { compilePosix } from '../../core/posix-regex.js';
import type { Position, Statement, SwitchCase, SwitchStatement } from '../ast.js';
import { BREAK, NEXT, type ScriptRun, type Signal } from '../runtime.js';
import type { Result, StaticType } from '../semantics/operators.js';
import type { CompileContext } from './context.js';
import type { ExpressionCompiler } from './expressions.js';
import type { CompiledStatement, StatementClosure } from './statement.js';

type Matcher = (value: Result) => boolean;

/** A compiled label of a "case". */
interface Label {
  readonly at: Position;
  readonly type: StaticType;
  /** The value, if it is known at load; otherwise the label is an expression or a regular expression. */
  readonly constant?: Result;
  readonly regex?: string;
}

/** Compiles "switch": the first matching case runs, and the following ones up to a break. */
export class SwitchCompiler {
  constructor(
    private readonly context: CompileContext,
    private readonly expressions: ExpressionCompiler,
    private readonly block: (body: readonly Statement[]) => CompiledStatement,
  ) {}

  /** Compiles one "switch"; wrong labels are reported as problems. */
  compile(node: SwitchStatement): CompiledStatement {
    const waits = this.expressions.mayWait(node.subject);
    const subject =
      node.subject.kind === 'variable' || waits
        ? this.expressions.value(node.subject)
        : this.expressions.compile(node.subject);
    const compiled = node.cases.map((each) => this.label(each));
    const labels = compiled.map((each) => this.matcher(each, subject.type));
    this.checkLabels(compiled);
    const bodies = node.cases.map(({ body }) => this.block(body));
    const fallback = node.cases.findIndex(({ label }) => label === undefined);
    const { read, calls, later } = subject;
    const words = distinctWords(compiled);
    const find = (value: Result): number => {
      const word = words !== undefined && typeof value === 'string' ? words.get(value) : undefined;
      if (word !== undefined) return word;
      for (let i = 0; i < labels.length; i++) if (labels[i]?.(value) === true) return i;
      return fallback;
    };
    const { breakResult, noCaseResult, noCaseResultOfConstant } = this.context.dialect.flow;
    const noResult = subject.constant === undefined ? noCaseResult : noCaseResultOfConstant;
    if (!this.context.dialect.syntax.literalCases && subject.constant === undefined && onlyDefault(node)) {
      this.context.problems.error(
        'expression',
        node.at,
        'a switch over a value that is known only at run time needs a case',
      );
    }
    const ended = (run: ScriptRun, signal: Signal): Signal => {
      if (signal !== BREAK) return signal;
      run.last = breakResult;
      return NEXT;
    };
    const none = (run: ScriptRun): Signal => {
      run.last = noResult;
      return NEXT;
    };
    if (waits || bodies.some((body) => body.waits)) {
      /** Runs the cases from index `from` on; returns a promise only where a statement waits. */
      const through = (run: ScriptRun, from: number): Signal | Promise<Signal> => {
        for (let i = from; i < bodies.length; i++) {
          const signal = (bodies[i] as CompiledStatement).run(run);
          if (signal instanceof Promise) {
            return signal.then((each) => (each === NEXT ? through(run, i + 1) : ended(run, each)));
          }
          if (signal !== NEXT) return ended(run, signal);
        }
        return NEXT;
      };
      const decide = (run: ScriptRun, value: Result): Signal | Promise<Signal> => {
        const from = find(value);
        if (calls && run.stop !== NEXT) return run.stop;
        if (from < 0) return none(run);
        run.last = 1;
        return through(run, from);
      };
      return {
        waits: true,
        run:
          waits && later !== undefined ? async (run) => decide(run, await later(run)) : (run) => decide(run, read(run)),
      };
    }
    const closures = bodies.map(({ run }) => run as StatementClosure);
    return {
      waits: false,
      run: (run) => {
        const from = find(read(run));
        if (calls && run.stop !== NEXT) return run.stop;
        if (from < 0) return none(run);
        run.last = 1;
        for (let i = from; i < closures.length; i++) {
          const signal = (closures[i] as StatementClosure)(run);
          if (signal !== NEXT) return ended(run, signal);
        }
        return NEXT;
      },
    };
  }

  private label({ label }: SwitchCase): Label | undefined {
    if (label === undefined) return undefined;
    if (label.kind === 'regex') return { at: label.at, type: 'string', regex: label.source.value };
    const { type, constant } = this.expressions.compile(label);
    return { at: label.at, type, constant };
  }

  private matcher(label: Label | undefined, subject: StaticType): Matcher | undefined {
    if (label === undefined) return undefined;
    const { operators } = this.context.dialect;
    if (label.regex !== undefined) {
      try {
        const regex = compilePosix(label.regex);
        return (value) => {
          const text = operators.matchText(value);
          return text !== undefined && regex.test(text);
        };
      } catch (error) {
        this.context.problems.error('regex', label.at, messageOf(error));
        return () => false;
      }
    }
    const constant = label.constant ?? null;
    const equal = operators.caseEquals(subject, label.type, constant);
    return (given) => equal(given, constant) === true;
  }

  /** Reports labels of different types, and duplicate labels. */
  private checkLabels(labels: readonly (Label | undefined)[]): void {
    const { problems, dialect } = this.context;
    if (dialect.syntax.literalCases) return;
    const seen = new Set<string | number>();
    // As recorded, a switch that begins with "default" counts as one over numbers.
    let before: StaticType | undefined = labels.length > 0 && labels[0] === undefined ? 'int' : undefined;
    for (const label of labels) {
      if (label === undefined) continue;
      const { at, type, constant } = label;
      if (before !== undefined && type !== before) {
        problems.error('expression', at, 'this switch has both numbers and strings as cases');
        return;
      }
      before = type;
      if (typeof constant !== 'string' && typeof constant !== 'number') continue;
      if (seen.has(constant)) problems.error('expression', at, `case ${constant} occurs twice`, true);
      seen.add(constant);
    }
  }
}

/** Whether "default" is the only label: as recorded, Kamailio refuses that unless the value is a constant. */
function onlyDefault({ cases }: SwitchStatement): boolean {
  return cases.length > 0 && cases.every(({ label }) => label === undefined);
}

/**
 * The cases by label, when all labels are texts that differ in more than letter case: then a value matches at most one.
 */
function distinctWords(labels: readonly (Label | undefined)[]): ReadonlyMap<string, number> | undefined {
  const words = new Map<string, number>();
  const folded = new Set<string>();
  for (const [i, label] of labels.entries()) {
    if (label === undefined) continue;
    const { constant } = label;
    if (typeof constant !== 'string' || folded.has(constant.toLowerCase())) return undefined;
    folded.add(constant.toLowerCase());
    words.set(constant, i);
  }
  return words;
}
