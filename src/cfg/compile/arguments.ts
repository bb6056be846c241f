import type { BoundedRegex } from '../../core/posix-regex.js';
import { integerOf } from '../../pvar/context.js';
import type { Format } from '../../pvar/format.js';
import type { Expression, Position } from '../ast.js';
import type { CompiledArgument, FunctionDefinition, ParameterDefinition } from '../function-table.js';
import type { ScriptRun } from '../runtime.js';
import type { CompileContext } from './context.js';
import type { CompiledExpression } from './expression.js';
import { computedRegex } from './regex-cache.js';

/** Compiles the arguments of function calls by the kinds of the parameters, and reports arguments that do not fit. */
export class ArgumentCompiler {
  constructor(
    private readonly context: CompileContext,
    private readonly expression: (node: Expression) => CompiledExpression,
  ) {}

  /** Compiles the argument at position `index` of a call. Undefined for a wrong argument, which is reported. */
  compile(
    node: Expression,
    parameter: ParameterDefinition,
    { name, module, recorded }: FunctionDefinition,
    index: number,
  ): CompiledArgument | undefined {
    const core = module === 'core';
    // Kamailio checks argument values of core functions while it reads the file, those of module functions at its
    // start.
    const wrong = (message: string, ofValue = false) => {
      this.context.problems.error('argument-type', node.at, `${name}(): ${message}`, ofValue && !core);
      return undefined;
    };
    const { kind } = parameter;
    const { calls, syntax } = this.context.dialect;
    if (node.kind === 'word' && !(syntax.nullVariable === false && node.text === 'NULL')) {
      const declared = kind === 'flag' ? this.context.tree.flags.get(node.text) : undefined;
      if (declared !== undefined) return constantArgument(declared, node.at, node.text);
      // In OpenSIPS true, yes and on are numbers: set_dlg_profile("p", $fu, true).
      const truth =
        this.context.dialect.name === 'opensips' && kind === 'int' ? syntax.switchWords(node.text) : undefined;
      if (truth !== undefined) return this.literal(truth, parameter, node, wrong);
      if (!calls.wordArguments || (!core && kind !== 'flag')) return wrong(`${node.text} needs quotes`);
      return this.literal(node.text, parameter, node, wrong);
    }
    if (kind === 'variable' || kind === 'writable') return this.variable(node, kind, parameter, wrong);
    const computed = calls.constantArguments && kind !== 'literal' && recorded?.computes(index) === true;
    if (node.kind === 'variable') {
      if (calls.constantArguments && kind !== 'expression' && !computed)
        return wrong(`a constant is expected, not ${node.text}`);
      const format = this.context.variable(node);
      return format === undefined
        ? undefined
        : { ...formatArgument(format, node.at, this.patternOf(parameter)), bare: true };
    }
    const value = this.expression(node);
    const { constant } = value;
    if (constant === undefined || constant === null) {
      if (kind !== 'expression' && !computed) return wrong(`${parameter.name} must be a constant`);
      return expressionArgument(value, node.at, this.patternOf(parameter));
    }
    if (typeof constant === 'string' && constant.includes('$') && parameter.kind !== 'literal') {
      const reading = recorded?.reading(index) ?? 'format';
      const leads = /^\s*\$/.test(constant);
      if (reading === 'literal' || (reading === 'text' && !leads))
        return this.checked(constant, parameter, node.at, wrong);
      if (reading !== 'format' && leads) {
        const format = this.context.leadingVariable(constant.trimStart(), node.at);
        return format === undefined ? undefined : formatArgument(format, node.at, undefined);
      }
    }
    return this.literal(constant, parameter, node, wrong);
  }

  private literal(
    value: string | number,
    parameter: ParameterDefinition,
    node: Expression,
    wrong: (message: string, ofValue?: boolean) => undefined,
  ): CompiledArgument | undefined {
    const { kind } = parameter;
    const { calls } = this.context.dialect;
    const typed = calls.typedArguments || parameter.strict === true;
    if (kind === 'int') {
      if (typeof value === 'string' && typed) return wrong(`${parameter.name} must be a number or a variable`);
      if (typeof value === 'string' && value.includes('$')) return this.formatted(value, node.at, undefined);
      const number = value === '' && !calls.typedArguments && calls.constantArguments ? 0 : integerOf(value);
      if (number === undefined) return wrong(`${parameter.name} must be a number, not "${value}"`, true);
      return this.checked(number, parameter, node.at, wrong);
    }
    if (kind === 'expression') {
      return typeof value === 'string' && value.includes('$')
        ? this.formatted(value, node.at, undefined)
        : this.checked(value, parameter, node.at, wrong);
    }
    const { name, generation } = this.context.dialect;
    const number = (parameter.numbersUntil ?? 0) >= generation || (kind === 'flag' && name === 'kamailio');
    if (typeof value === 'number' && typed && !number) {
      return wrong(`${parameter.name} must be a string or a variable`);
    }
    const text = String(value);
    if (kind === 'flag') {
      const declared = this.context.tree.flags.get(text);
      if (
        declared === undefined &&
        parameter.strict === true &&
        typeof value === 'string' &&
        !/^\d+$/.test(node.kind === 'word' ? text : '')
      )
        return wrong(`${parameter.name} must be a number or a declared name`);
      return this.checked(declared ?? value, parameter, node.at, wrong);
    }
    if (kind === 'regex' && parameter.lines !== undefined && calls.constantArguments)
      return this.plainPattern(text, parameter.lines, node.at);
    if (kind !== 'literal' && text.includes('$')) return this.formatted(text, node.at, this.patternOf(parameter));
    if (kind === 'regex') {
      const { ignoreCase = false, lines = false } = this.patternOf(parameter) ?? {};
      const regex = this.context.regex(text, node.at, ignoreCase, lines);
      return regex === undefined ? undefined : { ...constantArgument(text, node.at), regex: () => regex };
    }
    if (kind === 'route' && text !== '' && text !== '0' && !this.routeExists(parameter, text)) {
      return wrong(`${parameter.route ?? 'request'} route "${text}" is not defined`, true);
    }
    return this.checked(text, parameter, node.at, wrong);
  }

