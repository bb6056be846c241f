import type {
  AsyncStatement,
  EndStatement,
  ForStatement,
  IfStatement,
  Position,
  Statement,
  SwitchStatement,
  WhileStatement,
} from '../ast.js';
import { BREAK, DROP, EXIT, NEXT, RETURN, type ScriptRun, type Signal } from '../runtime.js';
import type { Result } from '../semantics/operators.js';
import { assignmentOf } from './assignment.js';
import type { CallCompiler } from './calls.js';
import type { CompileContext } from './context.js';
import type { CompiledCondition } from './expression.js';
import type { ExpressionCompiler } from './expressions.js';
import type { ResumeRoutes } from './resume.js';
import { sequence } from './sequence.js';
import type { CompiledStatement, StatementClosure } from './statement.js';
import { SwitchCompiler } from './switches.js';

const NOTHING: CompiledStatement = { waits: false, run: () => NEXT };

/** Compiles the statements of one route. */
export class StatementCompiler {
  private readonly switches: SwitchCompiler;

  constructor(
    private readonly context: CompileContext,
    private readonly expressions: ExpressionCompiler,
    private readonly calls: CallCompiler,
    private readonly resume: ResumeRoutes,
  ) {
    this.switches = new SwitchCompiler(context, expressions, (body) => this.inner(body));
  }

  /** Compiles statements that run one after the other. */
  block(body: readonly Statement[]): CompiledStatement {
    return sequence(body.map((each) => this.traced(each, this.statement(each))));
  }

  /** Compiles a block inside a route. */
  private inner(body: readonly Statement[]): CompiledStatement {
    this.context.nesting++;
    const compiled = this.block(body);
    this.context.nesting--;
    return compiled;
  }

  private statement(node: Statement): CompiledStatement {
    // Such a file is not run, and more of its problems would not be listed.
    if (this.context.problems.decided) return NOTHING;
    switch (node.kind) {
      case 'assign':
        return this.assign(node);
      case 'call-statement':
        return this.call(node);
      case 'if':
        return this.ifStatement(node);
      case 'while':
        return this.whileStatement(node);
      case 'for':
        return this.forStatement(node);
      case 'switch':
        return this.switchStatement(node);
      case 'async':
      case 'launch':
        return this.asyncStatement(node);
      default:
        return this.end(node);
    }
  }

  /** When runs are traced, makes each statement report its begin and its end. */
  private traced(node: Statement, compiled: CompiledStatement): CompiledStatement {
    if (!this.context.traced) return compiled;
    return {
      waits: compiled.waits,
      run(run) {
        run.trace?.before(run, node);
        const signal = compiled.run(run);
        if (!(signal instanceof Promise)) {
          run.trace?.after(run, node);
          return signal;
        }
        return signal.then((each) => {
          run.trace?.after(run, node);
          return each;
        });
      },
    };
  }

  private condition(node: IfStatement | WhileStatement, loop: boolean): CompiledCondition {
    const condition = this.expressions.condition(node.condition, loop);
    if (!this.context.traced) return condition;
    const noted = (run: ScriptRun, holds: boolean): boolean => {
      run.trace?.condition(run, node, holds);
      return holds;
    };
    const { test, later } = condition;
    return {
      ...condition,
      test: (run) => noted(run, test(run)),
      ...(later === undefined ? {} : { later: async (run: ScriptRun) => noted(run, await later(run)) }),
    };
  }

  private assign(node: Statement & { kind: 'assign' }): CompiledStatement {
    const { now, later, calls, carryOut = now } = assignmentOf(node, this.expressions, this.context);
    const { assignmentSetsReturnCode } = this.context.dialect.flow;
    const finish = (run: ScriptRun): Signal => {
      if (assignmentSetsReturnCode) run.pvars.returnCode = 1;
      run.last = 1;
      return calls ? run.stop : NEXT;
    };
    if (later !== undefined && this.expressions.mayWait(node.value)) {
      return {
        waits: true,
        run: async (run) => {
          await later(run);
          return finish(run);
        },
      };
    }
    if (!calls) {
      return assignmentSetsReturnCode
        ? simple((run) => {
            carryOut(run);
            run.pvars.returnCode = 1;
            run.last = 1;
            return NEXT;
          })
        : simple((run) => {
            carryOut(run);
            run.last = 1;
            return NEXT;
          });
    }
    return simple((run) => {
      now(run);
      return finish(run);
    });
  }

  private call(node: Statement & { kind: 'call-statement' }): CompiledStatement {
    const { invoke, invokeLater } = this.calls.compile(node.call);
    const finish = (run: ScriptRun, code: number): Signal => {
      run.last = code;
      return run.stop;
    };
    if (invokeLater !== undefined) {
      return {
        waits: true,
        run: (run) => {
          const code = invokeLater(run);
          return typeof code === 'number' ? finish(run, code) : code.then((each) => finish(run, each));
        },
      };
    }
    return simple((run) => {
      run.last = invoke(run);
      return run.stop;
    });
  }

