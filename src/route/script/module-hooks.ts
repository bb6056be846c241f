/**
 * Hooks that find and read the modules of a route script. They run in Node's loader thread and import no other file of
 * this program. They only handle modules whose URL contains the mark of a load.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire, type LoadHook, type ResolveHook } from 'node:module';
import { fileURLToPath } from 'node:url';

interface HookData {
  /** URL that "switchyard" resolves to. */
  readonly ownUrl: string;
  readonly mark: string;
}

/** Set by `initialize` before the hooks run, in the thread of the module loader. */
let data: HookData = { ownUrl: '', mark: '' };

/** Called by Node with the data given to `register`, before the other hooks. */
export function initialize(given: HookData): void {
  data = given;
}

/** Node's hook that resolves a module specifier. */
export const resolve: ResolveHook = (specifier, context, next) => {
  // The main file of the script.
  if (loadOf(specifier) !== undefined) return { url: specifier, format: 'module', shortCircuit: true };
  const load = loadOf(context.parentURL);
  if (load === undefined) return next(specifier, context);
  if (specifier === 'switchyard') return { url: data.ownUrl, format: 'module', shortCircuit: true };
  const own = moduleFile(specifier, context.parentURL as string);
  if (own === undefined) return next(specifier, context);
  return { url: `${own}?${data.mark}=${load}`, format: 'module', shortCircuit: true };
};

/** Node's hook that gives the text of a module. */
export const load: LoadHook = async (url, context, next) => {
  if (loadOf(url) === undefined) return next(url, context);
  const file = fileURLToPath(url);
  const source = readFileSync(file, 'utf8');
  return { format: 'module', source: scriptText(source, file), shortCircuit: true };
};

const TYPESCRIPT = /\.m?ts$/;

/**
 * The text of a module to run: TypeScript is translated, with an inline source map. Throws an Error "file:line:
 * reason".
 */
export function scriptText(source: string, file: string): string {
  return TYPESCRIPT.test(file) ? translated(source, file) : source;
}

/**
 * The URL of a module that belongs to the script and is loaded again with it; undefined for packages and other
 * specifiers. TypeScript files may be imported by the names of their translations.
 */
export function moduleFile(specifier: string, parent: string): string | undefined {
  if (!/^\.{0,2}\//.test(specifier) || !/\.m?[jt]s$/.test(specifier)) return undefined;
  const { href } = new URL(specifier, parent);
  return [href, href.replace(/js$/, 'ts')].find((url) => existsSync(fileURLToPath(url)));
}

/** The number of the load that a URL belongs to. */
function loadOf(url: string | undefined): string | undefined {
  return url === undefined || data.mark === '' ? undefined : new RegExp(`\\?${data.mark}=([0-9]+)$`).exec(url)?.[1];
}

interface EsbuildModule {
  transformSync(source: string, options: Readonly<Record<string, unknown>>): { readonly code: string };
}

interface TypescriptModule {
  transpileModule(
    source: string,
    options: Readonly<Record<string, unknown>>,
  ): {
    readonly outputText: string;
    readonly diagnostics?: readonly {
      readonly messageText: unknown;
      readonly start?: number;
    }[];
  };
}

/** Translates TypeScript to JavaScript with an inline source map. Throws an Error "file:line: reason". */
function translated(source: string, file: string): string {
  const esbuild = optional<EsbuildModule>('esbuild', file);
  if (esbuild !== undefined) return withEsbuild(esbuild, source, file);
  const typescript = optional<TypescriptModule>('typescript', file);
  if (typescript !== undefined) return withTypescript(typescript, source, file);
  throw new Error(
    `${file}:1: is TypeScript, and neither esbuild nor typescript is installed to translate it: ` +
      'install one of them, or compile the script to JavaScript and name that as route_script',
  );
}

function withEsbuild(esbuild: EsbuildModule, source: string, file: string): string {
  try {
    return esbuild.transformSync(source, {
      loader: 'ts',
      format: 'esm',
      target: 'node20',
      sourcemap: 'inline',
      sourcefile: file,
      logLevel: 'silent',
    }).code;
  } catch (error) {
    const first = (error as { errors?: readonly { text: string; location?: { line: number } | null }[] }).errors?.[0];
    throw new Error(
      first === undefined ? `${file}:1: ${String(error)}` : `${file}:${first.location?.line ?? 1}: ${first.text}`,
    );
  }
}

function withTypescript(typescript: TypescriptModule, source: string, file: string): string {
  const { outputText, diagnostics } = typescript.transpileModule(source, {
    fileName: file,
    reportDiagnostics: true,
    compilerOptions: { target: 'ES2022', module: 'ESNext', inlineSourceMap: true, inlineSources: true },
  });
  const [first] = diagnostics ?? [];
  if (first === undefined) return outputText;
  const line = source.slice(0, first.start ?? 0).split('\n').length;
  throw new Error(`${file}:${line}: ${String(first.messageText)}`);
}

/** A package from the installation of the script, else from ours; undefined when neither has it. */
function optional<T>(name: string, file: string): T | undefined {
  for (const from of [file, import.meta.url]) {
    try {
      return createRequire(from)(name) as T;
    } catch {
      // The package is missing or does not work on this machine: the next one is tried.
    }
  }
  return undefined;
}
