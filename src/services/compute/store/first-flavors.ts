import type { Migrator } from '../../../platform/store/migrate.ts';
import { timestamp } from '../../../platform/store/table.ts';

/** The flavors of a new cloud: the sizes that upstream once came with, and one for the smallest guests. */
const sizes: readonly (readonly [id: string, name: string, ram: number, vcpus: number, disk: number])[] = [
  ['nano', 'm1.nano', 128, 1, 1],
  ['1', 'm1.tiny', 512, 1, 1],
  ['2', 'm1.small', 2048, 1, 20],
  ['3', 'm1.medium', 4096, 2, 40],
  ['4', 'm1.large', 8192, 4, 80],
  ['5', 'm1.xlarge', 16_384, 8, 160],
];

/** Made once: those that an operator deletes stay deleted. */
export async function makeFirstFlavors(m: Migrator): Promise<void> {
  for (const [id, name, ram, vcpus, disk] of sizes) {
    if ((await m.query('SELECT id FROM flavors WHERE id = ?', [id])).length > 0) continue;
    await m.execute(
      'INSERT INTO flavors (id, name, ram, disk, ephemeral, swap, vcpus, rxtx_factor, is_public, disabled, extra_specs, created_at) ' +
        "VALUES (?, ?, ?, ?, 0, 0, ?, 1, 1, 0, '{}', ?)",
      [id, name, ram, disk, vcpus, timestamp()],
    );
  }
}