  private ifStatement(node: IfStatement): CompiledStatement {
    this.expressions.regexAt = this.context.dialect.name === 'kamailio' ? node.following : undefined;
    const condition = this.condition(node, false);
    this.expressions.regexAt = undefined;
    const body = this.inner(node.body);
    const otherwise = node.otherwise === undefined ? undefined : this.inner(node.otherwise);
    const notTaken = this.context.dialect.flow.blocksSetReturnCode
      ? (run: ScriptRun): Signal => {
          run.pvars.returnCode = 0;
          run.last = 1;
          return NEXT;
        }
      : (run: ScriptRun): Signal => {
          run.last = 1;
          return NEXT;
        };
    const { test, later, calls } = condition;
    if (later === undefined && (body.waits || otherwise?.waits === true)) {
      return {
        waits: true,
        run: (run) => {
          const holds = test(run);
          if (run.stop !== NEXT) return run.stop;
          run.last = 1;
          if (holds) return body.run(run);
          return otherwise === undefined ? notTaken(run) : otherwise.run(run);
        },
      };
    }
    if (later !== undefined) {
      const decide = async (run: ScriptRun): Promise<Signal> => {
        const holds = await later(run);
        if (run.stop !== NEXT) return run.stop;
        run.last = 1;
        if (holds) return body.run(run);
        return otherwise === undefined ? notTaken(run) : otherwise.run(run);
      };
      return { waits: true, run: decide };
    }
    const then = body.run as StatementClosure;
    const or = otherwise === undefined ? notTaken : (otherwise.run as StatementClosure);
    if (!calls) {
      return simple((run) => {
        run.last = 1;
        return test(run) ? then(run) : or(run);
      });
    }
    return simple((run) => {
      const holds = test(run);
      if (run.stop !== NEXT) return run.stop;
      run.last = 1;
      return holds ? then(run) : or(run);
    });
  }

  private whileStatement(node: WhileStatement): CompiledStatement {
    const condition = this.condition(node, true);
    const body = this.inner(node.body);
    const { loops } = this.context.bounds;
    const cost = 1 + node.body.length;
    const { blocksSetReturnCode: keep, breakResult, loopsKeepResult } = this.context.dialect.flow;
    const { at } = node;
    const { test, later } = condition;
    const isRunaway = (count: number): boolean => loops > 0 && count >= loops;
    const runaway = (run: ScriptRun, code: number): Signal => {
      run.fault(at, `while loop stopped after ${loops} iterations`);
      if (keep) run.pvars.returnCode = code;
      run.last = loopsKeepResult ? -1 : 1;
      return run.stop;
    };
    const ended = (run: ScriptRun, code: number, count: number): Signal => {
      if (keep) run.pvars.returnCode = code;
      if (count === 0 || !loopsKeepResult) run.last = 1;
      return run.stop;
    };
    const broken = (run: ScriptRun, code: number): Signal => {
      if (keep) run.pvars.returnCode = code;
      run.last = breakResult;
      return run.stop;
    };
    if (later !== undefined || body.waits) {
      return {
        waits: true,
        run: async (run) => {
          for (let count = 0; ; count++) {
            const holds = later === undefined ? test(run) : await later(run);
            const code = run.pvars.returnCode;
            if (run.stop !== NEXT) return run.stop;
            if (holds && isRunaway(count)) return runaway(run, code);
            if (!holds || !chargeWork(run, cost, at)) return ended(run, code, count);
            const signal = await body.run(run);
            if (signal === BREAK) return broken(run, code);
            if (signal !== NEXT) return signal;
          }
        },
      };
    }
    const round = body.run as StatementClosure;
    return simple((run) => {
      for (let count = 0; ; count++) {
        const holds = test(run);
        const code = run.pvars.returnCode;
        if (run.stop !== NEXT) return run.stop;
        if (holds && isRunaway(count)) return runaway(run, code);
        if (!holds || !chargeWork(run, cost, at)) return ended(run, code, count);
        const signal = round(run);
        if (signal === BREAK) return broken(run, code);
        if (signal !== NEXT) return signal;
      }
    });
  }

