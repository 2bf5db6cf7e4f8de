import { randomUUID } from 'node:crypto';
import { BadRequest, NotFound, NotImplemented, OverQuota } from '../../../platform/errors/errors.ts';
import { answer, type Call } from '../../../platform/http/call.ts';
import { repository } from '../../../platform/store/repository.ts';
import { type Insertable, timestamp } from '../../../platform/store/table.ts';
import type { ImageRecord } from '../../image/contract.ts';
import type { NetworkRequest } from '../../network/contract.ts';
import type { Compute } from '../compute.ts';
import { createEvent } from '../flows/create-server.ts';
import { canonicalIpv6 } from '../model/addresses.ts';
import { hostnameOf } from '../model/server-names.ts';
import type { Flavor } from '../store/flavors.ts';
import { assertZone } from '../store/host-states.ts';
import { keypairs } from '../store/keypairs.ts';
import { assertMetadataItems, claimQuota, quotaLimit } from '../store/quota-claims.ts';
import { serverGroupMembers, serverGroups } from '../store/server-groups.ts';
import { type ServerFlavor, type ServerRequest, servers, serverTags } from '../store/servers.ts';
import { usableFlavor } from '../store/usable-flavor.ts';
import { newPassword, passwordAnswer } from './admin-password.ts';
import { toBoolean } from './parameter-types.ts';
import type { BlockDeviceBody, CreateServerBody } from './server-body.ts';
import { linksOf } from './style.ts';

interface CreateBody {
  server: CreateServerBody;
  'os:scheduler_hints'?: Record<string, unknown>;
  'OS-SCH-HNT:scheduler_hints'?: Record<string, unknown>;
}

/** What is not there, or may not be had, is a mistake of the request and not of its path. */
const asBadRequest = (error: unknown): never => {
  if (error instanceof NotFound) throw new BadRequest(error.message, { cause: error });
  throw error;
};

