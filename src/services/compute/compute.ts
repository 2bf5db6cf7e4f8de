import type { FlowEngine } from '../../platform/flow/engine.ts';
import type { resourcesIn } from '../../platform/resource/resource.ts';
import type { Platform } from '../../platform/service/service.ts';
import type { ServerFlows } from './flows/flows.ts';
import type { FlowParts } from './flows/parts.ts';
import type { ComputeSettings } from './settings.ts';

/** The service while it runs: what the files of `api/` are given. */
export interface Compute extends FlowParts {
  platform: Platform;
  settings: ComputeSettings;
  engine: FlowEngine;
  flows: ServerFlows;
  /** Describes a resource in compute's style. */
  resource: ReturnType<typeof resourcesIn>;
}
