import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contract } from '../bus/bus.ts';
import { inProcessBus } from '../bus/in-process.ts';
import { NotFound } from '../errors/errors.ts';
import { measuredBus } from './measured-bus.ts';
import { openMetrics } from './metrics.ts';
import { serveMetrics } from './server.ts';

test('/metrics says in Prometheus format what was measured', async (t) => {
  const metrics = await openMetrics();
  const server = await serveMetrics(metrics, 0);
  t.after(() => server.close());
  metrics.httpRequest(
    { service: 'compute', method: 'GET', route: '/servers/{server_id}', status: 200 },
    0.004,
  );
  metrics.flowStep({ flow: 'compute.create-server', step: 'claim a host', outcome: 'done' }, 0.2);
  metrics.busMessage({ contract: 'network', method: 'bindPort', outcome: 'done' });
  metrics.busMessage({ contract: 'network', method: 'bindPort', outcome: 'done' });

  const response = await fetch(`http://127.0.0.1:${server.port}/metrics`);
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  const lines = (await response.text()).split('\n');
  for (const line of [
    'cumulet_http_request_seconds_bucket{le="0.0025",service="compute",method="GET",route="/servers/{server_id}",status="200"} 0',
    'cumulet_http_request_seconds_bucket{le="0.005",service="compute",method="GET",route="/servers/{server_id}",status="200"} 1',
    'cumulet_flow_step_seconds_sum{flow="compute.create-server",step="claim a host",outcome="done"} 0.2',
    'cumulet_bus_messages_total{contract="network",method="bindPort",outcome="done"} 2',
  ])
    assert(lines.includes(line), line);
  assert(lines.some((line) => line.startsWith('process_resident_memory_bytes ')));
});

test('nothing else is served, and nothing but reading', async (t) => {
  const server = await serveMetrics(await openMetrics(), 0);
  t.after(() => server.close());
  assert.equal((await fetch(`http://127.0.0.1:${server.port}/`)).status, 404);
  assert.equal((await fetch(`http://127.0.0.1:${server.port}/metrics`, { method: 'POST' })).status, 405);
});

test('two registries know nothing of each other', async () => {
  const [one, other] = [await openMetrics(), await openMetrics()];
  one.busMessage({ contract: 'network', method: 'bindPort', outcome: 'failed' });
  assert.doesNotMatch(await other.text(), /bindPort/);
});

test('a measured bus counts what its servers did, by contract, method and outcome', async (t) => {
  const metrics = await openMetrics();
  const bus = measuredBus(inProcessBus(), metrics);
  t.after(() => bus.close());
  const network = contract<{ bindPort(args: { id: string }): Promise<string> }>('network');
  await bus.serve(network, {
    bindPort: async ({ id }) => {
      if (id === 'bad') throw new NotFound('port', id);
      return id;
    },
  });
  assert.equal(await bus.client(network).bindPort({ id: 'p1' }), 'p1');
  await assert.rejects(bus.client(network).bindPort({ id: 'bad' }), NotFound);
  const lines = (await metrics.text()).split('\n');
  for (const outcome of ['done', 'failed'])
    assert(
      lines.includes(
        `cumulet_bus_messages_total{contract="network",method="bindPort",outcome="${outcome}"} 1`,
      ),
    );
});
