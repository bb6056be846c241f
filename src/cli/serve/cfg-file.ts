import { problemText } from '../../cfg/problem.js';
import { type CompleteCfg, loadCompleteCfg } from '../../cfg-file/complete.js';
import { CfgError } from '../../cfg-file/load.js';
import { formatProblems } from '../../config/problem.js';
import type { CommandIo } from '../line/io.js';

/** Command line options for a cfg file. */
export interface CfgOptions {
  readonly config?: string | undefined;
  readonly dialect?: string | undefined;
  readonly define?: ReadonlyMap<string, string> | undefined;
  readonly 'runtime-dir'?: string | undefined;
}

/** A cfg file, which is read again for each reload. */
export class CfgFile {
  constructor(
    private readonly path: string,
    private readonly options: CfgOptions,
  ) {}

  /** Throws CfgError, ConfigError. */
  load(): CompleteCfg {
    const { dialect, define, config, 'runtime-dir': runtimeFolder } = this.options;
    return loadCompleteCfg(this.path, { dialect, defines: define ?? new Map(), runtimeFolder }, config);
  }

  /** Prints warnings found while loading. */
  report({ cfg, warnings }: CompleteCfg, io: CommandIo): void {
    for (const each of cfg.warnings) io.err(`${problemText(each)}\n`);
    if (warnings.length > 0) io.err(`${formatProblems(warnings)}\n`);
  }

  /** The problems in the file if the error is about them, else undefined. */
  problems(error: unknown): CfgError['problems'] | undefined {
    return error instanceof CfgError ? error.problems : undefined;
  }
}
