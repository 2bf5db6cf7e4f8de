import type { ServiceDefinition } from '../platform/service/service.ts';
import { computeAgentService } from '../services/compute/agents/service.ts';
import { consoleProxy } from '../services/compute/console/service.ts';
import { metadata } from '../services/compute/metadata/service.ts';
import { compute } from '../services/compute/service.ts';
import { identity } from '../services/identity/service.ts';
import { image } from '../services/image/service.ts';
import { networkAgentService } from '../services/network/agents/service.ts';
import { network } from '../services/network/service.ts';
import { placement } from '../services/placement/service.ts';

/** Everything that a whole cloud runs, in the order of starting: each finds what it needs of those before it. */
export const services: readonly ServiceDefinition[] = [
  identity,
  placement,
  image,
  network,
  networkAgentService,
  compute,
  metadata,
  consoleProxy,
  computeAgentService,
];

/** The standard ports, by service. */
export const ports: Readonly<Record<string, number>> = Object.fromEntries(
  services.flatMap(({ name, port }) => (port === undefined ? [] : [[name, port]])),
);
