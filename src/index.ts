/**
 * The public entry point of the package: the daemon as an object, its settings, the types of route scripts, and the
 * engine that chooses destinations.
 */
export { type CheckReport, checkConfiguration } from './config/check.js';
export { loadSettings } from './config/load.js';
export { ConfigError, type Problem } from './config/problem.js';
export type { PartitionConfig, RoutingRule, Settings } from './config/settings.js';
export { ERROR_CODES, type ErrorCode, type ErrorSource, SwitchyardError } from './core/errors.js';
export type { Logger } from './core/logger.js';
export { Daemon } from './daemon/daemon.js';
export type { DaemonOptions } from './daemon/daemon-options.js';
export * from './daemon/library.js';
export { createLogger } from './daemon/logger.js';
export { VERSION } from './daemon/version.js';
