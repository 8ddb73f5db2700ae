import { JobStatus, WorkerStatus } from '@farm/contracts';
import { countClaimable, countJobs, listWorkers } from '@farm/records';
import fastifyPlugin from 'fastify-plugin';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Services } from '../services.js';

function gauges(registry: Registry) {
  return {
    claimable: new Gauge({
      name: 'farm_claimable_tasks',
      help: 'Tasks that a worker could claim now; 0 while the class is paused',
      labelNames: ['vram_class'],
      registers: [registry],
    }),
    jobs: new Gauge({ name: 'farm_jobs', help: 'Jobs by status', labelNames: ['status'], registers: [registry] }),
    workers: new Gauge({
      name: 'farm_workers',
      help: 'Workers by status and class',
      labelNames: ['status', 'vram_class'],
      registers: [registry],
    }),
    quarantines: new Gauge({
      name: 'farm_worker_quarantined_since_seconds',
      help: 'Unix time since when a worker is quarantined, by worker and by the code of its last failure',
      labelNames: ['worker', 'code'],
      registers: [registry],
    }),
  };
}

async function readFarm(
  { records }: Services,
  { claimable, jobs, workers, quarantines }: ReturnType<typeof gauges>,
): Promise<void> {
  const [ready, byStatus, known] = await Promise.all([
    countClaimable(records),
    countJobs(records, JobStatus.options),
    listWorkers(records),
  ]);
  for (const [vramClass, count] of Object.entries(ready)) claimable.set({ vram_class: vramClass }, count);
  for (const [status, count] of Object.entries(byStatus)) jobs.set({ status }, count);
  workers.reset();
  quarantines.reset();
  for (const { id, quarantine } of known)
    if (quarantine) quarantines.set({ worker: id, code: quarantine.reason.code }, quarantine.since / 1000);
  for (const status of WorkerStatus.options) {
    for (const worker of known) workers.inc({ status, vram_class: worker.vramClass }, worker.status === status ? 1 : 0);
  }
}

/** `/metrics` for Prometheus: the state of the farm, and this process. */
export const metrics = fastifyPlugin(async (app) => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const farm = gauges(registry);
  const latency = new Histogram({
    name: 'farm_http_request_seconds',
    help: 'Time to respond, uploads included, event streams left out',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers: [registry],
  });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    if (route.endsWith('/events')) return;
    latency.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
  });
  app.get('/metrics', { schema: { hide: true }, config: { access: 'open' } }, async (_request, reply) => {
    await readFarm(app.services, farm);
    return reply.header('content-type', registry.contentType).send(await registry.metrics());
  });
});
