import { NEXT, type ScriptRun, type Signal } from '../runtime.js';
import type { CompiledStatement, StatementClosure } from './statement.js';

/** Runs statements in sequence, until one ends the block. Promises are used only where a statement may wait. */
export function sequence(statements: readonly CompiledStatement[]): CompiledStatement {
  const [first, second, third] = statements;
  if (first === undefined) return { waits: false, run: () => NEXT };
  if (second === undefined) return first;
  if (statements.some(({ waits }) => waits)) return { waits: true, run: (run) => later(statements, run) };
  const a = first.run as StatementClosure;
  const b = second.run as StatementClosure;
  if (third === undefined) {
    return {
      waits: false,
      run: (run) => {
        const signal = a(run);
        return signal === NEXT ? b(run) : signal;
      },
    };
  }
  const all = statements.map(({ run }) => run as StatementClosure);
  return {
    waits: false,
    run: (run) => {
      for (let i = 0; i < all.length; i++) {
        const signal = (all[i] as StatementClosure)(run);
        if (signal !== NEXT) return signal;
      }
      return NEXT;
    },
  };
}

/**
 * Runs statements of which some may wait. Most requests never reach the call that waits, so a promise is made only when
 * a statement returns one.
 */
function later(statements: readonly CompiledStatement[], run: ScriptRun, from = 0): Signal | Promise<Signal> {
  for (let i = from; i < statements.length; i++) {
    const signal = (statements[i] as CompiledStatement).run(run);
    if (signal instanceof Promise) return rest(statements, i + 1, run, signal);
    if (signal !== NEXT) return signal;
  }
  return NEXT;
}

async function rest(
  statements: readonly CompiledStatement[],
  from: number,
  run: ScriptRun,
  waiting: Promise<Signal>,
): Promise<Signal> {
  const signal = await waiting;
  return signal === NEXT ? later(statements, run, from) : signal;
}
