/**
 * Run by the build: src/ as a few files in dist/ rather than one for each source, which Node finds, reads and links three times as fast.
 * Packages stay where npm puts them. Files that are started or imported by their names keep them; what they share is in chunks.
 */
import { readFileSync, rmSync, utimesSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const SOURCE = fileURLToPath(new URL('.', import.meta.url));
const OUTPUT = fileURLToPath(new URL('../dist/', import.meta.url));

const ENTRIES = [
  'main',
  'index',
  'config/write-validators',
  'daemon/worker-process',
  'route/script/module-hooks',
  // What the benchmarks switch off in a running daemon.
  'calls/call-ledger',
  'sip/transport/tap',
];

/** Each source keeps the URL it would have as a file of its own, by which it finds what is not bundled. */
const ownUrls = {
  name: 'own-urls',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^bundle:root$/ }, () => ({ path: 'root', namespace: 'bundle' }));
    // Several entries need it, so that it is in a chunk.
    onLoad({ filter: /^root$/, namespace: 'bundle' }, () => ({
      contents: "export const root = new URL('..', import.meta.url);",
    }));
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      if (!path.startsWith(SOURCE)) return undefined;
      const contents = readFileSync(path, 'utf8');
      if (!contents.includes('import.meta.url')) return undefined;
      const file = relative(SOURCE, path).replace(/\.ts$/, '.js');
      const url = `new URL(${JSON.stringify(file)}, bundleRoot).href`;
      return {
        contents: `${contents.replaceAll('import.meta.url', url)}\nimport { root as bundleRoot } from 'bundle:root';`,
        loader: 'ts',
      };
    });
  },
};

const began = new Date();
// With --keep-types what the type checker has written remains.
rmSync(process.argv.includes('--keep-types') ? `${OUTPUT}chunks` : OUTPUT, { recursive: true, force: true });
await build({
  entryPoints: ENTRIES.map((entry) => `${SOURCE}${entry}.ts`),
  outdir: OUTPUT,
  outbase: SOURCE,
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: true,
  logLevel: 'warning',
  plugins: [ownUrls],
});
// A source that was changed meanwhile is newer than the build.
utimesSync(`${OUTPUT}main.js`, began, began);
