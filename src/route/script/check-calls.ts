import type { AnyNode } from 'acorn';
import { nearest } from '../../core/nearest.js';
import { type CheckContext, type KnownNames, parameterFault } from './constant-checks.js';
import type { RouteTable } from './route-table.js';
import { type FunctionNode, isFunction, propertyName, readScript, type ScriptFile, walk } from './script-syntax.js';
import { countsOf, type FunctionSignature, type ScriptRouteKind, SIGNATURES, type Signature } from './signatures.js';

/** A call in a script to a function that does not exist, or with arguments that cannot be right. */
export interface CallFault {
  readonly file: string;
  /** Line and column, counted from 1. */
  readonly line: number;
  readonly column: number;
  readonly reason: string;
}

/** Maximum number of files of a script that are checked. */
const MAX_FILES = 64;

/**
 * Checks the text of a route script, and of the files it imports. It finds functions of routes that do not exist,
 * impossible numbers of arguments, and constants that the function would refuse. The route object is followed from the
 * parameter of its handler into functions of the script that are called with it; computed names and other variables are
 * not followed. The script is not run. Returns all faults in the order they were found; none for a text that cannot be
 * parsed, since loading reports that. `names`: see `CheckContext`.
 */
export function checkCalls(file: string, routes: RouteTable, names?: KnownNames): readonly CallFault[] {
  return new CallCheck({ routes, names }).check(file);
}

class CallCheck {
  private readonly faults: CallFault[] = [];
  private readonly files = new Map<string, ScriptFile | undefined>();
  /** Members that are called as functions. */
  private readonly callees = new Set<AnyNode>();
  /** Handlers that were checked, with the kinds of routes. */
  private readonly seen = new Map<FunctionNode, Set<string>>();

  constructor(private readonly against: CheckContext) {}

  check(file: string): readonly CallFault[] {
    const script = this.read(file);
    if (script === undefined) return [];
    walk(script.program, (node) => {
      if (node.type === 'ObjectExpression') this.table(script, node);
      return true;
    });
    return this.faults;
  }

  /** Checks an object with a `request` property: the routes of a script. */
  private table(script: ScriptFile, node: AnyNode & { type: 'ObjectExpression' }): void {
    const properties = new Map<string, AnyNode>();
    for (const each of node.properties) {
      const name = each.type === 'Property' ? propertyName(each) : undefined;
      if (each.type === 'Property' && name !== undefined) properties.set(name, each.value);
    }
    if (!properties.has('request')) return;
    for (const kind of Object.keys(SIGNATURES) as ScriptRouteKind[]) {
      const value = properties.get(kind);
      if (value?.type === 'ObjectExpression' && kind !== 'request' && kind !== 'local') {
        for (const each of value.properties) if (each.type === 'Property') this.handler(script, each.value, kind, 0);
      } else if (value !== undefined) this.handler(script, value, kind, 0);
    }
  }

  /** Checks a function, or the name of one, whose parameter at index `at` is the route object. */
  private handler(script: ScriptFile, value: AnyNode, kind: ScriptRouteKind, at: number): void {
    if (value.type === 'Identifier') {
      const own = script.functions.get(value.name);
      if (own !== undefined) this.follow(script, own, kind, at);
      else {
        const from = script.imported.get(value.name);
        const other = from === undefined ? undefined : this.read(from.file);
        const target = from === undefined ? undefined : other?.functions.get(from.name);
        if (other !== undefined && target !== undefined) this.follow(other, target, kind, at);
      }
    } else if (isFunction(value)) this.follow(script, value, kind, at);
  }

  private follow(script: ScriptFile, node: FunctionNode, kind: ScriptRouteKind, at: number): void {
    const parameter = node.params[at];
    if (parameter?.type !== 'Identifier') return;
    const seen = this.seen.get(node) ?? new Set();
    if (seen.has(`${kind} ${at}`)) return;
    this.seen.set(node, seen.add(`${kind} ${at}`));
    const { name } = parameter;
    if (isReused(node, name)) return;
    walk(node.body, (each) => {
      if (each.type === 'CallExpression') this.call(script, each, name, kind);
      else if (each.type === 'MemberExpression') this.member(script, each, name, kind);
      return true;
    });
  }

  private call(
    script: ScriptFile,
    { callee, arguments: args, optional }: AnyNode & { type: 'CallExpression' },
    object: string,
    kind: ScriptRouteKind,
  ): void {
    if (callee.type === 'Identifier') {
      for (const [at, each] of args.entries()) {
        if (each.type === 'Identifier' && each.name === object) this.handler(script, callee, kind, at);
      }
      return;
    }
    if (callee.type !== 'MemberExpression') return;
    this.callees.add(callee);
    const name = memberOf(callee, object);
    const signature = name === undefined ? undefined : signatureOf(kind, name);
    if (name === undefined) return;
    if (signature === undefined) {
      // "r.mine?.()" tests whether the member exists.
      if (!optional) this.missing(script, callee, name, kind);
      return;
    }
    if (signature === 'value') {
      this.fault(script, callee.property, `${name} is not a function`);
      return;
    }
    if (args.some((each) => each.type === 'SpreadElement')) return;
    const [least, max] = countsOf(signature);
    if (args.length >= least && args.length <= max) {
      this.constants(script, callee.property, `${name}()`, signature, args);
      return;
    }
    const takes = least === max ? `${least}` : `${least} to ${max}`;
    const noun = max === 1 ? 'argument' : 'arguments';
    this.fault(script, callee.property, `${name}() takes ${takes} ${noun}, not ${args.length}`);
  }

