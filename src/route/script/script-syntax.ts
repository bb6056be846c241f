import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type AnyNode, type Program, parse } from 'acorn';
import { moduleFile, scriptText } from './module-hooks.js';

/** The syntax node of a function. */
export type FunctionNode = Extract<
  AnyNode,
  { type: 'FunctionDeclaration' | 'FunctionExpression' | 'ArrowFunctionExpression' }
>;

/** One file of a script. */
export interface ScriptFile {
  readonly file: string;
  readonly program: Program;
  /** Functions at the top level, by name. */
  readonly functions: ReadonlyMap<string, FunctionNode>;
  /** File and original name of each name that is imported from files of the script. */
  readonly imported: ReadonlyMap<string, { readonly file: string; readonly name: string }>;
  readonly map: SourceMap | undefined;
}

/** Reads and parses a file of a script; undefined when that is not possible. */
export function readScript(file: string): ScriptFile | undefined {
  let text: string;
  let program: Program;
  try {
    text = scriptText(readFileSync(file, 'utf8'), file);
    program = parse(text, { ecmaVersion: 'latest', sourceType: 'module', locations: true });
  } catch {
    return undefined;
  }
  const functions = new Map<string, FunctionNode>();
  const imported = new Map<string, { file: string; name: string }>();
  for (const statement of program.body) {
    if (statement.type === 'ImportDeclaration') {
      const from = moduleFile(String(statement.source.value), pathToFileURL(file).href);
      for (const each of from === undefined ? [] : statement.specifiers) {
        const name = each.type === 'ImportSpecifier' && each.imported.type === 'Identifier' ? each.imported.name : '';
        imported.set(each.local.name, { file: fileURLToPath(from as string), name });
      }
      continue;
    }
    const declared = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
    if (declared?.type === 'FunctionDeclaration') functions.set(declared.id.name, declared);
    else if (declared?.type === 'VariableDeclaration' && declared.kind === 'const') {
      for (const { id, init } of declared.declarations) {
        if (id.type === 'Identifier' && init != null && isFunction(init)) functions.set(id.name, init);
      }
    }
  }
  return { file, program, functions, imported, map: sourceMap(text) };
}

/** The source map at the end of a translated text. */
function sourceMap(text: string): SourceMap | undefined {
  const encoded =
    /\n\/\/# sourceMappingURL=data:application\/json;(?:charset=utf-8;)?base64,([\w+/=]+)[ \t\r\n]*$/.exec(text);
  return encoded === null
    ? undefined
    : new SourceMap(JSON.parse(Buffer.from(encoded[1] as string, 'base64').toString('utf8')));
}

/** Whether a node is a function in any form. */
export function isFunction(node: AnyNode): node is FunctionNode {
  return (
    node.type === 'FunctionDeclaration' || node.type === 'FunctionExpression' || node.type === 'ArrowFunctionExpression'
  );
}

/** The name of a property of an object literal; undefined for a computed one. */
export function propertyName({ key, computed }: AnyNode & { type: 'Property' }): string | undefined {
  if (computed) return undefined;
  return key.type === 'Identifier' ? key.name : key.type === 'Literal' ? String(key.value) : undefined;
}

/**
 * Calls `visit` for a node and all its descendants; the descendants of a node for which it returns false are left out.
 */
export function walk(root: AnyNode, visit: (node: AnyNode) => boolean): void {
  const pending: AnyNode[] = [root];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (!visit(node)) continue;
    const below: AnyNode[] = [];
    for (const value of Object.values(node)) {
      for (const each of Array.isArray(value) ? value : [value]) {
        if (typeof each === 'object' && each !== null && typeof each.type === 'string') below.push(each);
      }
    }
    pending.push(...below.reverse());
  }
}
