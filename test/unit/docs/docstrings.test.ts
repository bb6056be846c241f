import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import ts from 'typescript-api';

const SRC = resolve(import.meta.dirname, '../../../src');

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((each) => /\.tsx?$/.test(each) && !each.endsWith('.d.ts'))
  .map((each) => join(SRC, each))
  .map((path) => ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2022, true));

const isDocumented = (node: ts.Node): boolean => ts.getJSDocCommentsAndTags(node).length > 0;

function has(node: ts.Node, ...kinds: readonly ts.SyntaxKind[]): boolean {
  const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : [];
  return modifiers.some(({ kind }) => kinds.includes(kind));
}

type Declared = ts.ClassDeclaration | ts.InterfaceDeclaration;

const isDeclared = (node: ts.Node): node is Declared => ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node);

/** Members with a docstring, and what a type extends or implements, by the type's name. */
const documented = new Map<string, Set<string>>();
const parents = new Map<string, string[]>();
for (const each of files.flatMap(({ statements }) => statements.filter(isDeclared))) {
  const name = each.name?.text ?? '';
  const members = documented.get(name) ?? new Set();
  documented.set(name, members);
  for (const member of each.members) if (member.name && isDocumented(member)) members.add(member.name.getText());
  const heritage = (each.heritageClauses ?? []).flatMap(({ types }) => types.map((type) => type.expression.getText()));
  parents.set(name, [...(parents.get(name) ?? []), ...heritage]);
}

/** Whether a base type documents the member; types of other packages count as documented. */
function inherits(type: string, member: string, seen = new Set<string>()): boolean {
  if (seen.has(type)) return false;
  seen.add(type);
  return (parents.get(type) ?? []).some(
    (parent) => documented.get(parent)?.has(member) !== false || inherits(parent, member, seen),
  );
}

/** Public methods and getters without a docstring of their own, on their setter or on the member they implement. */
function undocumentedMembers(each: ts.ClassDeclaration): string[] {
  const type = each.name?.text ?? '';
  return each.members
    .filter((member) => ts.isMethodDeclaration(member) || ts.isGetAccessor(member))
    .filter((member) => !has(member, ts.SyntaxKind.PrivateKeyword, ts.SyntaxKind.ProtectedKeyword))
    .map((member) => member.name.getText())
    .filter((name) => documented.get(type)?.has(name) !== true && !inherits(type, name))
    .map((name) => `${type}.${name}`);
}

test('what a file exports has a docstring, and so have the public methods and getters of its classes', () => {
  const missing = files.flatMap((file) =>
    file.statements
      .filter((each) => has(each, ts.SyntaxKind.ExportKeyword))
      .flatMap((each) => {
        const overload = ts.isFunctionDeclaration(each) && each.body === undefined;
        const name = overload || isDocumented(each) ? [] : [each.getText().split('\n')[0] ?? ''];
        return ts.isClassDeclaration(each) ? [...name, ...undocumentedMembers(each)] : name;
      })
      .map((what) => `${relative(SRC, file.fileName)}: ${what}`),
  );
  assert.deepEqual(missing, []);
});

test('a docstring stands directly above what it describes, not above another docstring', () => {
  const wrong = files.flatMap((file) =>
    [...file.text.matchAll(/\*\/[ \t]*\n[ \t]*\/\*\*/g)].map(
      ({ index }) => `${relative(SRC, file.fileName)}:${file.getLineAndCharacterOfPosition(index).line + 1}`,
    ),
  );
  assert.deepEqual(wrong, []);
});
