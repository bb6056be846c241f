import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

interface LockedPackage {
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as {
  packages: Record<string, LockedPackage>;
};

test('the lock file holds the packages of every platform, else npm ci refuses it on a registry that lacks some', () => {
  const missing = Object.values(lock.packages).flatMap((each) =>
    Object.keys(each.optionalDependencies ?? {}).filter((name) => lock.packages[`node_modules/${name}`] === undefined),
  );
  assert.deepEqual(missing, []);
});

test('the lock file names no registry, so that any mirror can be used', () => {
  assert.deepEqual(
    Object.entries(lock.packages).filter(([, each]) => each.resolved !== undefined),
    [],
  );
});
