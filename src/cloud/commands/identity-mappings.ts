import { askCloud } from '../operator-socket.ts';
import { type CloudFlags, settingsOfCloud } from '../settings.ts';

/** Which mappings are meant, as keystone-manage asks for them. */
export interface MappingFlags {
  all?: boolean;
  domainName?: string;
  publicId?: string;
  localId?: string;
  type?: string;
}

/** Forgets which public ids directories' users and groups have: `keystone-manage mapping_purge`. */
export async function purgeMappings(cloud: CloudFlags, flags: MappingFlags): Promise<void> {
  const { values } = await settingsOfCloud(cloud);
  const { all, domainName, publicId, localId, type } = flags;
  const given = { domain_name: domainName, public_id: publicId, local_id: localId, type };
  const said = Object.entries(given).filter((each): each is [string, string] => each[1] !== undefined);
  const args = { ...Object.fromEntries(said), ...(all ? { all: 'yes' } : {}) };
  const { purged } = (await askCloud(values.state_dir, 'identity/mapping-purge', args)) as { purged: number };
  console.log(
    `${purged} mapping${purged === 1 ? '' : 's'} gone; whoever is asked for again gets the same id`,
  );
}

/** Gives every user and group of a directory a public id: `keystone-manage mapping_populate`. */
export async function populateMappings(cloud: CloudFlags, domainName: string): Promise<void> {
  const { values } = await settingsOfCloud(cloud);
  const found = await askCloud(values.state_dir, 'identity/mapping-populate', { domain_name: domainName });
  const { users, groups } = found as { users: number; groups: number };
  console.log(`${users} users and ${groups} groups have ids`);
}