/** `POST /servers`: all checks first, then in one transaction the quota, the rows and their flows. */
export function createServerHandler(compute: Compute) {
  const { store, image, network, engine, actions, flows } = compute;
  const rows = {
    keypairs: repository(store, keypairs),
    groups: repository(store, serverGroups),
    members: repository(store, serverGroupMembers),
    servers: repository(store, servers),
    tags: repository(store, serverTags),
  };

  return async (call: Call): Promise<unknown> => {
    const { credentials } = call;
    const { projectId = '', userId } = credentials;
    const body = call.body as CreateBody;
    const asked = body.server;
    const target = { project_id: projectId, user_id: userId };
    call.enforce('os_compute_api:servers:create', target);
    const counts = countsOf(asked);
    if (asked.personality && asked.personality.length > 0)
      throw new BadRequest('Files cannot be injected into servers: use user data.');
    const isAdmin = call.can('context_is_admin');
    const hints = body['os:scheduler_hints'] ?? body['OS-SCH-HNT:scheduler_hints'] ?? {};
    const where = placeOf(asked, call);
    if (where.zone !== undefined && !where.forceHost) await assertZone(store, where.zone);
    if (asked.trusted_image_certificates) call.enforce('os_compute_api:servers:create:trusted_certs', target);
    if (asked.networks !== undefined && asked.networks !== 'none')
      call.enforce('os_compute_api:servers:create:attach_network', target);

    const flavor = await flavorFor(String(asked.flavorRef), projectId, isAdmin);
    const imageId = bootImage(asked);
    const record = await image.image({ id: imageId, projectId, admin: isAdmin });
    assertImageFits(imageId, record, flavor);
    if (flavor.disk === 0) call.enforce('os_compute_api:servers:create:zero_disk_flavor', target);
    const keypair =
      asked.key_name === undefined
        ? undefined
        : await rows.keypairs.find({ user_id: userId, name: asked.key_name });
    if (asked.key_name !== undefined && !keypair) throw new BadRequest('Invalid key_name provided.');
    const groupId = typeof hints['group'] === 'string' ? hints['group'] : undefined;

    const requests = networkRequests(asked, counts.most);
    const names = (asked.security_groups ?? []).flatMap(({ name }) => name ?? []);
    const resolved = await network
      .resolveRequests({
        projectId,
        admin: isAdmin,
        requests,
        securityGroups: names.length > 0 ? [...new Set(names)] : ['default'],
      })
      .catch(asBadRequest);
    if (asked.networks === 'auto' && resolved.requests.length === 0)
      throw new BadRequest(`Unable to automatically allocate a network for project ${projectId}`);
    const request: ServerRequest = {
      networks: resolved.requests,
      securityGroupIds: resolved.securityGroupIds,
      hints,
      ...where,
    };

    const reservationId = `r-${newPassword(8).toLowerCase()}`;
    const ids = await store.transaction(async () => {
      await assertMetadataItems(store, asked.metadata ?? {}, projectId);
      const count = await claimRoom(flavor, { projectId, userId }, counts);
      const made: string[] = [];
      for (let index = 0; index < count; index++) {
        const id = randomUUID();
        const many = counts.most > 1 ? `-${index + 1}` : '';
        const now = timestamp();
        const row: Insertable<typeof servers> = {
          id,
          project_id: projectId,
          user_id: userId,
          name: `${asked.name}${many}`.slice(0, 255),
          description: asked.description ?? (call.since('2.19') ? null : asked.name),
          hostname: asked.hostname ? `${asked.hostname}${many}` : hostnameOf(`${asked.name}${many}`, id),
          reservation_id: reservationId,
          launch_index: index,
          vm_state: 'building',
          task_state: 'scheduling',
          image_id: imageId,
          flavor_id: flavor.id,
          flavor: toServerFlavor(flavor),
          vcpus: flavor.vcpus,
          memory_mib: flavor.ram,
          key_name: keypair?.name ?? null,
          keypair: keypair
            ? { name: keypair.name, type: keypair.type, public_key: keypair.public_key }
            : null,
          user_data: asked.user_data ?? null,
          metadata: asked.metadata ?? {},
          config_drive: toBoolean(asked.config_drive ?? false) === true,
          disk_config: asked['OS-DCF:diskConfig'] ?? 'MANUAL',
          access_ip_v4: asked.accessIPv4 || null,
          access_ip_v6: canonicalIpv6(asked.accessIPv6),
          trusted_certificates: asked.trusted_image_certificates ?? null,
          request,
          created_at: now,
          updated_at: now,
        };
        await rows.servers.insert(row);
        const tags = [...new Set(asked.tags ?? [])];
        if (tags.length > 0) await rows.tags.insert(tags.map((tag) => ({ server_id: id, tag })));
        if (groupId !== undefined) await joinGroup(groupId, id, projectId, isAdmin);
        await actions.record(id, 'create', { event: createEvent });
        await engine.startFlow(
          flows.createServer,
          { serverId: id },
          { resource: { type: 'server', id }, projectId },
        );
        made.push(id);
      }
      return made;
    });

    if (toBoolean(asked.return_reservation_id ?? false) === true)
      return answer(202, { reservation_id: reservationId });
    const [id = ''] = ids;
    const server = {
      id,
      links: linksOf('servers', id, call),
      'OS-DCF:diskConfig': asked['OS-DCF:diskConfig'] ?? 'MANUAL',
      security_groups: (names.length > 0 ? names : ['default']).map((name) => ({ name })),
      ...passwordAnswer(compute, asked.adminPass),
    };
    return answer(202, { server }, { location: `${call.origin}/v2.1/servers/${id}` });
  };

  async function flavorFor(id: string, projectId: string, isAdmin: boolean): Promise<Flavor> {
    const found = await usableFlavor(store, id, { projectId, isAdmin });
    if (!found) throw new BadRequest(`Flavor ${id} could not be found.`);
    return found;
  }

  /** As many servers as there is quota for, at least the least. @throws OverQuota */
  async function claimRoom(
    { vcpus, ram }: Flavor,
    owner: { projectId: string; userId: string },
    { least, most }: { least: number; most: number },
  ): Promise<number> {
    for (let count = most; ; count--) {
      try {
        await claimQuota(store, { ...owner, instances: count, cores: count * vcpus, ram: count * ram });
        return count;
      } catch (error) {
        if (!(error instanceof OverQuota) || count <= least) throw error;
      }
    }
  }

  async function joinGroup(groupId: string, serverId: string, projectId: string, isAdmin: boolean) {
    const group = await rows.groups.get(groupId);
    if (!group || (group.project_id !== projectId && !isAdmin))
      throw new BadRequest(`Instance group ${groupId} could not be found.`);
    const most = await quotaLimit(store, 'server_group_members', projectId);
    const position = await rows.members.count({ group_id: groupId });
    if (most >= 0 && position >= most) throw new OverQuota(403, 'Quota exceeded, too many servers in group');
    await rows.members.insert({ group_id: groupId, server_id: serverId, position });
  }
}

export const toServerFlavor = ({
  id,
  name,
  description,
  vcpus,
  ram,
  disk,
  ephemeral,
  swap,
  rxtx_factor,
  extra_specs,
}: Flavor): ServerFlavor => ({
  id,
  name,
  description,
  vcpus,
  ram,
  disk,
  ephemeral,
  swap,
  rxtx_factor,
  extra_specs,
});