  private plainPattern(text: string, lines: boolean, at: Position): CompiledArgument | undefined {
    const regex = this.context.regex(text, at, true, lines);
    return regex === undefined ? undefined : { ...constantArgument(text, at), regex: () => regex };
  }

  private routeExists({ route = 'request' }: ParameterDefinition, name: string): boolean {
    const { tree, dialect } = this.context;
    return dialect.calls.lateRoutes || tree.routes.some((each) => each.kind === route && each.name === name);
  }

  private checked(
    value: string | number,
    parameter: ParameterDefinition,
    at: Position,
    wrong: (message: string, ofValue?: boolean) => undefined,
  ): CompiledArgument | undefined {
    const { values } = parameter;
    if (values !== undefined && !values.some((each) => each.toLowerCase() === String(value).toLowerCase())) {
      return wrong(`${parameter.name} "${value}" is not one of ${values.join(', ')}`, true);
    }
    const fault = parameter.check?.(value);
    return fault === undefined ? constantArgument(value, at) : wrong(fault, true);
  }

  /**
   * Options of a regular expression; undefined for other kinds of parameters. As recorded, OpenSIPS ignores letter case
   * in all of them, as in "=~".
   */
  private patternOf({ kind, lines = false }: ParameterDefinition): PatternOptions | undefined {
    if (kind !== 'regex') return undefined;
    return this.context.dialect.calls.constantArguments
      ? { ignoreCase: false, lines: false }
      : { ignoreCase: true, lines };
  }

  private formatted(text: string, at: Position, pattern: PatternOptions | undefined): CompiledArgument | undefined {
    const format = this.context.format(pattern === undefined ? text : endsWritten(text), at);
    if (format === undefined) return undefined;
    return format.constant === undefined ? formatArgument(format, at, pattern) : constantArgument(format.constant, at);
  }

  private variable(
    node: Expression,
    kind: 'variable' | 'writable',
    parameter: ParameterDefinition,
    wrong: (message: string, ofValue?: boolean) => undefined,
  ): CompiledArgument | undefined {
    const text = node.kind === 'variable' ? node.text : node.kind === 'string' ? node.value.trim() : undefined;
    if (text === undefined || !text.startsWith('$')) {
      if (parameter.lenient === true && text !== undefined) return constantArgument(text, node.at);
      return wrong(`${parameter.name} must be a variable`, true);
    }
    const format = this.context.format(text, node.at);
    if (format === undefined) return undefined;
    if (kind === 'writable' && !format.writable) {
      if (parameter.lenient === true) return constantArgument(text, node.at);
      this.context.problems.error('read-only', node.at, `${text} is read-only`, true);
      return undefined;
    }
    return formatArgument(format, node.at, undefined);
  }
}

/**
 * Doubles a "$" at the end of the text or of an alternative, so that the format parser takes it as a literal: "^X-.*$"
 * becomes "^X-.*$$".
 */
function endsWritten(pattern: string): string {
  return pattern.replace(/\$\$|\$(?=$|[|)"'/\n])/g, '$$$$');
}

function constantArgument(value: string | number, at: Position, text = String(value)): CompiledArgument {
  const number = integerOf(value);
  return {
    at,
    text,
    constant: value,
    value: () => value,
    string: () => String(value),
    int: () => number,
    variable: undefined,
    bare: false,
    regex: () => undefined,
  };
}

/** Options of a regular expression given as an argument. */
interface PatternOptions {
  readonly ignoreCase: boolean;
  /** Whether "^" and "$" match at each line. */
  readonly lines: boolean;
}

function formatArgument(format: Format, at: Position, pattern: PatternOptions | undefined): CompiledArgument {
  const computed = pattern === undefined ? undefined : computedRegex(at, pattern.ignoreCase, pattern.lines);
  return {
    at,
    text: format.text,
    constant: undefined,
    value: (run) => format.evaluateValue(run.pvars),
    string: (run) => format.evaluate(run.pvars),
    int: (run) => integerOf(format.evaluateValue(run.pvars)),
    variable: format,
    bare: false,
    regex: (run): BoundedRegex | undefined => computed?.(run, format.evaluate(run.pvars)),
  };
}

function expressionArgument(
  value: CompiledExpression,
  at: Position,
  pattern: PatternOptions | undefined,
): CompiledArgument {
  const computed = pattern === undefined ? undefined : computedRegex(at, pattern.ignoreCase, pattern.lines);
  const read = (run: ScriptRun) => value.read(run) ?? null;
  return {
    at,
    text: '',
    constant: undefined,
    value: read,
    string: (run) => String(read(run) ?? ''),
    int: (run) => integerOf(read(run)),
    variable: value.variable,
    bare: false,
    regex: (run): BoundedRegex | undefined => computed?.(run, String(read(run) ?? '')),
  };
}