  /** Checks the constant arguments, each alone and then all together. */
  private constants(
    script: ScriptFile,
    at: AnyNode,
    name: string,
    { parameters, check }: FunctionSignature,
    args: readonly AnyNode[],
  ): void {
    const given = args.map(constantOf);
    for (const [i, text] of given.entries()) {
      const parameter = parameters[i];
      const node = args[i];
      if (text === undefined || parameter === undefined || node === undefined) continue;
      const reason = parameterFault(parameter, text, this.against);
      if (reason === undefined) continue;
      this.fault(script, node, `${name}: ${reason}`);
      return;
    }
    const reason = check?.(given.map((text) => (text?.includes('$') ? undefined : text)));
    if (reason !== undefined) this.fault(script, at, `${name}: ${reason}`);
  }

  private member(
    script: ScriptFile,
    node: AnyNode & { type: 'MemberExpression' },
    object: string,
    kind: ScriptRouteKind,
  ): void {
    const name = memberOf(node, object);
    if (name === undefined || node.optional || this.callees.has(node)) return;
    if (signatureOf(kind, name) === undefined) this.missing(script, node, name, kind);
  }

  /** Reports a member that a route of this kind does not have. */
  private missing(
    script: ScriptFile,
    node: AnyNode & { type: 'MemberExpression' },
    name: string,
    kind: ScriptRouteKind,
  ): void {
    if (Object.hasOwn(Object.prototype, name)) return;
    const called = this.callees.has(node);
    const shown = (each: string): string => (called ? `${each}()` : `"${each}"`);
    const elsewhere = (Object.keys(SIGNATURES) as ScriptRouteKind[]).filter((each) => signatureOf(each, name));
    const meant = nearest(name, Object.keys(SIGNATURES[kind]));
    const hint = meant === undefined ? '' : `; did you mean ${shown(meant)}?`;
    const reason =
      elsewhere.length > 0
        ? `${shown(name)} is not allowed in a ${kind} route, only in routes of kind ${elsewhere.join(', ')}`
        : `unknown ${called ? 'function' : 'value'} ${shown(name)}${hint}`;
    this.fault(script, node.property, reason);
  }

  private fault({ file, map }: ScriptFile, { loc }: AnyNode, reason: string): void {
    const start = { line: loc?.start.line ?? 1, column: loc?.start.column ?? 0 };
    const origin = map?.findEntry(start.line - 1, start.column);
    const line = origin !== undefined && 'originalLine' in origin ? origin.originalLine + 1 : start.line;
    const column = origin !== undefined && 'originalColumn' in origin ? origin.originalColumn + 1 : start.column + 1;
    if (this.faults.some((each) => each.file === file && each.line === line && each.column === column)) return;
    this.faults.push({ file, line, column, reason });
  }

  private read(file: string): ScriptFile | undefined {
    if (this.files.has(file)) return this.files.get(file);
    const read = this.files.size >= MAX_FILES ? undefined : readScript(file);
    this.files.set(file, read);
    return read;
  }
}

function signatureOf(kind: ScriptRouteKind, name: string): Signature | undefined {
  const table: Readonly<Record<string, Signature>> = SIGNATURES[kind];
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** The text of an argument that is a string or number literal; undefined for all others. */
function constantOf(node: AnyNode): string | undefined {
  if (node.type === 'Literal') {
    return typeof node.value === 'string' || typeof node.value === 'number' ? String(node.value) : undefined;
  }
  if (node.type === 'TemplateLiteral' && node.expressions.length === 0) {
    return node.quasis[0]?.value.cooked ?? undefined;
  }
  const isNegative = node.type === 'UnaryExpression' && node.operator === '-';
  const number = isNegative ? constantOf(node.argument) : undefined;
  return number !== undefined && /^[0-9]/.test(number) ? `-${number}` : undefined;
}

/** `name` of "object.name"; undefined for other expressions. */
function memberOf(node: AnyNode & { type: 'MemberExpression' }, object: string): string | undefined {
  const { object: of, property, computed } = node;
  return of.type === 'Identifier' && of.name === object && !computed && property.type === 'Identifier'
    ? property.name
    : undefined;
}

/**
 * Whether the name of a parameter has another meaning somewhere in its function, or the script adds members to the
 * object.
 */
function isReused(node: FunctionNode, name: string): boolean {
  let reused = false;
  walk(node.body, (each) => {
    if (each.type === 'AssignmentExpression') {
      const { left } = each;
      reused ||= left.type === 'Identifier' && left.name === name;
      reused ||= left.type === 'MemberExpression' && left.object.type === 'Identifier' && left.object.name === name;
    } else if (each.type === 'VariableDeclarator' || isFunction(each) || each.type === 'CatchClause') {
      const names = isFunction(each) ? each.params : [each.type === 'CatchClause' ? each.param : each.id];
      for (const pattern of names) {
        if (pattern == null) continue;
        walk(pattern, (part) => {
          reused ||= part.type === 'Identifier' && part.name === name;
          return part.type !== 'MemberExpression';
        });
      }
    }
    return !reused;
  });
  return reused;
}
