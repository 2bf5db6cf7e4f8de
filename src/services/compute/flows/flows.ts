import { createServer } from './create-server.ts';
import { deleteServer } from './delete-server.ts';
import type { FlowParts } from './parts.ts';
import { powerFlows } from './power.ts';
import { rebuildServer } from './rebuild-server.ts';
import { confirmResize, resizeServer } from './resize-server.ts';
import { revertResize } from './revert-resize.ts';
import { snapshotServer } from './snapshot-server.ts';

/** All of compute's long work. */
export const serverFlows = (parts: FlowParts) => ({
  createServer: createServer(parts),
  deleteServer: deleteServer(parts),
  snapshotServer: snapshotServer(parts),
  rebuildServer: rebuildServer(parts),
  resizeServer: resizeServer(parts),
  confirmResize: confirmResize(parts),
  revertResize: revertResize(parts),
  power: powerFlows(parts),
});

export type ServerFlows = ReturnType<typeof serverFlows>;
