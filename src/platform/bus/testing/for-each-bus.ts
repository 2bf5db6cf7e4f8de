import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { Bus, Failure } from '../bus.ts';
import { inProcessBus } from '../in-process.ts';
import { rabbitmqBus } from '../rabbitmq.ts';
import { type RabbitmqServer, rabbitmqMissing, startRabbitmq } from './rabbitmq-server.ts';

/** Opens a bus to the test's own cloud, as each process of it would; closed when the test is over. */
export type OpenBus = (options?: { onFailure?: Failure }) => Promise<Bus>;

export type Behaviour = (open: OpenBus) => Promise<void>;

/** Runs each behaviour over every transport. One broker serves the whole file. */
export function forEachBus(subjects: Record<string, Record<string, Behaviour>>): void {
  describe('in process', () => {
    each(subjects, () => {
      let onFailure: Failure | undefined;
      const bus = inProcessBus({ onFailure: (error, where) => onFailure?.(error, where) });
      return async (options = {}) => {
        onFailure = options.onFailure ?? onFailure;
        return bus;
      };
    });
  });

  describe('over RabbitMQ', { skip: rabbitmqMissing }, () => {
    let broker: RabbitmqServer;
    before(async () => {
      broker = await startRabbitmq();
    });
    after(() => broker?.stop());
    each(subjects, () => {
      const prefix = `test-${randomUUID()}`;
      return (options = {}) => rabbitmqBus(broker.url, { ...options, prefix });
    });
  });
}

function each(subjects: Record<string, Record<string, Behaviour>>, cloud: () => OpenBus): void {
  for (const [subject, behaviours] of Object.entries(subjects))
    describe(subject, () => {
      for (const [behaviour, prove] of Object.entries(behaviours))
        test(behaviour, async () => {
          const open = cloud();
          const buses = new Set<Bus>();
          try {
            await prove(async (options) => {
              const bus = await open(options);
              buses.add(bus);
              return bus;
            });
          } finally {
            for (const bus of buses) await bus.close();
          }
        });
    });
}
