import { runWorker } from '../workers/process.js';

/** The program of a worker process. Code for scripts and warm-up is loaded only if needed. */
runWorker({
  scripts: async () => (await import('./script-worker.js')).startScript,
  warmUp: async (plan, ended) => (await import('./warm-up-worker.js')).warmUpWorker(plan, ended),
});
