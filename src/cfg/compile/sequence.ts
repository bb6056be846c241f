import { NEXT, type ScriptRun, type Signal } from '../runtime.js';
import type { CompiledStatement, StatementClosure } from './statement.js';

/** Statements one after the other, up to the first that does not go on. Only where one may wait is anything awaited. */
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

async function later(statements: readonly CompiledStatement[], run: ScriptRun): Promise<Signal> {
  for (const each of statements) {
    const signal = each.waits ? await each.run(run) : (each.run(run) as Signal);
    if (signal !== NEXT) return signal;
  }
  return NEXT;
}
