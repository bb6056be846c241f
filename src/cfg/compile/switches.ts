import { messageOf } from '../../core/errors.js';
import { compilePosix } from '../../core/posix-regex.js';
import type { Statement, SwitchCase, SwitchStatement } from '../ast.js';
import { BREAK, NEXT, type ScriptRun, type Signal } from '../runtime.js';
import type { Result, StaticType } from '../semantics/operators.js';
import type { CompileContext } from './context.js';
import type { ExpressionCompiler } from './expressions.js';
import type { CompiledStatement, StatementClosure } from './statement.js';

type Matcher = (value: Result) => boolean;

/** Compiles switch: the first case that matches, and what follows up to a break. */
export class SwitchCompiler {
  constructor(
    private readonly context: CompileContext,
    private readonly expressions: ExpressionCompiler,
    private readonly block: (body: readonly Statement[]) => CompiledStatement,
  ) {}

  compile(node: SwitchStatement): CompiledStatement {
    const subject = this.expressions.compile(node.subject);
    const labels = node.cases.map((each) => this.matcher(each, subject.type));
    this.checkLabels(node);
    const bodies = node.cases.map(({ body }) => this.block(body));
    const fallback = node.cases.findIndex(({ label }) => label === undefined);
    const { read, calls } = subject;
    const words = this.distinctWords(node);
    const find = (run: ScriptRun): number => {
      const value = read(run);
      if (words !== undefined && typeof value === 'string') {
        for (let i = 0; i < words.length; i++) if (words[i] === value) return i;
      }
      for (let i = 0; i < labels.length; i++) if (labels[i]?.(value) === true) return i;
      return fallback;
    };
    const { breakResult, noCaseResult } = this.context.dialect.flow;
    const ended = (run: ScriptRun, signal: Signal): Signal => {
      if (signal !== BREAK) return signal;
      run.last = breakResult;
      return NEXT;
    };
    const none = (run: ScriptRun): Signal => {
      run.last = noCaseResult;
      return NEXT;
    };
    if (bodies.some(({ waits }) => waits)) {
      /** From one case on through those behind it; a promise only where one waits. */
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
      return {
        waits: true,
        run: (run) => {
          const from = find(run);
          if (calls && run.stop !== NEXT) return run.stop;
          if (from < 0) return none(run);
          run.last = 1;
          return through(run, from);
        },
      };
    }
    const closures = bodies.map(({ run }) => run as StatementClosure);
    return {
      waits: false,
      run: (run) => {
        const from = find(run);
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

  private matcher({ label }: SwitchCase, subject: StaticType): Matcher | undefined {
    if (label === undefined) return undefined;
    const { operators } = this.context.dialect;
    if (label.kind === 'regex') {
      try {
        const regex = compilePosix(label.source.value);
        return (value) => {
          const text = operators.matchText(value);
          return text !== undefined && regex.test(text);
        };
      } catch (error) {
        this.context.problems.error('regex', label.at, messageOf(error));
        return () => false;
      }
    }
    const value = this.expressions.compile(label);
    const constant = value.constant ?? null;
    const equal = operators.caseEquals(subject, value.type, constant);
    return (given) => equal(given, constant) === true;
  }

  /** The labels where they are texts that differ in more than letter case: a value that is one of them is that of no other. */
  private distinctWords({ cases }: SwitchStatement): readonly (string | undefined)[] | undefined {
    const words: (string | undefined)[] = [];
    for (const { label } of cases) {
      const constant =
        label === undefined ? undefined : label.kind === 'regex' ? null : this.expressions.compile(label).constant;
      if (label !== undefined && typeof constant !== 'string') return undefined;
      words.push(constant as string | undefined);
    }
    const given = words.filter((each) => each !== undefined);
    return new Set(given.map((each) => each.toLowerCase())).size === given.length ? words : undefined;
  }

  /** Labels of two types, and the same label twice, are mistakes. */
  private checkLabels({ cases }: SwitchStatement): void {
    const { problems, dialect } = this.context;
    if (dialect.syntax.literalCases) return;
    const seen = new Set<string | number>();
    let type: StaticType | undefined;
    for (const { label } of cases) {
      if (label === undefined) continue;
      const value = label.kind === 'regex' ? undefined : this.expressions.compile(label);
      const own: StaticType = value?.type ?? 'string';
      if (type !== undefined && own !== type) {
        problems.error('expression', label.at, 'numbers and strings do not stand in one switch');
        return;
      }
      type = own;
      const constant = value?.constant;
      if (typeof constant !== 'string' && typeof constant !== 'number') continue;
      if (seen.has(constant)) problems.error('expression', label.at, `case ${constant} stands there twice`);
      seen.add(constant);
    }
  }
}
