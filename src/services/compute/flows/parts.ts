import type { FlowEngine } from '../../../platform/flow/engine.ts';
import type { ImageService } from '../../image/contract.ts';
import type { NetworkService } from '../../network/contract.ts';
import type { PlacementService } from '../../placement/contract.ts';
import type { ComputeAgent } from '../contract.ts';
import type { MigrationChanges } from '../store/migrations.ts';
import type { ComputeStore } from '../store/schema.ts';
import type { ServerActionLog } from '../store/server-actions.ts';
import type { ServerChanges } from '../store/server-changes.ts';

/** What flows are made of. */
export interface FlowParts {
  store: ComputeStore;
  servers: ServerChanges;
  migrations: MigrationChanges;
  actions: ServerActionLog;
  placement: PlacementService;
  network: NetworkService;
  image: ImageService;
  /** For flows that others follow. */
  engine: Pick<FlowEngine, 'startFlow'>;
  /** The agent of a host. */
  agent(host: string): ComputeAgent;
  /** Comes back when no other flow of the server is under way. */
  settled(serverId: string, exceptFlow: string): Promise<void>;
}