function countsOf({ min_count, max_count }: CreateServerBody): { least: number; most: number } {
  const least = Number(min_count ?? 1);
  const most = Number(max_count ?? least);
  if (least > most) throw new BadRequest('min_count must be <= max_count');
  return { least, most };
}

/** `zone`, `zone:host`, `zone:host:node` or `zone::node`, and the hosts that 2.74 asks for. */
function placeOf(
  asked: CreateServerBody,
  call: Call,
): Pick<ServerRequest, 'zone' | 'forceHost' | 'requestedHost' | 'requestedHypervisor'> {
  const [zone, host, node, more] = (asked.availability_zone ?? '').split(':');
  if (more !== undefined) throw new BadRequest('Unable to parse the requested availability zone');
  const force = host || node;
  const { projectId, userId } = call.credentials;
  const target = { project_id: projectId, user_id: userId };
  if (force) call.enforce('os_compute_api:servers:create:forced_host', target);
  const { host: requestedHost, hypervisor_hostname: requestedHypervisor } = asked;
  if (requestedHost !== undefined || requestedHypervisor !== undefined) {
    call.enforce('compute:servers:create:requested_destination', target);
    if (force)
      throw new BadRequest(
        'Unable to specify a host in the availability zone and as requested destination at once',
      );
  }
  return {
    ...(zone ? { zone } : {}),
    ...(force ? { forceHost: force } : {}),
    ...(requestedHost === undefined ? {} : { requestedHost }),
    ...(requestedHypervisor === undefined ? {} : { requestedHypervisor }),
  };
}

/** The image of the root disk. @throws NotImplemented for volumes */
function bootImage({ imageRef, block_device_mapping, block_device_mapping_v2 }: CreateServerBody): string {
  const devices = [...(block_device_mapping ?? []), ...(block_device_mapping_v2 ?? [])];
  const needsVolume = ({ source_type, destination_type, volume_id, snapshot_id }: BlockDeviceBody) =>
    ['volume', 'snapshot'].includes(source_type ?? '') ||
    destination_type === 'volume' ||
    volume_id !== undefined ||
    snapshot_id !== undefined;
  if (devices.some(needsVolume))
    throw new NotImplemented('Servers cannot have volumes: this cloud has no block storage service.');
  const root = devices.find(({ boot_index }) => Number(boot_index ?? -1) === 0);
  const found = imageRef || (root?.source_type === 'image' ? (root.uuid ?? root.image_id) : undefined);
  if (!found) throw new BadRequest('Invalid imageRef provided.');
  return found;
}

/** @throws BadRequest when the image cannot be used, or is too big for the flavor */
export function assertImageFits(
  id: string,
  image: ImageRecord | null,
  flavor: Pick<Flavor, 'ram' | 'disk'>,
): asserts image is ImageRecord {
  if (!image) throw new BadRequest(`Image ${id} could not be found.`);
  if (image.status !== 'active') throw new BadRequest(`Image ${id} is not active.`);
  if (flavor.ram < image.minRam) throw new BadRequest("Flavor's memory is too small for requested image.");
  if (flavor.disk === 0) return;
  const gib = 2 ** 30;
  const size = image.virtualSize ?? image.size ?? 0;
  if (size > flavor.disk * gib)
    throw new BadRequest(
      `Flavor's disk is too small for requested image. Flavor disk is ${flavor.disk * gib} bytes, image is ${size} bytes.`,
    );
  if (flavor.disk < image.minDisk)
    throw new BadRequest(
      "Flavor's disk is smaller than the minimum size specified in image metadata. " +
        `Flavor disk is ${flavor.disk * gib} bytes, minimum size is ${image.minDisk * gib} bytes.`,
    );
}

function networkRequests({ networks }: CreateServerBody, count: number): NetworkRequest[] | 'auto' | 'none' {
  if (networks === 'none') return 'none';
  if (networks === undefined || networks === 'auto' || networks.length === 0) return 'auto';
  return networks.map(({ uuid, port, fixed_ip, tag }) => {
    if (!port && !uuid)
      throw new BadRequest("Bad networks format: network uuid is not in proper format ('None')");
    if (port && fixed_ip)
      throw new BadRequest(
        `Specified Fixed IP '${fixed_ip}' cannot be used with port '${port}': the two cannot be specified together.`,
      );
    if (count > 1 && (port || fixed_ip)) {
      if (fixed_ip)
        throw new BadRequest('Invalid fixed IP Address provided: servers in a row cannot have one.');
      throw new BadRequest(
        'Invalid input received: Unable to launch multiple instances with a single configured port ID. Please launch your instance one by one with different ports.',
      );
    }
    return {
      ...(port ? { portId: port } : { networkId: uuid as string }),
      ...(fixed_ip ? { fixedIp: fixed_ip } : {}),
      ...(tag ? { tag } : {}),
    };
  });
}
