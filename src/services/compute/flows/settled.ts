import type { FlowEngine } from '../../../platform/flow/engine.ts';

/** Waits until no other flow works on a server. One that is stuck is not waited for: nobody knows how long that is. */
export const settled =
  (engine: FlowEngine) =>
  async (serverId: string, exceptFlow: string): Promise<void> => {
    const flows = await engine.list({
      resource: { type: 'server', id: serverId },
      state: ['running', 'unwinding'],
    });
    for (const { id } of flows) if (id !== exceptFlow) await engine.wait(id);
  };
