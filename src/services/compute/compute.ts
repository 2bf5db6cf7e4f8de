import type { FlowEngine } from '../../platform/flow/engine.ts';
import type { resourcesIn } from '../../platform/resource/resource.ts';
import type { Platform } from '../../platform/service/service.ts';
import type { ImageService } from '../image/contract.ts';
import type { NetworkService } from '../network/contract.ts';
import type { PlacementService } from '../placement/contract.ts';
import type { ComputeAgent } from './contract.ts';
import type { ComputeStore } from './store/schema.ts';

/** The service while it runs: what the files of `api/` and `flows/` are given. */
export interface Compute {
  platform: Platform;
  store: ComputeStore;
  engine: FlowEngine;
  /** Describes a resource in compute's style. */
  resource: ReturnType<typeof resourcesIn>;
  placement: PlacementService;
  network: NetworkService;
  image: ImageService;
  /** The agent of a host. */
  agent(host: string): ComputeAgent;
}
