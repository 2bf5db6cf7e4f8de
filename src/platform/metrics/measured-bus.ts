import type { Bus } from '../bus/bus.ts';
import type { Metrics } from './metrics.ts';

/** The same bus, counting every message that one of its servers handles and whether the handler failed. */
export function measuredBus(bus: Bus, metrics: Metrics): Bus {
  return {
    client: (contract, to) => bus.client(contract, to),
    cast: (contract, to) => bus.cast(contract, to),
    fanout: (contract) => bus.fanout(contract),
    serve: <Service>(...[contract, handlers, at]: Parameters<typeof bus.serve<Service>>) =>
      bus.serve<Service>(
        contract,
        counting(handlers as object, contract.name, metrics) as Partial<Service>,
        at,
      ),
    notify: (event, payload) => bus.notify(event, payload),
    subscribe: (pattern, handler, options) => bus.subscribe(pattern, handler, options),
    close: () => bus.close(),
  };
}

function counting(handlers: object, contract: string, metrics: Metrics): object {
  return new Proxy(handlers, {
    get(target, method: string) {
      const handler: unknown = Reflect.get(target, method);
      if (typeof handler !== 'function') return handler;
      return async (args: unknown) => {
        try {
          const result: unknown = await Reflect.apply(handler, target, [args]);
          metrics.busMessage({ contract, method, outcome: 'done' });
          return result;
        } catch (error) {
          metrics.busMessage({ contract, method, outcome: 'failed' });
          throw error;
        }
      };
    },
  });
}
