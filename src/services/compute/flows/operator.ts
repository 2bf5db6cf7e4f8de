import { NotFound } from '../../../platform/errors/errors.ts';
import type { FlowEngine } from '../../../platform/flow/engine.ts';
import type { FlowRow } from '../../../platform/flow/tables.ts';
import type { Platform } from '../../../platform/service/service.ts';

const toLine = ({ id, name, resource_id, state, step_name, created_at, updated_at }: FlowRow) => ({
  id,
  name,
  server: resource_id,
  state,
  step: step_name,
  created_at,
  updated_at,
});

/** `cumulet flow list` and `cumulet flow show`. */
export function offerFlows(platform: Platform, engine: FlowEngine): void {
  platform.offer('flows', async ({ all }) => {
    const rows = await engine.list(all ? { limit: 1000 } : { state: ['running', 'unwinding', 'stuck'] });
    return rows.map(toLine);
  });
  platform.offer('flow', async ({ id }) => {
    if (id === undefined) return null;
    try {
      const row = await engine.show(id);
      const failure = row.failure ? `${row.failure.step}: ${row.failure.error.message}` : null;
      const problem = row.problem ? `${row.problem.step}: ${row.problem.error.message}` : null;
      return { flow: { ...toLine(row), failure, problem }, steps: row.history };
    } catch (error) {
      if (error instanceof NotFound) return null;
      throw error;
    }
  });
}
