import type { Registry } from 'prom-client';

/** What is measured. Labels are words from the code, never ids or paths: each combination is kept for ever. */
export interface Metrics {
  /** One answered request; `route` is the pattern, `/servers/{server_id}`. */
  httpRequest(
    labels: { service: string; method: string; route: string; status: number },
    seconds: number,
  ): void;
  /** One step of a flow that ended. */
  flowStep(
    labels: { flow: string; step: string; outcome: 'done' | 'failed' | 'undone' },
    seconds: number,
  ): void;
  /** One message that a handler was given. */
  busMessage(labels: { contract: string; method: string; outcome: 'done' | 'failed' }): void;
}

export interface MetricsRegistry extends Metrics {
  readonly contentType: string;
  /** All of it in Prometheus' text format, with the process's memory, CPU time and event loop lag. */
  text(): Promise<string>;
}

/** For a program that nobody measures. */
export const noMetrics: Metrics = {
  httpRequest() {},
  flowStep() {},
  busMessage() {},
};

/** From a cached read to a boot on a slow machine. Seconds. */
const requestBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const stepBuckets = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

/** Makes a registry. The library is loaded here, since it takes 30 ms and 9 MB that nobody pays who does not measure. */
export async function openMetrics(): Promise<MetricsRegistry> {
  const {
    collectDefaultMetrics,
    Counter,
    Histogram,
    Registry: NewRegistry,
  } = (await import('prom-client')).default;
  const registry: Registry = new NewRegistry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Histogram({
    name: 'cumulet_http_request_seconds',
    help: 'Time to answer a request',
    labelNames: ['service', 'method', 'route', 'status'],
    buckets: requestBuckets,
    registers,
  });
  const steps = new Histogram({
    name: 'cumulet_flow_step_seconds',
    help: 'Time that a step of a flow took',
    labelNames: ['flow', 'step', 'outcome'],
    buckets: stepBuckets,
    registers,
  });
  const messages = new Counter({
    name: 'cumulet_bus_messages_total',
    help: 'Messages that were handled',
    labelNames: ['contract', 'method', 'outcome'],
    registers,
  });
  return {
    httpRequest: (labels, seconds) => requests.observe(labels, seconds),
    flowStep: (labels, seconds) => steps.observe(labels, seconds),
    busMessage: (labels) => messages.inc(labels),
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}
