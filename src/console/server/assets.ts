import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';

/** Content Security Policy (level 3): nothing from other origins, no inline scripts, no framing. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const TYPES: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'app.js': 'text/javascript; charset=utf-8',
  'app.css': 'text/css; charset=utf-8',
};

interface Asset {
  readonly type: string;
  readonly tag: string;
  readonly plain: Buffer;
  readonly packed: Buffer;
}

/** The files of the page, as built by `npm run build`. They are read when first requested, or by `loadAhead`. */
export class Assets {
  private readonly loaded = new Map<string, Asset>();

  /** Folder with index.html, app.js and app.css. */
  constructor(private readonly folder: URL) {}

  /** Reads all files of the page. */
  loadAhead(): void {
    for (const name of Object.keys(TYPES)) this.load(name);
  }

  /** Answers a request for one of the files. */
  serve(name: keyof typeof TYPES & string, request: IncomingMessage, response: ServerResponse): void {
    const asset = this.load(name);
    response.setHeader('Content-Security-Policy', POLICY);
    response.setHeader('Referrer-Policy', 'no-referrer');
    if (asset === undefined) {
      const text = 'the console is not built: npm run build\n';
      response.writeHead(503, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' }).end(text);
      return;
    }
    response.setHeader('ETag', asset.tag);
    // The browser must check each time whether its copy is current, so that an upgraded daemon is not used with an old
    // page.
    response.setHeader('Cache-Control', 'no-cache');
    response.setHeader('Vary', 'Accept-Encoding');
    if (request.headers['if-none-match'] === asset.tag) {
      response.writeHead(304).end();
      return;
    }
    const packs = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
    const body = packs ? asset.packed : asset.plain;
    response.writeHead(200, {
      'Content-Type': asset.type,
      'Content-Length': body.length,
      ...(packs ? { 'Content-Encoding': 'gzip' } : {}),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  private load(name: string): Asset | undefined {
    const known = this.loaded.get(name);
    if (known !== undefined) return known;
    try {
      const plain = readFileSync(new URL(name, this.folder));
      const tag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 20)}"`;
      const asset = { type: TYPES[name] as string, tag, plain, packed: gzipSync(plain, { level: 9 }) };
      this.loaded.set(name, asset);
      return asset;
    } catch {
      return undefined;
    }
  }
}
