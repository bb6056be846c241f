import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/**
 * Words that once had several meanings here. The field has one word for each: endpoint (door), published or reported
 * (told), received (heard), event loop iteration or round robin position (turn), target, hop or candidate (place).
 */
const REFUSED = /\b(?:doors?|told|tells?|heard|hears|turns?|places?)\b/gi;
/** The same words inside names. */
const INSIDE = /[a-z](?:Told|Door|Turn)s?(?![a-z])|\b(?:told|door)(?=[A-Z])/g;

/**
 * What follows in time or in a text comes after it; behind something is what lags, is left there, or is hidden by a
 * NAT.
 */
const AFTER =
  /\b(?:stands?|written|right|just|goes on|comes?|those|puts?|parameters?) behind\b|\bbehind (?:it|them|its|each other|(?:the|all) (?:last|first|others?|comma|colon|slash|selections?))\b/gi;

/** A component does something: it does not stand somewhere, and a reply reaches the caller rather than finding back. */
const IMAGE =
  /\bfinds? back\b|\bstands? (?:between|before) (?:the|a) (?:sockets?|scripts?|routers?|receivers?|callers?)\b/gi;

/** Usual English with another meaning. */
const USUAL = [/\bin (?:place|turn)\b/i, /\b(?:the|its|their) place\b/i, /\bplaces? (?:real )?calls\b/i, /\breplace/i];

/** Lines with names that are defined elsewhere, by file. */
const FIXED: Readonly<Record<string, RegExp>> = {
  'src/cluster': /\btold\b/,
  'src/events/sinks/nats-cluster.ts': /'told'/,
  'test/unit/cluster': /\btold\b/,
  'test/support/cluster': /told: (?:noted|2)/,
  // The telephone at the door of an office.
  'test/side-by-side/office-registrar.ts': /\bdoor\b/,
  'src/script/warning.ts': /Noisy feedback tells/,
  'test/unit/docs/words.test.ts': /./,
  'CHANGELOG.md': /in place of `door`/,
};

const root = fileURLToPath(new URL('../../../', import.meta.url));
const ENDS = /\.(?:ts|tsx|md|json|yml|yaml|css)$/;
/** Recorded cases are other people's words. */
const RECORDED = /^test\/(?:conformance\/(?:data|recorded)|torture\/(?:data|messages))/;

function filesOf(folder: string): string[] {
  return readdirSync(`${root}${folder}`, { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (RECORDED.test(path) || entry.name === 'node_modules') return [];
    if (entry.isDirectory()) return folder === '' ? [] : filesOf(path);
    return ENDS.test(entry.name) && entry.name !== 'package-lock.json' ? [path] : [];
  });
}

/** In messages of the program: "x" is not a number, instead of: is no number. */
const IS_NO = /["'`}] is no (?!longer\b|more\b|such\b)[a-z]/i;
/** A user, caller or operator is the user, the caller, the operator. */
const HE = /^\s*(?:\/?\*|\/\/).*\b(?:he|him|his)\b/i;

test('errors say "is not a number", not "is no number", and comments name the user instead of "he" or "him"', () => {
  const found = filesOf('src').flatMap((path) =>
    readFileSync(`${root}${path}`, 'utf8')
      .split('\n')
      .flatMap((line, i) => (IS_NO.test(line) || HE.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : [])),
  );
  assert.deepEqual(found, []);
});

test('names, comments, titles and documents use the words of the field', () => {
  const found: string[] = [];
  for (const path of ['src', 'test', 'schemas', 'partitions', 'examples', ''].flatMap(filesOf)) {
    const fixed = Object.entries(FIXED).find(([start]) => path.startsWith(start))?.[1];
    for (const [index, line] of readFileSync(`${root}${path}`, 'utf8').split('\n').entries()) {
      let rest = line;
      for (const phrase of USUAL) rest = rest.replace(new RegExp(phrase, 'gi'), '');
      const words = [REFUSED, INSIDE, AFTER, IMAGE].flatMap((kind) => rest.match(kind) ?? []);
      if (words.length > 0 && fixed?.test(line) !== true)
        found.push(`${path}:${index + 1}: ${words.join(', ')}: ${line}`);
    }
  }
  assert.deepEqual(found, [], 'see the glossary in src/README.md');
});
