import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';

const ROOT = resolve(import.meta.dirname, '../../src');
/** Rooms with code on the path of a call. */
const ROOMS = ['engine', 'sip', 'calls', 'pvar', 'tenant', 'route/dispatcher'];

/** Fields of classes in a file that neither their declaration nor the constructor gives a value. */
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

// A field that is added later changes the hidden class of the object, and V8 discards code compiled for the first one.
test('objects on the path of a call have all their fields from the beginning', () => {
  const files = ROOMS.flatMap((room) =>
    readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(ROOT, room, name)),
  );
  assert.ok(files.length > 100);
  assert.deepEqual(files.flatMap(unset), []);
});
