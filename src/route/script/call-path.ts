import { readFileSync } from 'node:fs';
import { trimmed } from '../../core/characters.js';
import type { ExecutedStep } from '../../core/executed-step.js';
import { maskSecrets } from '../../core/mask.js';
import type { PvarScope } from '../../pvar/context.js';
import { formatOf } from './arguments.js';
import { RouteExit } from './exit.js';
import { positionOf } from './fault.js';

type Method = (...args: readonly unknown[]) => unknown;

/** Records the calls that the routes of a script make. */
export interface RouteTrace {
  /** A proxy object for a route that records its calls. */
  watched<T extends object>(route: T, pvars: PvarScope, depth: number): T;
}

/** Records which functions the routes of a script call, with file and line. */
export class CallPath implements RouteTrace {
  readonly steps: ExecutedStep[] = [];
  private readonly files = new Map<string, readonly string[]>();

  /** `script`: its file, and its text as it was loaded. */
  constructor(
    private readonly script: { readonly file: string; readonly source: string },
    private readonly bounds: { readonly steps: number; readonly characters: number },
  ) {
    this.files.set(script.file, script.source.split(/\r?\n/));
  }

  watched<T extends object>(route: T, pvars: PvarScope, depth: number): T {
    return new Proxy(route, {
      get: (target, name) => {
        // Getters are called on the route itself.
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function' || typeof name !== 'string') return member;
        return (...args: readonly unknown[]): unknown => this.call(target, member as Method, name, args, pvars, depth);
      },
    });
  }

  private call(
    route: object,
    method: Method,
    name: string,
    args: readonly unknown[],
    pvars: PvarScope,
    depth: number,
  ): unknown {
    if (this.steps.length >= this.bounds.steps) return Reflect.apply(method, route, args);
    const { file, line = 0 } = positionOf(new Error(name), this.script.file);
    const values = this.variables(args, pvars);
    const before = targetsOf(pvars);
    const add = (result: string): void => {
      for (const [variable, value] of targetsOf(pvars)) {
        if (value !== before.get(variable)) values.set(variable, this.cut(value));
      }
      const text = maskSecrets(trimmed(this.line(file, line) ?? name).slice(0, this.bounds.characters));
      this.steps.push({ file, line, depth, text, result, values: [...values] });
    };
    try {
      const result = Reflect.apply(method, route, args);
      add(`returns ${typeof result === 'object' && result !== null ? 'an object' : this.cut(String(result))}`);
      return result;
    } catch (error) {
      add(error instanceof RouteExit ? 'ends' : 'throws');
      throw error;
    }
  }

  private variables(args: readonly unknown[], pvars: PvarScope): Map<string, string | number | null> {
    const values = new Map<string, string | number | null>();
    for (const arg of args) {
      if (typeof arg !== 'string' || !arg.includes('$')) continue;
      try {
        values.set(maskSecrets(arg.slice(0, this.bounds.characters)), this.cut(formatOf(arg).evaluateValue(pvars)));
      } catch {
        // The text is constant, or has a wrong name, which the function itself reports.
      }
    }
    return values;
  }

  private cut<T extends string | number | null>(value: T): T | string {
    return typeof value === 'string' ? maskSecrets(value.slice(0, this.bounds.characters)) : value;
  }

  private line(file: string, line: number): string | undefined {
    let lines = this.files.get(file);
    if (lines === undefined) {
      // A file that the script imports.
      lines = textOf(file).split(/\r?\n/);
      this.files.set(file, lines);
    }
    return lines[line - 1];
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function targetsOf(pvars: PvarScope): Map<string, string | null> {
  return new Map([
    ['$ru', pvars.requestUri ?? null],
    ['$du', pvars.destinationUri ?? null],
  ]);
}
