import { BadRequest, NotFound } from '../../../platform/errors/errors.ts';
import type { Platform } from '../../../platform/service/service.ts';
import type { Directory } from '../store/directory.ts';
import type { Elsewhere } from '../store/elsewhere.ts';
import type { IdMapping, MappingFilter } from '../store/id-mapping.ts';

interface Mapped {
  mapping: IdMapping;
  elsewhere: Elsewhere | undefined;
  directory: Directory;
}

/** What an operator does with the ids of directories' users: keystone-manage's mapping_purge and mapping_populate. */
export function offerMappings(
  platform: Pick<Platform, 'offer'>,
  { mapping, elsewhere, directory }: Mapped,
): void {
  const domainNamed = async (name: string): Promise<string> => {
    const found = await directory.domainByName(name);
    if (!found?.is_domain) throw new NotFound(`Could not find domain: ${name}.`);
    return found.id;
  };
  platform.offer('mapping-purge', async ({ all, domain_name, public_id, local_id, type }) => {
    const meant = [domain_name, public_id, local_id, type].some((each) => each !== undefined);
    // Nothing said is not everything: that would be too easy.
    if (!all && !meant) throw new BadRequest('At least one option must be provided');
    if (all && meant) throw new BadRequest('--all option cannot be mixed with other options');
    if (type !== undefined && type !== 'user' && type !== 'group') {
      throw new BadRequest('--type must be user or group');
    }
    const filter: MappingFilter = {
      ...(domain_name === undefined ? {} : { domain_id: await domainNamed(domain_name) }),
      ...(public_id === undefined ? {} : { public_id }),
      ...(local_id === undefined ? {} : { local_id }),
      ...(type === undefined ? {} : { entity_type: type }),
    };
    return { purged: await mapping.purge(filter) };
  });
  platform.offer('mapping-populate', async ({ domain_name = '' }) => {
    const domainId = await domainNamed(domain_name);
    if (!elsewhere || !(await elsewhere.has(domainId))) {
      throw new BadRequest(`The users of ${domain_name} are in identity's own tables: they need no mapping`);
    }
    return elsewhere.populate(domainId);
  });
}
