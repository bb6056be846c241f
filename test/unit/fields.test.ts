import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import ts from 'typescript-api';

const ROOT = resolve(import.meta.dirname, '../../src');
/** Rooms that a call passes through. */
const ROOMS = ['engine', 'sip', 'calls', 'pvar', 'tenant', 'route/dispatcher'];

/** Fields of a file's classes that are initialised neither in their declaration nor in the constructor. */
function unset(file: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isClassLike(node)) {
      const body = node.members.find(ts.isConstructorDeclaration)?.body?.getText() ?? '';
      for (const member of node.members) {
        if (!ts.isPropertyDeclaration(member) || member.initializer !== undefined) continue;
        const modifiers = ts.getCombinedModifierFlags(member);
        if ((modifiers & (ts.ModifierFlags.Static | ts.ModifierFlags.Abstract | ts.ModifierFlags.Ambient)) !== 0)
          continue;
        const name = member.name.getText();
        if (!new RegExp(`this\\.${name}\\s*=[^=]`).test(body)) found.push(`${file}: ${node.name?.text}.${name}`);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2022, true));
  return found;
}

// A field that is added later changes the object's hidden class, and V8 discards code compiled for the first one.
test('objects on the path of a call have all their fields from the beginning', () => {
  const files = ROOMS.flatMap((room) =>
    readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(ROOT, room, name)),
  );
  assert.ok(files.length > 100);
  assert.deepEqual(files.flatMap(unset), []);
});
