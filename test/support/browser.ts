import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { requireProgram } from './servers/programs.js';

/** A real headless browser and the errors of its pages. */
export interface Browser {
  /** Opens a page in a separate session. `faults` collects exceptions and console errors. */
  page(options?: { readonly width?: number; readonly height?: number; readonly dark?: boolean }): Promise<Page>;
  /** Exceptions of pages and errors on their consoles. */
  readonly faults: string[];
  /** Closes all pages: as long as they are open, they follow the daemon and use a processor. */
  closePages(): Promise<void>;
  close(): Promise<void>;
}

/** Arguments for Debian's Chromium that disable all traffic of its own. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** `more`: further arguments of the program. */
export async function startBrowser(more: readonly string[] = []): Promise<Browser> {
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-browser-'));
  const browser = await chromium.launch({ executablePath: requireProgram('chromium'), args: [...ARGUMENTS, ...more] });
  const faults: string[] = [];
  const contexts: BrowserContext[] = [];
  const closePages = async (): Promise<void> => {
    for (const context of contexts.splice(0)) await context.close();
  };
  return {
    faults,
    async page({ width = 1280, height = 800, dark = false } = {}) {
      const context = await browser.newContext({
        viewport: { width, height },
        colorScheme: dark ? 'dark' : 'light',
        locale: 'en-GB',
      });
      contexts.push(context);
      const page = await context.newPage();
      page.setDefaultTimeout(10_000);
      page.on('pageerror', (error) => faults.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error') faults.push(message.text());
      });
      return page;
    },
    closePages,
    async close() {
      await closePages();
      await browser.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * What axe finds wrong in a page, as "rule: first element". Our pages have no frames; without the legacy mode each run
 * would open another page to join the results of frames, and take twice as long.
 */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  const builder = new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ['violations'] });
  const { violations } = await builder.analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}
