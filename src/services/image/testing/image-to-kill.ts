import files from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { basename } from 'node:path';
import { FlowEngine } from '../../../platform/flow/engine.ts';
import type { AnyStep, FlowDefinition } from '../../../platform/flow/flow.ts';
import { admin, member, startWorld } from '../../../platform/service/testing/world.ts';
import { image } from '../service.ts';

/** An image service that is killed and started again over what it leaves: a process of its own, told by its parent. */
export interface ToKill {
  stateDir: string;
  databaseUrl: string;
  settings: object;
  /** Where identity would answer. */
  identityPort: number;
}

/**
 * Where flows of an image stop for good, or fail: `before fetch the bytes`, `after undoing fetch the bytes`,
 * `before the end`, `after the failure`. So do all who remove its file: `before removing the file`.
 */
export interface Order {
  imageId: string;
  stop?: string;
  fail?: string;
}

/** What the parent is told. */
export type Told =
  | { url: string; tokens: { admin: string; member: string } }
  | { ordered: string }
  | { stopped: string };

const orders = new Map<string, Order>();
const tell = (told: Told) => process.send?.(told);
process.on('message', (order: Order) => {
  orders.set(order.imageId, order);
  tell({ ordered: order.imageId });
});

async function pass(place: string, state: object): Promise<void> {
  const { imageId } = state as { imageId: string };
  const order = orders.get(imageId);
  if (order?.fail === place) throw new Error('the test failed it');
  if (order?.stop !== place) return;
  tell({ stopped: imageId });
  await new Promise<never>(() => {});
}

const around = <State extends object, Rest extends unknown[]>(
  place: string,
  work: (state: State, ...rest: Rest) => Promise<unknown>,
) =>
  async function passing(state: State, ...rest: Rest): Promise<unknown> {
    await pass(`before ${place}`, state);
    const result = await work(state, ...rest);
    await pass(`after ${place}`, state);
    return result;
  };

const stepThatStops = (step: AnyStep): AnyStep => ({
  ...step,
  do: around(step.name, step.do),
  ...(step.undo ? { undo: around(`undoing ${step.name}`, step.undo) } : {}),
});

const flowThatStops = ({ definition }: { definition: FlowDefinition }) => ({
  definition: {
    ...definition,
    steps: definition.steps.map(stepThatStops),
    ...(definition.onDone ? { onDone: around('the end', definition.onDone) } : {}),
    ...(definition.onFailure ? { onFailure: around('the failure', definition.onFailure) } : {}),
  },
});

// The service makes its own engine: all that it registers stops where it is told to.
const { register } = FlowEngine.prototype;
FlowEngine.prototype.register = function registering(...flows) {
  return register.apply(this, flows.map(flowThatStops));
};

// What removes an image's bytes is no flow: it stops where the kernel is asked to, or has done it.
const { rm } = files;
files.rm = async (path, options) => {
  const state = { imageId: basename(String(path)) };
  await pass('before removing the file', state);
  await rm(path, options);
  await pass('after removing the file', state);
};
syncBuiltinESMExports();

const { stateDir, databaseUrl, settings, identityPort } = JSON.parse(process.argv[2] ?? '') as ToKill;
const identity = { name: 'identity', port: identityPort, start: async () => ({ close: async () => {} }) };
const world = await startWorld([identity, image], { stateDir, databaseUrl: () => databaseUrl, settings });
tell({
  url: world.urls['image'] as string,
  tokens: { admin: world.tokenFor(admin), member: world.tokenFor(member) },
});
