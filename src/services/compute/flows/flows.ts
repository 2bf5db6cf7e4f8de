import { backUpServer } from './back-up-server.ts';
import { createServer } from './create-server.ts';
import { deleteServer } from './delete-server.ts';
import { offloadServer } from './offload-server.ts';
import type { FlowParts } from './parts.ts';
import { powerFlows } from './power.ts';
import { rebuildServer } from './rebuild-server.ts';
import { rescueServer } from './rescue-server.ts';
import { confirmResize, resizeServer } from './resize-server.ts';
import { revertResize } from './revert-resize.ts';
import { shelveServer } from './shelve-server.ts';
import { snapshotServer } from './snapshot-server.ts';
import { unrescueServer } from './unrescue-server.ts';
import { startShelvedServer, unshelveServer } from './unshelve-server.ts';

/** All of compute's long work. */
export const serverFlows = (parts: FlowParts) => {
  const offloading = offloadServer(parts);
  return {
    createServer: createServer(parts),
    deleteServer: deleteServer(parts),
    snapshotServer: snapshotServer(parts),
    backUpServer: backUpServer(parts),
    rebuildServer: rebuildServer(parts),
    resizeServer: resizeServer(parts),
    confirmResize: confirmResize(parts),
    revertResize: revertResize(parts),
    rescueServer: rescueServer(parts),
    unrescueServer: unrescueServer(parts),
    shelveServer: shelveServer(parts, offloading),
    offloadServer: offloading,
    startShelvedServer: startShelvedServer(parts),
    unshelveServer: unshelveServer(parts),
    power: powerFlows(parts),
  };
};

export type ServerFlows = ReturnType<typeof serverFlows>;
