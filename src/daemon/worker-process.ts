import { runWorker } from '../workers/process.js';

/** The program of a worker process. What runs scripts and warms up is loaded only where it is used. */
runWorker({
  scripts: async () => (await import('./script-worker.js')).startScript,
  warmUp: async (plan, ended) => (await import('./warm-up-worker.js')).warmUpWorker(plan, ended),
});