  /** OpenSIPS' for loop over all values that a variable has when the loop begins. */
  private forStatement(node: ForStatement): CompiledStatement {
    const { context } = this;
    const iterator = context.variable(node.iterator);
    const list = context.list(node.list);
    const body = this.inner(node.body);
    const { at } = node;
    if (iterator === undefined) return NOTHING;
    if (!iterator.writable) {
      context.problems.error('read-only', node.iterator.at, `${node.iterator.text} is read-only`);
      return NOTHING;
    }
    if (list === undefined) {
      const message = `for needs all values of a variable, "$(name[*])", not ${node.list.text}`;
      return simple((run) => {
        run.fault(at, message);
        run.last = -1;
        // The next statement runs. As recorded, OpenSIPS runs none after it where the variable has values.
        return NEXT;
      });
    }
    const cost = 1 + node.body.length;
    if (body.waits) {
      return {
        waits: true,
        run: async (run) => {
          for (const value of list(run.pvars)) {
            if (!chargeWork(run, cost, at)) return run.stop;
            iterator.assign(run.pvars, value);
            const signal = await body.run(run);
            if (signal === BREAK) break;
            if (signal !== NEXT) return signal;
          }
          run.last = 1;
          return NEXT;
        },
      };
    }
    const round = body.run as StatementClosure;
    return simple((run) => {
      for (const value of list(run.pvars)) {
        if (!chargeWork(run, cost, at)) return run.stop;
        iterator.assign(run.pvars, value);
        const signal = round(run);
        if (signal === BREAK) break;
        if (signal !== NEXT) return signal;
      }
      run.last = 1;
      return NEXT;
    });
  }

  private switchStatement(node: SwitchStatement): CompiledStatement {
    return this.switches.compile(node);
  }

  private asyncStatement(node: AsyncStatement): CompiledStatement {
    const { kind, at } = node;
    const { invoke, invokeLater } = this.calls.compile(node.call);
    if (!this.context.callIsAsync(node.call)) {
      this.context.problems.error('expression', node.call.at, `${node.call.name}() cannot be called by ${kind}()`);
    }
    const resume = this.resume.find(node, this.context.problems);
    const extra = node.extra === undefined ? undefined : this.expressions.value(node.extra);
    if (kind === 'async' && extra?.type === 'string')
      this.context.problems.error('expression', at, 'the timeout of async() must be a number of seconds');
    return simple((run) => {
      const own = kind === 'async' ? run : run.beside();
      own.asynchronous = true;
      const done = invokeLater === undefined ? invoke(own) : invokeLater(own);
      own.asynchronous = false;
      own.suspend(kind, at, done, { route: resume?.(), extra: extra?.read(run) });
      run.last = 1;
      return kind === 'async' ? EXIT : NEXT;
    });
  }

  private end(node: EndStatement): CompiledStatement {
    switch (node.kind) {
      case 'exit':
      case 'drop': {
        const [value] = node.values;
        if (value !== undefined && this.expressions.value(value).type === 'string')
          this.context.problems.error('expression', node.at, `${node.kind} needs a number`, true);
        const signal = node.kind === 'exit' ? EXIT : DROP;
        return simple(() => signal);
      }
      case 'break':
        return simple(() => BREAK);
      case 'return':
        return this.returned(node);
    }
  }

  private returned({ values, at }: EndStatement): CompiledStatement {
    const { dialect, problems } = this.context;
    // As recorded, Kamailio's "return" of a call returns 1 or 0: whether the call was true.
    const [first, ...more] = values.map((each) =>
      dialect.calls.booleanCalls ? this.expressions.compile(each) : this.expressions.value(each),
    );
    const others = more.length === 0 ? undefined : more;
    if (first === undefined) {
      return simple((run) => {
        run.returned = 1;
        return RETURN;
      });
    }
    if (first.type === 'string') problems.error('expression', at, 'return needs a number', true);
    const { constant } = first;
    if (typeof constant === 'number' && others === undefined) {
      return simple((run) => {
        run.returned = constant;
        return RETURN;
      });
    }
    const { integer } = dialect.operators;
    const give = (run: ScriptRun, value: Result): Signal => {
      if (run.stop !== NEXT) return run.stop;
      run.returned = (value === undefined ? -1 : integer(value)) ?? 1;
      if (others !== undefined) run.pvars.returns = others.map((each) => each.read(run) ?? null);
      return RETURN;
    };
    const { later } = first;
    if (later !== undefined && values[0] !== undefined && this.expressions.mayWait(values[0])) {
      return { waits: true, run: async (run) => give(run, await later(run)) };
    }
    return simple((run) => give(run, first.read(run)));
  }
}

function simple(run: StatementClosure): CompiledStatement {
  return { waits: false, run };
}

/** Subtracts a cost from the work the run has left; false, after a fault is logged, when nothing is left. */
function chargeWork(run: ScriptRun, cost: number, at: Position): boolean {
  run.work -= cost;
  if (run.work >= 0) return true;
  run.fault(at, 'the script executes too many operations for one message');
  run.stop = EXIT;
  return false;
}
