import { describe, type TestContext, test } from 'node:test';
import type { Bus, Failure } from '../bus.ts';
import { inProcessBus } from '../in-process.ts';

/** Opens another bus to the same cloud, as another process would have one; closed when the test is over. */
export type OpenBus = (options?: { onFailure?: Failure }) => Promise<Bus>;

/** Runs each behaviour over every transport. */
export function forEachBus(
  name: string,
  behaviours: Record<string, (open: OpenBus, t: TestContext) => Promise<void>>,
): void {
  describe(`${name}, in process`, () => {
    for (const [behaviour, prove] of Object.entries(behaviours)) {
      test(behaviour, async (t) => {
        const failures: { onFailure?: Failure } = {};
        const bus = inProcessBus({
          onFailure: (error, where) => failures.onFailure?.(error, where),
        });
        t.after(() => bus.close());
        await prove(async (options = {}) => {
          Object.assign(failures, options);
          return bus;
        }, t);
      });
    }
  });
}
