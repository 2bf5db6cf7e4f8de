import { randomUUID } from 'node:crypto';
import { openStore } from '../../../../platform/store/store.ts';
import { ConcurrentUpdate, InvalidInventory } from '../../model/refusals.ts';
import { releaseAllocations, setAllocations } from '../allocations.ts';
import { schema } from '../tables.ts';

/*
 * claimant.ts URL PROVIDER…: a process that claims on these providers, moves and gives back without end, several at
 * once, until it is killed. Says a line for each claim that it knows to be committed.
 */
const [url = '', ...providers] = process.argv.slice(2);
const store = await openStore(schema, { url, connections: 4 });
const some = () => providers[Math.floor(Math.random() * providers.length)] as string;

async function claimOn(): Promise<void> {
  for (;;) {
    const consumer = randomUUID();
    for (const places of [[some()], [some(), some()], [some()]]) {
      const allocations = Object.fromEntries(places.map((each) => [each, { VCPU: 1, MEMORY_MB: 2 }]));
      try {
        await setAllocations(store, [{ consumer, projectId: 'p', userId: 'u', allocations }]);
        process.stdout.write('claimed\n');
      } catch (error) {
        if (!(error instanceof InvalidInventory || error instanceof ConcurrentUpdate)) throw error;
      }
    }
    if (Math.random() < 0.7) await releaseAllocations(store, consumer);
  }
}

await Promise.all([claimOn(), claimOn(), claimOn()]);
