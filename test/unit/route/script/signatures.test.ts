import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import ts from 'typescript-api';
import {
  countsOf,
  type FunctionSignature,
  type ScriptRouteKind,
  SIGNATURES,
} from '../../../../src/route/script/signatures.js';

const FOLDER = resolve(import.meta.dirname, '../../../../src/route/script');

/** The class of the object that each kind of route receives. */
const CLASSES: Readonly<Record<ScriptRouteKind, string>> = {
  request: 'RequestRoute',
  failure: 'FailureRoute',
  branch: 'BranchRoute',
  reply: 'ReplyRoute',
  local: 'LocalRoute',
  event: 'EventRoute',
  algo: 'AlgoRoute',
};

const classes = new Map<string, ts.ClassDeclaration>();
for (const file of readdirSync(FOLDER)) {
  const source = ts.createSourceFile(file, readFileSync(join(FOLDER, file), 'utf8'), ts.ScriptTarget.Latest, true);
  for (const each of source.statements) {
    if (ts.isClassDeclaration(each) && each.name !== undefined) classes.set(each.name.text, each);
  }
}

const HIDDEN = new Set<ts.SyntaxKind>([
  ts.SyntaxKind.PrivateKeyword,
  ts.SyntaxKind.ProtectedKeyword,
  ts.SyntaxKind.StaticKeyword,
]);

/** Minimum and maximum number of arguments of each public method of a class, including inherited ones. */
function methodsOf(name: string): Map<string, readonly [number, number]> {
  const node = classes.get(name);
  assert.ok(node, `class ${name}`);
  const base = node.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)?.types[0];
  const methods = base === undefined ? new Map() : methodsOf(base.expression.getText());
  for (const each of node.members) {
    if (!ts.isMethodDeclaration(each) || each.modifiers?.some(({ kind }) => HIDDEN.has(kind))) continue;
    const required = each.parameters.findLastIndex(
      ({ questionToken, initializer }) => questionToken === undefined && initializer === undefined,
    );
    methods.set(each.name.getText(), [required + 1, each.parameters.length]);
  }
  return methods;
}

for (const [kind, name] of Object.entries(CLASSES) as [ScriptRouteKind, string][]) {
  test(`calls of ${kind} routes are checked for the arguments that ${name} takes`, () => {
    const checked = new Map<string, readonly [number, number]>();
    for (const [member, signature] of Object.entries(SIGNATURES[kind])) {
      if (signature !== 'value') checked.set(member, countsOf(signature as FunctionSignature));
    }
    const sorted = (map: ReadonlyMap<string, unknown>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
    assert.deepEqual(sorted(checked), sorted(methodsOf(name)));
  });
}
