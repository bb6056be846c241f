import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { analyse } from 'scslre';
import ts from 'typescript-api';

const SRC = resolve(import.meta.dirname, '../../src');

/**
 * Expressions whose time may grow faster than their input, since their input comes from an operator: settings, cfg
 * files, arguments of a command. Input of peers or clients never reaches them.
 */
const OPERATORS_ONLY: readonly string[] = ['cli/', 'config/', 'cfg/source/', 'cfg-file/'];

interface Expression {
  readonly file: string;
  readonly line: number;
  readonly source: string;
  readonly flags: string;
}

function expressionsIn(file: string, text: string): { literals: Expression[]; made: string[] } {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const literals: Expression[] = [];
  const made: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) {
      const slash = node.text.lastIndexOf('/');
      const line = tree.getLineAndCharacterOfPosition(node.getStart()).line + 1;
      literals.push({ file, line, source: node.text.slice(1, slash), flags: node.text.slice(slash + 1) });
    }
    if (ts.isNewExpression(node) && node.expression.getText() === 'RegExp') made.push(file);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return { literals, made };
}

/** Why an expression may take more than linear time; '' when it does not. */
function fault({ source, flags }: Expression): string {
  const { reports } = analyse({ source, flags }, { reportTypes: { Move: true, Self: true, Trade: true } });
  return reports.map((each) => each.type).join(', ');
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const found = files.map((file) => expressionsIn(file, readFileSync(join(SRC, file), 'utf8')));

test('the check finds quadratic expressions', () => {
  const sample = expressionsIn('x.ts', 'a(/[ \\t]*\\r\\n/g, /^a*a*$/, /^[a-z]+$/); new RegExp(b)');
  assert.deepEqual(
    sample.literals.map((each) => fault(each) !== ''),
    [true, true, false],
  );
  assert.deepEqual(sample.made, ['x.ts']);
});

test('every regular expression that meets what others send takes linear time', () => {
  const literals = found.flatMap((each) => each.literals);
  assert.ok(literals.length > 100);
  const slow = literals
    .filter(({ file }) => !OPERATORS_ONLY.some((room) => file.startsWith(room)))
    .map((each) => ({ each, why: fault(each) }))
    .filter(({ why }) => why !== '')
    .map(({ each, why }) => `${each.file}:${each.line} /${each.source}/${each.flags}: ${why}`);
  assert.deepEqual(slow, []);
});

/** Files that compile expressions at run time, only from an operator's scripts and files. */
const MAKERS: readonly string[] = [
  'cli/import/',
  'route/script/fault.ts',
  'route/script/load.ts',
  'route/script/module-hooks.ts',
  'route/script/status.ts',
];

test('expressions are made at run time in known files only', () => {
  const makers = [...new Set(found.flatMap((each) => each.made))];
  assert.deepEqual(
    makers.filter((file) => !MAKERS.some((known) => file.startsWith(known))),
    [],
  );
});
